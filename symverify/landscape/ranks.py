"""Ranks of partial products and of the residual at an enclosed real point, where ball arithmetic decides them.

From below: a minor whose ball does not contain zero.  From above: a product has at most as many independent rows as
there are nodes of some layer that it passes with weights that are not zero; R = M G - C has its rows in the range of G.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import numpy as np

from symverify.exact import Matrix, rank
from symverify.landscape.instance import Moments
from symverify.network import LinearNetwork

SMALL = 1e-9


def enclosed_ranks(network: LinearNetwork, moments: Moments, weights: Sequence[Any]) -> dict[str, int | None]:
    """The rank of each ``W_l ... W_m`` (key ``"l..m"``, layers from 1) and of R (key ``"R"``); None: not decided.

    Args:
        network: any depth.
        moments: G and C.
        weights: real balls (``flint.arb``) over ``network.edges``, zeros exactly zero.

    Example:
        >>> from fractions import Fraction
        >>> one = ((Fraction(1),),)
        >>> network = LinearNetwork.dense(1, 1, 1)
        >>> enclosed_ranks(network, Moments(one, ((Fraction(3),),)), [flint.arb(2), flint.arb(0)])
        {'1..1': 1, '2..1': 0, '2..2': 0, 'R': 1}
    """
    values = dict(zip(network.edges, weights, strict=True))
    layers = [
        flint.arb_mat([[values.get((l, i, j), flint.arb(0)) for j in range(len(row))] for i, row in enumerate(mask)])
        for l, mask in enumerate(network.masks)
    ]
    found: dict[str, int | None] = {}
    for m in range(network.depth):
        product, most = layers[m], _used(layers[m])
        for l in range(m, network.depth):
            if l > m:
                product, most = layers[l] * product, min(most, _used(layers[l]), _used(product))
            least = _rank_at_least(product)
            found[f"{l + 1}..{m + 1}"] = least if least == most else None
    rest = product_minus(layers, moments)
    most = min(len(moments.cross), rank(moments.gram))
    if not any(bool(w != 0) or not w.is_exact() for w in weights):  # w = 0: R = - C
        most = rank(moments.cross)
    least = _rank_at_least(rest)
    return found | {"R": least if least == most else None}


def product_minus(layers: Sequence[Any], moments: Moments) -> Any:
    """``W_L ... W_1 G - C`` in balls."""
    product = layers[0]
    for w in layers[1:]:
        product = w * product
    return product * _balls(moments.gram) - _balls(moments.cross)


def _balls(matrix: Matrix) -> Any:
    return flint.arb_mat([[flint.arb(flint.fmpq(x.numerator, x.denominator)) for x in row] for row in matrix])


def _used(matrix: Any) -> int:
    """The lesser of the numbers of rows and of columns with an entry that is not exactly zero."""
    table = [[not (v.is_exact() and v == 0) for v in row] for row in matrix.tolist()]
    return min(sum(map(any, table)), sum(map(any, zip(*table, strict=True))))


def _rank_at_least(matrix: Any) -> int:
    """The size of a minor that is proved not to vanish: pivots are chosen in floats, and rounding may cost some."""
    rest = np.array([[float(v.mid()) for v in row] for row in matrix.tolist()])
    scale = float(np.abs(rest).max(initial=0.0))
    rows: list[int] = []
    columns: list[int] = []
    while len(rows) < min(rest.shape):
        i, j = np.unravel_index(int(np.abs(rest).argmax()), rest.shape)
        if not abs(rest[i, j]) > SMALL * scale:
            break
        rows.append(int(i))
        columns.append(int(j))
        rest = rest - np.outer(rest[:, j], rest[i]) / rest[i, j]
        rest[i], rest[:, j] = 0.0, 0.0
    for size in range(len(rows), 0, -1):
        minor = flint.arb_mat([[matrix[i, j] for j in columns[:size]] for i in rows[:size]])
        if not minor.det().contains(0):
            return size
    return 0
