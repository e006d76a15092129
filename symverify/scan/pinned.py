"""Spurious minima of whole networks of any depth from a few disjoint paths (lemma ``pinned``, orthogonal data).

The residual has one entry, output o and input j.  Every path from j to o has an edge before layer ``low`` and one after
layer ``high`` that are zero at the point; other entries of M, through disjoint paths of unit weights, punish both to
second order, while their product is of second order too and has a small factor.  A better point uses a path from j to
o.  Found by linking; nothing is searched numerically.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

from .layers import SparseNetwork
from .linking import link

Weights = tuple[tuple[int, int, int, Fraction], ...]
Chain = tuple[int, ...]
"""Nodes of consecutive layers."""

MAX_INPUTS, MAX_OUTPUTS, MAX_TRIES, MAX_MOVED = 60, 10, 150, 10


@dataclass(frozen=True, slots=True)
class Pinned:
    """Evidence of kind ``pinned``: weights as (layer, row, column, value), all others 0."""

    output: int
    input: int
    low: int
    high: int
    residual: Fraction
    point: Weights
    better: Weights

    def to_json(self) -> dict[str, object]:
        """The evidence as it stands in a certificate."""
        return {
            "kind": "pinned",
            "output": self.output,
            "input": self.input,
            "low": self.low,
            "high": self.high,
            "residual": str(self.residual),
            "point": [[l, i, j, str(x)] for l, i, j, x in self.point],
            "better": [[l, i, j, str(x)] for l, i, j, x in self.better],
        }


def find_pinned(net: SparseNetwork) -> Pinned | None:
    """A minimum of this kind; None if none is found among a bounded number of candidates, which proves nothing.

    >>> from symverify import LinearNetwork
    >>> net = LinearNetwork.from_units(([1, 2], [1, 2]), ([1], [1]))
    >>> found = find_pinned(SparseNetwork.from_network(net))
    >>> found.output, found.input, str(found.residual)
    (1, 1, '1/2')
    >>> find_pinned(SparseNetwork.from_network(LinearNetwork.dense(3, 2, 3))) is None
    True
    """
    for low, high in _cuts(net.depth):
        for j, o, ups, downs in islice(_candidates(net, low, high), MAX_TRIES):
            found = _at(net, j, o, low, high, ups, downs)
            if found is not None:
                return found
    return None


def pinned_at(net: SparseNetwork, j: int, o: int) -> Pinned | None:
    """A minimum of this kind with the residual at input j, output o; None if none is found there."""
    live = net.live
    reached, reaching = net.reached_from([j]), net.reaching([o])
    if o not in reached[-1]:
        return None
    for low, high in _cuts(net.depth):
        ups = [int(v) for v in reached[low] if live[low][v]]
        downs = [int(v) for v in reaching[high] if live[high][v]]
        if len(ups) < net.widths[-1] and len(downs) < net.widths[0]:
            found = _at(net, j, o, low, high, ups, downs)
            if found is not None:
                return found
    return None


def _at(
    net: SparseNetwork, j: int, o: int, low: int, high: int, ups: Sequence[int], downs: Sequence[int]
) -> Pinned | None:
    return _apart(net, j, o, low, high, ups, downs) if low < high else _at_cut(net, j, o, low, ups, downs)


def _cuts(depth: int) -> list[tuple[int, int]]:
    layers = range(1, depth)
    cuts = [(low, high) for low in layers for high in layers if low <= high]
    return sorted(cuts, key=lambda cut: (cut[0] - cut[1], cut[0]))[:12]


def _candidates(net: SparseNetwork, low: int, high: int) -> Iterator[tuple[int, int, list[int], list[int]]]:
    """Input, output, live nodes of layer ``low`` above the one, of layer ``high`` below the other: few first."""
    live = net.live
    outputs = [o for o in range(net.widths[-1]) if live[-1][o]]
    outputs = sorted(outputs, key=lambda o: (int(net.below[-1].degrees()[o]), o))[:MAX_OUTPUTS]
    fans = []
    for o in outputs:
        below = net.reaching([o])
        nodes = [int(v) for v in below[high] if live[high][v]]
        if len(nodes) < net.widths[0]:
            fans.append((o, nodes, set(below[0].tolist())))
    degrees = net.above[0].degrees()
    inputs = sorted((j for j in range(net.widths[0]) if live[0][j]), key=lambda j: (int(degrees[j]), j))[:MAX_INPUTS]
    for j in inputs:
        ups = [int(v) for v in net.reached_from([j])[low] if live[low][v]]
        if len(ups) < net.widths[-1]:
            for o, downs, covered in fans:
                if j in covered:
                    yield j, o, ups, downs


def _linked_up(
    net: SparseNetwork, low: int, starts: Sequence[int], avoid: dict[int, set[int]]
) -> dict[int, Chain] | None:
    """Disjoint paths from nodes of layer ``low`` to outputs, that avoid some nodes of some layers."""
    blocked = [avoid.get(l, set()) for l in range(low, net.depth + 1)]
    return link(net.above[low:], starts, blocked)


def _linked_down(
    net: SparseNetwork, high: int, starts: Sequence[int], avoid: dict[int, set[int]]
) -> dict[int, Chain] | None:
    """Disjoint paths from inputs to nodes of layer ``high``, each written from the input up."""
    blocked = [avoid.get(l, set()) for l in range(high, -1, -1)]
    found = link(net.below[:high][::-1], starts, blocked)
    return None if found is None else {v: path[::-1] for v, path in found.items()}


def _path(net: SparseNetwork, j: int, o: int, avoid: dict[int, set[int]]) -> Chain | None:
    """A path from input j to output o."""
    others = set(range(net.widths[-1])) - {o}
    found = _linked_up(net, 0, [j], {**avoid, net.depth: others | avoid.get(net.depth, set())})
    return None if found is None else found[j]


def _weights(paths: Sequence[tuple[int, Chain, Fraction]]) -> Weights:
    """Weights along chains that begin at a layer: the product of each is the given number, on its first edge."""
    entries = [
        (first + n, above, below, value if n == 0 else Fraction(1))
        for first, chain, value in paths
        for n, (below, above) in enumerate(pairwise(chain))
    ]
    return tuple(sorted(set(entries)))


def _apart(
    net: SparseNetwork, j: int, o: int, low: int, high: int, ups: Sequence[int], downs: Sequence[int]
) -> Pinned | None:
    """low < high, the pins of the two sides on different nodes: M = 0 at the point, and any path j to o is better."""
    if low == high or set(downs) & set(ups):
        return None
    upper = _linked_up(net, low, ups, {high: set(downs), net.depth: {o}})
    if upper is None:
        return None
    used = {l: {chain[l - low] for chain in upper.values()} for l in range(low, high + 1)}
    lower = _linked_down(net, high, downs, {**used, 0: {j}})
    path = _path(net, j, o, {})
    if lower is None or path is None:
        return None
    one = Fraction(1)
    point = [*((low, chain, one) for chain in upper.values()), *((0, chain, one) for chain in lower.values())]
    return Pinned(o, j, low, high, one, _weights(point), _weights([(0, path, one)]))


def _at_cut(net: SparseNetwork, j: int, o: int, cut: int, ups: Sequence[int], downs: Sequence[int]) -> Pinned | None:
    """low = high: the pins meet at nodes of the layer; one of these paths goes another way in the better point."""
    upper = _linked_up(net, cut, ups, {net.depth: {o}})
    if upper is None:
        return None
    common = sorted(set(ups) & set(downs))
    order = [*common, *(v for v in downs if v not in set(common))]  # the nodes of both fans choose first
    lower = _linked_down(net, cut, order, {0: {j}})
    if lower is None:
        return None
    whole = {v: lower[v] + upper[v][1:] for v in common}
    for moved in common[:MAX_MOVED]:
        kept = [whole[v] for v in common if v != moved]
        pair = _two_paths(net, (j, o), (whole[moved][0], whole[moved][-1]), kept)
        if pair is not None:
            one, half = Fraction(1), Fraction(1, 2)
            point = [*((0, c, one) for c in lower.values()), *((cut, c, one) for c in upper.values())]
            better = [(0, pair[0], half), (0, pair[1], one), *((0, chain, one) for chain in kept)]
            return Pinned(o, j, cut, cut, half, _weights(point), _weights(better))
    return None


def _two_paths(
    net: SparseNetwork, first: tuple[int, int], second: tuple[int, int], kept: Sequence[Chain]
) -> tuple[Chain, Chain] | None:
    """Disjoint paths for two pairs (input, output), disjoint from those kept; one is chosen, then the other."""
    base = {l: {chain[l] for chain in kept} for l in range(net.depth + 1)}
    for pairs in ((first, second), (second, first)):
        (a, b), (c, d) = pairs
        path = _path(net, a, b, {**base, 0: base[0] | {c}, net.depth: base[net.depth] | {d}})
        if path is None:
            continue
        other = _path(net, c, d, {l: base[l] | {path[l]} for l in base})
        if other is not None:
            return (path, other) if pairs[0] == first else (other, path)
    return None
