"""Time and memory of ``symverify scan`` against the number of weights.

    python benchmarks/scan.py [--runs N] [--machine NAME] [--keep]

Each run is a whole process on a random mask kept in scipy sparse files: start-up, reading, rules, samples, certificates
and the trusted checker.  Wall time, CPU time (user and system; says more on a busy machine) and the largest resident
size.  With ``--keep`` the table goes to scan-results.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from tabulate import tabulate

RESULTS = Path(__file__).with_name("scan-results.md")
GOAL = "goal at 1,000,000 weights: 10 s and 2 GB on two cores"
CASES = (
    ((784, 300, 100, 10), (0.02, 0.05, 0.3)),
    ((784, 300, 100, 10), (0.05, 0.1, 0.5)),
    ((5000, 2000, 300), (0.0094, 0.01)),
    ((20000, 5000, 1000), (0.0028, 0.003)),
    ((20000, 5000, 1000), (0.0095, 0.01)),
    ((10000, 3000, 1000, 100), (0.02, 0.12, 0.5)),
)


def write(folder: Path, widths: tuple[int, ...], shares: tuple[float, ...]) -> tuple[list[str], int]:
    """One scipy sparse file per layer, and the number of weights."""
    rng, files, weights = np.random.default_rng(0), [], 0
    for l, ((below, above), share) in enumerate(zip(pairwise(widths), shares, strict=True)):
        flat = np.unique(rng.integers(0, below * above, int(below * above * share)))
        place = folder / f"{l}.npz"
        data = np.ones(len(flat), np.int8)
        np.savez(place, format=b"coo", shape=(above, below), data=data, row=flat // below, col=flat % below)
        files.append(str(place))
        weights += len(flat)
    return files, weights


def measure(files: list[str], folder: Path) -> tuple[float, float, float, str]:
    """Wall seconds, CPU seconds, MB, verdict of one run."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "symverify", "scan", *files, "--out", str(folder / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        sys.exit(f"benchmarks: {' '.join(command)} failed")
    megabytes = used.ru_maxrss / (1024 if platform.system() == "Linux" else 1024 * 1024)
    return wall, used.ru_utime + used.ru_stime, megabytes, output.splitlines()[1].split(":")[0]


def main() -> None:
    """Measure all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--machine", default=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    lines = []
    for widths, shares in CASES:
        with tempfile.TemporaryDirectory() as name:
            files, weights = write(Path(name), widths, shares)
            runs = [measure(files, Path(name)) for _ in range(options.runs)]
        wall, cpu, memory = (statistics.median(run[n] for run in runs) for n in range(3))
        row = ["-".join(map(str, widths)), weights, f"{wall:.1f}", f"{cpu:.1f}", f"{memory:.0f}", runs[0][3]]
        lines.append(row)
        print(row, file=sys.stderr)
    headings = ("widths", "weights", "wall s", "CPU s", "MB", "verdict")
    table = tabulate(lines, headings, tablefmt="github", disable_numparse=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    text = (
        f"# Scan: time against weights\n\n{options.machine}; Python {platform.python_version()}; median of "
        f"{options.runs} runs of a whole process, `python benchmarks/scan.py`; load of the machine at the end "
        f"{load:.1f}; {GOAL}.\n\n{table}\n"
    )
    print(text)
    if options.keep:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
