"""Escapes along a flat family: from a local minimum at constant loss to a point that is none, and down from there.

With all layers but one fixed, M is linear in that layer.  A direction of the layer that does not change M G (the null
space of its Jacobian, times G) may be followed as far as one likes at constant loss.  A walk alternates the layers.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from symverify.data import Data
from symverify.exact import Vector, Weights, from_flint, nullspace, to_flint
from symverify.loss import jacobian, vector_of, weights_of
from symverify.network import LinearNetwork
from symverify.witness import accepted

from .certificates import Escape, Piece
from .curves import combine, end_of, loss_along
from .search import Problem, leaving


def escape(
    network: LinearNetwork, data: Data, point: Weights, *, walks: int = 24, steps: int = 6, seed: int = 0
) -> Escape | None:
    """A path of never increasing loss from ``point`` to a smaller loss, within the network; accepted by the checker.

    None after so many random ``walks`` proves nothing: the minimum may be a valley or not.
    """
    rng = np.random.default_rng(seed)
    problem = Problem.of(network, data)
    for _ in range(walks):
        pieces: list[Piece] = []
        current = point
        for step in range(steps + 1):
            down = next(leaving(problem, current, rng, 0, flat=False), None)
            if down is not None:
                path = (*pieces, down)
                end = sum(loss_along(current, down, data), Fraction(0))
                certificate = Escape(network, data, point, path, end)
                return certificate if accepted(certificate) is not None else None
            move = _flat_move(network, data, current, rng)
            if move is None or step == steps:
                break
            pieces.append((move,))
            current = end_of(current, [move])
    return None


def _flat_move(network: LinearNetwork, data: Data, point: Weights, rng: np.random.Generator) -> Weights | None:
    """A change of one layer that keeps the loss; half of the time so far that one of its weights becomes zero."""
    for layer in rng.permutation(network.depth):
        basis = flat_directions(network, data, point, int(layer))
        if not basis:
            continue
        factors = rng.integers(-2, 3, size=len(basis)) * (rng.random(len(basis)) < 2 / len(basis))
        change = [
            sum((int(f) * x for f, x in zip(factors, xs, strict=True)), Fraction(0)) for xs in zip(*basis, strict=True)
        ]
        if not any(change):
            continue
        theta = vector_of(network, point)
        moving = [n for n, (x, w) in enumerate(zip(change, theta, strict=True)) if x and w]
        if moving and rng.random() < 0.5:
            n = int(rng.choice(moving))
            change = [x * -theta[n] / change[n] for x in change]
        return combine([(Fraction(1), weights_of(network, change))])
    return None


def flat_directions(network: LinearNetwork, data: Data, point: Weights, layer: int) -> list[Vector]:
    """A basis of the changes of one layer that keep M G, hence the loss, as vectors over all weights."""
    inputs = network.widths[0]
    chosen = [n for n, edge in enumerate(network.edges) if edge[0] == layer]
    whole = jacobian(network, point)
    gram = to_flint(data.gram)
    rows = []
    for n in chosen:
        entries = [whole[n][k : k + inputs] for k in range(0, len(whole[n]), inputs)]
        rows.append([x for row in from_flint(to_flint(entries) * gram) for x in row])
    columns = [list(column) for column in zip(*rows, strict=True)]
    result = []
    for z in nullspace(columns, len(chosen)):
        vector = [Fraction(0)] * network.parameters
        for n, x in zip(chosen, z, strict=True):
            vector[n] = x
        result.append(tuple(vector))
    return result
