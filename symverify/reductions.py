"""Theorem C, proposed: minima of a loss that lies below L (*relax*), and of a network with fewer units (*absorb*).

Both lemmas are in section 19 of ``docs/mathematics.md``.  Nothing here is trusted: a proposal may be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np

from symverify.certificate import (
    Absorb,
    AbsorbStep,
    CriticalFamily,
    CriticalFibre,
    Relax,
    relaxed_network,
    without_unit,
)
from symverify.certify import affine_families, critical_coordinates, is_strict
from symverify.data import Data
from symverify.exact import Matrix, Weights, as_matrix, from_flint, rank, to_flint
from symverify.loss import product, residual
from symverify.network import LinearNetwork, Node

Pair = tuple[int, int]
Leaf = CriticalFamily | CriticalFibre
FIBRES = 3
"""Random orders in which the free weights of a critical fibre are chosen."""
MAX_BLOCKS = 3
"""Dead nodes whose pairs are tried one by one."""
MAX_BY = 4
"""The largest number of units that absorb one together."""


def reductions(network: LinearNetwork, data: Data, point: Weights) -> Iterator[Relax | Absorb]:
    """Evidence ``relax`` and ``absorb`` that may prove a critical point to be a local minimum, the likeliest first.

    >>> net = LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2]))
    >>> point = tuple(map(as_matrix, ([[0, 0], [1, 0]], [[0, 1], [0, 0]])))
    >>> [type(r).__name__ for r in reductions(net, Data.whitened([[1, 0], [0, "1/2"]]), point)][:1]
    ['Relax']
    """
    rest = residual(network, point, data)
    for pairs in relaxed_pairs(network, point, rest):
        yield from _relaxed(network, point, rest, pairs)
    steps, smaller, moved = absorb_all(network, point)
    if steps:
        if is_strict(smaller, data, moved):
            yield Absorb(steps, smaller, CriticalFamily())
        for fibre in _fibres(smaller, data, moved):
            yield Absorb(steps, smaller, fibre)
        for family in affine_families(smaller, data, moved):
            yield Absorb(steps, smaller, family)
        below = residual(smaller, moved, data)
        for pairs in relaxed_pairs(smaller, moved, below):
            for inner in _relaxed(smaller, moved, below, pairs, absorbing=False):
                yield Absorb(steps, smaller, inner)


# -- relax ------------------------------------------------------------------------------------------------


def dead_nodes(network: LinearNetwork, point: Weights) -> list[Node]:
    """Hidden nodes that no input, or no output, feels at the point: their row of W_l .. W_1 or their column of
    W_L .. W_{l+1} is zero.

    >>> net = LinearNetwork.dense(1, 2, 2, 1)
    >>> dead_nodes(net, tuple(map(as_matrix, ([[1], [0]], [[1, 1], [0, 1]], [[1, 1]]))))
    [(1, 1), (2, 1)]
    """
    found = []
    for l in range(1, network.depth):
        below, above = to_flint(point[0]), to_flint(point[-1])
        for w in point[1:l]:
            below = to_flint(w) * below
        for w in point[-2 : l - network.depth - 1 : -1] if l < network.depth - 1 else ():
            above = above * to_flint(w)
        rows, columns = from_flint(below), from_flint(above.transpose())
        found += [(l, v) for v in range(network.widths[l]) if not any(rows[v]) or not any(columns[v])]
    return found


def relaxed_pairs(network: LinearNetwork, point: Weights, rest: Matrix) -> Iterator[tuple[Pair, ...]]:
    """Sets of pairs without residual: those that the dead nodes join, all together and some one by one; then all."""
    zero = {(o, j) for o, j in network.covered if not rest[o][j]}
    if len(zero) == len(network.covered):
        return
    blocks = [
        {(o, j) for o in network.outputs_of(*node) for j in network.inputs_of(*node)}
        for node in dead_nodes(network, point)
    ]
    blocks = [block for block in blocks if block and block <= zero]
    options = [set().union(*blocks), *blocks[:MAX_BLOCKS], zero]
    seen = set()
    for option in options:
        pairs = tuple(sorted(option))
        if pairs and pairs not in seen:
            seen.add(pairs)
            yield pairs


def _relaxed(
    network: LinearNetwork, point: Weights, rest: Matrix, pairs: tuple[Pair, ...], absorbing: bool = True
) -> Iterator[Relax]:
    """The gauge alone, or fibres; with ``absorbing`` the same after units were absorbed."""
    smaller = relaxed_network(network, pairs)
    small = tuple(
        as_matrix([[x if m else Fraction(0) for x, m in zip(r, s, strict=True)] for r, s in zip(w, mask, strict=True)])
        for w, mask in zip(point, smaller.masks, strict=True)
    )
    yield Relax(pairs, smaller, CriticalFamily())
    for fibre in _fibres(smaller, _with_residual(smaller, small, rest), small):
        yield Relax(pairs, smaller, fibre)
    steps, least, moved = absorb_all(smaller, small) if absorbing else ((), smaller, small)
    if steps:
        yield Relax(pairs, smaller, Absorb(steps, least, CriticalFamily()))
        for fibre in _fibres(least, _with_residual(least, moved, rest), moved):
            yield Relax(pairs, smaller, Absorb(steps, least, fibre))


def _with_residual(network: LinearNetwork, point: Weights, rest: Matrix) -> Data:
    """Data for which the residual at the point is ``rest``."""
    m = product(network, point)
    return Data.whitened([[x - r for x, r in zip(u, v, strict=True)] for u, v in zip(m, rest, strict=True)])


def _fibres(network: LinearNetwork, data: Data, point: Weights) -> Iterator[CriticalFibre]:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(FIBRES):
        free = critical_coordinates(network, data, point, rng)
        if free not in seen:
            seen.add(free)
            yield CriticalFibre(free)


# -- absorb -----------------------------------------------------------------------------------------------


def absorb_all(network: LinearNetwork, point: Weights) -> tuple[tuple[AbsorbStep, ...], LinearNetwork, Weights]:
    """Steps as long as a unit can be absorbed, the network that is left, and the point there (M is the same)."""
    steps: list[AbsorbStep] = []
    while (found := _absorbable(network, point)) is not None:
        step, point = found
        network = without_unit(network, step.layer, step.unit)
        steps.append(step)
    return tuple(steps), network, point


def _absorbable(network: LinearNetwork, point: Weights) -> tuple[AbsorbStep, Weights] | None:
    for layer in range(1, network.depth):
        for side in ("inputs", "outputs"):
            near, far = (layer - 1, layer) if side == "inputs" else (layer, layer - 1)
            mask, other = (_turned(network.masks[l], l < layer) for l in (near, far))
            for unit in range(network.widths[layer]):
                by = _absorbing(mask, other, _turned(point[near], near < layer), unit)
                if by is not None:
                    return AbsorbStep(layer, unit, by, side), _absorbed(point, layer, unit, by, side)
    return None


def _turned(matrix: tuple[tuple[object, ...], ...], rows: bool) -> list[list[Fraction]]:
    """Rows are the units of the layer."""
    fractions = as_matrix(matrix)  # type: ignore[arg-type]
    return [list(row) for row in (fractions if rows else zip(*fractions, strict=True))]


def _absorbing(
    mask: list[list[Fraction]], other: list[list[Fraction]], weights: list[list[Fraction]], unit: int
) -> tuple[int, ...] | None:
    """Units I whose masks are inside S, |I| = |S|, with invertible weights on S, that can take over from ``unit``."""
    support = [{j for j, x in enumerate(row) if x} for row in mask]
    taking = [
        i
        for i in range(len(mask))
        if i != unit and support[i] and all(x or not y for x, y in zip(other[i], other[unit], strict=True))
    ]
    for size in range(max(1, len(support[unit])), min(len(taking), MAX_BY) + 1):
        for by in combinations(taking, size):
            nodes = sorted(set().union(*(support[i] for i in by)))
            spanned = len(nodes) == size and support[unit] <= set(nodes)
            if spanned and rank([[weights[i][j] for j in nodes] for i in by]) == size:
                return by
    return None


def _absorbed(point: Weights, layer: int, unit: int, by: tuple[int, ...], side: str) -> Weights:
    near, far = (layer - 1, layer) if side == "inputs" else (layer, layer - 1)
    close, other = _turned(point[near], near < layer), _turned(point[far], far < layer)
    nodes = sorted({j for i in by for j, x in enumerate(close[i]) if x} | {j for j, x in enumerate(close[unit]) if x})
    square = to_flint([[close[i][j] for i in by] for j in nodes])
    target = to_flint([[close[unit][j]] for j in nodes])
    # the columns of `square` are independent and span the target: solve the normal equations
    factors = from_flint((square.transpose() * square).inv() * square.transpose() * target)
    for i, (x,) in zip(by, factors, strict=True):
        other[i] = [u + x * v for u, v in zip(other[i], other[unit], strict=True)]
    moved = list(point)
    for l, rows in ((near, close), (far, other)):
        left = [row for v, row in enumerate(rows) if v != unit]
        moved[l] = as_matrix(left if l < layer else zip(*left, strict=True))
    return tuple(moved)
