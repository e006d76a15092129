"""Time limits, solvers that hang, crash, lie or are killed, and Ctrl-C: a partial answer, nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symverify.data import Data
from symverify.landscape import survey as survey_module
from symverify.landscape.groebner import GaveUp, Solver, find_solver, reduced_basis
from symverify.landscape.instance import Instance
from symverify.landscape.monodromy import Seeker
from symverify.landscape.multiplicity import multiplicities
from symverify.landscape.survey import INTERRUPTED, Kind, survey
from symverify.landscape.track import scaled
from symverify.network import LinearNetwork

HALF = Fraction(1, 2)
INSTANCE = Instance(LinearNetwork.dense(1, 2, 1), Data.whitened([[3]]), (HALF, HALF / 2, HALF / 3, HALF / 5))
PROBLEM = {
    "format": "symverify-problem/1",
    "masks": [[[1], [1]], [[1, 1]]],
    "data": {"G": [[1]], "C": [[3]], "c0": "9/2"},
    "regularisation": [[["1/2"], ["1/4"]], [["1/6", "1/10"]]],
}
HANGING = "sleep 600 & echo $! $$ >> {pids}; wait"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with ``problem.json`` and an empty ``tmp``; afterwards ``tmp`` is empty and no process of it is left."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "problem.json").write_text(json.dumps(PROBLEM), encoding="utf-8")
    (tmp_path / "pids").touch()
    yield tmp_path
    assert list((tmp_path / "tmp").iterdir()) == []
    for pid in map(int, (tmp_path / "pids").read_text(encoding="utf-8").split()):
        assert gone(pid), f"process {pid} is left"


def gone(pid: int) -> bool:
    """The process ends within some seconds; a killed one that nobody reaps counts."""
    for _ in range(300):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return False


def start(place: Path, script: str, *options: str) -> subprocess.Popen[str]:
    """``symverify landscape`` in a process of its own, with this script as msolve."""
    program = place / "bin" / "msolve"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n" + script.replace("{pids}", str(place / "pids")) + "\n", encoding="utf-8")
    program.chmod(0o755)
    return subprocess.Popen(
        [sys.executable, "-m", "symverify", "landscape", str(place / "problem.json"), "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(place / "tmp")},
    )


def partial(out: str, err: str) -> dict[str, Any]:
    """The answer; it claims nothing but the origin, whose kind needs no solver."""
    assert "Traceback" not in err
    said: dict[str, Any] = json.loads(out)
    assert said["complete"] is False and said["complex"] is None and said["real"] == 1
    assert [(p["kind"], p["weights"]) for p in said["points"]] == [("strict saddle", [["0", "0"]] * 4)]
    assert [s["certified"] for s in said["strata"]] == [1, 0, 0, 0]
    assert all(s["orbits"] is None for s in said["strata"] if s["live"])
    return said


@pytest.mark.parametrize(
    ("script", "options", "why"),
    [
        pytest.param(HANGING, ["--budget", "1"], "msolve needed more than", id="hangs"),
        pytest.param("echo trouble >&2; exit 3", [], "msolve failed (exit code 3): trouble", id="crashes"),
        pytest.param("kill -SEGV $$", [], "msolve failed (exit code -11)", id="crashes by a signal"),
        pytest.param("echo '[1*x0^2,'; kill -KILL $$", [], "msolve failed (exit code -9)", id="killed in the middle"),
        pytest.param("sleep 600 & echo $! >> {pids}; exit 1", [], "msolve failed", id="leaves a child behind"),
        pytest.param("head -c 3000 /dev/urandom | base64", [], "msolve wrote no leading ideal", id="garbage"),
        pytest.param("echo '[x0^2*x9]:'", [], "msolve wrote the monomial", id="unknown variable"),
        pytest.param("echo '[1]:'", [], "msolve says that there is no critical point", id="no solutions at all"),
        pytest.param("true", [], "msolve wrote no leading ideal", id="says nothing"),
    ],
)
def test_solvers_that_fail(place: Path, script: str, options: list[str], why: str) -> None:
    process = start(place, script, *options)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 3
    said = partial(out, err)
    assert why in said["reason"] and all(unit in said["reason"] for unit in ("{1.1}", "{1.2}", "{1.1, 1.2}"))


def test_ctrl_c_while_the_solver_runs(place: Path) -> None:
    process = start(place, HANGING)
    while not (place / "pids").read_text(encoding="utf-8").endswith("\n"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert INTERRUPTED in partial(out, err)["reason"]


def test_ctrl_c_while_paths_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the strata before it had found stays, the counts too; the later strata are not searched."""
    calls = []
    search = survey_module._search

    def second_call(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return search(*arguments)

    monkeypatch.setattr(survey_module, "_search", second_call)
    found = survey(INSTANCE, solver=Solver(None))
    assert not found.complete and found.interrupted and found.complex == 9
    assert [(s.certified, s.reason) for s in found.strata[:3]] == [(1, ""), (2, ""), (0, INTERRUPTED)]
    assert "the time is over" in found.strata[3].reason or found.strata[3].complete
    assert all(p.kind is not Kind.GLOBAL for p in found.points)


def test_a_path_looks_at_the_clock() -> None:
    seeker = Seeker(scaled(INSTANCE, INSTANCE.strata[1]), 0)  # both units live: no solution is finite there
    x, base = seeker.solutions, seeker.base
    end = seeker.scaled.parameters[None].astype(complex)
    _, arrived = seeker.tracker.track(x, base, end, 1e-3, deadline=time.monotonic() - 1)
    assert not arrived.any()
    _, arrived = seeker.tracker.track(x, base, end, 1e-3)
    assert arrived.all()
    assert len(seeker.at_true_parameters(1e-3, time.monotonic() - 1)) == 0
    none, arrived = seeker.tracker.track(x[:0], base[:0], end[:0], 1e-3)
    assert none.shape == (0, 2) and arrived.shape == (0,)
    seeker.extend(10, time.monotonic() - 1)
    assert len(seeker.solutions) == 1


def test_slow_paths_are_given_up_on_loops() -> None:
    seeker = Seeker(scaled(INSTANCE, INSTANCE.strata[1]), 0)  # both units live: no solution is finite there
    x = np.repeat(seeker.solutions, 20, axis=0)
    base = np.repeat(seeker.base, 20, axis=0)
    _, arrived = seeker.tracker.track(x, base, seeker._corner(20), 1e-2, abandon=0.5)
    assert 10 <= arrived.sum() < 20


def test_no_time_at_all() -> None:
    found = survey(INSTANCE, budget=1e-9)
    assert not found.complete and found.complex is None and "the time is over" in found.reason
    assert [p.kind for p in found.points] == [Kind.SADDLE]


# -- multiplicities -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [find_solver(), Solver(None)], ids=["found", "sympy"])
@pytest.mark.parametrize(
    ("cross", "structure"),
    [(1, {1: 2, 3: 1}), (3, {1: 5}), (0, {1: 5})],
)
def test_multiplicities_by_hand(cross: int, structure: dict[int, int], solver: Solver) -> None:
    """``1/2 (ab - c)^2 + (a^2 + b^2)/2``: (0, 0), a = b with a^2 = c - 1, and a = -b with a^2 = -c - 1."""
    data = Instance(LinearNetwork.dense(1, 1, 1), Data.whitened([[cross]]), (HALF, HALF))
    limits = solver, random.Random(0), time.monotonic() + 60
    assert multiplicities(data.network, data.moments, data.ridge, *limits) == structure
    found = survey(data, solver=solver)
    assert found.complete and found.complex == 5


def test_multiplicities_give_up() -> None:
    data = Instance(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), (HALF, HALF))
    with pytest.raises(GaveUp, match="the time is over"):
        multiplicities(data.network, data.moments, data.ridge, Solver(None), random.Random(0), time.monotonic() - 1)
    with pytest.raises(GaveUp, match="more than 400 points"):
        multiplicities(data.network, data.moments, [0, 0], Solver(None), random.Random(0), time.monotonic() + 60)


def test_both_solvers_have_the_same_basis() -> None:
    system = [{(2, 0, 0): 1, (0, 1, 1): 5, (0, 0, 0): 4}, {(1, 1, 0): 1, (0, 0, 1): 6}, {(0, 0, 2): 3, (1, 0, 0): 1}]
    bases = [sorted(reduced_basis(system, 3, 1073741827, 60, solver)) for solver in (find_solver(), Solver(None))]
    assert bases[0] == bases[1]
