"""A network with up to ten million weights as sparse rows and columns per layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from symverify.network import LinearNetwork

Indices = npt.NDArray[np.int64]

MAX_EDGES = 10_000_000
MAX_NODES = 1_000_000


class ScanError(ValueError):
    """Masks that cannot be used: where, what and the remedy, in one line."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The mask of a layer, ``shape`` = (units, nodes below), as its entries in order of rows, then columns."""

    shape: tuple[int, int]
    rows: Indices
    columns: Indices

    @classmethod
    def from_entries(cls, shape: tuple[int, int], rows: Any, columns: Any) -> Layer:
        """From the positions of the ones, in any order, with repetition.

        >>> Layer.from_entries((2, 2), [1, 0, 1], [0, 1, 0]).rows.tolist()
        [0, 1]
        """
        rows, columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
        flat = np.unique(rows * shape[1] + columns)
        return cls(shape, flat // shape[1], flat % shape[1])

    @classmethod
    def from_dense(cls, mask: npt.NDArray[Any]) -> Layer:
        """From a matrix: the entries that are not 0."""
        rows, columns = np.nonzero(mask)
        return cls((mask.shape[0], mask.shape[1]), rows, columns)

    def transposed(self) -> Layer:
        """The mask with rows and columns exchanged."""
        order = np.lexsort((self.rows, self.columns))
        return Layer((self.shape[1], self.shape[0]), self.columns[order], self.rows[order])


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """For each node of a layer its neighbours in another one: those of ``v`` are ``indices[start[v]:start[v + 1]]``."""

    start: Indices
    indices: Indices

    def of(self, node: int) -> list[int]:
        """The neighbours of one node."""
        found: list[int] = self.indices[self.start[node] : self.start[node + 1]].tolist()
        return found

    def union(self, nodes: Indices, size: int) -> Indices:
        """The neighbours of some nodes, each once, in order; ``size`` is the number of nodes on the other side."""
        starts, lengths = self.start[nodes], self.start[nodes + 1] - self.start[nodes]
        skipped = np.cumsum(lengths) - lengths  # one gather: positions 0, 1, ... of each range in turn
        places = np.arange(int(lengths.sum())) + np.repeat(starts - skipped, lengths)
        return np.flatnonzero(_hit(size, self.indices[places]))

    def degrees(self) -> Indices:
        """How many neighbours each node has."""
        return np.diff(self.start)


def _neighbours(layer: Layer) -> Neighbours:
    return Neighbours(np.searchsorted(layer.rows, np.arange(layer.shape[0] + 1)), layer.columns)


@dataclass(frozen=True, eq=False)
class SparseNetwork:
    """Masks ``layers[l]`` of shape ``(d_{l+1}, d_l)``, first layer first.

    Raises:
        ScanError: no layer; layers that do not chain; more nodes or weights than can be dealt with.

    Example:
        >>> net = SparseNetwork((Layer.from_dense(np.eye(3)), Layer.from_dense(np.ones((1, 3)))))
        >>> net.widths, net.edges
        ((3, 3, 1), 6)
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ScanError("no masks; give one matrix per layer, first layer first")
        for l, layer in enumerate(self.layers):
            if min(layer.shape) < 1:
                raise ScanError(f"layer {l}: shape {layer.shape} is empty; leave the layer out or give its masks")
        for l, (below, above) in enumerate(pairwise(self.layers), start=1):
            if above.shape[1] != below.shape[0]:
                raise ScanError(
                    f"layer {l}: shape {above.shape}, but layer {l - 1} has {below.shape[0]} units; the layers must "
                    "chain, first layer first, rows = units (transpose them if they stand the other way)"
                )
        if sum(self.widths) > MAX_NODES:
            raise ScanError(f"{sum(self.widths)} nodes: more than {MAX_NODES}; give a smaller network")
        if self.edges > MAX_EDGES:
            raise ScanError(f"{self.edges} weights: more than {MAX_EDGES}; give a sparser network")

    @classmethod
    def from_network(cls, network: LinearNetwork) -> SparseNetwork:
        """The same masks in sparse form."""
        return cls(tuple(Layer.from_dense(np.array(mask)) for mask in network.masks))

    @property
    def depth(self) -> int:
        """The number of layers of weights."""
        return len(self.layers)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """``(d_0, ..., d_L)``."""
        return (self.layers[0].shape[1], *(layer.shape[0] for layer in self.layers))

    @cached_property
    def edges(self) -> int:
        """The number of free weights."""
        return sum(len(layer.rows) for layer in self.layers)

    @cached_property
    def below(self) -> tuple[Neighbours, ...]:
        """``below[l].of(i)``: the nodes of layer ``l`` with a weight to node ``i`` of layer ``l + 1``."""
        return tuple(_neighbours(layer) for layer in self.layers)

    @cached_property
    def above(self) -> tuple[Neighbours, ...]:
        """``above[l].of(j)``: the nodes of layer ``l + 1`` with a weight from node ``j`` of layer ``l``."""
        return tuple(_neighbours(layer.transposed()) for layer in self.layers)

    @cached_property
    def live(self) -> tuple[npt.NDArray[np.bool_], ...]:
        """Per layer and node: does it lie on a path from an input to an output?"""
        up = [np.ones(self.widths[0], bool)]
        for layer in self.layers:
            up.append(_hit(layer.shape[0], layer.rows[up[-1][layer.columns]]))
        down = [np.ones(self.widths[-1], bool)]
        for layer in reversed(self.layers):
            down.append(_hit(layer.shape[1], layer.columns[down[-1][layer.rows]]))
        return tuple(u & d for u, d in zip(up, reversed(down), strict=True))

    def reached_from(self, nodes: Iterable[int], layer: int = 0, last: int | None = None) -> list[Indices]:
        """Per layer from ``layer`` to ``last`` (default: the outputs), the nodes that some of ``nodes`` reach."""
        sets = [np.array(sorted(nodes), np.int64)]
        for l in range(layer, self.depth if last is None else last):
            sets.append(self.above[l].union(sets[-1], self.widths[l + 1]))
        return sets

    def reaching(self, nodes: Iterable[int], layer: int | None = None, last: int = 0) -> list[Indices]:
        """Per layer from ``last`` to ``layer`` (default: the outputs), the nodes that reach some of ``nodes``."""
        sets = [np.array(sorted(nodes), np.int64)]
        for l in range((self.depth if layer is None else layer) - 1, last - 1, -1):
            sets.append(self.below[l].union(sets[-1], self.widths[l]))
        return sets[::-1]

    def part(self, nodes: Sequence[Sequence[int]]) -> LinearNetwork:
        """The network on these nodes of each layer and all weights between them."""
        masks = []
        for l, step in enumerate(self.below):
            rows = (set(step.of(i)) for i in nodes[l + 1])
            masks.append(tuple(tuple(int(j in row) for j in nodes[l]) for row in rows))
        return LinearNetwork(tuple(masks))


def _hit(size: int, nodes: Indices) -> npt.NDArray[np.bool_]:
    flags = np.zeros(size, bool)
    flags[nodes] = True
    return flags
