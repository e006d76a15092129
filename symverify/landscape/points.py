"""Exact facts about a critical point of a plain loss: ranks, families of dead units, inertia of the Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint
import numpy as np

from symverify.data import Data
from symverify.landscape.algebraic import Element, Field, element, value
from symverify.landscape.enclose import Gradient, bounds
from symverify.landscape.instance import Moments
from symverify.landscape.normal_forms import is_below, unit_classes
from symverify.landscape.strata import layers_of
from symverify.loss import symmetry_fields, weights_of
from symverify.network import Edge, LinearNetwork, Node

PRECISION = 256
Interval = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class AlgebraicPoint:
    """A critical point with coordinates in a number field: ``weights`` over the edges that are not zero.

    All statements hold for every root of ``field.modulus``, real or not.
    """

    network: LinearNetwork
    moments: Moments
    field: Field
    weights: Mapping[Edge, Element]

    @cached_property
    def layers(self) -> list[list[list[Element]]]:
        """W_1, ..., W_L."""
        return layers_of(self.network, self.weights)

    @cached_property
    def forward(self) -> list[list[list[Element]]]:
        """``W_l ... W_1`` for l = 0, ..., L (the identity first)."""
        chain = [_identity(self.network.widths[0])]
        for w in self.layers:
            chain.append(self.field.matrix_product(w, chain[-1]))
        return chain

    @cached_property
    def backward(self) -> list[list[list[Element]]]:
        """``W_L ... W_{l+1}`` for l = 0, ..., L (the identity last)."""
        chain = [_identity(self.network.widths[-1])]
        for w in reversed(self.layers):
            chain.insert(0, self.field.matrix_product(chain[0], w))
        return chain

    @cached_property
    def residual(self) -> list[list[Element]]:
        """``R = M G - C``."""
        gram = [[element(x) for x in row] for row in self.moments.gram]
        product = self.field.matrix_product(self.forward[-1], gram)
        return [
            [x - element(c) for x, c in zip(row, line, strict=True)]
            for row, line in zip(product, self.moments.cross, strict=True)
        ]

    def is_critical(self) -> bool:
        """``(W_L ... W_{l+1})' R (W_{l-1} ... W_1)'`` vanishes on the masks, exactly."""
        for l, mask in enumerate(self.network.masks):
            half = self.field.matrix_product(_transpose(self.backward[l + 1]), self.residual)
            slope = self.field.matrix_product(half, _transpose(self.forward[l]))
            if any(x and not slope[i][j].is_zero() for i, row in enumerate(mask) for j, x in enumerate(row)):
                return False
        return True

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The rank of each partial product ``W_l ... W_m`` (key ``"l..m"``, layers from 1) and of R (key ``"R"``)."""
        found = {}
        for m in range(len(self.layers)):
            product = self.layers[m]
            for l in range(m, len(self.layers)):
                product = product if l == m else self.field.matrix_product(self.layers[l], product)
                found[f"{l + 1}..{m + 1}"] = self.field.rank(product)
        return found | {"R": self.field.rank(self.residual)}

    def is_irreducible(self, live: LinearNetwork, upright: bool) -> bool:
        """No unit of N_q (``live``) can be brought to zero by the gauge of its far side.

        That of its near side cannot, since the point is a normal form.
        """
        network = live if upright else live.transposed()
        layers = self.layers if upright else [[list(c) for c in zip(*w, strict=True)] for w in reversed(self.layers)]
        for l in range(1, network.depth):
            classes = unit_classes(network, l)
            columns = [list(c) for c in zip(*layers[l], strict=True)]
            for group in classes:
                above = [columns[u] for c in classes if is_below(group.fan, c.fan) for u in c.units]
                both = above + [columns[u] for u in group.units]
                if self.field.rank(both) - (self.field.rank(above) if above else 0) < len(group.units):
                    return False
        return True

    def pairing(self, node: Node) -> list[list[Element]]:
        """``B_v[u][j] = b_u' R a_j'`` over the fan-out u and the fan-in j of a unit v (lemma ``retract``)."""
        layer, v = node
        inside = [j for j, x in enumerate(self.network.masks[layer - 1][v]) if x]
        outside = [i for i, row in enumerate(self.network.masks[layer]) if row[v]]
        left = [list(c) for c in zip(*self.backward[layer + 1], strict=True)]  # row u: column u of W_L ... W_{l+2}
        rows = [self.forward[layer - 1][j] for j in inside]
        half = self.field.matrix_product([left[u] for u in outside], self.residual)
        return self.field.matrix_product(half, [list(c) for c in zip(*rows, strict=True)])

    def half_dead(self, node: Node) -> dict[str, list[list[Element]]]:
        """For a unit without weights: what its incoming (``in``), or its outgoing (``out``), weights may become.

        Bases of ``ker B_v`` over the fan-in and of ``ker B_v'`` over the fan-out: the other side staying zero, these
        points are critical, with the same M.
        """
        matrix = self.pairing(node)
        transposed = [list(c) for c in zip(*matrix, strict=True)]
        return {
            "in": self.field.nullspace(matrix, len(transposed)),
            "out": self.field.nullspace(transposed, len(matrix)),
        }

    def excess(self, node: Node) -> dict[str, int]:
        """The dimensions of :meth:`half_dead` beyond what the gauge reaches: multiples of rows below, columns above."""
        layer, v = node
        spaces = self.half_dead(node)
        inside = {j for j, x in enumerate(self.network.masks[layer - 1][v]) if x}
        outside = {i for i, row in enumerate(self.network.masks[layer]) if row[v]}
        rows, columns = [], []
        for u in range(self.network.widths[layer]):
            fan_in = {j for j, x in enumerate(self.network.masks[layer - 1][u]) if x}
            fan_out = {i for i, row in enumerate(self.network.masks[layer]) if row[u]}
            if u != v and fan_in <= inside and outside <= fan_out:
                rows.append(self.layers[layer - 1][u])
            if u != v and inside <= fan_in and fan_out <= outside:
                columns.append([row[u] for row in self.layers[layer]])
        if layer == 1:  # directions of ker G in the fan-in
            gram = [[element(row[j]) for j in sorted(inside)] for row in self.moments.gram]
            for z in self.field.nullspace(gram, len(inside)):
                full = dict(zip(sorted(inside), z, strict=True))
                rows.append([full.get(j, element(0)) for j in range(self.network.widths[0])])
        reached = {"in": self.field.rank(rows) if rows else 0, "out": self.field.rank(columns) if columns else 0}
        return {side: len(spaces[side]) - reached[side] for side in spaces}

    def merged(self, live: LinearNetwork) -> int:
        """The dimensions of the orbit under the gauge of N_q (``live``) beyond that under the gauge of the network."""
        if set(live.gauge_generators) <= set(self.network.gauge_generators):
            return 0
        own = gauge_fields(self.network, self)
        both = own + gauge_fields(live, self)
        return self.field.rank(both) - (self.field.rank(own) if own else 0)

    @cached_property
    def trace(self) -> Element:
        """``tr(M C')``: the loss is ``c0 - tr(M C') / 2``."""
        total = element(0)
        for row, line in zip(self.forward[-1], self.moments.cross, strict=True):
            for x, c in zip(row, line, strict=True):
                total += x * element(c)
        return self.field.reduce(total)

    def with_weights(self, more: Mapping[Edge, Element]) -> AlgebraicPoint:
        """The same point with other weights for some edges."""
        return AlgebraicPoint(self.network, self.moments, self.field, {**self.weights, **more})

    def is_rational(self) -> bool:
        """All weights are rational."""
        return self.field.degree == 1

    def rational(self) -> list[Fraction]:
        """The weights over ``network.edges``, for a field of degree one."""
        root = -self.field.modulus[0] / self.field.modulus[1]
        found = []
        for edge in self.network.edges:
            x = self.weights.get(edge, element(0))
            q = x(root)
            found.append(Fraction(int(q.p), int(q.q)))
        return found

    def balls(self, root: Any) -> list[Any]:
        """The weights over ``network.edges`` as complex balls, at a root of the modulus."""
        return [value(self.weights[e], root) if e in self.weights else flint.acb(0) for e in self.network.edges]


def real_roots(field: Field) -> Iterator[Any]:
    """The real roots, as balls with imaginary part exactly zero."""
    for root in field.roots():
        if root.imag == 0:
            yield root


def gauge_fields(network: LinearNetwork, point: AlgebraicPoint) -> list[list[Element]]:
    """The tangents of the gauge of ``network`` (masks within those of the point's), over the point's edges."""
    position = {edge: n for n, edge in enumerate(point.network.edges)}
    fields = []
    for l, i, j in network.gauge_generators:
        row = [element(0)] * len(position)
        for s, x in enumerate(network.masks[l - 1][j]):
            if x:
                row[position[l - 1, i, s]] += point.layers[l - 1][j][s]
        for o, line in enumerate(network.masks[l]):
            if line[i]:
                row[position[l, o, j]] -= point.layers[l][o][i]
        fields.append(row)
    return fields


@dataclass(frozen=True)
class Curvature:
    """The signs of the Hessian's eigenvalues, and the rank of the gauge, at one real point.

    ``inertia`` is ``(n+, n0, n-)``, None where not decided; ``negative`` says that some eigenvalue is proved negative.
    """

    inertia: tuple[int, int, int] | None
    negative: bool
    gauge: int

    @property
    def strict(self) -> bool:
        """Nonnegative, and the gauge is the whole kernel: a local minimum, strict modulo gauge."""
        return self.inertia is not None and self.inertia[2] == 0 and self.inertia[1] == self.gauge


def curvature(point: AlgebraicPoint, root: Any, data: Data) -> Curvature:
    """Inertia of the Hessian at a real root.

    The numbers of positive and of negative eigenvalues are bounded below in ball arithmetic, and the nullity by the
    rank of the gauge fields there; if that does not add up, the rank of the Hessian is computed in the number field.
    """
    network = point.network
    gradient = Gradient(network, point.moments, [Fraction(0)] * network.parameters)
    matrix = [[v.real for v in row] for row in gradient.derivative(point.balls(root)).tolist()]
    positive, negative = _certain_signs(matrix)
    gauge = _gauge_rank(point, data)
    nullity = len(matrix) - positive - negative
    if nullity != gauge and nullity != len(matrix) - point.field.rank(exact_hessian(point)):
        return Curvature(None, negative > 0, gauge)
    return Curvature((positive, nullity, negative), negative > 0, gauge)


def _gauge_rank(point: AlgebraicPoint, data: Data) -> int:
    """The rank of the gauge fields: they are linear in the weights, so each basis element of the field has its own."""
    network = point.network
    constant = symmetry_fields(network, weights_of(network, [Fraction(0)] * network.parameters), data)
    total = [[element(x) for x in row] for row in constant]
    power = element(1)
    for n in range(point.field.degree):
        coefficients = [
            Fraction(int(c.p), int(c.q)) for c in (point.weights.get(e, element(0))[n] for e in network.edges)
        ]
        part = symmetry_fields(network, weights_of(network, coefficients), data)
        for row, line, base in zip(total, part, constant, strict=True):
            for k, (x, b) in enumerate(zip(line, base, strict=True)):
                row[k] = point.field.reduce(row[k] + power * element(x - b))
        power = point.field.product(power, flint.fmpq_poly([0, 1]))
    return point.field.rank(total) if total else 0


def exact_hessian(point: AlgebraicPoint) -> list[list[Element]]:
    """The Hessian over ``network.edges`` in the number field (the formula of :class:`enclose.Gradient`)."""
    field, network = point.field, point.network
    gram = [[element(x) for x in row] for row in point.moments.gram]
    blocks: dict[tuple[int, int], Any] = {}
    for l in range(network.depth):
        after, between = _transpose(point.backward[l + 1]), _identity(network.widths[l])
        for m in range(l, -1, -1):
            below = _transpose(point.forward[m])
            outer = field.matrix_product(after, point.backward[m + 1])
            inner = field.matrix_product(field.matrix_product(point.forward[l], gram), below)
            mixed = field.matrix_product(field.matrix_product(after, point.residual), below)
            blocks[l, m] = (outer, inner, mixed, between)
            if m < l:
                between = field.matrix_product(between, point.layers[m])
    size = network.parameters
    result = [[element(0)] * size for _ in range(size)]
    for e, (l, i, j) in enumerate(network.edges):
        for f, (m, a, b) in enumerate(network.edges[: e + 1]):
            outer, inner, mixed, between = blocks[l, m]
            entry = outer[i][a] * inner[j][b]
            if l > m:
                entry = entry + mixed[i][b] * between[j][a]
            result[e][f] = result[f][e] = field.reduce(entry)
    return result


def _certain_signs(matrix: list[list[Any]]) -> tuple[int, int]:
    """Lower bounds of the numbers of positive and negative eigenvalues of a symmetric matrix of balls.

    V are eigenvectors in floats.  On the span of those columns of V whose Gershgorin discs of ``V' H V`` lie on the
    positive side, H is positive definite (a principal submatrix that is diagonally dominant), so that it has at least
    as many positive eigenvalues; the same with signs exchanged.
    """
    if not matrix:
        return 0, 0
    middle = np.array([[float(v.mid()) for v in row] for row in matrix])
    if not np.isfinite(middle).all():
        return 0, 0
    frame = flint.arb_mat(np.linalg.eigh((middle + middle.T) / 2)[1].tolist())
    turned = (frame.transpose() * flint.arb_mat(matrix) * frame).tolist()
    others = [sum((abs(v) for m, v in enumerate(row) if m != n), flint.arb(0)) for n, row in enumerate(turned)]
    positive = sum(1 for n, row in enumerate(turned) if row[n] > others[n])
    negative = sum(1 for n, row in enumerate(turned) if -row[n] > others[n])
    return positive, negative


def loss_of(point: AlgebraicPoint, root: Any, data: Data) -> Interval:
    """``c0 - tr(M C') / 2`` at a real root; both ends equal where it is rational."""
    return loss_at(point.field, point.trace, root, data)


def real_losses(minimal: Sequence[Fraction], data: Data) -> list[Interval]:
    """The losses at the real roots of the minimal polynomial of tr(M C')."""
    conjugates = Field(flint.fmpq_poly([flint.fmpq(c.numerator, c.denominator) for c in minimal]))
    return [loss_at(conjugates, flint.fmpq_poly([0, 1]), root, data) for root in real_roots(conjugates)]


def loss_at(field: Field, trace: Element, root: Any, data: Data) -> Interval:
    """``c0 - trace / 2`` at a real root of a field; both ends equal where it is rational."""
    trace = field.reduce(trace)
    if trace.degree() <= 0:
        x = trace[0]
        exact = data.constant - Fraction(int(x.p), int(x.q)) / 2
        return exact, exact
    ball = flint.arb(flint.fmpq(data.constant.numerator, data.constant.denominator)) - value(trace, root).real / 2
    return bounds(ball, 80 + 4 * max(0, height(data) - 16))


def height(data: Data) -> int:
    """The greatest number of binary digits of a numerator or denominator."""
    numbers = [x for matrix in (data.gram, data.cross, ((data.constant,),)) for row in matrix for x in row]
    return max(max(x.numerator.bit_length(), x.denominator.bit_length()) for x in numbers)


def _identity(n: int) -> list[list[Element]]:
    return [[element(int(i == j)) for j in range(n)] for i in range(n)]


def _transpose(rows: Sequence[Sequence[Element]]) -> list[list[Element]]:
    return [list(c) for c in zip(*rows, strict=True)]
