"""Witnesses of spurious minima: accepted by the checker, carried to other networks, and the simplest of many.

A witness is carried by relabelling the nodes, or to a larger network by zeros (lifting).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from symverify import checking
from symverify.certificate import (
    Absorb,
    Ball,
    CriticalFamily,
    CriticalFibre,
    Encodable,
    Lifted,
    Minimum,
    Relax,
    SpuriousMinimum,
    encode,
)
from symverify.certify import SymverifyError, ball_certificate, exact_certificates, is_strict
from symverify.data import Data, DataClass
from symverify.exact import Matrix, Weights, as_matrix
from symverify.loss import loss, vector_of
from symverify.network import Edge, LinearNetwork, SubNetwork
from symverify.reductions import reductions
from symverify.search import designed_candidates


def accepted(certificate: Encodable) -> dict[str, Any] | None:
    """The facts that the checker states for a certificate, or None if it refuses it."""
    outcome, result = checking.check_bytes(encode(certificate))
    if outcome in ("invalid", "malformed"):
        return None
    assert not isinstance(result, str)
    facts: dict[str, Any] = result[0]
    return facts


def simplest_witness(
    network: LinearNetwork,
    data_class: DataClass,
    *,
    rounds: int,
    strict: bool,
    seed: int = 0,
    wanted: Callable[[SpuriousMinimum], bool] = lambda witness: True,
) -> SpuriousMinimum | None:
    """Of all ``wanted`` spurious minima of one kind in ``rounds`` rounds of search, the one with the smallest numbers.

    Reproducible: it depends on the arguments only, not on the time that it takes.
    """
    rng = np.random.default_rng(seed)
    best: SpuriousMinimum | None = None
    for n in range(rounds):
        for candidate in designed_candidates(network, data_class, rng, fibre=bool(n % 2)):
            if best is not None and _height(candidate.point, candidate.better, candidate.data) >= _height(
                best.point, best.better, best.data
            ):
                continue
            for certificate in exact_certificates(candidate):
                if certificate.strict == strict and wanted(certificate) and accepted(certificate) is not None:
                    best = certificate
                    break
    return best


def _height(point: Weights, better: Weights, data: Data) -> int:
    """How large the numbers of a witness are to read: bits of all numerators and denominators."""
    matrices = [*point, *better, data.gram, data.cross]
    numbers = [x for matrix in matrices for row in matrix for x in row]
    return sum(x.numerator.bit_length() + 3 * (x.denominator.bit_length() - 1) for x in numbers)


# -- relabelling ----------------------------------------------------------------------------------------


def relabelled(witness: SpuriousMinimum, network: LinearNetwork, order: Sequence[Sequence[int]]) -> SpuriousMinimum:
    """A witness of ``network.permuted(order)`` as one of the network; it may be ``Lifted``, but no ``Ball``."""

    def moved(matrix: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
        result = [[Fraction(0)] * len(columns) for _ in rows]
        for i, line in zip(rows, matrix, strict=True):
            for j, x in zip(columns, line, strict=True):
                result[i][j] = x
        return as_matrix(result)

    def layers(weights: Weights) -> Weights:
        return tuple(moved(w, order[l + 1], order[l]) for l, w in enumerate(weights))

    first, last = order[0], order[-1]
    data = Data(moved(witness.data.gram, first, first), moved(witness.data.cross, last, first), witness.data.constant)
    result = carried(witness, network, data, layers, lambda e: (e[0], order[e[0] + 1][e[1]], order[e[0]][e[2]]))
    if isinstance(witness.minimum, Lifted):
        result = replace(result, minimum=_relabelled_part(witness, network, order))
    return result


def _relabelled_part(witness: SpuriousMinimum, network: LinearNetwork, order: Sequence[Sequence[int]]) -> Lifted:
    """Evidence ``lifted`` of a witness of ``network.permuted(order)``, for the same part of the network."""
    lifted = witness.minimum
    assert isinstance(lifted, Lifted)
    before = witness.network.induced(lifted.inputs, lifted.outputs)
    nodes = [[order[l][v] for v in layer] for l, layer in enumerate(before.nodes)]
    after = network.induced(nodes[0], nodes[-1])
    inside = [[after.nodes[l].index(v) for v in layer] for l, layer in enumerate(nodes)]
    whole, (first, last) = witness.data, (before.nodes[0], before.nodes[-1])
    data = Data(
        as_matrix([[whole.gram[i][j] for j in first] for i in first]),
        as_matrix([[whole.cross[o][j] for j in first] for o in last]),
        whole.constant,
    )
    point = tuple(
        as_matrix([[w[i][j] for j in before.nodes[l]] for i in before.nodes[l + 1]])
        for l, w in enumerate(witness.point)
    )
    inner = SpuriousMinimum(before.network, data, point, lifted.minimum, point, False, Fraction(0), Fraction(0))
    minimum = relabelled(inner, after.network, inside).minimum
    assert not isinstance(minimum, Ball | Lifted)
    return Lifted(after.nodes[0], after.nodes[-1], after.network, minimum)


def carried(
    witness: SpuriousMinimum,
    network: LinearNetwork,
    data: Data,
    layers: Callable[[Weights], Weights],
    edge: Callable[[Edge], Edge],
) -> SpuriousMinimum:
    """The witness under a symmetry that maps weights by ``layers`` and edges by ``edge``.

    Evidence ``relax`` and ``absorb`` names pairs and units; it is sought anew at the new point.

    Raises:
        SymverifyError: it is not found there.
    """
    minimum = witness.minimum
    if isinstance(minimum, CriticalFibre):
        minimum = CriticalFibre(frozenset(map(edge, minimum.free)))
    elif isinstance(minimum, CriticalFamily):
        minimum = CriticalFamily(minimum.parameters, tuple((powers, layers(d)) for powers, d in minimum.terms))
    point, better = layers(witness.point), layers(witness.better)
    if isinstance(minimum, Relax | Absorb):
        minimum = _reduction_at(network, data, point)
    return replace(witness, network=network, data=data, point=point, better=better, minimum=minimum)


def _reduction_at(network: LinearNetwork, data: Data, point: Weights) -> Relax | Absorb:
    """The first evidence of these kinds that shows the point to be a local minimum, spurious or not.

    Raises:
        SymverifyError: none does.
    """
    from symverify import checker

    numbers = checker.Data([list(r) for r in data.gram], [list(r) for r in data.cross], data.constant)
    trusted = checker.Network([[list(row) for row in mask] for mask in network.masks])
    weights = [[list(row) for row in w] for w in point]
    for option in reductions(network, data, point):
        try:
            checker.check_minimum(trusted, numbers, weights, option.to_json(network))
        except checker.InvalidCertificate:
            continue
        return option
    raise SymverifyError("no evidence was found for the relabelled minimum")


# -- lifting --------------------------------------------------------------------------------------------


def extend(
    network: LinearNetwork, part: SubNetwork, witness: SpuriousMinimum, data: Data | None = None
) -> SpuriousMinimum | None:
    """The witness of a sub-network as one of the network (lifting): weights and targets outside are zero.

    Without ``data``, G is extended by the unit matrix and C by zeros.  Strict where the gauge of the whole network
    explains the kernel, else with the evidence ``lifted``.  None if the checker accepts neither.
    """
    if part.network == network:
        return witness
    whole = data or _extended_data(network, part, witness.data)
    point, better = (_extended(network, part, w) for w in (witness.point, witness.better))
    if isinstance(witness.minimum, Ball):
        certificate = _extended_ball(network, whole, point, better)
    else:
        certificate = _extended_minimum(network, part, whole, witness.minimum, point, better)
    return certificate if certificate is not None and accepted(certificate) is not None else None


def _extended_ball(network: LinearNetwork, data: Data, point: Weights, better: Weights) -> SpuriousMinimum | None:
    """A ball around the extended centre: what the extension adds has to be gauge."""
    try:
        return ball_certificate(network, data, np.array([float(x) for x in vector_of(network, point)]), better)
    except SymverifyError:
        return None


def _extended_minimum(
    network: LinearNetwork, part: SubNetwork, data: Data, inner: Minimum, point: Weights, better: Weights
) -> SpuriousMinimum | None:
    strict = is_strict(network, data, point)
    if strict is None:
        return None
    assert not isinstance(inner, Ball)
    minimum = CriticalFamily() if strict else _lifted(part, inner)
    here = loss(network, point, data)
    return SpuriousMinimum(network, data, point, minimum, better, strict, here, here)


def _lifted(part: SubNetwork, inner: CriticalFamily | CriticalFibre | Relax | Absorb | Lifted) -> Lifted:
    """Evidence for the whole network; a part of a part is a part."""
    if isinstance(inner, Lifted):
        inputs, outputs = (
            tuple(nodes[v] for v in chosen)
            for nodes, chosen in ((part.nodes[0], inner.inputs), (part.nodes[-1], inner.outputs))
        )
        return Lifted(inputs, outputs, inner.network, inner.minimum)
    return Lifted(part.nodes[0], part.nodes[-1], part.network, inner)


def _extended(network: LinearNetwork, part: SubNetwork, weights: Weights) -> Weights:
    layers = [[[Fraction(0)] * len(row) for row in mask] for mask in network.masks]
    for l, i, j in part.network.edges:
        layers[l][part.nodes[l + 1][i]][part.nodes[l][j]] = weights[l][i][j]
    return tuple(as_matrix(layer) for layer in layers)


def _extended_data(network: LinearNetwork, part: SubNetwork, data: Data) -> Data:
    n, m = network.widths[0], network.widths[-1]
    gram = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    cross = [[Fraction(0)] * n for _ in range(m)]
    for a, i in enumerate(part.nodes[0]):
        for b, j in enumerate(part.nodes[0]):
            gram[i][j] = data.gram[a][b]
        for b, o in enumerate(part.nodes[-1]):
            cross[o][i] = data.cross[b][a]
    return Data(as_matrix(gram), as_matrix(cross), data.constant)
