"""The critical points of an unregularised loss modulo gauge, stratum by stratum, cell by cell, exactly.

``L = 1/2 tr(M G M') - tr(M C') + c0``.  Lemma ``retract`` (docs/landscape.md): weights of a unit without incoming or
without outgoing weights may be shrunk to zero along critical points of the same M, so that every critical point leads
to one whose live units q have both and whose other weights are zero.  Lemma ``cells``: an irreducible point of the
network N_q is equivalent to exactly one point of exactly one cell.  So the critical points, up to gauge and up to the
families of lemma ``retract``, are the irreducible solutions of the systems of all cells of all strata.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, islice, permutations, product
from math import perm
from typing import Any

import flint

from symverify.data import Data
from symverify.exact import nullspace, to_flint
from symverify.landscape.algebraic import Element, Field, element
from symverify.landscape.counts import measured
from symverify.landscape.equations import Polynomial, gradient_system, matrix_of
from symverify.landscape.groebner import INTERRUPTED, GaveUp, Solver
from symverify.landscape.instance import Moments, Units, can_live
from symverify.landscape.normal_forms import UnitClass, cells, unit_classes
from symverify.landscape.parametrise import Branch, branches, multiplicities, wider
from symverify.network import Edge, LinearNetwork

THREADS = 2
MAX_LOCI = 12
SECTIONS = 3
MAX_ORDERS = 720
MAX_TERMS = 10_000
MAX_COUNT = 5_000


@dataclass(frozen=True)
class Quotient:
    """A network without the weights that no critical point needs.

    ``network`` has the masks of the original one, but without weights on no path, and without one weight of a unit of
    the first layer per direction of ker G within its fan-in (lemma ``reduce``): adding that direction to its row
    leaves the loss unchanged, and brings this weight to zero.  ``upright``: the cells normalise rows; else columns
    (whichever gives fewer cells).
    """

    network: LinearNetwork
    moments: Moments
    upright: bool

    @classmethod
    def of(cls, network: LinearNetwork, data: Data) -> Quotient:
        """The reduced network.

        >>> data = Data.from_samples([[1, 1], [0, 0]], [[1, 2]])
        >>> Quotient.of(LinearNetwork.dense(2, 1, 1), data).network.masks
        (((1, 0),), ((1,),))
        """
        inputs = range(network.widths[0])
        orders = islice(permutations(inputs), MAX_ORDERS)
        options = (on_paths(_without_kernel(network, data, order)) for order in orders)
        reduced = next(
            (n for n in options if not _tangles(network, n)), on_paths(_without_kernel(network, data, inputs))
        )
        counts = [sum(1 for _ in islice(cells(n), MAX_COUNT)) for n in (reduced, reduced.transposed())]
        return cls(reduced, Moments(data.gram, data.cross), counts[0] <= counts[1])

    def tangled(self, original: LinearNetwork, live: Units) -> bool:
        """Whether the gauge mixes live rows with directions of ker G in a way that the cells do not fix."""
        return any({(1, i), (1, j)} <= live for i, j in _tangles(original, self.network))

    def strata(self) -> list[Units]:
        """Sets of live units, smallest first; of units with the same fans the first ones (the gauge permutes them)."""
        per_class = []
        for l in range(1, self.network.depth):
            for group in unit_classes(self.network, l):
                units = [(l, v) for v in group.units]
                per_class.append([units[:n] for n in range(len(units) + 1)])
        sets = {frozenset(node for part in choice for node in part) for choice in product(*per_class)}
        return sorted((q for q in sets if can_live(self.network, q)), key=lambda q: (len(q), sorted(q)))

    def restricted(self, live: Units) -> LinearNetwork:
        """N_q: the edges between inputs, outputs and live units."""
        depth = self.network.depth
        return LinearNetwork(
            tuple(
                tuple(
                    tuple(
                        int(x and (l == 0 or (l, j) in live) and (l + 1 == depth or (l + 1, i) in live))
                        for j, x in enumerate(row)
                    )
                    for i, row in enumerate(mask)
                )
                for l, mask in enumerate(self.network.masks)
            )
        )


def _without_kernel(network: LinearNetwork, data: Data, order: Sequence[int]) -> LinearNetwork:
    """Without one weight per direction of ker G in the fan-in of each first-layer unit: pivots, in this order."""
    first = []
    for row in network.masks[0]:
        support = [j for j in order if row[j]]
        kernel = nullspace([[line[j] for j in support] for line in data.gram], len(support))
        removed = set()
        if kernel:
            form, _ = to_flint(kernel).rref()
            removed = {support[next(k for k in range(len(support)) if form[n, k] != 0)] for n in range(len(kernel))}
        first.append(tuple(int(bool(x) and j not in removed) for j, x in enumerate(row)))
    return LinearNetwork((tuple(first), *network.masks[1:]))


def _tangles(original: LinearNetwork, reduced: LinearNetwork) -> list[tuple[int, int]]:
    """Pairs (i, j): row j may be added to row i of the first layer, but a weight of i that this needs was removed."""

    def fan_in(network: LinearNetwork, v: int) -> set[int]:
        return {j for j, x in enumerate(network.masks[0][v]) if x}

    units = [v for v in range(original.widths[1]) if fan_in(reduced, v)]
    return [
        (i, j)
        for i in units
        for j in units
        if fan_in(original, j) <= fan_in(original, i) and not fan_in(reduced, j) <= fan_in(reduced, i)
    ]


def on_paths(network: LinearNetwork) -> LinearNetwork:
    """Without the weights that lie on no path from an input to an output."""
    return LinearNetwork(
        tuple(
            tuple(
                tuple(
                    int(bool(x and network.inputs_of(l, j) and network.outputs_of(l + 1, i))) for j, x in enumerate(row)
                )
                for i, row in enumerate(mask)
            )
            for l, mask in enumerate(network.masks)
        )
    )


@dataclass(frozen=True)
class Chart:
    """One cell of one stratum: ``free`` edges are its coordinates, ``fixed`` the others of N_q (by 0 or 1)."""

    live: Units
    network: LinearNetwork
    fixed: dict[Edge, int]
    leftover: int
    classes: tuple[UnitClass, ...]
    upright: bool

    @property
    def is_open(self) -> bool:
        """No weight is fixed but by the gauge: multiplicities in the cell are those modulo gauge."""
        return not self.leftover and len(self.fixed) == len(self.network.gauge_generators)

    @property
    def free(self) -> list[Edge]:
        """The coordinates."""
        return [e for e in self.network.edges if e not in self.fixed]

    def system(self, moments: Moments, rng: random.Random) -> list[Polynomial] | None:
        """The gradient over all edges of N_q on this cell, and ``1 - s h`` for each random minor h of the columns.

        Variables: the free weights, then one s per class.  None: some class cannot have independent columns here.
        """
        free = self.free
        position = {e: n for n, e in enumerate(free)}
        minors = []
        for group in self.classes:
            minor = self._minor(group, position, rng)
            if not minor:
                return None
            if any(any(e) for e in minor):
                minors.append(minor)
        width = len(free) + len(minors)
        equations = [self._restricted(f, position, width) for f in gradient_system(self.network, moments, None)]
        for n, minor in enumerate(minors):
            one = [0] * width
            one[len(free) + n] = 1
            equation = {(0,) * width: Fraction(1)}
            for e, c in minor.items():
                equation[(*e, *one[len(free) :])] = -c
            equations.append(equation)
        return [f for f in equations if f]

    def _restricted(self, f: Polynomial, position: dict[Edge, int], width: int) -> Polynomial:
        result: Polynomial = {}
        for exponents, c in f.items():
            new = [0] * width
            for edge, e in zip(self.network.edges, exponents, strict=True):
                if e and edge in position:
                    new[position[edge]] = e
                elif e and self.fixed[edge] == 0:
                    break
            else:
                key = tuple(new)
                result[key] = result.get(key, Fraction(0)) + c
        return {e: c for e, c in result.items() if c}

    def _minor(self, group: UnitClass, position: dict[Edge, int], rng: random.Random) -> Polynomial:
        """The determinant of random combinations of the rows of the columns of a class, over the free weights.

        Empty only if the columns are dependent in the whole cell: then all minors vanish, whatever the combinations.
        """
        terms = perm(len(group.fan[1]), len(group.units))
        if terms > MAX_TERMS:
            raise GaveUp(f"{len(group.units)} units with the same fans: a minor of {terms} terms")
        ring = flint.fmpq_mpoly_ctx.get([f"x{n}" for n in range(max(1, len(position)))], "degrevlex")
        gens, zero = ring.gens(), ring.from_dict({})

        def entry(edge: Edge) -> Any:
            return gens[position[edge]] if edge in position else zero + self.fixed[edge]

        heads = sorted(group.fan[1])
        columns = [[entry(self._edge(group.layer, i, u)) for i in heads] for u in group.units]
        if len(heads) == len(columns):
            return _polynomial(_determinant(columns, zero), len(position))
        choices = combinations(range(len(heads)), len(columns))
        if all(_determinant([[column[i] for i in rows] for column in columns], zero) == zero for rows in choices):
            return {}
        while True:
            mixed: list[list[Any]] = [[] for _ in columns]
            for _ in columns:
                factors = [rng.randint(1, 9973) * rng.choice((-1, 1)) for _ in heads]
                for n, column in enumerate(columns):
                    mixed[n].append(sum((x * f for x, f in zip(column, factors, strict=True)), zero))
            minor = _determinant(mixed, zero)
            if minor != zero:
                return _polynomial(minor, len(position))

    def _edge(self, layer: int, head: int, unit: int) -> Edge:
        """The edge from a unit to a neighbour on the far side of the normalised one."""
        return (layer, head, unit) if self.upright else (self.network.depth - 1 - layer, unit, head)


def _polynomial(f: Any, variables: int) -> Polynomial:
    return {tuple(map(int, e))[:variables]: Fraction(int(c.p), int(c.q)) for e, c in f.to_dict().items()}


def _determinant(rows: Sequence[Sequence[Any]], zero: Any) -> Any:
    if len(rows) == 1:
        return rows[0][0]
    total = zero
    for n, x in enumerate(rows[0]):
        if x != zero:
            minor = _determinant([[*row[:n], *row[n + 1 :]] for row in rows[1:]], zero)
            total = total + x * minor if n % 2 == 0 else total - x * minor
    return total


def charts(quotient: Quotient, live: Units) -> Iterator[Chart]:
    """All cells of a stratum."""
    network = quotient.restricted(live)
    seen = network if quotient.upright else network.transposed()
    classes = tuple(c for l in range(1, seen.depth) for c in unit_classes(seen, l))
    depth = network.depth
    for cell in cells(seen):
        fixed = {e if quotient.upright else (depth - 1 - e[0], e[2], e[1]): x for e, x in cell.fixed}
        yield Chart(live, network, fixed, cell.leftover, classes, quotient.upright)


@dataclass(frozen=True, slots=True)
class Locus:
    """Irreducible critical points of one cell: all of them (``dimension`` 0), or those at some critical values.

    ``degree``: of the points with multiplicity, or of the section of the family by as many random hyperplanes as its
    dimension.  ``branches``: the points, or those of the section, one branch per conjugacy class.  ``multiplicities``:
    of each branch, None where that is not known.
    """

    dimension: int
    degree: int
    primes: tuple[int, ...]
    branches: tuple[Branch, ...]
    multiplicities: tuple[int | None, ...]


@dataclass(frozen=True)
class Solved:
    """What is known of one cell: if ``reason`` is empty, ``loci`` holds all critical values and all points that are
    not at the critical value of a family of the same cell."""

    chart: Chart
    loci: tuple[Locus, ...]
    reason: str


def solve(chart: Chart, moments: Moments, solver: Solver, seed: int, deadline: float) -> Solved:
    """Count and find the irreducible critical points in one cell.

    While there are infinitely many, the families of the highest dimension are cut by random hyperplanes; the loss at
    the points of the section is a critical value v, and the points of loss v are put aside (by ``1 = s (L - v)``,
    where ``L = c0 - tr(M C') / 2`` at critical points).  What stays has other critical values, or does not exist.
    """
    rng = random.Random(seed)
    loci: list[Locus] = []
    if chart.free and time.monotonic() > deadline:
        return Solved(chart, (), "the time is over")
    try:
        system = chart.system(moments, rng)
    except GaveUp as error:
        return Solved(chart, (), str(error))
    if system is None or any(len(f) == 1 and not any(next(iter(f))) for f in system):
        return Solved(chart, (), "")  # no independent columns, or an equation c = 0 with c not zero: exact
    variables = len(next(iter(system[0]))) if system else len(chart.free)
    if variables == 0:
        return Solved(chart, (Locus(0, 1, (), (Branch(flint.fmpq_poly([0, 1]), ()),), (1,)),), "")
    aside: list[Polynomial] = []
    try:
        for _ in range(MAX_LOCI):
            extra = [_not_zero(f, len(aside), n) for n, f in enumerate(aside)]

            def draw(extra: list[Polynomial] = extra) -> list[Polynomial]:
                return [wider(f, len(extra)) for f in chart.system(moments, rng) or []] + extra

            locus = _locus(draw, variables + len(aside), len(chart.free), solver, rng, deadline)
            if locus is None:
                return Solved(chart, tuple(loci), "")
            loci.append(locus)
            if locus.dimension == 0:
                return Solved(chart, tuple(loci), "")
            aside += [_off_value(chart, moments, g, variables) for g in _values(chart, moments, locus)]
    except GaveUp as error:
        return Solved(chart, tuple(loci), str(error))
    return Solved(chart, tuple(loci), f"more than {MAX_LOCI} critical values of families in one cell")


def _locus(
    draw: Callable[[], list[Polynomial]],
    variables: int,
    width: int,
    solver: Solver,
    rng: random.Random,
    deadline: float,
) -> Locus | None:
    """The points of a system, or a section of its families of highest dimension; None if it has no solution."""
    ideal = measured(draw, variables, solver, rng, deadline)
    if ideal.dimension < 0:
        return None
    reason = ""
    for _ in range(SECTIONS):
        planes = [_plane(variables, width, rng) for _ in range(ideal.dimension)]
        size = measured(_with(draw, planes), variables, solver, rng, deadline) if planes else ideal
        if size.degree is None:
            reason = "a random section of a family is empty or has infinitely many points"
            continue
        found = branches([*draw(), *planes], variables, size.degree, solver, rng, deadline)
        points = tuple(Branch(b.modulus, b.coordinates[:width]) for b in found)
        if planes:  # a critical value that were missed here would be met again, with the others put aside
            return Locus(ideal.dimension, size.degree, size.primes, points, (None,) * len(points))
        known = list(multiplicities(draw, found, size.degree, variables, solver, rng, deadline))
        if size.degree == sum((n or 0) * int(b.modulus.degree()) for n, b in zip(known, found, strict=True)):
            return Locus(0, size.degree, size.primes, points, tuple(known))
        reason = f"the points found do not account for the degree {size.degree}"
    raise GaveUp(reason)


def _with(draw: Callable[[], list[Polynomial]], more: list[Polynomial]) -> Callable[[], list[Polynomial]]:
    return lambda: [*draw(), *more]


def _plane(variables: int, width: int, rng: random.Random) -> Polynomial:
    """A random affine hyperplane in the first ``width`` coordinates."""
    plane: Polynomial = {(0,) * variables: Fraction(rng.randint(1, 999))}
    for n in range(width):
        plane[tuple(int(m == n) for m in range(variables))] = Fraction(rng.randint(1, 999) * rng.choice((-1, 1)))
    return plane


def _values(chart: Chart, moments: Moments, locus: Locus) -> list[list[Fraction]]:
    """The minimal polynomials of ``tr(M C')`` at the points of a locus, coefficients from the constant one."""
    found = []
    for branch in locus.branches:
        field = Field(branch.modulus)
        polynomial = field.minimal_polynomial(trace(chart, moments, branch))
        if polynomial not in found:
            found.append(polynomial)
    return found


def trace(chart: Chart, moments: Moments, branch: Branch) -> Element:
    """``tr(M C')`` at a point; the loss is ``c0 - tr(M C') / 2`` there, since ``tr(R M') = 0``."""
    field = Field(branch.modulus)
    m = product_of(field, chart.network, weights_at(chart, branch))
    total = element(0)
    for row, line in zip(m, moments.cross, strict=True):
        for x, c in zip(row, line, strict=True):
            total += x * element(c)
    return field.reduce(total)


def weights_at(chart: Chart, branch: Branch) -> dict[Edge, Element]:
    """All weights of N_q at a point."""
    found = {edge: element(x) for edge, x in chart.fixed.items()}
    return found | dict(zip(chart.free, branch.coordinates, strict=True))


def product_of(field: Field, network: LinearNetwork, weights: Mapping[Edge, Element]) -> list[list[Element]]:
    """``W_L ... W_1``."""
    result: list[list[Element]] | None = None
    for layer in layers_of(network, weights):
        result = layer if result is None else field.matrix_product(layer, result)
    assert result is not None
    return result


def layers_of(network: LinearNetwork, weights: Mapping[Edge, Element]) -> list[list[list[Element]]]:
    """The matrices W_1, ..., W_L."""
    zero = element(0)
    return [
        [[weights.get((l, i, j), zero) for j in range(len(row))] for i, row in enumerate(mask)]
        for l, mask in enumerate(network.masks)
    ]


def _off_value(chart: Chart, moments: Moments, minimal: list[Fraction], variables: int) -> Polynomial:
    """``g(tr(M C'))`` as a polynomial over the coordinates (and the variables of the minors)."""
    ring = flint.fmpq_mpoly_ctx.get([f"x{n}" for n in range(variables)], "degrevlex")
    gens, zero = ring.gens(), ring.from_dict({})
    entries = {e: zero + x for e, x in chart.fixed.items()} | dict(zip(chart.free, gens, strict=False))
    m = matrix_of(chart.network, entries, zero)
    t = zero
    for row, line in zip(m, moments.cross, strict=True):
        for x, c in zip(row, line, strict=True):
            t += x * flint.fmpq(c.numerator, c.denominator)
    result = zero
    for c in reversed(minimal):
        result = result * t + flint.fmpq(c.numerator, c.denominator)
    return _polynomial(result, variables)


def _not_zero(f: Polynomial, more: int, n: int) -> Polynomial:
    """``1 - s f`` with s the n-th of ``more`` new variables."""
    s = tuple(int(k == n) for k in range(more))
    width = len(next(iter(f))) if f else 0
    return {(0,) * (width + more): Fraction(1)} | {e + s: -c for e, c in f.items()}


def solve_all(
    todo: Sequence[Chart], moments: Moments, solver: Solver, rng: random.Random, deadline: float
) -> list[Solved]:
    """:func:`solve` for many cells; the solver's processes run in ``THREADS`` threads.

    An interrupt (Ctrl-C) ends them; cells that were not solved say so.
    """
    seeds = [rng.randrange(2**32) for _ in todo]
    jobs: list[Future[Solved]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for chart, seed in zip(todo, seeds, strict=True):
                jobs.append(pool.submit(solve, chart, moments, solver, seed, deadline))
            wait(jobs)
        except KeyboardInterrupt:
            solver.stop.set()
            pool.shutdown(cancel_futures=True)
    done = [None if job.cancelled() else job.result() for job in jobs]
    missing = [Solved(chart, (), INTERRUPTED) for chart in todo[len(done) :]]
    return [s or Solved(chart, (), INTERRUPTED) for s, chart in zip(done, todo, strict=False)] + missing
