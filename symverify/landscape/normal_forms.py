"""Normal forms modulo gauge: every irreducible point of a sub-network has exactly one, in exactly one cell.

The gauge group of a hidden layer acts on its rows (incoming weights) by "row i += c row j", allowed iff fan-in(j) is
within fan-in(i) and fan-out(i) within fan-out(j), and by rescaling.  Units with equal fans are a *class*; a class of r
units carries GL(r).  The cells are the echelon forms of this group: for each class the columns of its pivots, with the
pivots of the classes below cleared first (lemma ``cells``, docs/landscape.md).  A cell is an affine space: some
weights are fixed to 0 or 1, the others are free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from symverify.network import Edge, LinearNetwork

Fan = tuple[frozenset[int], frozenset[int]]
"""Fan-in and fan-out of a unit."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Weights fixed to 0 or 1 by edge; ``leftover`` dimensions of the gauge are not fixed (0 but in rare cases)."""

    fixed: tuple[tuple[Edge, int], ...]
    leftover: int


@dataclass(frozen=True, slots=True)
class UnitClass:
    """Units of one hidden layer with the same fans; their columns must be independent for irreducible points."""

    layer: int
    units: tuple[int, ...]
    fan: Fan


def fans(network: LinearNetwork, layer: int) -> dict[int, Fan]:
    """Fan-in and fan-out of the units of a hidden layer that have both."""
    found = {}
    for v in range(network.widths[layer]):
        inside = frozenset(j for j, x in enumerate(network.masks[layer - 1][v]) if x)
        outside = frozenset(i for i, row in enumerate(network.masks[layer]) if row[v])
        if inside and outside:
            found[v] = (inside, outside)
    return found


def unit_classes(network: LinearNetwork, layer: int) -> list[UnitClass]:
    """The classes of a hidden layer, each after those below it.

    >>> [c.units for c in unit_classes(LinearNetwork.from_units(({1, 2}, {1}), ({1}, {1, 2}), ({1, 2}, {1})), 1)]
    [(1,), (0, 2)]
    """
    groups: dict[Fan, list[int]] = {}
    for v, fan in fans(network, layer).items():
        groups.setdefault(fan, []).append(v)
    order = sorted(groups, key=lambda fan: (len(fan[0]), -len(fan[1]), groups[fan]))
    return [UnitClass(layer, tuple(groups[fan]), fan) for fan in order]


def is_below(low: Fan, high: Fan) -> bool:
    """Whether rows of ``low`` may be added to rows of ``high``, which is not its own class."""
    return low != high and low[0] <= high[0] and high[1] <= low[1]


def merges(network: LinearNetwork) -> bool:
    """Whether the gauge of some N_q has more rows to add than that of the network.

    That is so if row j may not be added to row i only because of neighbours, in hidden layers, that may be dead.

    Example:
        >>> merges(LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]]]))  # two layers: never
        False
        >>> merges(LinearNetwork.from_masks([[[1], [1]], [[1, 0], [1, 1]], [[1, 1], [0, 1]]]))
        True
    """

    def may_vanish(missing: frozenset[int], all_of_it: frozenset[int], hidden: bool) -> bool:
        return not missing or (hidden and missing != all_of_it)

    for layer in range(1, network.depth):
        found = fans(network, layer).values()
        for low, high in product(found, found):
            missing, beyond = low[0] - high[0], high[1] - low[1]
            if not missing and not beyond:
                continue
            if may_vanish(missing, low[0], layer > 1) and may_vanish(beyond, high[1], layer + 1 < network.depth):
                return True
    return False


def cells(network: LinearNetwork) -> Iterator[Cell]:
    """All cells of a network in which every unit with edges is meant to be live.

    Example:
        >>> [dict(c.fixed) for c in cells(LinearNetwork.dense(2, 1, 1))]
        [{(0, 0, 0): 1}, {(0, 0, 0): 0, (0, 0, 1): 1}]
        >>> len(list(cells(LinearNetwork.dense(4, 2, 2))))
        6
    """

    def extend(layer: int, fixed: list[tuple[Edge, int]], leftover: int) -> Iterator[Cell]:
        if layer == network.depth:
            yield Cell(tuple(sorted(fixed)), leftover)
            return
        for more, missing in _layer_cells(unit_classes(network, layer)):
            yield from extend(layer + 1, fixed + more, leftover + missing)

    yield from extend(1, [], 0)


def _layer_cells(classes: Sequence[UnitClass]) -> Iterator[tuple[list[tuple[Edge, int]], int]]:
    def extend(
        n: int, pivots: dict[int, int], fixed: list[tuple[Edge, int]], leftover: int
    ) -> Iterator[tuple[list[tuple[Edge, int]], int]]:
        if n == len(classes):
            yield fixed, leftover
            return
        here = classes[n]
        below = [u for c in classes[:n] if is_below(c.fan, here.fan) for u in c.units]
        cleared = {pivots[u] for u in below}
        # two incomparable units below with the same pivot: one of the two directions is not fixed
        missing = (len(below) - len(cleared)) * len(here.units)
        for chosen in combinations(sorted(here.fan[0] - cleared), len(here.units)):
            own = dict(zip(here.units, chosen, strict=True))
            more = [
                ((here.layer - 1, unit, column), int(column == pivot))
                for unit, pivot in own.items()
                for column in sorted(here.fan[0])
                if column <= pivot or column in cleared or column in chosen
            ]
            yield from extend(n + 1, pivots | own, fixed + more, leftover + missing)

    yield from extend(0, {}, [], 0)
