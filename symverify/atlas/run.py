"""The executor: hand out structures, keep what comes back, stop and go on at any moment.

Locally the work goes to a ``concurrent.futures.ProcessPoolExecutor``, on a cluster to the executor of a Dask client;
both have ``submit``, and nothing else is used of them.  Only this process writes to the store.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice

from .evidence import confirmed
from .rows import Job, Row
from .store import Finished, Store

BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AHEAD = 3
"""Pieces of work per worker that are handed out at once: enough that none waits, few that are lost by a kill."""


class RunError(Exception):
    """A run that could not go on; what was finished is kept."""


class ClusterError(Exception):
    """There is no Dask, no scheduler at the address, or no worker."""


def work(job: Job, seed: int) -> Finished:
    """Decide one row.  Its certificates have passed the checker, as proofs of exactly this row.

    Raises:
        RefusedDecision: they did not; the build has failed.
    """
    from .decide import decide

    start = time.perf_counter()
    entries, certificates = confirmed(job, decide(job.network, job.data_class, seed))
    return Finished(Row(job, *entries), certificates, time.perf_counter() - start)


def execute(
    store: Store,
    jobs: Iterable[Job],
    executor: Executor,
    workers: int,
    seed: int,
    finished: Callable[[Finished], None] = lambda result: None,
) -> None:
    """Do the jobs that the store does not have, and record each as soon as it is done.

    Raises:
        RunError: a job failed, or a worker died and nobody repeats its work; all others done so far are recorded.
    """
    done, run = store.finished(), store.next_run()
    left = (job for job in jobs if (job.structure, job.data_class) not in done)
    pending: dict[Future[Finished], Job] = {}
    ready: set[Future[Finished]] = set()
    try:
        while True:
            results = [future.result() for future in ready if _failure(future) is None]
            failed = [(pending[future], _failure(future)) for future in ready if _failure(future) is not None]
            room = AHEAD * workers - len(pending) + len(ready)
            chosen = [] if failed else list(islice(left, max(0, room)))
            if results or chosen:
                store.record(run, results, chosen)
            for future in ready:
                del pending[future]  # only now: what an interrupt finds here is not recorded yet
            for result in results:
                finished(result)
            if failed:
                raise _run_error(*failed[0])
            for job in chosen:
                try:
                    pending[executor.submit(work, job, seed)] = job
                except Exception as error:  # whatever an executor says when it is broken
                    raise _run_error(job, error) from error
            if not pending:
                return
            ready = wait(pending, return_when=FIRST_COMPLETED).done
    except (KeyboardInterrupt, RunError):
        _keep(store, run, pending)
        raise


def _failure(future: Future[Finished]) -> BaseException | None:
    """Why a piece of work that has ended has no result; None if it has one."""
    return CancelledError("the executor has gone") if future.cancelled() else future.exception()


def _run_error(job: Job, error: BaseException | None) -> RunError:
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return RunError(f"{job.structure}, {job.data_class}: {reason}")


def _keep(store: Store, run: int, pending: Iterable[Future[Finished]]) -> None:
    """Record what is finished and was not recorded when the run had to stop."""
    results = [future.result() for future in pending if future.done() and _failure(future) is None]
    known = store.finished()
    new = [r for r in results if (r.row.job.structure, r.row.job.data_class) not in known]
    store.record(run, new, [])


@contextmanager
def local_executor(workers: int) -> Iterator[Executor]:
    """Processes of this machine.  They end with this one, however it ends."""
    unset = [name for name in BLAS_THREADS if name not in os.environ]
    os.environ |= dict.fromkeys(unset, "1")  # the processes share the cores, and sums come in one order
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - others:  # their work is not finished; nobody waits
            child.terminate()
        raise
    else:
        executor.shutdown()
    finally:
        for name in unset:
            del os.environ[name]


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when it does: a killed parent closes no queue that a worker waits at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=follow, daemon=True).start()


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """The workers of a Dask scheduler, and how many threads they have.  Dask repeats the work of workers that die.

    Raises:
        ClusterError: Dask is not installed; no scheduler answers; it has no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("--scheduler needs Dask: pip install 'symverify[cluster]'") from None
    for name in (
        "distributed",
        "distributed.client",
        "tornado.application",
    ):  # what goes wrong is said in one line, below
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(f"--scheduler {address}: no scheduler answers ({str(error).splitlines()[0]})") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ClusterError(f"--scheduler {address}: it has no workers; start some with `dask worker {address}`")
        yield client.get_executor(pure=False), threads
