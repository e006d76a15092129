"""The landscape of one instance without regularisation: all critical points modulo gauge (symverify-landscape/1).

What is exact: every point listed is critical (substitution in its number field), its ranks, its loss; inertia by ball
arithmetic and exact nullity.  What rests on degrees modulo random primes: that nothing is missing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from itertools import islice, product
from typing import Any

import flint
import numpy as np
from tabulate import tabulate

from symverify.certificate import SpuriousMinimum
from symverify.certify import SymverifyError, ball_certificate, exact_certificates
from symverify.data import Data
from symverify.exact import Vector, Weights
from symverify.landscape.algebraic import Element, Field, element
from symverify.landscape.attainment import attained_because
from symverify.landscape.enclose import bounds
from symverify.landscape.groebner import INTERRUPTED, Solver, find_solver
from symverify.landscape.higher import descent_curve
from symverify.landscape.instance import Units, check_instance
from symverify.landscape.normal_forms import merges
from symverify.landscape.points import (
    PRECISION,
    AlgebraicPoint,
    Curvature,
    Interval,
    curvature,
    height,
    loss_at,
    loss_of,
    real_roots,
)
from symverify.landscape.strata import Chart, Quotient, Solved, charts, solve_all, weights_at
from symverify.loss import weights_of
from symverify.network import LinearNetwork, Node
from symverify.search import Candidate, balanced
from symverify.witness import accepted

FORMAT = "symverify-landscape/1"
MAX_SIDES = 256
MAX_SYSTEMS = 5_000

Value = tuple[Fraction, ...]
"""The minimal polynomial of tr(M C') at a critical point: a critical value and its conjugates."""


class Kind(StrEnum):
    """What a real critical point is."""

    GLOBAL = "global minimum"
    LOWEST = "local minimum (strict), lowest critical value"
    FOUND = "local minimum (strict), the lowest found"
    SPURIOUS = "spurious local minimum (strict)"
    DEGENERATE = "spurious local minimum (degenerate)"
    MINIMUM = "local minimum (strict)"
    SADDLE = "strict saddle"
    HIGHER = "saddle (not strict)"
    SEMIDEFINITE = "undecided: Hessian semidefinite with more kernel than the gauge"
    OPEN = "undecided: inertia not decided"


@dataclass(frozen=True, slots=True)
class DeadUnit:
    """What the weights of a dead unit may become, one side at a time, at a critical point (lemma ``retract``).

    ``inside``, ``outside``: the dimensions, beyond the gauge, of the incoming and of the outgoing weights that keep the
    point critical, with the same M.  ``paired_with_zero``: its pairing ``b_u' R a_j'`` is zero; otherwise the point,
    and all those, are strict saddles (lemma ``pairing``).
    """

    node: Node
    inside: int
    outside: int
    paired_with_zero: bool


@dataclass(frozen=True)
class Member:
    """A random critical point of the family that dead units carry: unit -> side on which its weights are not zero."""

    sides: tuple[tuple[Node, str], ...]
    dimension: int
    kind: Kind
    point: AlgebraicPoint
    proof: SpuriousMinimum | None


@dataclass(frozen=True)
class CriticalPoint:
    """One real critical point (a normal form, all weights of dead units zero), or one point of a family.

    ``dimension``: of the family beyond the gauge that it lies on within its stratum, 0 for a point isolated there.
    ``dead``: what the dead units may become; ``members``: where their pairings are zero, a random point of the family
    for every choice of one side each.  ``merged``: the dimension that the gauge of N_q has beyond that of the network
    (units whose fans differ by dead units only).
    ``weights`` over the edges of the network, as ``(low, high)``; equal ends: exact.
    """

    live: Units
    weights: tuple[Interval, ...]
    loss: Interval
    kind: Kind
    curvature: Curvature
    ranks: dict[str, int]
    dimension: int
    multiplicity: int | None
    dead: tuple[DeadUnit, ...]
    merged: int
    members: tuple[Member, ...]
    point: AlgebraicPoint
    proof: SpuriousMinimum | None

    @property
    def certificate(self) -> SpuriousMinimum | None:
        """Accepted by the checker: of this point, or of a member of its family, as a spurious minimum."""
        return next((c for c in (self.proof, *(m.proof for m in self.members)) if c is not None), None)

    @property
    def inertia(self) -> tuple[int, int, int] | None:
        """Of the Hessian in all weights, ``(n+, n0, n-)``."""
        return self.curvature.inertia

    @property
    def orbit(self) -> int:
        """One normal form stands for the whole gauge orbit."""
        return 1

    @property
    def has_family(self) -> bool:
        """Whether it lies on a family, or dead units may have weights and need not be strict saddles then."""
        carried = all(u.paired_with_zero for u in self.dead) and any(u.inside or u.outside for u in self.dead)
        return carried or self.dimension > 0 or self.merged > 0

    @property
    def isolated(self) -> bool:
        """Isolated modulo gauge: on no family of its stratum, and no dead unit may become anything else."""
        return self.dimension == 0 and self.merged == 0 and not any(u.inside or u.outside for u in self.dead)


@dataclass(frozen=True)
class Row:
    """A stratum: numbers of complex irreducible points modulo gauge, of real ones, families, and what is missing.

    ``families``, one per complex critical value: dimension, degree of a section, the loss of a real point of it.
    ``unseen``: real critical values of families of which no real point was met (there may be none).
    """

    live: Units
    cells: int
    complex: int
    isolated: int
    real: int
    families: tuple[tuple[int, int, Interval | None], ...]
    unseen: tuple[Interval, ...]
    primes: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class QuotientLandscape:
    """All critical points of an unregularised loss, modulo gauge.

    ``complete``: no cell of any stratum lacks an answer.  Then every critical value is listed, and every critical point
    is, up to gauge, one of ``points``, a member of a family listed, or leads to one of those by shrinking weights of
    dead units (lemmas ``retract``, ``cells``).
    """

    network: LinearNetwork
    data: Data
    strata: tuple[Row, ...]
    points: tuple[CriticalPoint, ...]
    complex_values: int
    attained: str
    doubt: str
    solver: str
    seconds: float

    @property
    def complete(self) -> bool:
        """Rests on the degrees modulo primes."""
        return not self.doubt and not any(row.reason for row in self.strata)

    @property
    def unseen(self) -> tuple[Interval, ...]:
        """Real critical values of families of which no real point was met."""
        return tuple(sorted({x for row in self.strata for x in row.unseen}))

    @property
    def interrupted(self) -> bool:
        """Ctrl-C came before all cells were solved."""
        return any(INTERRUPTED in row.reason for row in self.strata)

    @property
    def complex(self) -> int:
        """The number of complex critical points that are isolated modulo gauge."""
        return sum(row.isolated for row in self.strata)

    @property
    def real(self) -> int:
        """The number of real ones among these."""
        return sum(1 for p in self.points if p.isolated)

    @property
    def normal_forms(self) -> int:
        """The number of complex normal forms on no family of their stratum: dead units without weights."""
        return sum(row.complex for row in self.strata)

    @property
    def values(self) -> int:
        """The number of distinct critical values of the real points listed (exact where rational)."""
        groups, high = 0, None
        for low, top in sorted({p.loss for p in self.points}):
            groups += high is None or low > high
            high = top if high is None else max(high, top)
        return groups

    @property
    def spurious(self) -> bool | None:
        """Whether there is a spurious local minimum.

        None: something is missing or undecided, the lowest minimum may be above an infimum that is not attained, or
        points that are not global lie on families, which were judged at random points only (or not at all: real
        critical values that are ``unseen``; points that lead to one with dead units by a gauge that the network does
        not have, :func:`merges`).
        """
        kinds = [p.kind for p in self.points] + [m.kind for p in self.points for m in p.members]
        if any(k in (Kind.SPURIOUS, Kind.DEGENERATE) for k in kinds):
            return True
        others = [p for p in self.points if p.kind is not Kind.GLOBAL]
        open_family = any(p.has_family for p in others)
        open_family |= merges(self.network) and any(p.dead for p in others)
        open_family |= any(not _overlap(x, p.loss) for x in self.unseen for p in self.points[:1])
        undecided = any(k in (Kind.SEMIDEFINITE, Kind.OPEN, Kind.LOWEST, Kind.FOUND, Kind.MINIMUM) for k in kinds)
        return None if open_family or undecided or not self.complete else False

    @property
    def reason(self) -> str:
        """On what ``complete`` rests, or what is missing."""
        if not self.complete:
            lines = [f"{_units(row.live)}: {row.reason}" for row in self.strata if row.reason]
            return "; ".join([*lines, self.doubt] if self.doubt else lines)
        primes = {p for row in self.strata for p in row.primes}
        return (
            "every cell of every stratum is solved exactly; that nothing is missing rests on degrees modulo random"
            f" primes ({len(primes)} used, two per system; {self.solver})"
        )

    @property
    def ridge(self) -> Vector:
        """Zeros."""
        return (Fraction(0),) * self.network.parameters

    def to_json(self, certificates: Sequence[str | None] | None = None) -> dict[str, Any]:
        """The object of ``symverify landscape --json``; ``certificates``: a path per point, or None."""
        kept = [
            {} if certificates is None else {"certificate": path} for path in certificates or [None] * len(self.points)
        ]
        return {
            "format": FORMAT,
            "complex": self.complex,
            "real": self.real,
            "normal_forms": self.normal_forms,
            "values": self.values,
            "complex_values": self.complex_values,
            "strata": [_row_json(row) for row in self.strata],
            "points": [_point_json(p) | more for p, more in zip(self.points, kept, strict=True)],
            "attained": self.attained,
            "complete": self.complete,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }

    def text(self) -> str:
        """For reading."""
        lines = [
            f"critical points isolated modulo gauge: {self.complex} complex, {self.real} real;"
            f" normal forms: {self.normal_forms};"
            f" distinct critical values: {self.values} real, {self.complex_values} complex",
            f"complete: {'yes' if self.complete else 'no'}; {self.reason}",
            f"the infimum is attained: {self.attained}" if self.attained else "the infimum may not be attained",
        ]
        if self.unseen:
            losses = ", ".join(_number(x) for x in self.unseen)
            lines.append(f"families with real critical values of which no real point was met: {losses}")
        rows: list[tuple[str, ...]] = []
        for p in self.points:
            rows.append(
                (
                    _number(p.loss),
                    "open" if p.inertia is None else str(p.inertia),
                    str(p.curvature.gauge),
                    _ranks(p.ranks, self.network.depth),
                    _names(p.live),
                    f"family of dimension {p.dimension}: {p.kind}" if p.dimension else str(p.kind),
                )
            )
            rows += [("", "", "", "", "", line) for line in _family_lines(p)]
        head = ["loss", "inertia (+,0,-)", "gauge", "ranks", "live units", "kind"]
        return "\n".join([*lines, "", tabulate(rows, head, disable_numparse=True)])


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
        doubt = _doubt(points, unseen, data) if attained and points else ""
        complete = not doubt and not any(row.reason for row in rows)
        named = _named(network, data, points, complete, bool(attained), unseen)
    count, seconds = sum(len(v) - 1 for v in values), time.monotonic() - began
    return QuotientLandscape(network, data, tuple(rows), named, count, attained, doubt, solver.name, seconds)


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
                _require_critical(point)
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
            alone = not any(n for node in _dead(network, live) for n in point.excess(node).values())
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
        if any(_overlap(loss, other) for other in self.seen):
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
        here = _real_losses(self.value, data)
        return [x for x in here if not any(_overlap(x, other) for other in self.seen)]


def _real_losses(value: Value, data: Data) -> list[Interval]:
    """The losses at the real roots of the minimal polynomial of tr(M C')."""
    conjugates = Field(flint.fmpq_poly([flint.fmpq(c.numerator, c.denominator) for c in value]))
    return [loss_at(conjugates, flint.fmpq_poly([0, 1]), root, data) for root in real_roots(conjugates)]


def _overlap(a: Interval, b: Interval) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


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
    dead = tuple(_dead_unit(point, node) for node in _dead(point.network, live))
    bent = curvature(point, root, data)
    simple = bent.inertia is not None and bent.inertia[1] == bent.gauge and dimension == 0
    weights = tuple(bounds(x.real) for x in point.balls(root))
    if point.is_rational():
        weights = tuple((x, x) for x in point.rational())
    return CriticalPoint(
        live,
        weights,
        loss_of(point, root, data),
        _first_kind(bent),
        bent,
        point.ranks,
        dimension,
        1 if simple else multiplicity if chart.is_open and dimension == 0 else None,
        dead,
        point.merged(live_network),
        tuple(_members(data, dead, point, root, deadline)),
        point,
        None,
    )


def _dead_unit(point: AlgebraicPoint, node: Node) -> DeadUnit:
    excess = point.excess(node)
    return DeadUnit(node, excess["in"], excess["out"], all(x.is_zero() for row in point.pairing(node) for x in row))


def _first_kind(bent: Curvature) -> Kind:
    if bent.negative:
        return Kind.SADDLE
    if bent.inertia is None:
        return Kind.OPEN
    return Kind.MINIMUM if bent.strict else Kind.SEMIDEFINITE


def _dead(network: LinearNetwork, live: Units) -> list[Node]:
    """The hidden units that are not live but have a fan-in and a fan-out."""
    hidden = [(l, v) for l in range(1, network.depth) for v in range(network.widths[l]) if (l, v) not in live]
    return [(l, v) for l, v in hidden if any(network.masks[l - 1][v]) and any(row[v] for row in network.masks[l])]


def _members(
    data: Data, dead: Sequence[DeadUnit], point: AlgebraicPoint, root: Any, deadline: float
) -> Iterator[Member]:
    """For every choice of one side per dead unit (none where neither has more than the gauge) a random point.

    Points where fewer units have weights are limits of these at the same loss, so that these are local minima near
    every one of those that is.  Nothing where a pairing is not zero: then all are strict saddles (lemma ``pairing``).
    """
    if any(not unit.paired_with_zero for unit in dead):
        return
    options = [[side for side, n in (("in", u.inside), ("out", u.outside)) if n > 0] or [""] for u in dead]
    rng = random.Random(0)
    seen: set[tuple[tuple[Node, str], ...]] = set()
    for choice in islice(product(*options), MAX_SIDES):
        if time.monotonic() > deadline:
            return
        wanted = tuple((unit.node, side) for unit, side in zip(dead, choice, strict=True) if side)
        dimension, sides, here = _member(point, wanted, rng)
        if sides and sides not in seen:
            seen.add(sides)
            yield Member(sides, dimension, _first_kind(curvature(here, root, data)), here, None)


def _member(
    point: AlgebraicPoint, chosen: Sequence[tuple[Node, str]], rng: random.Random
) -> tuple[int, tuple[tuple[Node, str], ...], AlgebraicPoint]:
    """Weights for dead units: incoming ones from the bottom, then outgoing ones from the top, each in turn.

    In this order what a unit gets leaves the conditions of the earlier ones alone.  A unit for which the others leave
    nothing beyond the gauge gets no weights.  Dimension, the units with their sides, the point.
    """
    here, dimension, given = point, 0, set()
    upwards = [(node, side) for node, side in chosen if side == "in"]
    for node, side in upwards + [(node, side) for node, side in reversed(chosen) if side == "out"]:
        more = here.excess(node)[side]
        if more <= 0:
            continue
        given.add((node, side))
        dimension += more
        row = _combination(here.field, here.half_dead(node)[side], rng)
        here = here.with_weights(dict(zip(_edges(point.network, node, side), row, strict=True)))
    _require_critical(here)
    return dimension, tuple(x for x in chosen if x in given), here


def _require_critical(point: AlgebraicPoint) -> None:
    if not point.is_critical():
        raise AssertionError("a point that has to be critical is not; please report this instance")


def _edges(network: LinearNetwork, node: Node, side: str) -> list[tuple[int, int, int]]:
    layer, v = node
    if side == "in":
        return [(layer - 1, v, j) for j, x in enumerate(network.masks[layer - 1][v]) if x]
    return [(layer, i, v) for i, row in enumerate(network.masks[layer]) if row[v]]


def _combination(field: Field, basis: Sequence[Sequence[Element]], rng: random.Random) -> list[Element]:
    factors = [rng.choice((1, 2, 3, -1, -2)) for _ in basis]
    return [
        field.reduce(sum((element(f) * x for f, x in zip(factors, column, strict=True)), element(0)))
        for column in zip(*basis, strict=True)
    ]


# -- names ------------------------------------------------------------------------------------------------


def _named(
    network: LinearNetwork,
    data: Data,
    points: Sequence[CriticalPoint],
    complete: bool,
    attained: bool,
    unseen: Sequence[Interval],
) -> tuple[CriticalPoint, ...]:
    """Kinds that compare points: global, spurious; and proofs for degenerate ones, lowest loss first."""
    ordered = sorted(points, key=lambda p: (p.loss, p.dimension, sorted(p.live)))
    least = min(p.loss[1] for p in ordered)
    sure = _one_value([p for p in ordered if p.loss[0] <= least], data)
    least_minimum = (Kind.LOWEST if complete else Kind.FOUND) if sure else Kind.MINIMUM
    least_is_global = complete and attained and sure and not _is_below(unseen, ordered)
    better = _near(network, ordered[0])
    result = []
    for p in ordered:
        lowest = p.loss[0] <= least
        zero = all(p.point.residual[o][j].is_zero() for o, j in network.covered)
        kind, certificate = _kind(
            p.kind, p.point, p.weights, data, better, lowest, zero or least_is_global, least_minimum
        )
        members = []
        for m in p.members:
            weights = tuple((x, x) for x in m.point.rational()) if m.point.is_rational() else ()
            named, proof = _kind(m.kind, m.point, weights, data, better, lowest, zero or least_is_global, least_minimum)
            members.append(replace(m, kind=named, proof=proof))
        if kind is Kind.SEMIDEFINITE and any(m.kind is Kind.SADDLE for m in members):
            kind = Kind.HIGHER  # strict saddles of the same loss arbitrarily near: shrink their weights by the gauge
        result.append(replace(p, kind=kind, proof=certificate, members=tuple(members)))
    return tuple(result)


def _one_value(points: Sequence[CriticalPoint], data: Data) -> bool:
    """Whether the losses of points, whose intervals meet, are certainly equal."""
    values = {tuple(p.point.field.minimal_polynomial(p.point.trace)) for p in points}
    here = [x for value in values for x in _real_losses(value, data) if any(_overlap(x, p.loss) for p in points)]
    return len(here) == 1


def _is_below(unseen: Sequence[Interval], points: Sequence[CriticalPoint]) -> bool:
    """Whether some critical value without a known real point is lower than that of all points."""
    return any(x[1] < min(p.loss[0] for p in points) for x in unseen)


def _doubt(points: Sequence[CriticalPoint], unseen: Sequence[Interval], data: Data) -> str:
    """What contradicts that the points are all, where the infimum is attained: then no lowest one is a saddle."""
    least = min(p.loss[1] for p in points)
    lowest = [p for p in points if p.loss[0] <= least]
    if _is_below(unseen, points) or not any(p.curvature.negative for p in lowest) or not _one_value(lowest, data):
        return ""
    return "the infimum is attained, but the lowest point found is a saddle: something is missing"


def _kind(
    first: Kind,
    point: AlgebraicPoint,
    weights: Sequence[Interval],
    data: Data,
    better: Weights,
    lowest: bool,
    least_is_global: bool,
    least_minimum: Kind,
) -> tuple[Kind, SpuriousMinimum | None]:
    network = point.network
    if lowest and least_is_global:
        return Kind.GLOBAL, None
    if first is Kind.MINIMUM:
        if lowest:
            return least_minimum, None
        return Kind.SPURIOUS, _spurious_certificate(network, data, weights, better)
    if first is Kind.SEMIDEFINITE and point.is_rational():
        exact = weights_of(network, point.rational())
        if not lowest:
            for option in exact_certificates(Candidate(network, data, exact, better)):
                if accepted(option) is not None:
                    return Kind.DEGENERATE, option
        if descent_curve(network, data, point.rational()) is not None:
            return Kind.HIGHER, None
    return first, None


def _spurious_certificate(
    network: LinearNetwork, data: Data, weights: Sequence[Interval], better: Weights
) -> SpuriousMinimum | None:
    """A certificate that the checker accepts for a strict minimum above ``better``; None if none was met."""
    if all(low == high for low, high in weights):
        exact = weights_of(network, [low for low, _ in weights])
        for option in exact_certificates(Candidate(network, data, exact, better)):
            if accepted(option) is not None:
                return option
        return None
    theta = np.array([float((low + high) / 2) for low, high in weights])
    for start in (balanced(network, theta), theta):
        try:
            option = ball_certificate(network, data, start, better)
        except SymverifyError:
            continue
        if accepted(option) is not None:
            return option
    return None


def _near(network: LinearNetwork, point: CriticalPoint) -> Weights:
    """Rational weights near a critical point."""
    return weights_of(network, [low if low == high else _short((low + high) / 2) for low, high in point.weights])


def _short(x: Fraction) -> Fraction:
    return x.limit_denominator(10**9)


# -- output -----------------------------------------------------------------------------------------------


def _names(live: Units) -> str:
    return " ".join(f"{l}.{v + 1}" for l, v in sorted(live)) or "none"


def _units(live: Units) -> str:
    return "live units {" + _names(live).replace(" ", ", ") + "}"


def _ranks(ranks: dict[str, int], depth: int) -> str:
    """Those of the products of at least two layers, and of the residual."""
    products = (k for k in ranks if k != "R" and k.split("..")[0] != k.split("..")[1])
    names = {k: "M" if k == f"{depth}..1" else f"W{k}" for k in products}
    return ", ".join(f"{name} {ranks[k]}" for k, name in [*names.items(), ("R", "R")])


def _family_lines(p: CriticalPoint) -> Iterator[str]:
    """What dead units may become."""
    for u in p.dead:
        sides = [f"{n} {name}" for n, name in ((u.inside, "in"), (u.outside, "out")) if n]
        if sides and not p.members:
            name = f"{u.node[0]}.{u.node[1] + 1}"
            yield f"  and unit {name} may have weights (dimension {', '.join(sides)}): strict saddles"
    for kind in dict.fromkeys(m.kind for m in p.members):
        like = [m for m in p.members if m.kind is kind]
        sizes = sorted({m.dimension for m in like})
        span = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
        yield f"  with weights of dead units (families: {len(like)}, dimension {span}), at a random point: {kind}"
    if p.merged:
        yield f"  on a family of dimension {p.merged}: the gauge of the live units"


def _number(interval: Interval) -> str:
    low, high = interval
    return str(low) if low == high and low.denominator < 10**6 else f"{float((low + high) / 2):.10g}"


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "live": [[l, v + 1] for l, v in sorted(row.live)],
        "cells": row.cells,
        "complex": row.complex,
        "isolated": row.isolated,
        "real": row.real,
        "unseen": [[str(x) for x in interval] for interval in row.unseen],
        "families": [
            {"dimension": d, "degree": n, "loss": None if at is None else [str(x) for x in at]}
            for d, n, at in row.families
        ],
        "primes": list(row.primes),
        "complete": not row.reason,
        "reason": row.reason,
    }


def _point_json(p: CriticalPoint) -> dict[str, Any]:
    return {
        "loss": [str(x) for x in p.loss],
        "kind": str(p.kind),
        "weights": [[str(x) for x in pair] for pair in p.weights],
        "live": [[l, v + 1] for l, v in sorted(p.live)],
        "inertia": None if p.inertia is None else list(p.inertia),
        "gauge": p.curvature.gauge,
        "ranks": p.ranks,
        "field": p.point.field.degree,
        "dimension": p.dimension,
        "multiplicity": p.multiplicity,
        "isolated": p.isolated,
        "merged": p.merged,
        "dead": [
            {"unit": [u.node[0], u.node[1] + 1], "in": u.inside, "out": u.outside, "pairing": not u.paired_with_zero}
            for u in p.dead
        ],
        "members": [
            {
                "units": [[l, v + 1, side] for (l, v), side in m.sides],
                "dimension": m.dimension,
                "kind": str(m.kind),
                "weights": [str(x) for x in m.point.rational()] if m.point.is_rational() else None,
            }
            for m in p.members
        ],
    }
