"""The landscape of one instance without regularisation: all critical points modulo gauge (symverify-landscape/1).

What is exact: every point listed is critical (substitution in its number field), its ranks, its loss; inertia by ball
arithmetic and exact nullity.  What rests on degrees modulo random primes: that nothing is missing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import flint

from symverify.data import Data
from symverify.landscape.algebraic import Field
from symverify.landscape.answer import CriticalPoint, QuotientLandscape, Row, overlap
from symverify.landscape.attainment import attained_because
from symverify.landscape.enclose import bounds
from symverify.landscape.families import dead_nodes, dead_unit, first_kind, members_of, require_critical
from symverify.landscape.groebner import Solver, find_solver
from symverify.landscape.instance import Units, check_instance
from symverify.landscape.naming import doubt_of, named
from symverify.landscape.points import (
    PRECISION,
    AlgebraicPoint,
    Interval,
    curvature,
    height,
    loss_of,
    real_losses,
    real_roots,
)
from symverify.landscape.strata import Chart, Quotient, Solved, charts, solve_all, weights_at
from symverify.network import LinearNetwork

MAX_SYSTEMS = 5_000

Value = tuple[Fraction, ...]
"""The minimal polynomial of tr(M C') at a critical point: a critical value and its conjugates."""


def survey_quotient(
    network: LinearNetwork,
    data: Data,
    *,
    seed: int = 0,
    budget: float = 300.0,
    solver: Solver | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> QuotientLandscape:
    """All critical points of ``L = 1/2 tr(M G M') - tr(M C') + c0`` modulo gauge, with their kinds.

    Args:
        network: any masks with a path from an input to an output; depth at least two.
        data: exact.
        seed: of primes and random combinations.
        budget: seconds after which no new system is begun, and no more families of dead units are looked at.
        solver: msolve where found; without it small systems only.

    Raises:
        ValueError: shapes that do not fit, one layer only, more than ``MAX_HIDDEN`` hidden units or ``MAX_SYSTEMS``
            cells.

    Example:
        >>> found = survey_quotient(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]))
        >>> [(str(p.kind), str(p.loss[0]), p.inertia) for p in found.points]
        [('global minimum', '0', (1, 1, 0)), ('strict saddle', '9/2', (1, 0, 1))]
        >>> found.complex, found.real, found.complete
        (2, 2, True)
    """
    began = time.monotonic()
    deadline, rng = began + budget, random.Random(seed)
    solver = solver or find_solver()
    check_instance(network, data)
    quotient = Quotient.of(network, data)
    strata = quotient.strata()
    todo = list(islice((chart for live in strata for chart in charts(quotient, live)), MAX_SYSTEMS + 1))
    if len(todo) > MAX_SYSTEMS:
        raise ValueError(f"masks: more than {MAX_SYSTEMS} cells; such networks are out of reach")
    progress(f"{len(todo)} systems")
    solved = solve_all(todo, quotient.moments, solver, rng, deadline)
    progress("classifying")
    attained = attained_because(network, data)
    rows, points, values = [], [], set()
    with flint.ctx.workprec(PRECISION + 8 * height(data)):
        for live in strata:
            part = [s for s in solved if s.chart.live == live]
            row, found, seen = _stratum(network, data, quotient, live, part, deadline)
            rows.append(row)
            points += found
            values |= seen
        unseen = [x for row in rows for x in row.unseen]
        doubt = doubt_of(points, unseen, data) if attained and points else ""
        complete = not doubt and not any(row.reason for row in rows)
        sorted_points = named(network, data, points, complete, bool(attained), unseen)
    count, seconds = sum(len(v) - 1 for v in values), time.monotonic() - began
    return QuotientLandscape(network, data, tuple(rows), sorted_points, count, attained, doubt, solver.name, seconds)


def _stratum(
    network: LinearNetwork, data: Data, quotient: Quotient, live: Units, part: Sequence[Solved], deadline: float
) -> tuple[Row, list[CriticalPoint], set[Value]]:
    """The points of one stratum; those at the critical value of a family of it belong to the family."""
    entries = []
    reasons = [s.reason for s in part if s.reason]
    for s in part:
        for locus in s.loci:
            for branch, multiplicity in zip(locus.branches, locus.multiplicities, strict=True):
                point = AlgebraicPoint(network, quotient.moments, Field(branch.modulus), weights_at(s.chart, branch))
                require_critical(point)
                if point.is_irreducible(s.chart.network, s.chart.upright):
                    value = tuple(point.field.minimal_polynomial(point.trace))
                    entries.append((s.chart, locus.dimension, multiplicity, point, value))
                    if s.chart.leftover:
                        reasons.append(f"{s.chart.leftover} dimensions of the gauge are not fixed in a cell")
    largest: dict[Value, int] = {}
    for _, size, _, _, value in entries:
        largest[value] = max(largest.get(value, 0), size)
    if any(dimension > 0 for dimension in largest.values()) and quotient.tangled(network, live):
        reasons.append("the gauge and ker G mix: dimensions of families may be too large")
    points: list[CriticalPoint] = []
    number, isolated, real = 0, 0, 0
    families: dict[Value, _Family] = {}
    for chart, size, multiplicity, point, value in entries:
        dimension = largest[value]
        roots = list(real_roots(point.field))
        if dimension == 0:
            number += point.field.degree
            alone = not any(n for node in dead_nodes(network, live) for n in point.excess(node).values())
            isolated += point.field.degree if alone and not point.merged(chart.network) else 0
            real += len(roots)
        elif size == dimension:
            family = families.setdefault(value, _Family(value, dimension))
            family.degree += point.field.degree
            roots = [root for root in roots if family.is_new(loss_of(point, root, data))]
        else:
            continue  # at the critical value of a family: one of its points, or not listed apart from it
        points += [_point(data, chart, multiplicity, point, root, dimension, deadline) for root in roots]
    primes = tuple(sorted({p for s in part for locus in s.loci for p in locus.primes}))
    row = Row(
        live,
        len(part),
        number,
        isolated,
        real,
        tuple(line for family in families.values() for line in family.lines()),
        tuple(x for family in families.values() for x in family.unseen(data)),
        primes,
        "; ".join(dict.fromkeys(reasons)),
    )
    return row, points, set(largest)


@dataclass
class _Family:
    """The families of one stratum at one critical value and its conjugates; one real point of each loss is listed."""

    value: Value
    dimension: int
    degree: int = 0
    seen: list[Interval] = field(default_factory=list)

    def is_new(self, loss: Interval) -> bool:
        """Whether no real point of this loss came before; takes note of it."""
        if any(overlap(loss, other) for other in self.seen):
            return False
        self.seen.append(loss)
        return True

    def lines(self) -> list[tuple[int, int, Interval | None]]:
        """Per conjugate: dimension, degree of its section, the loss if a real point was met."""
        count = len(self.value) - 1
        losses = [*self.seen, *[None] * (count - len(self.seen))]
        return [(self.dimension, self.degree // count, loss) for loss in losses]

    def unseen(self, data: Data) -> list[Interval]:
        """The real conjugates of which no real point was met, as losses."""
        here = real_losses(self.value, data)
        return [x for x in here if not any(overlap(x, other) for other in self.seen)]


def _point(
    data: Data,
    chart: Chart,
    multiplicity: int | None,
    point: AlgebraicPoint,
    root: Any,
    dimension: int,
    deadline: float,
) -> CriticalPoint:
    live, live_network = chart.live, chart.network
    dead = tuple(dead_unit(point, node) for node in dead_nodes(point.network, live))
    bent = curvature(point, root, data)
    simple = bent.inertia is not None and bent.inertia[1] == bent.gauge and dimension == 0
    weights = tuple(bounds(x.real) for x in point.balls(root))
    if point.is_rational():
        weights = tuple((x, x) for x in point.rational())
    return CriticalPoint(
        live,
        weights,
        loss_of(point, root, data),
        first_kind(bent),
        bent,
        point.ranks,
        dimension,
        1 if simple else multiplicity if chart.is_open and dimension == 0 else None,
        dead,
        point.merged(live_network),
        tuple(members_of(data, dead, point, root, deadline)),
        point,
        None,
    )
