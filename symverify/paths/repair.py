"""Which masked weights, when allowed, open a path of decreasing loss from a spurious minimum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from symverify.certificate import Ball, SpuriousMinimum
from symverify.certify import exact_certificates
from symverify.data import Data
from symverify.exact import Weights
from symverify.loss import BatchedLoss, loss, vector_of, weights_of
from symverify.network import Edge, LinearNetwork
from symverify.search import Candidate, descend, random_starts
from symverify.witness import accepted

from .certificates import DecreasingPath, Piece
from .curves import combine, end_of, loss_along
from .search import find_path


class Repairs(StrEnum):
    """Whether a single masked weight, when allowed, opens a decreasing path: proved either way, or neither."""

    OPENS = "opens"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Repair:
    """One masked weight of a witness.

    ``certificate``: for ``opens`` a decreasing path in the network with this weight; for ``closed`` that the point is
    a spurious local minimum of that network too, so that no path of decreasing loss starts there; else None.
    """

    edge: Edge
    answer: Repairs
    certificate: DecreasingPath | SpuriousMinimum | None


def masked_weights(network: LinearNetwork) -> tuple[Edge, ...]:
    """The weights that the masks forbid.

    >>> masked_weights(LinearNetwork.from_masks([[[1, 0]], [[1]]]))
    ((0, 0, 1),)
    """
    return tuple(
        (l, i, j)
        for l, mask in enumerate(network.masks)
        for i, row in enumerate(mask)
        for j, x in enumerate(row)
        if not x
    )


def enlarged(network: LinearNetwork, allowed: Iterable[Edge]) -> LinearNetwork:
    """The network with the weights ``allowed`` besides its own.

    >>> enlarged(LinearNetwork.from_masks([[[1, 0]], [[1]]]), [(0, 0, 1)]) == LinearNetwork.dense(2, 1, 1)
    True
    """
    masks = [[list(row) for row in mask] for mask in network.masks]
    for l, i, j in allowed:
        masks[l][i][j] = 1
    return LinearNetwork.from_masks(masks)


def dense_path(witness: SpuriousMinimum, *, seed: int = 0) -> DecreasingPath | None:
    """A path of strictly decreasing loss in the dense network of the same widths, from the minimum to a loss below that
    of a better point of the sparse network; None if none was found, which proves nothing.

    The better point is that of the witness, or, where no loss of the dense network is smaller, one near it.
    If the witness is a ball, the path serves every point of the box of its radius (``tolerance``).
    """
    allowed = frozenset(masked_weights(witness.network))
    return path_with(witness, allowed, seed=seed)


def path_with(
    witness: SpuriousMinimum, allowed: frozenset[Edge], *, attempts: int = 6, seed: int = 0
) -> DecreasingPath | None:
    """As :func:`dense_path`, with the masked weights ``allowed`` only; accepted by the checker."""
    network = enlarged(witness.network, allowed)
    better = reachable_better(witness, network, seed)
    if better is None:
        return None
    bound = loss(witness.network, better, witness.data)
    tolerance = witness.minimum.radius if isinstance(witness.minimum, Ball) else Fraction(0)
    path = find_path(network, witness.data, witness.point, bound, attempts=attempts, seed=seed)
    if path is None:
        return None
    end = last_loss(witness.network, witness.data, witness.point, path, tolerance)
    certificate = DecreasingPath(witness.network, witness.data, witness.point, better, allowed, path, end, tolerance)
    return certificate if accepted(certificate) is not None else None


def last_loss(
    network: LinearNetwork, data: Data, point: Weights, path: tuple[Piece, ...], tolerance: Fraction
) -> Fraction:
    """The loss at the end of a path, or the bound of it for all starts within ``tolerance``: with absolute values
    everywhere, ``L(|c| + tolerance) - L(|c|)`` along the last piece."""
    start = point
    for piece in path[:-1]:
        start = end_of(start, piece)
    end = sum(loss_along(start, path[-1], data), Fraction(0))
    if not tolerance:
        return end
    signless = _absolute(data)
    small = [tuple(tuple(tuple(abs(x) for x in row) for row in layer) for layer in w) for w in (start, *path[-1])]
    step = weights_of(network, [tolerance] * network.parameters)
    large = combine([(Fraction(1), small[0]), (Fraction(1), step)])
    return end + sum(loss_along(large, small[1:], signless)) - sum(loss_along(small[0], small[1:], signless))


class _Moments:
    """G, C and c0 that need not be those of data."""

    def __init__(self, gram: object, cross: object, constant: Fraction) -> None:
        self.gram, self.cross, self.constant = gram, cross, constant


def _absolute(data: Data) -> Data:
    gram = tuple(tuple(abs(x) for x in row) for row in data.gram)
    cross = tuple(tuple(-abs(x) for x in row) for row in data.cross)
    return _Moments(gram, cross, data.constant)  # type: ignore[return-value]


def reachable_better(witness: SpuriousMinimum, network: LinearNetwork, seed: int = 0) -> Weights | None:
    """The better point of the witness if the larger network has a smaller loss (in floats, by descents), else a point
    of the sparse network near it, with a loss between."""
    gram, cross = (np.array([[float(x) for x in row] for row in m]) for m in (witness.data.gram, witness.data.cross))
    model, count = BatchedLoss(network), 24
    starts = random_starts(model, np.random.default_rng(seed), count)
    _, values = descend(model, starts, np.repeat(gram[None], count, 0), np.repeat(cross[None], count, 0), 200)
    lowest = float(values.min()) + float(witness.data.constant)
    low, high = witness.better_loss, witness.loss_at_least
    if lowest < float(low) - 1e-4 * float(high - low):
        return witness.better
    theta = vector_of(witness.network, witness.better)
    for denominator in (4, 8, 16, 32, 64, 256, 1024):
        for n in range(len(theta)):
            moved = list(theta)
            moved[n] += Fraction(1, denominator)
            point = weights_of(witness.network, moved)
            if low < loss(witness.network, point, witness.data) < low + (high - low) / 2:
                return point
    return None


def repairs(witness: SpuriousMinimum, *, attempts: int = 4, seed: int = 0) -> Iterator[Repair]:
    """For every masked weight: whether it alone, when allowed, opens a decreasing path; each answer with its proof.

    A witness whose evidence is a ball gets no ``closed``: the minimum is not known exactly.
    """
    for edge in masked_weights(witness.network):
        network = enlarged(witness.network, [edge])
        closed = None if isinstance(witness.minimum, Ball) else still_minimum(witness, network)
        if closed is not None:
            yield Repair(edge, Repairs.CLOSED, closed)
            continue
        path = path_with(witness, frozenset([edge]), attempts=attempts, seed=seed)
        yield Repair(edge, Repairs.UNKNOWN if path is None else Repairs.OPENS, path)


def still_minimum(witness: SpuriousMinimum, network: LinearNetwork) -> SpuriousMinimum | None:
    """A certificate that the point is a spurious local minimum of the larger network too, or None."""
    candidate = Candidate(network, witness.data, witness.point, witness.better)
    return next((c for c in exact_certificates(candidate) if accepted(c) is not None), None)
