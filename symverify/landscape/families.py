"""What dead units may become at a critical point (lemmas ``retract``, ``pairing``), judged at random points."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any

from symverify.data import Data
from symverify.landscape.algebraic import Element, Field, element
from symverify.landscape.answer import DeadUnit, Kind, Member
from symverify.landscape.instance import Units
from symverify.landscape.points import (
    AlgebraicPoint,
    Curvature,
    curvature,
)
from symverify.network import LinearNetwork, Node

MAX_SIDES = 256


def dead_unit(point: AlgebraicPoint, node: Node) -> DeadUnit:
    excess = point.excess(node)
    return DeadUnit(node, excess["in"], excess["out"], all(x.is_zero() for row in point.pairing(node) for x in row))


def first_kind(bent: Curvature) -> Kind:
    if bent.negative:
        return Kind.SADDLE
    if bent.inertia is None:
        return Kind.OPEN
    return Kind.MINIMUM if bent.strict else Kind.SEMIDEFINITE


def dead_nodes(network: LinearNetwork, live: Units) -> list[Node]:
    """The hidden units that are not live but have a fan-in and a fan-out."""
    hidden = [(l, v) for l in range(1, network.depth) for v in range(network.widths[l]) if (l, v) not in live]
    return [(l, v) for l, v in hidden if any(network.masks[l - 1][v]) and any(row[v] for row in network.masks[l])]


def members_of(
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
            yield Member(sides, dimension, first_kind(curvature(here, root, data)), here, None)


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
    require_critical(here)
    return dimension, tuple(x for x in chosen if x in given), here


def require_critical(point: AlgebraicPoint) -> None:
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
