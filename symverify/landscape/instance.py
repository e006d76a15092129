"""One regularised instance, and its restriction to a set of live hidden units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from symverify.data import Data
from symverify.exact import Matrix, Vector
from symverify.network import LinearNetwork, Node
from symverify.problem import check_shapes, ridge_of

MAX_HIDDEN = 12
"""Each set of hidden units may be a stratum: more are out of reach."""

Units = frozenset[Node]
"""A set of hidden units, each ``(l, v)``: unit ``v`` of layer ``l``, ``0 < l < depth``."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What the loss needs of the data: ``gram`` = G, ``d_x x d_x``, and ``cross`` = C, ``d_y x d_x``."""

    gram: Matrix
    cross: Matrix

    def gram_of(self, output: int) -> Matrix:
        """The G of one row of M: the same for all outputs, unless a subclass weights them differently."""
        return self.gram


@dataclass(frozen=True)
class Instance:
    """``L(w) = 1/2 tr(M G M') - tr(M C') + sum_e lambda_e w_e^2 + c0`` over the free weights ``w`` of a network.

    ``ridge`` are the ``lambda_e`` in the order of ``network.edges``, all positive.

    Raises:
        ValueError: shapes that do not fit, a depth below two, too many hidden units, or a ``lambda_e <= 0``.

    Example:
        >>> instance = Instance.make(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), [[["1/2"]], [[1]]])
        >>> instance.ridge
        (Fraction(1, 2), Fraction(1, 1))
        >>> [sorted(q) for q in instance.strata]
        [[], [(1, 0)]]
    """

    network: LinearNetwork
    data: Data
    ridge: Vector

    def __post_init__(self) -> None:
        check_instance(self.network, self.data)
        if len(self.ridge) != self.network.parameters:
            raise ValueError(f"regularisation: {len(self.ridge)} numbers for {self.network.parameters} free weights")
        for edge, x in zip(self.network.edges, self.ridge, strict=True):
            if x <= 0:
                l, i, j = edge
                raise ValueError(f"regularisation[{l}][{i}][{j}]: {x}; every free weight needs a positive number")

    @classmethod
    def make(cls, network: LinearNetwork, data: Data, regularisation: Any) -> Instance:
        """From one matrix of rationals per layer, in the shape of the masks and zero off them."""
        return cls(network, data, ridge_of(network, regularisation))

    @property
    def moments(self) -> Moments:
        """G and C."""
        return Moments(self.data.gram, self.data.cross)

    @cached_property
    def strata(self) -> tuple[Units, ...]:
        """Every set ``q`` of hidden units that can be the set of live units of a critical point, smallest first.

        A unit is live at ``w`` if one of its incoming and one of its outgoing weights are not zero.  At a critical
        point every weight of a unit that is not live is zero (lemma ``strata``), so that each unit of ``q`` has a
        neighbour in the layer below and in the layer above that is an input, an output or again in ``q``.
        """
        hidden = [(l, v) for l in range(1, self.network.depth) for v in range(self.network.widths[l])]
        sets = (frozenset(q) for n in range(len(hidden) + 1) for q in combinations(hidden, n))
        seen = self.subnetwork(frozenset(hidden))  # without the weights of inputs that are always zero
        return tuple(q for q in sets if can_live(seen, q))

    def edges_of(self, live: Units) -> tuple[int, ...]:
        """The positions, in ``network.edges``, of the weights between inputs, outputs and live units.

        An input that is zero in all data (``G[j][j] = 0``) does not count: its weights have the gradient
        ``2 lambda_e w_e``, so that they are zero at every critical point.
        """
        depth, gram = self.network.depth, self.data.gram
        kept = []
        for n, (l, i, j) in enumerate(self.network.edges):
            if (gram[j][j] if l == 0 else (l, j) in live) and (l + 1 == depth or (l + 1, i) in live):
                kept.append(n)
        return tuple(kept)

    def subnetwork(self, live: Units) -> LinearNetwork:
        """The network of the same widths whose free weights are :meth:`edges_of` (the other units are cut off)."""
        kept = {self.network.edges[n] for n in self.edges_of(live)}
        return LinearNetwork(
            tuple(
                tuple(tuple(int((l, i, j) in kept) for j in range(len(row))) for i, row in enumerate(mask))
                for l, mask in enumerate(self.network.masks)
            )
        )


def check_instance(network: LinearNetwork, data: Data) -> None:
    """Raises ValueError for shapes that do not fit, a depth below two, or too many hidden units."""
    check_shapes(network, data)
    if network.depth < 2:
        raise ValueError("masks: at least two layers are expected; with one the only critical point is a solve")
    hidden = sum(network.widths[1:-1])
    if hidden > MAX_HIDDEN:
        raise ValueError(f"masks: {hidden} hidden units have 2^{hidden} strata; at most {MAX_HIDDEN} are supported")


def can_live(network: LinearNetwork, live: Units) -> bool:
    def neighbours(candidates: Iterator[int], layer: int) -> bool:
        return any(layer in (0, network.depth) or (layer, v) in live for v in candidates)

    return all(
        neighbours((j for j, x in enumerate(network.masks[l - 1][v]) if x), l - 1)
        and neighbours((i for i, row in enumerate(network.masks[l]) if row[v]), l + 1)
        for l, v in live
    )
