"""All solutions of a polynomial system with finitely many, exactly: x_i = g_i(t) at the roots t of a polynomial over Q.

msolve proposes the parametrisation; it is verified here by substitution, exactly, so that every root is a solution.
That no solution is missing rests on the degree modulo primes of our own choice, two of which have to agree.
"""

from __future__ import annotations

import ast
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint

from symverify.landscape.algebraic import Field, element
from symverify.landscape.counts import measured
from symverify.landscape.equations import Polynomial
from symverify.landscape.groebner import GaveUp, Solver, run_program

MAX_EXACT_DEGREE = 400
ORDERS = 4
SYMPY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Branch:
    """A conjugacy class of solutions: the coordinates as polynomials in a root of ``modulus`` (irreducible over Q)."""

    modulus: Any
    coordinates: tuple[Any, ...]


def branches(
    system: Sequence[Polynomial], variables: int, wanted: int, solver: Solver, rng: random.Random, deadline: float
) -> list[Branch]:
    """The solutions over the algebraic numbers, verified by substitution; pairwise different.

    Args:
        system: over Q, with ``wanted`` solutions counted with multiplicity (from :func:`.counts.measured`).
        variables: of each polynomial.
        wanted: the degree.
        solver: msolve, asked again with the variables in another order if what it says is not true (in rare cases
            it finds no solution where there are some), then sympy; without msolve sympy at once.
        rng: for the orders.
        deadline: a time of ``time.monotonic()``.

    Raises:
        GaveUp: no parametrisation came, or none that verifies.
    """
    if wanted > MAX_EXACT_DEGREE:
        raise GaveUp(f"{wanted} solutions in one cell; exact ones are found up to {MAX_EXACT_DEGREE}")
    if solver.program is None:
        return _verified(_ask_sympy(system, variables, solver, deadline), system, deadline)
    order = list(range(variables))
    reasons = []
    for _ in range(ORDERS):
        try:
            turned = [{tuple(e[n] for n in order): c for e, c in f.items()} for f in system]
            modulus, found = _parametrisation(_ask_msolve(turned, variables, solver, deadline), variables)
            coordinates = tuple(found[order.index(n)] for n in range(variables))
            return _verified((modulus, coordinates), system, deadline)
        except GaveUp as error:
            if solver.stop.is_set():
                raise
            reasons.append(str(error))
            rng.shuffle(order)
    try:
        late = min(deadline, time.monotonic() + SYMPY_SECONDS)
        return _verified(_ask_sympy(system, variables, solver, late), system, deadline)
    except GaveUp as error:
        raise GaveUp("; ".join(dict.fromkeys([*reasons, str(error)]))) from None


def _verified(
    parametrisation: tuple[Any, tuple[Any, ...]], system: Sequence[Polynomial], deadline: float
) -> list[Branch]:
    """One branch per irreducible factor of the modulus; each satisfies the system, exactly.

    Raises:
        GaveUp: one of them does not, or the time is over.
    """
    modulus, coordinates = parametrisation
    found = []
    for factor, _ in modulus.factor()[1]:
        reduced = tuple(g % factor for g in coordinates)
        for f in system:
            _left(deadline)
            if not _at(f, reduced, factor).is_zero():
                raise GaveUp("a parametrisation that was proposed does not satisfy the system")
        found.append(Branch(factor, reduced))
    return found


def distinct(found: Sequence[Branch]) -> int:
    """The number of solutions."""
    return sum(int(b.modulus.degree()) for b in found)


def multiplicities(
    draw: Callable[[], Sequence[Polynomial]],
    found: Sequence[Branch],
    degree: int,
    variables: int,
    solver: Solver,
    rng: random.Random,
    deadline: float,
) -> Iterator[int | None]:
    """How often each solution counts in the degree: what is missing from it when its branch is put aside.

    A new variable y is a linear form of the others that takes different values at the points; ``1 = s g(y)``, g its
    minimal polynomial at the branch.  So the multiplicities do not depend on what else was found: if they add up to
    ``degree``, nothing is missing.  None: not known.

    Example:
        >>> system = [{(3,): Fraction(1), (2,): Fraction(-1)}]  # x^2 (x - 1)
        >>> from symverify.landscape.groebner import find_solver
        >>> solver, rng = find_solver(), random.Random(0)
        >>> found = branches(system, 1, 3, solver, rng, time.monotonic() + 60)
        >>> sorted(multiplicities(lambda: system, found, 3, 1, solver, rng, time.monotonic() + 60))
        [1, 2]
    """
    if degree == distinct(found):
        yield from (1 for _ in found)
        return
    form = [rng.randint(-99, 99) for _ in range(variables)]
    minimal = []
    for branch in found:
        field = Field(branch.modulus)
        y = sum((element(c) * x for c, x in zip(form, branch.coordinates, strict=True)), element(0))
        minimal.append(field.minimal_polynomial(field.reduce(y)))
    if sum(len(f) - 1 for f in set(map(tuple, minimal))) < distinct(found):
        yield from (None for _ in found)  # the form does not separate the points
        return
    line: Polynomial = {(*(int(m == n) for m in range(variables)), 0, 0): Fraction(c) for n, c in enumerate(form)}
    line[(0,) * variables + (1, 0)] = Fraction(-1)
    for n, branch in enumerate(found):
        apart = {(0,) * (variables + 2): Fraction(1)}
        for power, c in enumerate(minimal[n]):
            apart[(0,) * variables + (power, 1)] = -c
        extra = [{e: c for e, c in f.items() if c} for f in (line, apart)]

        def localised(extra: list[Polynomial] = extra) -> list[Polynomial]:
            return [*(wider(f, 2) for f in draw()), *extra]

        size = measured(localised, variables + 2, solver, rng, deadline)
        part, rest = divmod(degree - (size.degree or 0), int(branch.modulus.degree()))
        yield part if part > 0 and not rest else None


def wider(f: Polynomial, more: int) -> Polynomial:
    """The same polynomial with more variables."""
    return {e + (0,) * more: c for e, c in f.items()}


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise GaveUp("the time is over")
    return left


def _ask_msolve(system: Sequence[Polynomial], variables: int, solver: Solver, deadline: float) -> str:
    lines = [",".join(f"x{n}" for n in range(variables)), "0", ",\n".join(_text(f) for f in system if f)]
    with tempfile.TemporaryDirectory(prefix="symverify-") as folder:
        path = Path(folder) / "system.ms"
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        assert solver.program is not None
        return run_program([solver.program, "-P", "2", "-t", "1", "-f", str(path)], "", _left(deadline), solver)


def _ask_sympy(
    system: Sequence[Polynomial], variables: int, solver: Solver, deadline: float
) -> tuple[Any, tuple[Any, ...]]:
    task = {"variables": variables, "prime": 0, "system": [[[e, str(c)] for e, c in f.items()] for f in system if f]}
    command = [sys.executable, "-m", "symverify.landscape.small_groebner"]
    answer = json.loads(run_program(command, json.dumps(task), _left(deadline), replace(solver, program=None)))
    if answer is None:
        raise GaveUp("sympy found infinitely many solutions over Q, but not modulo primes")
    w, *coordinates = (
        flint.fmpq_poly([flint.fmpq(*map(int, c.split("/"))) for c in f]) for f in (answer[0], *answer[1])
    )
    return w, tuple(coordinates)


def _text(polynomial: Polynomial) -> str:
    """With integer coefficients."""
    scale = 1
    for c in polynomial.values():
        scale = scale * c.denominator // int(flint.fmpz(scale).gcd(c.denominator))
    terms = []
    for exponents, c in polynomial.items():
        powers = [f"x{n}^{e}" for n, e in enumerate(exponents) if e]
        terms.append("*".join([str(int(c * scale)), *powers]))
    return "+".join(terms).replace("+-", "-")  # msolve misreads "+-"


def _parametrisation(output: str, variables: int) -> tuple[Any, tuple[Any, ...]]:
    """The squarefree w and the coordinates modulo w of ``[0, [0, n, D, [names], [form], [1, [w, w', p]]]]:``.

    Coordinate i of ``names`` is ``- p_i / (c_i w')``; the last name is the root t itself.
    """
    text = output.strip().removesuffix(":")
    try:
        answer = ast.literal_eval(text)
        if answer[0] != 0:
            raise GaveUp(f"msolve gave no parametrisation: {text[:40]!r}")
        _, _, _, names, _, (_, (w, slope, parts)) = answer[1]
        modulus = flint.fmpq_poly([flint.fmpq(c) for c in w[1]])
        slope = flint.fmpq_poly([flint.fmpq(c) for c in slope[1]])
        modulus = modulus / modulus.leading_coefficient()
        inverse = slope.xgcd(modulus)[1] % modulus if modulus.degree() > 0 else slope
        found = {names[-1]: flint.fmpq_poly([0, 1]) % modulus}
        for name, ((_, p), c) in zip(names[:-1], parts, strict=True):
            found[name] = (-flint.fmpq_poly([flint.fmpq(x) for x in p]) * inverse / flint.fmpq(c)) % modulus
        return modulus, tuple(found[f"x{n}"] for n in range(variables))
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, ZeroDivisionError) as error:
        raise GaveUp(f"msolve wrote no parametrisation ({type(error).__name__}): {text[:60]!r}") from None


def _at(polynomial: Polynomial, point: Sequence[Any], modulus: Any) -> Any:
    """The polynomial at coordinates modulo ``modulus``."""
    powers: dict[tuple[int, int], Any] = {}

    def power(n: int, e: int) -> Any:
        if e == 1:
            return point[n]
        if (n, e) not in powers:
            powers[n, e] = power(n, e - 1) * point[n] % modulus
        return powers[n, e]

    total = flint.fmpq_poly([0])
    for exponents, c in polynomial.items():
        term = flint.fmpq_poly([_rational(c)])
        for n, e in enumerate(exponents):
            if e:
                term = term * power(n, e) % modulus
        total += term
    return total % modulus


def _rational(x: Fraction) -> Any:
    return flint.fmpq(x.numerator, x.denominator)
