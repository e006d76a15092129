"""M, L, gradient, Hessian: exactly (python-flint) and in batches of floats (numpy).

With ``F_l = W_l ... W_1`` and ``B_l = W_L ... W_{l+1}``, an edge e = (j -> i) of layer l has
``dM/dw_e = (column i of B_l) (row j of F_{l-1})`` and ``dL/dw_e = (B_l' R F_{l-1}')[i, j]``, ``R = M G - C``.
The symbolic route (sympy) is in :mod:`symverify.critical`; the checker has its own, and tests compare all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from numpy.typing import NDArray

from symverify.data import Data
from symverify.exact import Matrix, Vector, Weights, as_matrix, from_flint, nullspace, to_flint
from symverify.network import LinearNetwork

Floats = NDArray[np.float64]


# -- exact ------------------------------------------------------------------------------------------------


def weights_of(network: LinearNetwork, vector: Sequence[Fraction | int]) -> Weights:
    """The layers whose free weights are ``vector`` (in the order of ``network.edges``)."""
    layers = [[[Fraction(0)] * len(row) for row in mask] for mask in network.masks]
    for (l, i, j), x in zip(network.edges, vector, strict=True):
        layers[l][i][j] = Fraction(x)
    return tuple(as_matrix(layer) for layer in layers)


def vector_of(network: LinearNetwork, weights: Weights) -> Vector:
    """The free weights in the order of ``network.edges``."""
    return tuple(weights[l][i][j] for l, i, j in network.edges)


def _identity(n: int) -> flint.fmpq_mat:
    return to_flint([[int(i == j) for j in range(n)] for i in range(n)])


def _chains(network: LinearNetwork, weights: Weights) -> tuple[list[flint.fmpq_mat], list[flint.fmpq_mat]]:
    layers = [to_flint(w) for w in weights]
    forward, backward = [_identity(network.widths[0])], [_identity(network.widths[-1])]
    for w in layers:
        forward.append(w * forward[-1])
    for w in reversed(layers):
        backward.insert(0, backward[0] * w)
    return forward, backward


def product(network: LinearNetwork, weights: Weights) -> Matrix:
    """``M = W_L ... W_1``."""
    return from_flint(_chains(network, weights)[0][-1])


def loss(network: LinearNetwork, weights: Weights, data: Data) -> Fraction:
    """``L = 1/2 tr(M G M') - tr(M C') + c0``, exactly.

    >>> net, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[2]])
    >>> loss(net, weights_of(net, [1, 1]), data)
    Fraction(1, 2)
    """
    m = _chains(network, weights)[0][-1]
    half, cross = (m * to_flint(data.gram)).entries(), to_flint(data.cross).entries()
    total = sum((x * (h / 2 - c) for x, h, c in zip(m.entries(), half, cross, strict=True)), flint.fmpq(0))
    return data.constant + Fraction(int(total.p), int(total.q))


def residual(network: LinearNetwork, weights: Weights, data: Data) -> Matrix:
    """``R = dL/dM = M G - C``, ``d_y x d_x``."""
    return from_flint(_chains(network, weights)[0][-1] * to_flint(data.gram) - to_flint(data.cross))


def gradient(network: LinearNetwork, weights: Weights, data: Data) -> Vector:
    """``dL/dtheta`` over ``network.edges``, exactly."""
    forward, backward = _chains(network, weights)
    r = forward[-1] * to_flint(data.gram) - to_flint(data.cross)
    layers = [from_flint(backward[l + 1].transpose() * r * forward[l].transpose()) for l in range(network.depth)]
    return tuple(layers[l][i][j] for l, i, j in network.edges)


def hessian(network: LinearNetwork, weights: Weights, data: Data) -> Matrix:
    """The Hessian of L over ``network.edges``, exactly (``p x p``)."""
    forward, backward = _chains(network, weights)
    r = forward[-1] * to_flint(data.gram) - to_flint(data.cross)
    gram = to_flint(data.gram)
    blocks: dict[tuple[int, int], tuple[Matrix, ...]] = {}
    for l in range(network.depth):
        between = _identity(network.widths[l])
        for m in range(l, -1, -1):
            after = backward[l + 1].transpose()
            outer, inner = after * backward[m + 1], forward[l] * gram * forward[m].transpose()
            mixed = after * r * forward[m].transpose()
            blocks[l, m] = tuple(from_flint(x) for x in (outer, inner, mixed, between))
            if m < l:
                between = between * to_flint(weights[m])
    p = network.parameters
    result = [[Fraction(0)] * p for _ in range(p)]
    for e, (l, i, j) in enumerate(network.edges):
        for f, (m, a, b) in enumerate(network.edges[: e + 1]):
            outer_, inner_, mixed_, between_ = blocks[l, m]
            value = outer_[i][a] * inner_[j][b]
            if l > m:
                value += mixed_[i][b] * between_[j][a]
            result[e][f] = result[f][e] = value
    return tuple(tuple(row) for row in result)


def jacobian(network: LinearNetwork, weights: Weights) -> Matrix:
    """Rows ``dM/dw_e``, flattened row by row, one per edge (``p x d_y d_x``)."""
    forward, backward = (list(map(from_flint, chain)) for chain in _chains(network, weights))
    return tuple(tuple(b[i] * x for b in backward[l + 1] for x in forward[l][j]) for l, i, j in network.edges)


def symmetry_fields(network: LinearNetwork, weights: Weights, data: Data) -> list[Vector]:
    """The vector fields that preserve L, at ``weights``: gauge generators, kernel directions of a singular G, and the
    weights that lie on no path from an input to an output."""
    position = {edge: n for n, edge in enumerate(network.edges)}
    fields = []
    for l, i, j in network.gauge_generators:
        field = [Fraction(0)] * network.parameters
        for s, x in enumerate(network.masks[l - 1][j]):
            if x:
                field[position[l - 1, i, s]] += weights[l - 1][j][s]
        for o, row in enumerate(network.masks[l]):
            if row[i]:
                field[position[l, o, j]] -= weights[l][o][i]
        fields.append(tuple(field))
    for v, row in enumerate(network.masks[0]):
        support = [j for j, x in enumerate(row) if x]
        for z in nullspace([[line[j] for j in support] for line in data.gram], len(support)):
            shift = [Fraction(0)] * network.parameters
            for j, value in zip(support, z, strict=True):
                shift[position[0, v, j]] = value
            fields.append(tuple(shift))
    for n, (l, i, j) in enumerate(network.edges):
        if not network.inputs_of(l, j) or not network.outputs_of(l + 1, i):
            fields.append(tuple(Fraction(int(n == k)) for k in range(network.parameters)))
    return fields


# -- floats, in batches -----------------------------------------------------------------------------------


class BatchedLoss:
    """L and its derivatives for a batch of points ``theta`` of shape ``(B, p)``; no error bounds.

    At complex points these are the same polynomials: nothing is conjugated.
    ``gram`` is ``(d_x, d_x)`` or ``(B, d_x, d_x)``, ``cross`` is ``(d_y, d_x)`` or ``(B, d_y, d_x)``.
    """

    def __init__(self, network: LinearNetwork) -> None:
        self.network = network
        counts = [sum(map(sum, mask)) for mask in network.masks]
        ends = np.cumsum(counts)
        self.spans = [slice(int(e) - c, int(e)) for e, c in zip(ends, counts, strict=True)]
        edges = np.array(network.edges, dtype=np.intp).reshape(-1, 3)
        self.heads = [edges[s, 1] for s in self.spans]
        self.tails = [edges[s, 2] for s in self.spans]

    def layers(self, theta: Floats) -> list[Floats]:
        """The weight matrices, each ``(B, d_l, d_{l-1})``."""
        widths = self.network.widths
        result = []
        for l, span in enumerate(self.spans):
            w = np.zeros((len(theta), widths[l + 1], widths[l]), dtype=theta.dtype)
            w[:, self.heads[l], self.tails[l]] = theta[:, span]
            result.append(w)
        return result

    def chains(self, theta: Floats) -> tuple[list[Floats], list[Floats]]:
        """Forward and backward partial products, as in the module's docstring."""
        layers, widths, batch = self.layers(theta), self.network.widths, len(theta)
        forward = [np.broadcast_to(np.eye(widths[0]), (batch, widths[0], widths[0]))]
        backward = [np.broadcast_to(np.eye(widths[-1]), (batch, widths[-1], widths[-1]))]
        for w in layers:
            forward.append(w @ forward[-1])
        for w in reversed(layers):
            backward.insert(0, backward[0] @ w)
        return forward, backward

    def product(self, theta: Floats) -> Floats:
        """M, ``(B, d_y, d_x)``."""
        m = None
        for w in self.layers(theta):
            m = w if m is None else w @ m
        assert m is not None
        return m

    def loss(self, theta: Floats, gram: Floats, cross: Floats, constant: Any = 0.0) -> Floats:
        """L, ``(B,)``."""
        m = self.product(theta)
        return np.asarray((m * (m @ gram / 2 - cross)).sum(axis=(-2, -1)) + constant)

    def jacobian(self, theta: Floats) -> Floats:
        """dM/dtheta, ``(B, d_y, d_x, p)``."""
        forward, backward = self.chains(theta)
        parts = [
            backward[l + 1][:, :, None, self.heads[l]] * forward[l][:, self.tails[l], :].swapaxes(1, 2)[:, None]
            for l in range(self.network.depth)
        ]
        return np.concatenate(parts, axis=-1)

    def gradient(self, theta: Floats, gram: Floats, cross: Floats) -> Floats:
        """dL/dtheta, ``(B, p)``."""
        forward, backward = self.chains(theta)
        rest = forward[-1] @ gram - cross
        parts = []
        for l in range(self.network.depth):
            layer = backward[l + 1].swapaxes(1, 2) @ rest @ forward[l].swapaxes(1, 2)
            parts.append(layer[:, self.heads[l], self.tails[l]])
        return np.concatenate(parts, axis=-1)

    def gauss_newton(self, theta: Floats, gram: Floats) -> Floats:
        """The part of the Hessian without the residual, ``J' (G x 1) J``, ``(B, p, p)``."""
        j = self.jacobian(theta)
        weighted = (gram if gram.ndim == 2 else gram[:, None]) @ j
        batch, p = len(theta), self.network.parameters
        entries = j.shape[1] * j.shape[2]
        flat = j.reshape(batch, entries, p)
        return np.asarray(flat.swapaxes(1, 2) @ weighted.reshape(batch, entries, p))

    def curvature(self, theta: Floats, rest: Floats) -> Floats:
        """The part of the Hessian that is linear in the residual: the Hessian of ``tr(R' M)``, ``(B, p, p)``."""
        forward, backward = self.chains(theta)
        layers = self.layers(theta)
        p = self.network.parameters
        result = np.zeros((len(theta), p, p), dtype=theta.dtype)
        for l in range(self.network.depth):
            between: Floats | None = None
            for m in range(l - 1, -1, -1):
                mixed = backward[l + 1].swapaxes(1, 2) @ rest @ forward[m].swapaxes(1, 2)
                i, j, a, b = self.heads[l], self.tails[l], self.heads[m], self.tails[m]
                inner = (j[:, None] == a[None, :]).astype(float) if between is None else between[:, j][:, :, a]
                block = mixed[:, i][:, :, b] * inner
                result[:, self.spans[l], self.spans[m]] = block
                result[:, self.spans[m], self.spans[l]] = block.swapaxes(1, 2)
                between = layers[m] if between is None else between @ layers[m]
        return result

    def hessian(self, theta: Floats, gram: Floats, cross: Floats) -> Floats:
        """The Hessian of L, ``(B, p, p)``."""
        rest = self.product(theta) @ gram - cross
        return self.gauss_newton(theta, gram) + self.curvature(theta, rest)
