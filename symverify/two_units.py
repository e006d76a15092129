"""Two hidden units, any number of inputs and outputs: decided by counting, with a certificate either way.

With units on inputs ``S_k`` and outputs ``T_k`` the structure is given by six numbers: how many outputs belong to unit
1 alone, to both, to unit 2 alone, and how many inputs do.  Two questions are settled for all of them:

* :func:`decide`: for almost all orthogonal data every local minimum is global, or a strict spurious minimum exists
  (Theorem 15.1 of ``docs/mathematics.md``);
* :func:`attainment`: the loss attains its infimum for all data with positive definite G, or not (Theorem 15.6).

The strict minima come from seven small ones, extended by zeros.  Everything returned was accepted by a checker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symverify.certificate import Attained, BenignTwoUnits, Certificate, CriticalFamily, NotAttained, SpuriousMinimum
from symverify.data import Data
from symverify.exact import Matrix, Weights, as_matrix
from symverify.loss import loss
from symverify.network import LinearNetwork
from symverify.witness import accepted, extend

Triple = tuple[int, int, int]
Classes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Nodes of unit 1 only, of both units, of unit 2 only."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of outputs and of inputs that belong to unit 1 alone, to both units, to unit 2 alone."""

    outputs: Triple
    inputs: Triple

    def orientations(self) -> Iterator[Counts]:
        """The counts, those with the units swapped, those of the transposed network, and both.

        >>> [str(c.outputs) + str(c.inputs) for c in Counts((0, 1, 2), (3, 4, 5)).orientations()]
        ['(0, 1, 2)(3, 4, 5)', '(2, 1, 0)(5, 4, 3)', '(3, 4, 5)(0, 1, 2)', '(5, 4, 3)(2, 1, 0)']
        """
        for counts in (self, Counts(self.inputs, self.outputs)):
            yield counts
            yield Counts(_reversed(counts.outputs), _reversed(counts.inputs))

    @property
    def gauge(self) -> int:
        """The number of gauge fields besides the rescaling of each unit.

        >>> Counts((0, 2, 0), (0, 1, 0)).gauge, Counts((0, 2, 1), (1, 1, 0)).gauge, Counts((0, 2, 1), (0, 1, 1)).gauge
        (2, 1, 0)
        """
        (a, _, c), (left, _, right) = self.outputs, self.inputs
        return int(a == right == 0) + int(c == left == 0)

    def dominate(self, other: Counts) -> bool:
        """Whether a structure with these counts contains one with the others."""
        return all(x >= y for x, y in zip(self.outputs + self.inputs, other.outputs + other.inputs, strict=True))


def _reversed(triple: Triple) -> Triple:
    return triple[2], triple[1], triple[0]


def counts(network: LinearNetwork) -> Counts:
    """The six numbers of a network with two units that are not dead.

    Raises:
        ValueError: another depth, or another number of units that are not dead.

    >>> counts(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])))
    Counts(outputs=(0, 1, 1), inputs=(0, 1, 1))
    """
    _, outputs, inputs = _classes(network)
    return Counts(_sizes(outputs), _sizes(inputs))


def _sizes(classes: Classes) -> Triple:
    first, both, second = map(len, classes)
    return first, both, second


def _classes(network: LinearNetwork) -> tuple[tuple[int, int], Classes, Classes]:
    """The two units that are not dead, and the classes of outputs and inputs."""
    if network.depth != 2:
        raise ValueError("two layers are expected")
    alive = [k for k in range(network.widths[1]) if network.inputs_of(1, k) and network.outputs_of(1, k)]
    if len(alive) != 2:
        raise ValueError(f"two units that are not dead are expected, not {len(alive)}")
    first, second = alive
    sets = [(reach(1, first), reach(1, second)) for reach in (network.outputs_of, network.inputs_of)]
    outputs, inputs = ((tuple(sorted(s - t)), tuple(sorted(s & t)), tuple(sorted(t - s))) for s, t in sets)
    return (first, second), outputs, inputs


# -- every local minimum global for almost all orthogonal data -------------------------------------------


def is_benign(numbers: Counts) -> bool:
    """The condition of Theorem 15.1: whether for almost all orthogonal data every local minimum is global.

    >>> is_benign(Counts((0, 3, 0), (0, 3, 1))), is_benign(Counts((0, 3, 0), (0, 3, 2)))
    (True, False)
    """
    return any(map(_condition, numbers.orientations()))


def _condition(numbers: Counts) -> bool:
    (a, b, c), (left, _, right) = numbers.outputs, numbers.inputs
    few = b == 0 or a + b + c <= 2
    inside = a == 0 and right <= 1 and (b == 1 or (left == 0 and c <= 1))
    same = a == c == 0 and left <= 1 and right <= 1
    return few or inside or same


@dataclass(frozen=True, slots=True)
class Base:
    """A strict spurious minimum of a structure with these counts, for G = 1; nodes are ordered by their class.

    Weights are (W, U): the w_k are rows, the u_k columns.
    """

    numbers: Counts
    point: Weights
    cross: Matrix
    better: Weights

    def orientations(self) -> Iterator[Base]:
        """As :meth:`Counts.orientations`."""
        for base in (self, self._transposed()):
            yield base
            yield base._swapped()

    def _transposed(self) -> Base:
        numbers = Counts(self.numbers.inputs, self.numbers.outputs)
        point, better = ((_turned(u), _turned(w)) for w, u in (self.point, self.better))
        return Base(numbers, point, _turned(self.cross), better)

    def _swapped(self) -> Base:
        numbers = Counts(_reversed(self.numbers.outputs), _reversed(self.numbers.inputs))
        point, better = (tuple(_flipped(layer) for layer in weights) for weights in (self.point, self.better))
        return Base(numbers, point, _flipped(self.cross), better)


def _turned(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _flipped(matrix: Matrix) -> Matrix:
    return tuple(row[::-1] for row in matrix[::-1])


Rows = Sequence[Sequence[Fraction | int]]


def _base(outputs: Triple, inputs: Triple, w: Rows, u: Rows, cross: Rows, w2: Rows, u2: Rows) -> Base:
    point, better = (as_matrix(w), as_matrix(u)), (as_matrix(w2), as_matrix(u2))
    return Base(Counts(outputs, inputs), point, as_matrix(cross), better)


BASES = (
    _base(
        (0, 1, 2),
        (0, 1, 2),
        [[2, 0, 0], [1, 1, 1]],
        [[-2, 2], [0, -1], [0, -1]],
        [[-2, 2, 2], [-1, -3, 1], [-1, 1, -3]],
        [[1, 0, 0], [0, 1, -1]],
        [[-2, 0], [0, -2], [0, 2]],
    ),
    _base(
        (0, 2, 1),
        (0, 2, 2),
        [[0, 1, 0, 0], [-2, -2, -1, 1]],
        [[1, 1], [2, -1], [0, 2]],
        [[-2, -1, 1, 3], [2, 4, -1, -3], [-4, -4, -4, 0]],
        [[-2, -3, 0, 0], [2, 2, 1, 1]],
        [[2, 2], [-3, -2], [0, -2]],
    ),
    _base(
        (0, 2, 1),
        (1, 1, 1),
        [[-1, 1, 0], [0, -2, 2]],
        [[-2, -1], [-1, 1], [0, 0]],
        [[2, 0, -2], [1, -3, 2], [0, -2, -2]],
        [[0, 1, 0], [0, 1, 1]],
        [[2, -2], [-5, 2], [0, -2]],
    ),
    _base(
        (0, 2, 1),
        (1, 2, 0),
        [[1, -1, -2], [0, -2, -2]],
        [[-2, 2], [-2, 0], [0, 0]],
        [[-2, -2, 0], [-2, 2, 4], [0, -2, 2]],
        [[-1, 0, 3], [0, 1, -1]],
        [[0, -1], [2, 2], [0, -2]],
    ),
    _base(
        (0, 2, 2),
        (0, 3, 0),
        [[1, 1, 0], [0, 0, -2]],
        [[0, -2], [1, 0], [0, 1], [0, -1]],
        [[0, 0, 4], [1, 1, 0], [-2, 2, -2], [-2, 2, 2]],
        [[0, 0, 1], [1, -1, 0]],
        [[4, 0], [0, 0], [0, -2], [0, -2]],
    ),
    _base(
        (0, 3, 0),
        (1, 1, 2),
        [[-2, 1, 0, 0], [0, 2, -1, -1]],
        [[0, -1], [2, 1], [0, 0]],
        [[0, -2, 1, 1], [-4, 4, -1, -1], [0, 0, -2, 2]],
        [[-1, 1, 0, 0], [0, 0, -1, 1]],
        [[-1, 0], [4, 0], [0, 2]],
    ),
    _base(
        (1, 1, 1),
        (1, 1, 1),
        [[0, 2, 0], [0, 1, -1]],
        [[0, 0], [2, 0], [0, 2]],
        [[-2, 0, 0], [0, 4, 0], [0, 2, -2]],
        [[Fraction(-3, 2), 0, 0], [0, 2, Fraction(-1, 2)]],
        [[Fraction(3, 2), 0], [0, 2], [0, 1]],
    ),
)
"""The minimal structures that are not benign, among those with the same number of gauge fields, up to orientation."""


def _embedded(network: LinearNetwork, base: Base) -> SpuriousMinimum:
    """The minimum of the base on the first nodes of each class, extended by zeros."""
    _, outputs, inputs = _classes(network)
    rows = [o for nodes, n in zip(outputs, base.numbers.outputs, strict=True) for o in nodes[:n]]
    columns = [j for nodes, n in zip(inputs, base.numbers.inputs, strict=True) for j in nodes[:n]]
    part = network.induced(columns, rows)
    row, column = ([nodes.index(x) for x in sorted(nodes)] for nodes in (rows, columns))

    def placed(weights: Weights) -> Weights:
        w, u = weights
        return _ordered(w, (0, 1), column), _ordered(u, row, (0, 1))

    point, better = placed(base.point), placed(base.better)
    data = Data.whitened(_ordered(base.cross, row, column))
    here = loss(part.network, point, data)
    witness = SpuriousMinimum(part.network, data, point, CriticalFamily(), better, True, here, here)
    whole = extend(network, part, witness)
    if whole is None:
        raise AssertionError("the checker refuses a minimum that Lemma 15.4 promises")
    return whole


def _ordered(matrix: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
    return tuple(tuple(matrix[i][j] for j in columns) for i in rows)


def decide(network: LinearNetwork) -> BenignTwoUnits | SpuriousMinimum:
    """Whether for almost all orthogonal data every local minimum is global, at every size, with a certificate.

    Args:
        network: two layers, two units that are not dead; the size does not matter.

    Returns:
        :class:`BenignTwoUnits`: every local minimum is global for orthogonal data outside a set of measure zero; or a
        strict :class:`SpuriousMinimum`, which persists for an open set of orthogonal data.

    Raises:
        ValueError: another depth, or another number of units that are not dead.

    Example:
        >>> type(decide(LinearNetwork.from_units(([1, 2, 3], [1, 2]), ([1, 2, 3], [2, 3])))).__name__
        'BenignTwoUnits'
        >>> witness = decide(LinearNetwork.from_units(([1, 2], [1, 2, 3]), ([1, 2, 3, 4], [1, 2, 3])))
        >>> witness.strict, witness.loss_at_most > witness.better_loss
        (True, True)
    """
    numbers = counts(network)
    certificate: BenignTwoUnits | SpuriousMinimum
    if is_benign(numbers):
        certificate = BenignTwoUnits(network)
    else:
        turned = (base for shape in BASES for base in shape.orientations())
        fitting = (b for b in turned if numbers.dominate(b.numbers) and numbers.gauge == b.numbers.gauge)
        certificate = _embedded(network, next(fitting))
    _require_accepted(certificate)
    return certificate


def _require_accepted(certificate: Certificate) -> None:
    """A refusal contradicts section 15 of the mathematics: a bug, not an answer."""
    if accepted(certificate) is None:
        raise AssertionError("the checker refuses what the theorem promises")


# -- attainment -------------------------------------------------------------------------------------------


def attainment(network: LinearNetwork) -> Attained | NotAttained:
    """Whether the loss attains its infimum for every C and every positive definite G, with a certificate.

    Args:
        network: two layers, two units that are not dead; the size does not matter.

    Returns:
        :class:`Attained`, or :class:`NotAttained`: for every positive definite G there is a C without a least value.

    Raises:
        ValueError: another depth, or another number of units that are not dead.

    Example:
        >>> type(attainment(LinearNetwork.dense(2, 2, 2))).__name__
        'Attained'
        >>> attainment(LinearNetwork.from_units(([1, 2], [1, 2]), ([2], [2]))).rule
        'corner'
    """
    units, outputs, inputs = _classes(network)
    certificate = next(_unattained(network, units, outputs, inputs), Attained(network))
    _require_accepted(certificate)
    return certificate


def _unattained(
    network: LinearNetwork, units: tuple[int, int], outputs: Classes, inputs: Classes
) -> Iterator[NotAttained]:
    """The places where a limit of matrices M leaves the set of all M."""
    if not (outputs[1] and inputs[1]):
        return
    for (k, l), first in ((units, 0), (units[::-1], 2)):
        if outputs[first] and inputs[first]:
            ends, nodes = (outputs[first][0], outputs[1][0]), (inputs[first][0], inputs[1][0])
            yield NotAttained(network, "corner", "inputs", (k, l), ends, nodes)
    for side, across, along in (("inputs", outputs, inputs), ("outputs", inputs, outputs)):
        if len(across[1]) >= 2 and along[0] and along[2]:
            three = along[0][0], along[2][0], along[1][0]
            yield NotAttained(network, "parallel", side, units, (across[1][0], across[1][1]), three)


def approaching(certificate: NotAttained, epsilon: Fraction) -> Weights:
    """Weights whose M tends to :func:`limit` as ``epsilon`` tends to 0 (the curves of ``corner`` and ``parallel``).

    >>> unattained = attainment(LinearNetwork.from_units(([1, 2], [1, 2]), ([2], [2])))
    >>> approaching(unattained, Fraction(1, 2))[0] == as_matrix([[Fraction(1, 2), 2], [0, -2]])
    True
    """
    (k, l), (o, q) = certificate.units, certificate.ends
    one, inverse = Fraction(1), 1 / epsilon
    if certificate.rule == "corner":
        i, j = certificate.nodes
        along = {(k, i): epsilon, (k, j): inverse, (l, j): -inverse}
        across = {(k, o): epsilon, (k, q): inverse, (l, q): inverse}
    else:
        i, m, j = certificate.nodes
        along = {(k, i): one, (k, j): inverse, (l, m): one, (l, j): -inverse}
        across = {(k, o): one, (k, q): epsilon, (l, o): one}
    if certificate.side == "outputs":
        along, across = across, along
    n, h, m = certificate.network.widths
    zero = Fraction(0)
    first = as_matrix([[along.get((unit, node), zero) for node in range(n)] for unit in range(h)])
    second = as_matrix([[across.get((unit, end), zero) for unit in range(h)] for end in range(m)])
    return first, second


def limit(certificate: NotAttained) -> Matrix:
    """The matrix that is a limit of matrices M and is none: with C = limit G the infimum is not attained.

    >>> limit(attainment(LinearNetwork.from_units(([1, 2], [1, 2]), ([2], [2])))) == as_matrix([[0, 1], [1, 0]])
    True
    """
    o, q = certificate.ends
    if certificate.rule == "corner":
        i, j = certificate.nodes
        ones = {(o, j), (q, i)}
    else:
        i, m, j = certificate.nodes
        ones = {(o, i), (o, m), (q, j)}
    n, _, m = certificate.network.widths
    turn = certificate.side == "outputs"
    return as_matrix([[int(((c, r) if turn else (r, c)) in ones) for c in range(n)] for r in range(m)])
