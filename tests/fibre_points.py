"""The facts of the fibre rules at exact points, and walks inside a fibre to a rank-stable point.

Nothing here uses the code that makes clauses: the facts are decided from the weights by linear algebra over Q.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from symverify.exact import Matrix, Weights, as_matrix, nullspace, rank
from symverify.fibre_lemmas import Encoding, Fact, Vector
from symverify.loss import product
from symverify.network import LinearNetwork

Rows = list[list[Fraction]]


def transposed(matrix: Iterable[Iterable[Fraction]]) -> Rows:
    return [list(column) for column in zip(*matrix, strict=True)]


@dataclass(frozen=True)
class Point:
    """Weights of a two-layer network and a residual R (outputs x inputs)."""

    network: LinearNetwork
    weights: Weights
    residual: Matrix

    @cached_property
    def sides(self) -> dict[str, tuple[Rows, Rows, list[list[int]]]]:
        """Side -> (vectors by unit, R with one row per end, units that reach each end)."""
        first, second = self.network.masks
        covered = [
            [x if (o, j) in self.network.covered else Fraction(0) for j, x in enumerate(row)]
            for o, row in enumerate(self.residual)
        ]
        feeding_outputs = [[k for k, x in enumerate(row) if x] for row in second]
        feeding_inputs = [[k for k in range(len(first)) if first[k][j]] for j in range(len(first[0]))]
        w, u = ([list(row) for row in matrix] for matrix in self.weights)
        return {
            "inputs": (w, covered, feeding_outputs),
            "outputs": (transposed(u), transposed(covered), feeding_inputs),
        }

    def vector(self, side: str, vector: Vector) -> list[Fraction]:
        kind, index = vector
        rows = self.sides[side][0]
        return rows[index] if kind == "unit" else [Fraction(int(j == index)) for j in range(len(rows[0]))]

    def is_dependent(self, side: str, units: Iterable[int], nodes: Iterable[int]) -> bool:
        rows, columns = self.sides[side][0], list(nodes)
        chosen = [[rows[k][j] for j in columns] for k in units]
        return rank(chosen) < len(chosen)

    def is_orthogonal(self, side: str, end: int, vector: Vector) -> bool:
        return not sum(x * y for x, y in zip(self.sides[side][1][end], self.vector(side, vector), strict=True))

    def is_spanned(self, side: str, end: int, vector: Vector) -> bool:
        rows, _, feeding = self.sides[side]
        span = [rows[k] for k in feeding[end]]
        return rank([*span, self.vector(side, vector)]) == rank(span)

    def is_absorbed(self, side: str, end: int, vector: Vector) -> bool:
        """z is in the span of the vectors that reach the end and of the unit vectors of a unit of this end alone."""
        rows, _, feeding = self.sides[side]
        others, _, reached = self.sides["outputs" if side == "inputs" else "inputs"]
        span = [rows[k] for k in feeding[end]]
        for k in feeding[end]:
            if others[k][end] and sum(k in units for units in feeding) == 1:
                span += [self.vector(side, ("node", j)) for j in range(len(rows[k])) if k in reached[j]]
        return rank([*span, self.vector(side, vector)]) == rank(span)

    def holds(self, fact: Fact) -> bool | None:
        """Whether the fact is true; None for ``move``, which is not decided by the weights alone."""
        name, *values = fact
        match name:
            case "residual":
                o, j = values
                return bool(self.residual[o][j])  # type: ignore[index]
            case "dependent":
                return self.is_dependent(*values)  # type: ignore[arg-type]
            case "orthogonal":
                side, end, unit = values
                return self.is_orthogonal(side, end, ("unit", unit))  # type: ignore[arg-type]
            case "spanned":
                return self.is_spanned(*values)  # type: ignore[arg-type]
            case "absorbed":
                return self.is_absorbed(*values)  # type: ignore[arg-type]
        return None

    def rank_sum(self) -> int:
        """The sum of the ranks of all submatrices of both layers."""
        total = 0
        for rows, _, _ in self.sides.values():
            for n in range(1, len(rows) + 1):
                for chosen in combinations(rows, n):
                    for m in range(1, len(rows[0]) + 1):
                        for columns in combinations(range(len(rows[0])), m):
                            total += rank([[row[j] for j in columns] for row in chosen])
        return total


def assignment(encoding: Encoding, point: Point) -> list[bool]:
    """Truth of all facts; ``move`` is true where the lemma `move` gives a curve: premises true."""
    values = [point.holds(fact) for fact in encoding.facts]
    known = [bool(value) for value in values]
    for clause, instance in zip(encoding.clauses, encoding.instances, strict=True):
        if instance.lemma == "move":
            (moves,) = [x for x in clause if values[abs(x) - 1] is None]
            if not any(known[abs(x) - 1] == (x > 0) for x in clause if x != moves):
                known[moves - 1] = True
    return known


def violated(encoding: Encoding, point: Point) -> list[int]:
    """Positions of the clauses that are false at the point."""
    known = assignment(encoding, point)
    return [n for n, clause in enumerate(encoding.clauses) if not any(known[abs(x) - 1] == (x > 0) for x in clause)]


# -- walks ------------------------------------------------------------------------------------------------


def swapped(network: LinearNetwork, weights: Weights) -> tuple[LinearNetwork, Weights]:
    w, u = weights
    return network.transposed(), (as_matrix(transposed(u)), as_matrix(transposed(w)))


def layer_step(network: LinearNetwork, weights: Weights, size: Fraction, rng: random.Random) -> Weights:
    """A random step of U with ``U W`` unchanged."""
    w, u = weights
    rows = []
    for o, mask in enumerate(network.masks[1]):
        feeding = [k for k, x in enumerate(mask) if x]
        row = list(u[o])
        for z in nullspace(transposed([w[k] for k in feeding]), len(feeding)) if feeding else []:
            step = size * rng.randint(-3, 3)
            for k, x in zip(feeding, z, strict=True):
                row[k] += step * x
        rows.append(row)
    return w, as_matrix(rows)


def move_curve(
    point: Point, vector: Vector, units: tuple[int, ...], ends: Iterable[int], t: Fraction
) -> Weights | None:
    """The curve of the lemma `move` (side inputs) at t, by its proof; None if a premise fails."""
    network, (w, u) = point.network, point.weights
    z = point.vector("inputs", vector)
    if any(x and not network.masks[0][k][j] for k in units for j, x in enumerate(z)):
        return None
    zero = set(ends)
    relations = nullspace([[u[o][k] for k in units] for o in sorted(zero)], len(units))
    if len(relations) != 1 or not all(relations[0]):
        return None
    m = dict(zip(units, relations[0], strict=True))
    moved = [[x + t * m.get(k, Fraction(0)) * y for x, y in zip(row, z, strict=True)] for k, row in enumerate(w)]
    rows = [list(row) for row in u]
    for o, mask in enumerate(network.masks[1]):
        change = sum((u[o][k] * x for k, x in m.items()), Fraction(0))
        if o in zero or not change:
            continue
        feeding = [k for k, x in enumerate(mask) if x]
        solutions = nullspace([*transposed([*(w[k] for k in feeding), [-x for x in z]])], len(feeding) + 1)
        solution = next((s for s in solutions if s[-1]), None)
        if solution is None:
            return None
        a = {k: x / solution[-1] for k, x in zip(feeding, solution[:-1], strict=True)}
        s = sum((x * m.get(k, Fraction(0)) for k, x in a.items()), Fraction(0))
        if 2 * abs(t * s) > 1:  # not a small step
            return None
        for k, x in a.items():
            rows[o][k] -= t * change / (1 + t * s) * x
    return as_matrix(moved), as_matrix(rows)


def steps(point: Point, size: Fraction, rng: random.Random) -> Iterator[Weights]:
    """Small steps in the fibre (side inputs): one of the layer U, and each curve of the lemma `move`."""
    inputs, h, outputs = point.network.widths
    yield layer_step(point.network, point.weights, size, rng)
    vectors: list[Vector] = [*(("node", j) for j in range(inputs)), *(("unit", k) for k in range(h))]
    for vector in vectors:
        for units in subsets_of(range(h)):
            for ends in subsets_of(range(outputs)) if units else ():
                trial = move_curve(point, vector, units, ends, size * rng.choice([-2, -1, 1, 2]))
                if trial is not None:
                    yield trial


def subsets_of(items: range) -> list[tuple[int, ...]]:
    return [chosen for n in range(len(items) + 1) for chosen in combinations(items, n)]


def raised(point: Point, size: Fraction, rng: random.Random) -> Point | None:
    """A point of the fibre nearby with a larger sum of ranks, or None if no step finds one."""
    lowest = point.rank_sum()
    for flip in (False, True):
        network, weights, residual = point.network, point.weights, point.residual
        if flip:
            network, weights = swapped(network, weights)
            residual = as_matrix(transposed(residual))
        for trial in steps(Point(network, weights, residual), size, rng):
            assert product(network, trial) == product(network, weights)
            back = swapped(network, trial)[1] if flip else trial
            moved = Point(point.network, back, point.residual)
            if moved.rank_sum() > lowest:
                return moved
    return None


def rank_stable(point: Point, rng: random.Random, size: Fraction = Fraction(1, 64)) -> Point:
    """Small steps inside the fibre as long as they raise ranks.

    The last point is rank-stable as far as these steps see: random ones of one layer, and the curves of `move`.
    """
    while (moved := raised(point, size, rng)) is not None:
        point = moved
    return point
