"""The loss along a polynomial curve of weights, exactly, and whether it decreases."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import comb

import flint

from symverify.data import Data
from symverify.exact import Weights, as_matrix, to_flint

MAX_PARTS = 256


def combine(terms: Sequence[tuple[Fraction, Weights]]) -> Weights:
    """``sum factor * weights``."""
    factors = [factor for factor, _ in terms]
    layers = zip(*(weights for _, weights in terms), strict=True)
    return tuple(
        as_matrix(
            [sum((f * x for f, x in zip(factors, xs, strict=True) if x), Fraction(0)) for xs in zip(*rows, strict=True)]
            for rows in zip(*matrices, strict=True)
        )
        for matrices in layers
    )


def end_of(start: Weights, piece: Sequence[Weights]) -> Weights:
    """Where a piece of a path ends: at t = 1."""
    return combine([(Fraction(1), weights) for weights in (start, *piece)])


def loss_along(start: Weights, piece: Sequence[Weights], data: Data) -> list[Fraction]:
    """The coefficients of ``t -> L(start + sum_k t^k piece[k-1])``, that of t^0 first.

    >>> one, zero = as_matrix([[1]]), as_matrix([[0]])
    >>> [str(x) for x in loss_along((one, zero), [(zero, one)], Data.whitened([[2]]))]
    ['2', '-2', '1/2', '0', '0']
    """
    product: list[flint.fmpq_mat] = []
    for layer in zip(start, *piece, strict=True):
        terms = [to_flint(w) for w in layer]
        if not product:
            product = terms
            continue
        zero = terms[0] * product[0] * 0
        result = [zero] * (len(terms) + len(product) - 1)
        for a, left in enumerate(terms):
            for b, right in enumerate(product):
                result[a + b] = result[a + b] + left * right
        product = result
    gram, cross = to_flint(data.gram), to_flint(data.cross).entries()
    half = [(m * gram / 2).entries() for m in product]
    values = [flint.fmpq(0)] * (2 * len(product) - 1)
    for a, m in enumerate(product):
        entries = m.entries()
        values[a] -= sum((x * c for x, c in zip(entries, cross, strict=True)), flint.fmpq(0))
        for b, h in enumerate(half):
            values[a + b] += sum((x * y for x, y in zip(entries, h, strict=True)), flint.fmpq(0))
    exact = [Fraction(int(x.p), int(x.q)) for x in values]
    exact[0] += data.constant
    return exact


def decreases(coefficients: Sequence[Fraction]) -> bool:
    """Whether the polynomial is found to be strictly decreasing on [0, 1], by Bernstein coefficients of its derivative
    on halves of halves of the interval; False proves nothing if the derivative vanishes inside.

    >>> decreases([Fraction(1), Fraction(0), Fraction(-1)]), decreases([Fraction(0), Fraction(-1), Fraction(1)])
    (True, False)
    """
    slope = [k * x for k, x in enumerate(coefficients)][1:]
    if not any(slope):
        return False
    d = len(slope) - 1
    parts = [[sum((comb(i, k) * slope[k] / comb(d, k) for k in range(i + 1)), Fraction(0)) for i in range(d + 1)]]
    count = 1
    while parts:
        b = parts.pop()
        if b[0] > 0 or b[-1] > 0:
            return False
        if all(x <= 0 for x in b):
            continue
        count += 1
        if count > MAX_PARTS:
            return False
        left, right = [], []
        for _ in range(d + 1):
            left.append(b[0])
            right.append(b[-1])
            b = [(x + y) / 2 for x, y in pairwise(b)]
        parts += [right[::-1], left]
    return True
