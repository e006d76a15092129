"""Time whole processes: start-up, the checker by number of weights, the search, ``symverify verify``, the atlas.

    python benchmarks/run.py [--only GROUP ...] [--runs N] [--machine NAME] [--keep]

Each figure is the median of several runs, with the smallest and the largest.  Before every run the same Python does
nothing once (``python -c pass``, for the checker ``python -I -S -c pass``); the ratio compares the medians of the two.
The atlas and the landscape have reports of their own (``atlas.py``, ``landscape.py``).  Exit code 1 if something could
not be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

try:
    import atlas
    import instances
    import landscape
    from tabulate import tabulate

    from symverify import __version__, checker
    from symverify.certificate import SpuriousMinimum, encode
except ImportError as problem:
    sys.exit(f"benchmarks: {problem}; install the project first, or run `make benchmark`")

HEAVY = ("flint", "igraph", "mpmath", "networkx", "numpy", "sympy", "tabulate", "tqdm")
LONG = 60.0  # seconds that one figure may take before its runs are cut to MIN_RUNS
MIN_RUNS = 3
RESULTS = Path(__file__).with_name("results.md")
TIMEOUT = 900
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Byte code is kept, as it is where a package is installed; else start-up is mostly the compiler."""
BARE, ISOLATED = [sys.executable], [sys.executable, "-I", "-S"]


class NotMeasured(Exception):
    """A command that is missing, fails or does not end."""


@dataclass(frozen=True)
class Case:
    """One command to be timed: ``codes`` are the exit codes of a run that did its work."""

    name: str
    command: list[str]
    codes: tuple[int, ...] = (0,)
    goal: float | None = None
    reference: Sequence[str] = tuple(BARE)
    remark: Callable[[str], str] = lambda output: ""


@dataclass(frozen=True)
class Figure:
    """Seconds of the runs of a command and of its reference."""

    seconds: list[float]
    reference: list[float]

    def cells(self, goal: float | None) -> list[str]:
        """Median, range, ratio, goal."""
        median = statistics.median(self.seconds)
        ratio = median / statistics.median(self.reference)
        verdict = "" if goal is None else f"< {goal:g} s: {'met' if median < goal else 'MISSED'}"
        spread = f"{min(self.seconds):.3f} - {max(self.seconds):.3f}"
        return [f"{median:.3f}", spread, str(len(self.seconds)), f"{ratio:.1f}", verdict]


def run(command: Sequence[str], codes: Sequence[int], folder: Path) -> tuple[float, str, str]:
    """Seconds, stdout and stderr of one run."""
    began = time.perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT, cwd=folder, env=ENVIRONMENT, check=False
        )
    except OSError as error:
        raise NotMeasured(f"{command[0]} cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"not done after {TIMEOUT} s") from None
    seconds = time.perf_counter() - began
    if done.returncode not in codes:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise NotMeasured(f"exit code {done.returncode}: {lines[-1][:90]}")
    return seconds, done.stdout, done.stderr


def measure(case: Case, runs: int, folder: Path) -> tuple[Figure, str]:
    """The figure of a case and the output of its last run."""
    figure, output = Figure([], []), ""
    run(case.command, case.codes, folder)  # fills the caches of the disk and of byte code
    while len(figure.seconds) < runs and (len(figure.seconds) < MIN_RUNS or sum(figure.seconds) < LONG):
        figure.reference.append(run([*case.reference, "-c", "pass"], (0,), folder)[0])
        seconds, output, _ = run(case.command, case.codes, folder)
        figure.seconds.append(seconds)
    return figure, output


# -- what is measured -------------------------------------------------------------------------------------


def symverify(*arguments: str) -> list[str]:
    """The installed command of the Python that runs this file."""
    script = Path(sys.executable).with_name("symverify")
    return [str(script), *arguments] if script.exists() else [sys.executable, "-m", "symverify", *arguments]


def write(folder: Path, name: str, data: bytes) -> str:
    """A file in the folder of this run."""
    path = folder / name
    path.write_bytes(data)
    return str(path)


def imported(arguments: Sequence[str], folder: Path) -> str:
    """Which of the heavy packages a command imports, from ``python -X importtime``."""
    _, _, trace = run([sys.executable, "-X", "importtime", "-m", "symverify", *arguments], (0,), folder)
    names = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in trace.splitlines() if "import time:" in line}
    found = [name for name in HEAVY if name in names]
    return f"IMPORTS {', '.join(found)}" if found else f"imports none of {', '.join(HEAVY)}"


def start_cases(folder: Path) -> Iterator[Case]:
    """Commands that have to start at once."""
    path = write(folder, "e1.json", encode(instances.direct_sum(1)))
    for name, arguments in (("symverify --help", ["--help"]), ("symverify check, 16 weights", ["check", path])):
        yield Case(
            name,
            symverify(*arguments),
            goal=0.15,
            remark=lambda output, arguments=arguments: imported(arguments, folder),  # type: ignore[misc]
        )


def checker_cases(folder: Path) -> Iterator[Case]:
    """The checker by itself, on strict spurious minima of growing size."""

    def case(kind: str, certificate: SpuriousMinimum) -> Case:
        weights, data = certificate.network.parameters, encode(certificate)
        path = write(folder, f"{kind}-{weights}.json".replace(" ", "-"), data)
        return Case(
            f"checker, {weights} weights, {kind}",
            [*ISOLATED, checker.__file__, path],
            goal=3.0 if 100 <= weights <= 120 else None,
            reference=ISOLATED,
            remark=lambda output: f"{'valid' if ': valid' in output else 'NOT VALID'}, {len(data)} bytes",
        )

    for copies in (1, 3, 5, 7, 10, 13):
        yield case("direct sum", instances.direct_sum(copies))
    for pairs, fan_in in ((1, 2), (2, 3), (3, 7), (4, 7), (5, 8)):
        yield case("connected", instances.connected(pairs, fan_in))
        yield case("connected turned", instances.connected(pairs, fan_in, turned=True))


def search_cases(folder: Path) -> Iterator[Case]:
    """A spurious minimum from the masks alone: E1 by a search, E2 is in the table of the atlas."""

    def verdict(output: str) -> str:
        try:
            answer = json.loads(output)
        except ValueError:
            return "no JSON answer"
        return ", ".join(str(answer[key]) for key in ("verdict", "kind", "basis") if answer.get(key))

    for name, masks in (("E1 (4-3-2-3)", instances.E1_MASKS), ("E2 (3-2-3)", instances.E2_MASKS)):
        problem = {"format": "symverify-problem/1", "masks": masks, "data": {"class": "orthogonal"}}
        path = write(folder, f"{name[:2]}-problem.json", json.dumps(problem).encode())
        for seed in range(3):
            options = ["--json", "--seed", str(seed), "--budget", "120", "--out", str(folder / "out")]
            command = symverify("analyze", path, *options)
            yield Case(f"symverify analyze {name}, seed {seed}", command, (0, 1, 3), remark=verdict)


def verify_cases(folder: Path) -> Iterator[Case]:
    """All theorems, from the certificates that are kept, as ``make verify`` runs them."""

    def length(output: str) -> str:
        return f"{len(output.splitlines())} lines of report"

    yield Case("symverify verify", symverify("verify", "--format", "text"), goal=60.0, remark=length)


GROUPS = {"start": start_cases, "checker": checker_cases, "search": search_cases, "verify": verify_cases}
GROUP_NAMES = [*GROUPS, "atlas", "landscape"]
HEADINGS = ["what", "median s", "min - max s", "runs", "x pass", "goal", "remark"]


# -- report -----------------------------------------------------------------------------------------------


def processor() -> str:
    """The name of the CPU, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def load() -> str:
    """How busy the machine is with other work, as far as the system tells."""
    try:
        return f"; load average {os.getloadavg()[0]:.1f} at the start"
    except OSError:
        return ""


def main() -> int:
    """Measure the chosen groups and print one table."""
    parser = argparse.ArgumentParser(description="Times of whole processes of symverify.")
    parser.add_argument(
        "--only", nargs="+", choices=GROUP_NAMES, default=GROUP_NAMES, metavar="GROUP", help=", ".join(GROUP_NAMES)
    )
    parser.add_argument(
        "--runs", type=int, default=5, metavar="N", help=f"runs for each figure, at least {MIN_RUNS} (5)"
    )
    parser.add_argument("--machine", default=platform.node(), metavar="NAME", help="the machine's name in the report")
    parser.add_argument("--keep", action="store_true", help=f"write the report to {RESULTS.name} beside this file too")
    options = parser.parse_args()
    head = (
        f"machine: {options.machine}; {processor()}, {os.cpu_count()} cores; {platform.system()} {platform.machine()}"
        f"{load()}\n\npython: {platform.python_implementation()} {platform.python_version()}; symverify {__version__}\n"
    )
    print(head, flush=True)
    table, failed = [], False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for group in [name for name in options.only if name in GROUPS]:
            for case in GROUPS[group](folder):
                print(f"... {case.name}", file=sys.stderr, flush=True)
                try:
                    figure, output = measure(case, max(options.runs, MIN_RUNS), folder)
                    table.append([case.name, *figure.cells(case.goal), case.remark(output)])
                except NotMeasured as reason:
                    failed = True
                    table.append([case.name, *[""] * (len(HEADINGS) - 2), f"NOT MEASURED: {reason}"])
    report = tabulate(table, HEADINGS, tablefmt="github", disable_numparse=True) if table else ""
    print(report, flush=True)
    if "atlas" in options.only:
        print("... atlas", file=sys.stderr, flush=True)
        try:
            text = atlas.report()
        except atlas.Failed as reason:
            failed, text = True, f"NOT MEASURED: {reason}"
        print(f"\n## The atlas\n\n{text}")
        report = f"{report}\n\n## The atlas\n\n{text}"
    if "landscape" in options.only:
        print("... landscape", file=sys.stderr, flush=True)
        try:
            text = landscape.report(argparse.Namespace(**landscape.DEFAULTS))
        except landscape.Failed as reason:
            failed, text = True, f"NOT MEASURED: {reason}"
        print(f"\n## The landscape\n\n{text}")
        report = f"{report}\n\n## The landscape\n\n{text}"
    if options.keep:
        RESULTS.write_text(f"# Results of `make benchmark`\n\n{head}\n{report}\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
