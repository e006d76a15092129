"""The fibre rules of a two-layer structure as clauses: facts at a rank-stable point, and every instance of the lemmas.

A *fact* is something that is true or false at a rank-stable point of the fibre of a local minimum that is not global
(``docs/mathematics.md``, section 13).  Units and nodes are bit masks here.  The side ``inputs`` speaks of the rows
``w_k`` of the first layer and their entries at inputs (*nodes*; *ends* are the outputs); the side ``outputs`` is the
transpose: the columns ``u_k`` of the second layer, nodes are outputs, ends are inputs.  Nothing here is trusted: a
certificate names lemmas and parameters, and the checker makes the clauses again by code of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from symverify.certificate import Vector
from symverify.data import DataClass
from symverify.network import LinearNetwork

Clause = tuple[int, ...]
"""Literals ``v`` or ``-v``, where ``v - 1`` is the position of a fact."""
TRUE = 1 << 30
"""The literal that always holds; ``-TRUE`` never does."""
Fact = tuple[str | int | tuple[int, ...] | Vector, ...]
"""A name of FACTS and its fields."""

FACTS: dict[str, tuple[str, ...]] = {
    "residual": ("output", "input"),
    "dependent": ("side", "units", "nodes"),
    "orthogonal": ("side", "end", "unit"),
    "spanned": ("side", "end", "vector"),
    "move": ("side", "vector", "units"),
    "absorbed": ("side", "end", "vector"),
}
# The parameters of a lemma in the order of `Instance.values`; those in SETS are bit masks there.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "not-global": (),
    "subset": ("units", "unit", "nodes"),
    "restriction": ("units", "nodes", "node"),
    "zero-node": ("units", "nodes", "node"),
    "expansion": ("units", "unit", "nodes", "node"),
    "laplace": ("units", "part", "nodes", "node"),
    "exchange": ("units", "unit", "unit2", "out", "nodes"),
    "join": ("units", "unit", "nodes", "node", "node2"),
    "rank": ("units", "nodes"),
    "orthogonal": ("end", "vector", "units", "nodes"),
    "spanned": ("end", "vector", "units", "nodes"),
    "absorption": ("end", "vector"),
    "move": ("vector", "units", "ends"),
    "move-gradient": ("vector", "units", "unit", "end"),
    "move-rank": ("vector", "units", "set", "unit", "out", "nodes"),
    "absorbed-spanned": ("end", "vector"),
    "absorbed-private": ("end", "unit", "node"),
    "absorbed-span": ("end", "vector", "units", "nodes"),
    "bottleneck": ("unit",),
}
SETS = frozenset({"units", "nodes", "part", "ends", "set"})


def bits(mask: int) -> tuple[int, ...]:
    """The elements of a bit mask.

    >>> bits(0b101)
    (0, 2)
    """
    return tuple(n for n in range(mask.bit_length()) if mask >> n & 1)


def subsets(mask: int) -> Iterator[int]:
    """All subsets of a bit mask, the empty one first.

    >>> list(subsets(0b101))
    [0, 1, 4, 5]
    """
    part = 0
    while True:
        yield part
        if part == mask:
            return
        part = (part - mask) & mask


@dataclass(frozen=True, slots=True)
class Instance:
    """A lemma with its parameters (``side`` is empty for ``not-global``): what a certificate names, not the clause."""

    lemma: str
    side: str = ""
    values: tuple[int | Vector, ...] = ()


@dataclass(slots=True)
class Encoding:
    """Facts, and clauses with the lemma that each is an instance of; a clause is kept once."""

    facts: list[Fact] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    _numbers: dict[Fact, int] = field(default_factory=dict)
    _seen: set[Clause] = field(default_factory=set)

    def copied(self) -> Encoding:
        """An encoding with the same content that can be added to."""
        return Encoding(
            list(self.facts), list(self.clauses), list(self.instances), dict(self._numbers), set(self._seen)
        )

    def literal(self, fact: Fact) -> int:
        number = self._numbers.get(fact)
        if number is None:
            self.facts.append(fact)
            number = self._numbers[fact] = len(self.facts)
        return number

    def add(self, instance: Instance, literals: Iterable[int]) -> None:
        """The clause with these literals, without false ones; nothing if it holds trivially."""
        kept = {x for x in literals if x != -TRUE}
        if TRUE in kept or any(-x in kept for x in kept):
            return
        clause = tuple(sorted(kept))
        if clause not in self._seen:
            self._seen.add(clause)
            self.clauses.append(clause)
            self.instances.append(instance)


def encode_lemmas(network: LinearNetwork, data_class: DataClass | None = None) -> Encoding:
    """All instances of the lemmas of section 13 for a two-layer network, and the clause "R is not zero".

    With a class of data also those that need the squared loss and this class.  Their number grows exponentially with
    the widths: about 5,000 clauses at 3-3-3.

    Raises:
        ValueError: the network has not two layers.
    """
    if network.depth != 2:
        raise ValueError("the fibre rules are for two layers")
    encoding = _encode_for_convex(network).copied()
    if data_class is not None:
        sides = _sides(network, encoding)
        for side, other in (sides, sides[::-1]):
            side.absorptions(other)
            for unit in range(network.widths[1]):
                side.bottleneck(unit, data_class is DataClass.ORTHOGONAL)
    return encoding


@lru_cache(maxsize=4)
def _encode_for_convex(network: LinearNetwork) -> Encoding:
    """What the encodings of a network have in common; kept, as they are made one after the other."""
    encoding = Encoding()
    sides = _sides(network, encoding)
    pairs = ((o, j) for o in range(network.widths[2]) for j in range(network.widths[0]))
    encoding.add(Instance("not-global"), (sides[0].residual(o, j) for o, j in pairs))
    for side, other in (sides, sides[::-1]):
        side.linear_algebra()
        side.spans()
        side.moves(other)
    return encoding


def _sides(network: LinearNetwork, encoding: Encoding) -> tuple[_Side, _Side]:
    first, second = network.masks
    below = [sum(x << j for j, x in enumerate(row)) for row in first]
    above = [sum(row[k] << o for o, row in enumerate(second)) for k in range(len(first))]
    inputs, _, outputs = network.widths
    return (
        _Side(encoding, "inputs", below, above, inputs, outputs),
        _Side(encoding, "outputs", above, below, outputs, inputs),
    )


class _Side:
    """The lemmas for the vectors ``w_k`` (``support[k]``: where they may be nonzero; ``reach[k]``: the ends of k)."""

    def __init__(
        self, encoding: Encoding, name: str, support: list[int], reach: list[int], width: int, ends: int
    ) -> None:
        self.encoding, self.name, self.support, self.reach = encoding, name, support, reach
        self.width, self.ends = width, ends
        self.units = (1 << len(support)) - 1
        self.all_nodes = (1 << width) - 1
        self.feeding = [sum(1 << k for k, t in enumerate(reach) if t >> o & 1) for o in range(ends)]
        self.joint = [0] * (self.units + 1)
        for mask in range(1, self.units + 1):
            low = (mask & -mask).bit_length() - 1
            self.joint[mask] = self.joint[mask & (mask - 1)] | support[low]
        self.covered = [self.joint[self.feeding[o]] for o in range(ends)]
        self._dependent: dict[tuple[int, int], int] = {}

    # -- facts --------------------------------------------------------------------------------------------

    def dependent(self, units: int, nodes: int) -> int:
        """The vectors of ``units``, restricted to ``nodes``, are linearly dependent."""
        nodes &= self.joint[units]
        literal = self._dependent.get((units, nodes))
        if literal is None:
            if not units:
                literal = -TRUE
            elif nodes.bit_count() < units.bit_count():
                literal = TRUE
            else:
                literal = self.encoding.literal(("dependent", self.name, bits(units), bits(nodes)))
            self._dependent[units, nodes] = literal
        return literal

    def nonzero(self, unit: int, node: int) -> int:
        return -self.dependent(1 << unit, 1 << node)

    def residual(self, end: int, node: int) -> int:
        """R is not zero at the pair; never at pairs that no path joins."""
        if not self.covered[end] >> node & 1:
            return -TRUE
        pair = (end, node) if self.name == "inputs" else (node, end)
        return self.encoding.literal(("residual", *pair))

    def orthogonal(self, end: int, vector: Vector) -> int:
        """``r_end . z = 0`` for z = w_l or e_j (then: the residual is zero)."""
        kind, index = vector
        if kind == "node":
            return -self.residual(end, index)
        if self.reach[index] >> end & 1:
            return TRUE  # the gradient vanishes
        return self.encoding.literal(("orthogonal", self.name, end, index))

    def spanned(self, end: int, vector: Vector) -> int:
        """``z`` lies in the span of the vectors of the units that reach ``end``."""
        kind, index = vector
        if kind == "unit" and self.reach[index] >> end & 1:
            return TRUE
        if kind == "node" and not self.covered[end] >> index & 1:
            return -TRUE
        return self.encoding.literal(("spanned", self.name, end, vector))

    # -- lemmas -------------------------------------------------------------------------------------------

    def add(self, lemma: str, values: tuple[int | Vector, ...], literals: Iterable[int]) -> None:
        self.encoding.add(Instance(lemma, self.name, values), literals)

    def linear_algebra(self) -> None:
        for units in range(1, self.units + 1):
            for nodes in subsets(self.joint[units]):
                self._one_set(units, nodes)
                self._exchange(units, nodes)
                for j in bits(nodes):
                    self._one_node(units, nodes, j)

    def _one_set(self, units: int, nodes: int) -> None:
        d = self.dependent
        for x in bits(self.units & ~units):
            self.add("subset", (units, x, nodes), (-d(units, nodes), d(units | 1 << x, nodes)))
        for j in bits(self.joint[units] & ~nodes):
            self.add("restriction", (units, nodes, j), (-d(units, nodes | 1 << j), d(units, nodes)))
        if nodes.bit_count() > units.bit_count():
            self.add("rank", (units, nodes), (d(units, nodes), *(-d(units, nodes & ~(1 << j)) for j in bits(nodes))))
        outside = bits(self.joint[units] & ~nodes)
        for a in outside:
            for b in outside:
                if a < b:
                    both = nodes | 1 << a | 1 << b
                    premise = (-d(units, nodes | 1 << a), -d(units, nodes | 1 << b), d(units, both))
                    for x in bits(units):
                        self.add("join", (units, x, nodes, a, b), (d(units & ~(1 << x), nodes), *premise))

    def _exchange(self, units: int, nodes: int) -> None:
        d = self.dependent
        outside = bits(self.units & ~units)
        for a in outside:
            for b in outside:
                if a < b:
                    premise = (d(units, nodes), -d(units | 1 << a, nodes), -d(units | 1 << b, nodes))
                    for x in bits(units):
                        result = d((units | 1 << a | 1 << b) & ~(1 << x), nodes)
                        self.add("exchange", (units, a, b, x, nodes), (*premise, result))

    def _one_node(self, units: int, nodes: int, j: int) -> None:
        d, rest = self.dependent, nodes & ~(1 << j)
        nonzero = {k: self.nonzero(k, j) for k in bits(units)}
        self.add("zero-node", (units, nodes, j), (*nonzero.values(), -d(units, rest), d(units, nodes)))
        if units.bit_count() == 1:
            return
        for k in bits(units):
            others = (nonzero[i] for i in bits(units) if i != k)
            result = d(units & ~(1 << k), rest)
            self.add("expansion", (units, k, nodes, j), (-nonzero[k], *others, -d(units, nodes), result))
        for part in subsets(units):
            if part:
                inside = (-d(units & ~(1 << k), rest) for k in bits(part))
                outside = (nonzero[k] for k in bits(units & ~part))
                self.add("laplace", (units, part, nodes, j), (d(units, nodes), *inside, *outside))

    def support_of(self, vector: Vector) -> int:
        kind, index = vector
        return 1 << index if kind == "node" else self.support[index]

    def dependent_with(self, vector: Vector, units: int, nodes: int) -> int:
        """The vectors of ``units`` and z are dependent on ``nodes``; l is not in ``units``, or j is in ``nodes``."""
        kind, index = vector
        return (
            self.dependent(units, nodes & ~(1 << index))
            if kind == "node"
            else self.dependent(units | 1 << index, nodes)
        )

    def vectors(self) -> list[Vector]:
        return [("node", j) for j in range(self.width)] + [("unit", l) for l in bits(self.units)]

    def spans(self) -> None:
        for end in range(self.ends):
            for vector in self.vectors():
                self.add("absorption", (end, vector), (-self.spanned(end, vector), self.orthogonal(end, vector)))
                for units in range(self.units + 1):
                    if vector[0] == "node" or not units >> vector[1] & 1:
                        self._spans(end, vector, units)

    def _spans(self, end: int, vector: Vector, units: int) -> None:
        """z is orthogonal to r_end, or in the span of the units that reach it, since w_k (k in ``units``) are."""
        spanned, orthogonal = self.spanned(end, vector), self.orthogonal(end, vector)
        kind, index = vector
        support = self.support_of(vector) | self.joint[units]
        must = 1 << index if kind == "node" else 0
        premise = [-self.orthogonal(end, ("unit", k)) for k in bits(units)]
        for part in subsets(support & ~must):
            nodes = part | must
            free = bits(support & ~nodes)
            start = (self.dependent(units, nodes), -self.dependent_with(vector, units, nodes))
            if orthogonal != TRUE:
                zero = (self.residual(end, i) for i in free)
                self.add("orthogonal", (end, vector, units, nodes), (*start, *premise, *zero, orthogonal))
            if spanned != TRUE and not units & ~self.feeding[end]:
                absorbed = (-self.spanned(end, ("node", i)) for i in free)
                self.add("spanned", (end, vector, units, nodes), (*start, *absorbed, spanned))

    def absorbed(self, end: int, vector: Vector) -> int:
        """z is the change of M at ``end``, to first order, by weights that enter M at this end only."""
        kind, index = vector
        if kind == "unit" and self.reach[index] >> end & 1:
            return TRUE
        if kind == "node" and not self.covered[end] >> index & 1:
            return -TRUE
        return self.encoding.literal(("absorbed", self.name, end, vector))

    def absorptions(self, other: _Side) -> None:
        for end in range(self.ends):
            for vector in self.vectors():
                goal = self.absorbed(end, vector)
                if goal == TRUE:
                    continue
                self.add("absorbed-spanned", (end, vector), (-self.spanned(end, vector), goal))
                for units in subsets(self.feeding[end]):
                    self._absorbed_span(end, vector, units, goal)
            for unit in bits(self.units):
                if self.reach[unit] == 1 << end:
                    alive = other.nonzero(unit, end)
                    for node in bits(self.support[unit]):
                        literals = (-alive, self.absorbed(end, ("node", node)))
                        self.add("absorbed-private", (end, unit, node), literals)

    def _absorbed_span(self, end: int, vector: Vector, units: int, goal: int) -> None:
        support = self.support_of(vector) | self.joint[units]
        must = 1 << vector[1] if vector[0] == "node" else 0
        for part in subsets(support & ~must):
            nodes = part | must
            start = (self.dependent(units, nodes), -self.dependent_with(vector, units, nodes))
            rest = (-self.absorbed(end, ("node", i)) for i in bits(support & ~nodes))
            self.add("absorbed-span", (end, vector, units, nodes), (*start, *rest, goal))

    def bottleneck(self, unit: int, orthogonal: bool) -> None:
        """R is zero outside the pairs that ``unit`` alone covers, and all its other pairs are absorbed: impossible."""
        nodes, reach = self.support[unit], self.reach[unit]
        rivals = [l for l in bits(self.units & ~(1 << unit)) if self.support[l] & nodes]
        block = reach & ~self._union(self.reach[l] for l in rivals)
        if not nodes or not block:
            return
        lines, transposed = reach & ~block, self.name == "outputs"
        if not orthogonal:
            columns = (
                {self._inputs_at(n) for n in bits(nodes)} if transposed else {self.covered[o] for o in bits(block)}
            )
            if len(columns) > 1 or (not transposed and columns != {nodes}):
                return
            lines = columns.pop() & ~block if transposed else lines
        outside = (
            self.residual(end, node)
            for end in range(self.ends)
            for node in range(self.width)
            if not (block >> end & 1 and nodes >> node & 1)
        )
        absorbed = (-self.absorbed(line, ("node", n)) for line in bits(lines) for n in bits(nodes))
        self.add("bottleneck", (unit,), (*outside, *absorbed))

    def _inputs_at(self, node: int) -> int:
        """The ends that some unit joins to the node."""
        return self._union(t for s, t in zip(self.support, self.reach, strict=True) if s >> node & 1)

    @staticmethod
    def _union(masks: Iterable[int]) -> int:
        union = 0
        for mask in masks:
            union |= mask
        return union

    def moves(self, other: _Side) -> None:
        """``other`` is the transposed side, whose vectors are those of the other layer."""
        for vector in self.vectors():
            support = self.support_of(vector)
            for units in range(1, self.units + 1):
                fits = [self._nonzero_entry(vector, j) for k in bits(units) for j in bits(support & ~self.support[k])]
                if TRUE in fits:
                    continue
                moves = self.encoding.literal(("move", self.name, vector, bits(units)))
                for ends in subsets(other.joint[units]):
                    circuit = [-other.dependent(units, ends)]
                    circuit += [other.dependent(units & ~(1 << k), ends) for k in bits(units)]
                    kept = [-self.spanned(o, vector) for o in bits(other.joint[units] & ~ends)]
                    self.add("move", (vector, units, ends), (*fits, *circuit, *kept, moves))
                for k in bits(units):
                    for o in bits(self.reach[k]):
                        self.add("move-gradient", (vector, units, k, o), (-moves, self.orthogonal(o, vector)))
                    self._move_rank(vector, units, k, moves)

    def _nonzero_entry(self, vector: Vector, node: int) -> int:
        return TRUE if vector[0] == "node" else self.nonzero(vector[1], node)

    def _move_rank(self, vector: Vector, units: int, k: int, moves: int) -> None:
        """No move raises the rank of a set of which only k moves."""
        kind, index = vector
        for resting in subsets(self.units & ~units):
            whole = resting | 1 << k
            if kind == "unit" and whole >> index & 1:
                continue
            for nodes in subsets(self.joint[whole]):
                if kind == "node" and not nodes >> index & 1:
                    continue
                start = (-moves, self.dependent(resting, nodes), -self.dependent(whole, nodes))
                for x in bits(whole) if kind == "node" else (k,):
                    result = self.dependent_with(vector, whole & ~(1 << x), nodes)
                    self.add("move-rank", (vector, units, whole, k, x, nodes), (*start, result))
