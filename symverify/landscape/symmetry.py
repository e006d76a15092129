"""The symmetries that survive a regularisation."""

from __future__ import annotations

from fractions import Fraction

from symverify.data import Data
from symverify.exact import Vector, Weights, nullspace
from symverify.loss import symmetry_fields
from symverify.network import Edge, LinearNetwork


def regularised_fields(network: LinearNetwork, weights: Weights, data: Data, ridge: Vector) -> list[Vector]:
    """Vector fields whose flows preserve ``L + sum_e ridge_e w_e^2``, at ``weights`` (lemma 16.2 of the mathematics).

    Gauge generators, kernel directions and dead weights that move no regularised weight; and rotations of two units of
    one layer with the same inputs, outputs and regularisation.

    Example:
        >>> from fractions import Fraction
        >>> from symverify.loss import weights_of
        >>> network, data = LinearNetwork.dense(1, 2, 1), Data.whitened([[3]])
        >>> point = weights_of(network, [1, 2, 3, 4])
        >>> ridges = [tuple(map(Fraction, ridge)) for ridge in ([0] * 4, [1] * 4, range(4))]
        >>> [len(regularised_fields(network, point, data, ridge)) for ridge in ridges]
        [4, 1, 0]
    """
    if not any(ridge):
        return symmetry_fields(network, weights, data)
    decay = dict(zip(network.edges, ridge, strict=True))
    moves = [_shear(network, weights, *generator) for generator in network.gauge_generators]
    fields = [move for move in moves if not any(decay[e] for e in move)]
    for l, i, j in network.gauge_generators:
        there, back = _shear(network, weights, l, i, j), _shear(network, weights, l, j, i)
        equal = [decay[e] for e in there] == [decay.get(e) for e in back]
        if i < j and equal and any(decay[e] for e in there):
            fields.append(there | {e: -x for e, x in back.items()})
    vectors = [tuple(move.get(edge, Fraction(0)) for edge in network.edges) for move in fields]
    return vectors + _constant_fields(network, data, decay)


def _shear(network: LinearNetwork, weights: Weights, l: int, i: int, j: int) -> dict[Edge, Fraction]:
    """Row i += row j below the hidden layer l, column j -= column i above."""
    rows = {(l - 1, i, s): weights[l - 1][j][s] for s, x in enumerate(network.masks[l - 1][j]) if x}
    columns = {(l, o, j): -weights[l][o][i] for o, row in enumerate(network.masks[l]) if row[i]}
    return rows | columns


def _constant_fields(network: LinearNetwork, data: Data, decay: dict[Edge, Fraction]) -> list[Vector]:
    """Kernel directions of a singular G on unregularised weights of a unit, and unregularised dead weights."""
    moves = []
    for v, row in enumerate(network.masks[0]):
        support = [j for j, x in enumerate(row) if x and not decay[0, v, j]]
        for z in nullspace([[line[j] for j in support] for line in data.gram], len(support)):
            moves.append({(0, v, j): x for j, x in zip(support, z, strict=True)})
    for l, i, j in network.edges:
        if not decay[l, i, j] and not (network.inputs_of(l, j) and network.outputs_of(l + 1, i)):
            moves.append({(l, i, j): Fraction(1)})
    return [tuple(move.get(edge, Fraction(0)) for edge in network.edges) for move in moves]
