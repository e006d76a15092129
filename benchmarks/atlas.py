"""What the atlas costs: the whole run and its check as processes, the split of the work, the curve against size.

    python benchmarks/atlas.py [--max 3,3,3] [--every K] [--seed N] [--out DIR]

``python benchmarks/run.py --only atlas`` does the same with the defaults.  Exit code 1 if a process failed.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tabulate import tabulate

from symverify import fibre, refute
from symverify.atlas import decide, evidence, run, store, table
from symverify.atlas.rows import Job, Outcome, Question
from symverify.atlas.structures import jobs, parse_structure
from symverify.data import DataClass

SIZE = (3, 3, 3)
EVERY, SEED = 16, 0
GOAL_SECONDS, GOAL_MEMORY = 600.0, 2048.0
TIMEOUT = 3600
POLL = 0.25
CLASSES = [DataClass.ANY, DataClass.ORTHOGONAL]


class Failed(Exception):
    """A process that failed or did not end."""


# -- whole processes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One run of a command with all its processes: ``megabytes`` holds the largest resident size of each."""

    seconds: float
    cpu: float
    megabytes: list[float]
    output: str


def measure(command: Sequence[str]) -> Measured:
    """Run a command once.  Memory is read from ``/proc``, every POLL seconds; elsewhere it is not measured.

    Raises:
        Failed: exit code other than 0, or not done after TIMEOUT seconds.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    peaks: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True)
        while process.poll() is None:
            if time.perf_counter() - began > TIMEOUT:
                process.kill()
                process.wait()
                raise Failed(f"not done after {TIMEOUT} s")
            for pid in family(process.pid):
                peaks[pid] = max(peaks.get(pid, 0.0), largest_resident(pid))
            time.sleep(POLL)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        out.seek(0)
        output = out.read()
    if process.returncode:
        raise Failed(f"exit code {process.returncode}: {(output.strip().splitlines() or ['no output'])[-1]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, sorted(filter(None, peaks.values()), reverse=True), output)


def family(pid: int) -> Iterator[int]:
    """A process and its descendants, as far as the system tells."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:  # it has ended, or there is no such file here
        return
    for child in children:
        yield from family(int(child))


def largest_resident(pid: int) -> float:
    """The largest resident size of a process so far, in megabytes; 0 if it has ended or the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def whole(size: Sequence[int], folder: Path) -> list[list[str]]:
    """Table lines of ``symverify atlas run`` into the folder, ``atlas check`` of it, and both together."""
    program = [sys.executable, "-m", "symverify", "atlas"]
    limits = ["--max", ",".join(map(str, size)), "--class", "any,orthogonal"]
    lines, seconds, cpu, memory = [], 0.0, 0.0, 0.0
    for name, command in (
        (f"atlas run {' '.join(limits)}", [*program, "run", *limits, "--out", str(folder)]),
        ("atlas check", [*program, "check", str(folder)]),
    ):
        done = measure(command)
        total = sum(done.megabytes)
        parts = " + ".join(f"{x:.0f}" for x in done.megabytes) or "not measured"
        remark = ", ".join(done.output.strip().splitlines()[-1:]) if name == "atlas check" else content(folder, size)
        lines.append([name, f"{done.seconds:.1f}", f"{done.cpu:.1f}", f"{total:.0f} ({parts})", "", remark])
        seconds, cpu, memory = seconds + done.seconds, cpu + done.cpu, max(memory, total)
    goals = (("s", seconds, GOAL_SECONDS), ("MB", memory, GOAL_MEMORY))
    verdict = ", ".join(f"< {goal:g} {unit}: {'met' if x < goal else 'MISSED'}" for unit, x, goal in goals)
    return [*lines, ["together", f"{seconds:.1f}", f"{cpu:.1f}", f"{memory:.0f}", verdict, ""]]


def content(folder: Path, size: Sequence[int]) -> str:
    """How many rows there are and how many answers are open; how many are not those of the table of the package."""
    made = table.load(folder)
    still = sum(row.entry(question).verdict is Outcome.OPEN for row in made.rows for question in Question)
    text = f"{len(made.rows)} rows, {len(made.certificates)} certificates, {still} open answers"
    if tuple(size) != SIZE:
        return text
    different, otherwise = table.load(None).difference(made)
    same = f"{len(different)} differ from the table of the package"
    return f"{text}; {same}" + (f", {otherwise} are the same by other rules or certificates" if otherwise else "")


# -- the split --------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """CPU seconds of this process by label; what is called inside counts for the inner label only."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    stack: list[str] = field(default_factory=lambda: ["other"])
    since: float = field(default_factory=time.process_time)

    def _turn(self) -> None:
        now = time.process_time()
        self.seconds[self.stack[-1]] += now - self.since
        self.since = now

    def enter(self, label: str) -> None:
        """From now on the time counts for ``label``; a label that begins with ``:`` is a part of the one around it."""
        self._turn()
        self.stack.append(self.stack[-1].partition(":")[0] + label if label.startswith(":") else label)

    def leave(self) -> None:
        self._turn()
        self.stack.pop()

    def timed(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        """The function with its time taken."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.enter(label)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return call

    def timed_generator(self, function: Callable[..., Iterator[Any]], label: str) -> Callable[..., Iterator[Any]]:
        """The same for a generator: only the time inside it, not of who uses what it yields."""

        def call(*arguments: Any) -> Iterator[Any]:
            step = self.timed(lambda: next(items, self), label)
            items = function(*arguments)
            while (item := step()) is not self:
                yield item

        return call


PARTS: list[tuple[Any, str, str]] = [
    (decide, "prove_benign", "rules (paths, wide and dense blocks, contraction)"),
    (decide, "prove_fibre", "fibre rules: the rest"),
    (decide, "prove_bottleneck", "bottleneck rules: the rest"),
    (fibre, "encode_lemmas", ": encoding"),
    (fibre, "minimal_core", ": solving, minimal core"),
    (fibre, "refutation", ": proof, trimmed"),
    (decide, "prove_almost_everywhere", "residual types"),
    (decide, "find_witness", "search for a witness"),
    (refute, "accepted", "checking: candidates of the search"),
    (decide, "accepted", "checking: certificates of residual types"),
    (evidence, "proved", "checking: all that goes into the store"),
    (decide, "_decision", "certification: writing"),
]
"""Functions, where they are looked up, and what their time is called."""


def sampled(size: Sequence[int], every: int, seed: int) -> dict[tuple[int, ...], list[Job]]:
    """Every ``every``-th structure of each size, both classes, from a start that the seed chooses; at least one."""
    by_size: dict[tuple[int, ...], list[list[Job]]] = defaultdict(list)
    found = list(jobs(size, CLASSES))
    for first in range(0, len(found), len(CLASSES)):
        by_size[found[first].network.widths].append(found[first : first + len(CLASSES)])
    rng = random.Random(seed)
    return {
        widths: [job for pair in pairs[rng.randrange(min(every, len(pairs))) :: every] for job in pair]
        for widths, pairs in by_size.items()
    }


def split(size: Sequence[int], every: int, seed: int) -> tuple[list[list[str]], str]:
    """Table lines, and a sentence on the sample: CPU seconds in one process, scaled size by size to the whole table."""
    chosen, counts = sampled(size, every, seed), Counter(job.network.widths for job in jobs(size, CLASSES))
    run.work(chosen[min(chosen)][0], seed=0)  # imports
    spent: defaultdict[str, float] = defaultdict(float)
    scaled: defaultdict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        clock = Clock()
        for module, name, label in PARTS:
            stack.enter_context(patch.object(module, name, clock.timed(getattr(module, name), label)))
        exact = clock.timed_generator(refute._certificates, "certification: exact numbers of a witness")
        stack.enter_context(patch.object(refute, "_certificates", exact))
        for widths, some in chosen.items():
            clock.seconds.clear()
            clock.enter("other")  # so that the time up to here is dropped
            clock.seconds.clear()
            for job in some:
                run.work(job, seed=0)
            clock.leave()
            for label, seconds in clock.seconds.items():
                spent[label] += seconds
                scaled[label] += seconds * counts[widths] / len(some)
    total, whole_table = sum(spent.values()), sum(scaled.values())
    lines = [
        [label, f"{spent[label]:.2f}", f"{scaled[label]:.1f}", f"{100 * scaled[label] / whole_table:.1f} %"]
        for label in sorted(spent)
    ]
    rows = sum(map(len, chosen.values()))
    lines.append(["together", f"{total:.2f}", f"{whole_table:.1f}", ""])
    return lines, f"{rows} of {sum(counts.values())} rows (of each size every {every}th structure, seed {seed})"


# -- the curve --------------------------------------------------------------------------------------------


def curves(folder: Path) -> list[tuple[str, list[list[str]]]]:
    """Seconds per row of a run, as its workers took them: by widths, by weights, by covered pairs."""
    with store.reading(folder) as kept:
        taken = list(kept.connection.execute("SELECT structure, seconds FROM rows"))
    networks = [(parse_structure(text), seconds) for text, seconds in taken]
    keys: dict[str, Callable[[Any], Any]] = {
        "widths": lambda network: (sum(network.widths), network.widths),
        "weights": lambda network: network.parameters,
        "covered pairs": lambda network: len(network.covered),
    }
    result = []
    for name, key in keys.items():
        groups: dict[Any, list[float]] = defaultdict(list)
        for network, seconds in networks:
            groups[key(network)].append(seconds)
        lines = [
            [
                "-".join(map(str, value[1])) if name == "widths" else str(value),
                str(len(some)),
                f"{sum(some) / len(some):.3f}",
                f"{max(some):.3f}",
                f"{sum(some):.1f}",
            ]
            for value, some in sorted(groups.items())
        ]
        result.append((name, lines))
    return result


def report(size: Sequence[int] = SIZE, every: int = EVERY, seed: int = SEED, out: str | None = None) -> str:
    """All of it in Markdown; the run is kept in the folder ``out``, which must not hold one.

    Raises:
        Failed: the run or its check failed.
    """

    def markdown(lines: list[list[str]], headings: Sequence[str]) -> str:
        return str(tabulate(lines, headings, tablefmt="github", disable_numparse=True))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(out or name) / "atlas"
        processes = whole(size, folder)
        curve = curves(folder)
    with run.local_executor(1) as executor:  # one core, as each worker of a run has
        parts, sample = executor.submit(split, size, every, seed).result()
    texts = [
        "Whole processes, all cores, once each; memory: the largest resident size of each process, added up.",
        markdown(processes, ["command", "s", "CPU s", "MB (by process)", "goal", "remark"]),
        f"The split, in one process: {sample}; scaled size by size to the whole table.",
        markdown(parts, ["part", "CPU s", "CPU s, whole table", "share"]),
    ]
    for heading, lines in curve:
        texts += [
            f"Seconds per row (of a worker, with its checks) by {heading}, all rows of the run above.",
            markdown(lines, [heading, "rows", "mean s", "largest s", "sum s"]),
        ]
    return "\n\n".join(texts)


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description="What the atlas costs.")
    parser.add_argument("--max", default=",".join(map(str, SIZE)), metavar="N,N,N", help="largest widths (3,3,3)")
    parser.add_argument("--every", type=int, default=EVERY, metavar="K", help=f"every K-th structure ({EVERY})")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"where the sample starts ({SEED})")
    parser.add_argument("--out", metavar="DIR", help="keep the run in DIR/atlas")
    options = parser.parse_args()
    if options.out and (Path(options.out) / "atlas").exists():
        parser.error(f"--out {options.out}: there is a run already, which would not be made anew")
    try:
        print(report([int(x) for x in options.max.split(",")], options.every, options.seed, options.out))
    except Failed as reason:
        print(f"benchmarks: atlas: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
