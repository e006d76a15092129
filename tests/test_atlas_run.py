"""Runs that are killed, interrupted and continued, here and on a Dask cluster: nothing lost, nothing repeated, the same
answers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from symverify.atlas import decide as decide_module
from symverify.atlas.rows import Decision, Job, Outcome, Question
from symverify.atlas.run import AHEAD, RunError, execute, work
from symverify.atlas.store import Finished, StoreError, create, reading
from symverify.atlas.structures import jobs
from symverify.atlas.table import Table, load
from symverify.data import DataClass
from symverify.network import LinearNetwork

RUN = [sys.executable, "-m", "symverify", "atlas", "run", "--max", "2,2,2"]
ROWS = 42
TOO_LONG = 120.0


def rows_in(folder: Path) -> int:
    """How many rows a store has, while it may be written to or not be there yet."""
    if not (folder / "atlas.sqlite").exists():
        return 0
    with closing(sqlite3.connect(folder / "atlas.sqlite", timeout=10)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM rows").fetchone()[0])
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [*RUN, "--out", str(folder), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + TOO_LONG
    while not condition():
        assert time.monotonic() < end, "too slow"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.005)


def finish(folder: Path, *options: str) -> str:
    process = start(folder, *options)
    out, err = process.communicate(timeout=TOO_LONG)
    assert process.returncode == 0, err
    return out


def nothing_repeated(folder: Path, in_flight: int) -> None:
    """No work was handed out after it was finished, and each loss is explained by a stop with work in flight."""
    with reading(folder) as store:
        attempts, finished_by = store.attempts(), store.finished_by()
        assert store.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    last = {(structure, DataClass(c)): run for structure, c, run in attempts}
    assert last == finished_by
    assert max(Counter(attempts).values()) == 1  # no run handed the same work out twice
    runs = max(finished_by.values())
    assert len(attempts) - len(finished_by) <= (runs - 1) * in_flight


# -- killed and interrupted -------------------------------------------------------------------------------


def killed_in_mid_run(folder: Path, kills: int) -> list[int] | None:
    """Start, wait for a new row, kill; as often as said.  The rows kept after each kill; None if one came too late."""
    kept = [0]
    for _ in range(kills):
        process = start(folder, "--workers", "1")
        wait_for(lambda: rows_in(folder) > kept[-1], process)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.communicate(timeout=TOO_LONG)
        kept.append(rows_in(folder))
        if kept[-1] == ROWS:
            return None
    return kept[1:]


def test_killed_several_times_it_ends_in_the_same_answers(tmp_path: Path, small_atlas: Path) -> None:
    folders = (tmp_path / str(n) for n in range(8))  # on a busy machine a kill may come too late to test anything
    attempts = ((folder, killed_in_mid_run(folder, 3)) for folder in folders)
    tmp_path, kept = next((folder, kept) for folder, kept in attempts if kept is not None)
    finish(tmp_path, "--workers", "1")
    assert rows_in(tmp_path) == ROWS
    assert load(tmp_path).dump() == load(small_atlas).dump()
    assert load(tmp_path).certificates == load(small_atlas).certificates
    nothing_repeated(tmp_path, in_flight=AHEAD)
    with reading(tmp_path) as store:
        finished = Counter(store.finished_by().values())
    assert sorted(finished) == [1, 2, 3, 4]
    assert [finished[1], finished[1] + finished[2], ROWS - finished[4]] == kept


def test_the_processes_of_a_killed_run_end(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    process = start(tmp_path, "--workers", "1")
    wait_for(lambda: rows_in(tmp_path) >= 1, process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    for child in alive:
        child.kill()  # before the failure is reported
    process.communicate(timeout=TOO_LONG)  # its pipes are closed once all are gone
    assert not alive


def test_interrupted_it_keeps_what_is_finished_and_says_where(tmp_path: Path, small_atlas: Path) -> None:
    for folder in (tmp_path / str(n) for n in range(8)):
        process = start(folder, "--workers", "1")
        wait_for(lambda folder=folder: rows_in(folder) >= 1, process)  # type: ignore[misc]
        os.killpg(process.pid, signal.SIGINT)  # all processes of the terminal get it
        out, err = process.communicate(timeout=TOO_LONG)
        if process.returncode != 0:  # else it was done already, on a busy machine
            break
    kept, tmp_path = rows_in(folder), folder
    assert (process.returncode, out) == (130, "")
    expected = f"symverify: interrupted; {kept} of {ROWS} rows are kept in {tmp_path}; the same command goes on\n"
    assert err == expected
    assert 1 <= kept < ROWS
    finish(tmp_path, "--workers", "2")
    assert load(tmp_path).dump() == load(small_atlas).dump()
    nothing_repeated(tmp_path, in_flight=AHEAD)


@pytest.mark.slow
def test_a_worker_that_dies_stops_the_run_and_the_next_goes_on(tmp_path: Path, small_atlas: Path) -> None:
    psutil = pytest.importorskip("psutil")
    process = start(tmp_path, "--workers", "1")
    wait_for(lambda: rows_in(tmp_path) >= 5, process)
    for child in psutil.Process(process.pid).children():
        if "resource_tracker" not in " ".join(child.cmdline()):
            child.kill()
    _, err = process.communicate(timeout=TOO_LONG)
    assert process.returncode == 1
    assert "symverify: failed: " in err
    assert "BrokenProcessPool" in err
    assert "Traceback" not in err
    finish(tmp_path, "--workers", "1")
    assert load(tmp_path).dump() == load(small_atlas).dump()
    nothing_repeated(tmp_path, in_flight=AHEAD)


def test_finished_it_does_nothing_more(tmp_path: Path) -> None:
    small = ("--max", "1,2,1", "--workers", "1")
    first, second = finish(tmp_path, *small), finish(tmp_path, *small)
    assert first == second
    with reading(tmp_path) as store:
        assert {run for _, _, run in store.attempts()} == {1}
    assert not list(tmp_path.glob("*-wal")), "one file that can be copied"


@pytest.mark.slow
def test_a_larger_size_goes_on_from_a_smaller_one(tmp_path: Path, small_atlas: Path) -> None:
    finish(tmp_path, "--max", "2,1,2", "--class", "orthogonal", "--workers", "1")
    few = rows_in(tmp_path)
    assert 0 < few < ROWS
    finish(tmp_path, "--workers", "2")
    assert load(tmp_path).dump() == load(small_atlas).dump()
    nothing_repeated(tmp_path, in_flight=0)


def test_there_is_a_progress_bar_on_a_terminal(tmp_path: Path) -> None:
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    command = [*RUN, "--max", "1,2,2", "--out", str(tmp_path), "--workers", "1"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=end, check=True, timeout=TOO_LONG)
    os.close(end)
    shown = ""
    with open(terminal, "rb", buffering=0) as screen, suppress(OSError):  # EIO: nothing is left
        while part := screen.read(4096):
            shown += part.decode()
    assert "100%" in shown
    assert f"{rows_in(tmp_path)}/{rows_in(tmp_path)}" in shown


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with create(tmp_path, 0):
        process = start(tmp_path)
        _, err = process.communicate(timeout=TOO_LONG)
        assert (process.returncode, err) == (2, f"symverify: {tmp_path}: another run is writing there\n")


# -- Dask -------------------------------------------------------------------------------------------------


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler; it and its workers, each a process of its own."""
    file = folder / "scheduler.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    dask = [sys.executable, "-m", "dask"]
    where = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    processes = [subprocess.Popen([*dask, "scheduler", "--port", "0", *where], **quiet)]
    try:
        wait_for(lambda: file.exists() and file.stat().st_size > 0)
        worker = [*dask, "worker", *where, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        processes += [subprocess.Popen(worker, **quiet) for _ in range(workers)]
        yield json.loads(file.read_text())["address"], processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_dask_worker_killed_in_mid_run_changes_nothing(tmp_path: Path, small_atlas: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with cluster(tmp_path, workers=2) as (address, (_, *workers)):
        with distributed.Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        process = start(tmp_path / "out", "--scheduler", address)
        wait_for(lambda: rows_in(tmp_path / "out") >= 8, process)
        workers[0].kill()
        assert workers[0].wait() == -signal.SIGKILL
        seen = rows_in(tmp_path / "out")
        _, err = process.communicate(timeout=TOO_LONG)
        assert process.returncode == 0, err
        assert workers[1].poll() is None
    assert seen < ROWS, "the worker was killed too late to test anything"
    assert load(tmp_path / "out").dump() == load(small_atlas).dump()
    nothing_repeated(tmp_path / "out", in_flight=0)  # the cluster repeats the work of the dead, the run does not


@pytest.mark.slow
def test_a_dask_scheduler_killed_in_mid_run_stops_it_and_the_next_goes_on(tmp_path: Path, small_atlas: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with cluster(tmp_path, workers=1) as (address, (scheduler, _)):
        with distributed.Client(address) as client:
            client.wait_for_workers(1, timeout=60)
        process = start(tmp_path / "out", "--scheduler", address)
        wait_for(lambda: rows_in(tmp_path / "out") >= 8, process)
        scheduler.kill()
        _, err = process.communicate(timeout=TOO_LONG)
    assert process.returncode == 1
    assert err.startswith("symverify: failed: ")
    assert err.count("\n") == 1
    assert 8 <= rows_in(tmp_path / "out") < ROWS
    finish(tmp_path / "out", "--workers", "1")
    assert load(tmp_path / "out").dump() == load(small_atlas).dump()
    nothing_repeated(tmp_path / "out", in_flight=AHEAD)


def test_without_a_scheduler_there_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    process = start(tmp_path, "--scheduler", "nowhere")
    _, err = process.communicate(timeout=TOO_LONG)
    assert process.returncode == 2
    assert err.startswith("symverify: --scheduler nowhere: ")
    assert err.count("\n") == 1


# -- the executor and the store, in this process ------------------------------------------------------------


class Broken(Executor):
    """Takes two pieces of work, then breaks."""

    def __init__(self) -> None:
        self.taken = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.taken += 1
        if self.taken > 2:
            raise RuntimeError("no more work")
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_an_executor_that_breaks_loses_nothing_finished(tmp_path: Path) -> None:
    with create(tmp_path, 0) as store:
        with pytest.raises(RunError, match="RuntimeError: no more work"):
            execute(store, small_jobs(), Broken(), 1, 0)
        assert len(store.finished()) == 2
    assert len(run_inline(tmp_path).rows) == len(small_jobs())
    nothing_repeated(tmp_path, in_flight=AHEAD)


class Inline(Executor):
    """Does the work at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def small_jobs() -> list[Job]:
    return list(jobs((2, 1, 2), list(DataClass)))


def run_inline(folder: Path, seed: int = 0, finished: Callable[[Finished], None] = lambda result: None) -> Table:
    with create(folder, seed) as store:
        execute(store, small_jobs(), Inline(), 1, seed, finished)
    return load(folder)


def test_the_seed_reaches_the_deciding_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def decide(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> tuple[Decision, Decision]:
        seen.append((network, data_class, seed))
        return Decision(Outcome.OPEN), Decision(Outcome.OPEN)

    monkeypatch.setattr(decide_module, "decide", decide)
    run_inline(tmp_path, seed=7)
    assert seen == [(job.network, job.data_class, 7) for job in small_jobs()]


def test_a_refused_certificate_fails_the_run_and_the_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = decide_module.decide
    bad = LinearNetwork.dense(2, 1, 1)

    def decide(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> tuple[Decision, Decision]:
        if network == bad and data_class is DataClass.ORTHOGONAL:  # the right kind of proof of another class
            wrong = honest(LinearNetwork.dense(1, 1, 1), data_class, seed)
            return wrong
        return honest(network, data_class, seed)

    with monkeypatch.context() as patched:
        patched.setattr(decide_module, "decide", decide)
        with pytest.raises(RunError, match=r"11 \| 1, orthogonal: RefusedDecision: .* other masks"):
            run_inline(tmp_path)
    kept = load(tmp_path).rows
    assert 0 < len(kept) < len(small_jobs())
    assert (bad, DataClass.ORTHOGONAL) not in {(row.job.network, row.job.data_class) for row in kept}
    assert len(run_inline(tmp_path).rows) == len(small_jobs())


def test_work_returns_checked_entries_only() -> None:
    result = work(Job(LinearNetwork.dense(2, 2, 1), DataClass.ANY), 0)
    assert result.row.all_data.verdict is Outcome.BENIGN
    assert set(result.certificates) == {result.row.all_data.certificate, result.row.almost_all_data.certificate}
    assert result.seconds > 0


def test_an_interrupt_between_two_records_loses_nothing(tmp_path: Path) -> None:
    done: list[str] = []

    def interrupt(result: Finished) -> None:
        done.append(result.row.job.structure)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_inline(tmp_path, finished=interrupt)
    assert rows_in(tmp_path) >= AHEAD
    assert len(run_inline(tmp_path).rows) == len(small_jobs())
    nothing_repeated(tmp_path, in_flight=AHEAD)


class HalfRecorded(Exception):
    pass


def test_a_row_is_recorded_with_its_certificates_or_not_at_all(tmp_path: Path) -> None:
    result = work(Job(LinearNetwork.dense(2, 2, 1), DataClass.ANY), 0)

    def two_then_fail() -> Iterator[Finished]:
        yield result
        raise HalfRecorded

    with create(tmp_path, 0) as store:
        with pytest.raises(HalfRecorded):
            store.record(1, two_then_fail(), [])
        assert (store.finished(), store.certificates(), store.attempts()) == (set(), {}, [])
        store.record(1, [result], [])
        with pytest.raises(sqlite3.IntegrityError):  # never twice
            store.record(1, [result], [])
        without = Finished(work(Job(LinearNetwork.dense(1, 1, 1), DataClass.ANY), 0).row, {}, 0.0)
        with pytest.raises(sqlite3.IntegrityError):  # never without its certificate
            store.record(1, [without], [])
        assert len(store.finished()) == 1


def test_a_full_disk_is_one_line_and_loses_nothing_finished(tmp_path: Path) -> None:
    first, second = (work(Job(LinearNetwork.dense(n, 1, 1), DataClass.ANY), 0) for n in (1, 2))
    with create(tmp_path, 0) as store:
        store.record(1, [first], [])
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages}")
        large = {name: data + b" " * 100_000 for name, data in second.certificates.items()}
        with pytest.raises(StoreError, match=r"cannot be written .*full"):
            store.record(1, [Finished(second.row, large, 0.0)], [])
        assert store.finished() == {("1 | 1", DataClass.ANY)}
        store.connection.execute("PRAGMA max_page_count = 100000")
        store.record(1, [second], [])
    assert len(load(tmp_path).rows) == 2


def test_others_can_read_during_a_run(tmp_path: Path) -> None:
    result = work(Job(LinearNetwork.dense(1, 1, 1), DataClass.ANY), 0)
    with create(tmp_path, 0) as store:
        assert load(tmp_path).rows == ()
        store.record(1, [result], [])
        assert load(tmp_path).rows == (result.row,)
        reader = reading(tmp_path)
        assert len(reader.__enter__().rows()) == 1
    assert load(tmp_path).certificates == result.certificates  # the run ended while somebody was reading
    reader.__exit__(None, None, None)


def test_a_store_of_another_seed_version_or_format_is_refused(tmp_path: Path) -> None:
    run_inline(tmp_path, seed=1)
    with pytest.raises(StoreError, match="was made with seed 1, not 2"), create(tmp_path, 2):
        pass
    with closing(sqlite3.connect(tmp_path / "atlas.sqlite")) as connection, connection:
        connection.execute("UPDATE facts SET value = 'symverify-atlas/0' WHERE name = 'format'")
    with pytest.raises(StoreError, match="symverify-atlas/0"), create(tmp_path, 1):
        pass
    with pytest.raises(StoreError, match="has format symverify-atlas/0"), reading(tmp_path):
        pass


NO_STORE = r"is no atlas|cannot be opened"


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no atlas\.sqlite"), reading(tmp_path):
        pass
    (tmp_path / "atlas.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(StoreError, match=NO_STORE), reading(tmp_path):
        pass
    with pytest.raises(StoreError, match=NO_STORE), create(tmp_path, 0):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"), create(tmp_path / "file", 0):
        pass


def test_open_rows_can_be_decided_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = decide_module.decide

    def undecided(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> tuple[Decision, Decision]:
        every, almost = honest(network, data_class, seed)
        return (every, Decision(Outcome.OPEN)) if data_class is DataClass.ORTHOGONAL else (every, almost)

    with monkeypatch.context() as patched:
        patched.setattr(decide_module, "decide", undecided)
        before = run_inline(tmp_path)
    with create(tmp_path, 0) as store:
        assert store.forget_open() == len(small_jobs()) // 2
        named = {row.entry(question).certificate for row in store.rows() for question in Question}
        assert set(store.certificates()) == named
    after = run_inline(tmp_path)
    assert len(after.rows) == len(before.rows)
    assert all(row.almost_all_data.verdict is not Outcome.OPEN for row in after.rows)


def test_blas_threads_of_the_workers() -> None:
    """The answers must not depend on how many cores a sum is spread over."""
    from symverify.atlas.run import BLAS_THREADS, local_executor

    before = {name: os.environ.get(name) for name in BLAS_THREADS}
    with local_executor(1) as executor:
        seen = executor.submit(os.getenv, "OPENBLAS_NUM_THREADS").result()
    assert seen == (before["OPENBLAS_NUM_THREADS"] or "1")
    assert {name: os.environ.get(name) for name in BLAS_THREADS} == before
