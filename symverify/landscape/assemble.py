"""The gradient system and its derivative from tables of monomials, for batches of points: few calls, no loops.

Without ``lambda`` the loss is a form of degree 2L, ``Q = 1/2 tr(M G M')``, less one of degree L, ``tr(M C')``.  The
second derivatives of both are sums of monomials in the weights; for a form f of degree d, ``H_f x = (d - 1) grad f``
(Euler), so that the gradient comes from the same tables.  Floats, no error bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symverify.network import LinearNetwork

Array = NDArray[Any]
Monomial = tuple[int, ...]
"""Positions of weights in ``network.edges``, ascending, with repetition."""


class Forms:
    """Second derivatives of ``Q`` and of ``tr(M C')`` as tables.

    ``entries`` are the pairs of weights, ``(k, 2)``, whose second derivatives do not vanish identically; a matrix is
    kept as these ``k`` numbers.  ``cells`` has the position in the flat C of each term of ``tr(M C')`` and its
    derivatives: parameters are held as ``C[cells]``.
    """

    def __init__(self, network: LinearNetwork, gram: Array) -> None:
        self.depth, self.weights, inputs = network.depth, network.parameters, network.widths[0]
        paths = list(_paths(network))
        quadratic: dict[tuple[Monomial, Monomial], float] = {}
        for o, j, path in paths:
            for other, k, second in paths:
                if o == other and gram[j, k]:
                    _add(quadratic, path + second, gram[j, k] / 2)
        linear: dict[tuple[Monomial, Monomial], float] = {}
        cell = {}
        for o, j, path in paths:
            own: dict[tuple[Monomial, Monomial], float] = {}
            _add(own, path, 1.0)
            for pair, rest in own:
                # the negative number tells the entry of C, beside the weights
                linear[pair, (-1 - (o * inputs + j), *rest)] = own[pair, rest]
            cell[o * inputs + j] = True
        pairs = sorted({pair for pair, _ in [*quadratic, *linear]})
        self.entries = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        place = {pair: n for n, pair in enumerate(pairs)}
        self.squares, self.quadratic = _table(quadratic, place, 2 * self.depth - 2)
        factors, self.linear = _table(linear, place, self.depth - 1)
        self.cells, self.factors = -1 - factors[:1].reshape(-1), factors[1:]
        p = self.weights
        self.spread = np.full(p * p, len(pairs), dtype=np.intp)  # the last column is zero
        for (e, f), n in place.items():
            self.spread[e * p + f] = self.spread[f * p + e] = n

    def from_data(self, x: Array) -> Array:
        """The second derivatives of Q at ``x``, ``(B, k + 1)``."""
        return np.asarray(_products(x, self.squares) @ self.quadratic)

    def from_target(self, x: Array, cross: Array) -> Array:
        """Those of ``tr(M C')``; ``cross`` is ``C[cells]``, ``(B, terms)``."""
        terms = cross * _products(x, self.factors) if len(self.factors) else cross
        return np.asarray(terms @ self.linear)

    def matrices(self, entries: Array) -> Array:
        """``(B, k + 1)`` as symmetric matrices, ``(B, p, p)``."""
        return entries.take(self.spread, axis=1).reshape(len(entries), self.weights, self.weights)


def _paths(network: LinearNetwork) -> Iterator[tuple[int, int, Monomial]]:
    """Output, input and weights of every path: the terms of M."""
    ends: list[tuple[int, int, Monomial]] = [(j, j, ()) for j in range(network.widths[0])]
    numbered = list(enumerate(network.edges))
    for l in range(network.depth):
        ends = [(i, j, (*path, n)) for v, j, path in ends for n, (m, i, a) in numbered if m == l and a == v]
    yield from ends


def _add(table: dict[tuple[Monomial, Monomial], float], factors: Monomial, coefficient: float) -> None:
    """The second derivatives of a monomial: by pair of weights, and by the monomial that is left."""
    for pair in combinations_with_replacement(sorted(set(factors)), 2):
        rest, factor = sorted(factors), coefficient
        for e in pair:
            factor *= rest.count(e)
            if factor:
                rest.remove(e)
        if factor:
            key = pair, tuple(rest)
            table[key] = table.get(key, 0.0) + factor


def _table(terms: dict[tuple[Monomial, Monomial], float], place: dict[Monomial, int], size: int) -> tuple[Array, Array]:
    """The monomials, one column each, ``(size, n)``, and the coefficients, ``(n, k + 1)``."""
    monomials = sorted({m for _, m in terms})
    index = {m: n for n, m in enumerate(monomials)}
    result = np.zeros((len(monomials), len(place) + 1), dtype=complex)
    for (pair, m), coefficient in terms.items():
        result[index[m], place[pair]] += coefficient
    return np.array(monomials, dtype=np.intp).reshape(-1, size).T.copy(), result


def _products(x: Array, factors: Array) -> Array:
    """The monomials at ``x``, ``(B, n)``."""
    result: Array = x.take(factors[0], axis=1)
    for row in factors[1:]:
        result *= x.take(row, axis=1)
    return result
