"""Saddles that the Hessian does not show: a polynomial curve through the point along which the loss falls at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import flint

from symverify.data import Data
from symverify.exact import nullspace
from symverify.loss import hessian, weights_of
from symverify.network import LinearNetwork

TRIES = 200

Curve = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]
"""Directions d_1, d_2 of ``point + t d_1 + t^2 d_2``, over the edges."""


def descent_curve(network: LinearNetwork, data: Data, point: Sequence[Fraction], seed: int = 0) -> Curve | None:
    """A curve ``point + t d_1 + t^2 d_2`` along which L(t) - L(0) has its first coefficient negative; None: none met.

    ``d_1`` is in the kernel of the Hessian; small random integers are tried.  Success proves that the point is no
    local minimum (the coefficients are exact); None proves nothing.

    Example:
        >>> curve = descent_curve(LinearNetwork.dense(1, 1, 1, 1), Data.whitened([[3]]), [Fraction(0)] * 3)
        >>> curve is not None
        True
    """
    rng = random.Random(seed)
    size = network.parameters
    kernel = nullspace(hessian(network, weights_of(network, point), data), size)
    for attempt in range(TRIES):
        factors = [rng.choice((0, 0, 1, -1, 2, -2)) for _ in kernel]
        first = tuple(sum((f * v[n] for f, v in zip(factors, kernel, strict=True)), Fraction(0)) for n in range(size))
        second = tuple(Fraction(rng.choice((0, 0, 1, -1, 3)) if attempt % 2 else 0) for _ in range(size))
        if not any(first):
            continue
        coefficients = loss_along(network, data, [point, first, second])
        order = next((n for n, c in enumerate(coefficients) if n and c), None)
        if order is None:
            continue
        if coefficients[order] < 0:
            return first, second
        if order % 2:  # the other way along the curve
            return tuple(-x for x in first), second
    return None


def loss_along(network: LinearNetwork, data: Data, directions: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """The coefficients in t of L at ``sum_k t^k directions[k]``."""
    entries = {
        edge: flint.fmpq_poly([flint.fmpq(d[n].numerator, d[n].denominator) for d in directions])
        for n, edge in enumerate(network.edges)
    }
    zero = flint.fmpq_poly([0])
    layers = [
        [[entries.get((l, i, j), zero) for j in range(len(row))] for i, row in enumerate(mask)]
        for l, mask in enumerate(network.masks)
    ]
    m = layers[0]
    for w in layers[1:]:
        m = [[sum((x * y for x, y in zip(row, c, strict=True)), zero) for c in zip(*m, strict=True)] for row in w]
    total = flint.fmpq_poly([flint.fmpq(data.constant.numerator, data.constant.denominator)])
    for row, line in zip(m, data.cross, strict=True):
        for j, x in enumerate(row):
            weighted = sum((y * _rational(g[j] / 2) for y, g in zip(row, data.gram, strict=True)), zero)
            total += x * (weighted - _rational(line[j]))
    return [Fraction(int(c.p), int(c.q)) for c in total.coeffs()]


def _rational(x: Fraction) -> flint.fmpq:
    return flint.fmpq(x.numerator, x.denominator)
