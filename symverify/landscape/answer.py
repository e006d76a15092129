"""The answer for a plain instance: critical points with their kinds, and how it is printed (symverify-landscape/1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from tabulate import tabulate

from symverify.certificate import SpuriousMinimum
from symverify.data import Data
from symverify.exact import Vector
from symverify.landscape.groebner import INTERRUPTED
from symverify.landscape.instance import Units
from symverify.landscape.normal_forms import merges
from symverify.landscape.points import (
    AlgebraicPoint,
    Curvature,
    Interval,
)
from symverify.network import LinearNetwork, Node

FORMAT = "symverify-landscape/1"


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
        open_family |= any(not overlap(x, p.loss) for x in self.unseen for p in self.points[:1])
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


def overlap(a: Interval, b: Interval) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


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
