"""Data whose infimum is not attained, by inverse design: first a curve to infinity along which M has a limit, then the
limit as the target; last a proof that no weights reach it.

Weights are ``c t^e``, or ``c t^e + d t^(e-1)``, with small integers; those products are kept in which all positive
powers of t cancel.  Two ways to infinity are met so: a unit that grows against another one (*corner*), and two units
that become parallel, whose difference tends to a tangent of the matrices of rank one (*parallel*).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from symverify.certificate import NotAttainedData
from symverify.data import Data
from symverify.exact import Matrix, Weights, as_matrix
from symverify.loss import BatchedLoss, weights_of
from symverify.network import LinearNetwork
from symverify.search import descend, random_starts
from symverify.witness import accepted

from .refutation import refute_target

Integers = NDArray[np.int64]

BATCH = 40_000
"""Curves that are multiplied at once."""
TARGETS = 150
"""Limits per batch that are looked at, the plain ones."""
STARTS = 5, 25
"""Descents that try to attain a target: of all of them, then of those that are left."""
LOWEST, HIGHEST = -2, 1
"""Powers of t in a weight."""


def curves(network: LinearNetwork, rng: np.random.Generator, count: int = BATCH) -> Integers:
    """Random curves along which M has a limit: coefficients ``(n, p, powers)``, from t^-2 to t^1.

    At least one weight tends to infinity.
    """
    width = HIGHEST - LOWEST + 1
    p = network.parameters
    lead = rng.choice(np.arange(1, width), size=(count, p), p=_shares(width - 1))
    value = rng.choice([0, 1, 1, 1, -1, -1, -1, 2], size=(count, p))
    follow = rng.choice([0, 0, 0, 1, -1], size=(count, p))
    follow[: count // 2] = 0
    found = np.zeros((count, p, width), dtype=np.int64)
    n, e = np.indices((count, p))
    found[n, e, lead] = value
    found[n, e, lead - 1] += follow
    m = _product(network, found)
    middle = -LOWEST * network.depth
    good = ~(m[..., middle + 1 :] != 0).any(axis=(1, 2, 3)) & (found[..., -1] != 0).any(axis=1)
    return np.asarray(found[good])


def _shares(count: int) -> NDArray[np.float64]:
    shares = np.arange(1, count + 1, dtype=float)
    return np.asarray(shares / shares.sum())


def _product(network: LinearNetwork, theta: Integers) -> Integers:
    """M of a batch of curves, ``(n, d_y, d_x, powers)``: products of polynomials in t."""
    result: Integers | None = None
    edges = np.array(network.edges)
    for l in range(network.depth):
        chosen = np.flatnonzero(edges[:, 0] == l)
        layer = np.zeros((len(theta), network.widths[l + 1], network.widths[l], theta.shape[-1]), dtype=np.int64)
        layer[:, edges[chosen, 1], edges[chosen, 2]] = theta[:, chosen]
        if result is None:
            result = layer
            continue
        wide = np.zeros((*result.shape[:1], layer.shape[1], result.shape[2], result.shape[3] + layer.shape[3] - 1))
        for k in range(layer.shape[3]):
            wide[..., k : k + result.shape[3]] += np.einsum("nik,nkjt->nijt", layer[..., k], result)
        result = wide.astype(np.int64)
    assert result is not None
    return result


def targets(network: LinearNetwork, found: Integers) -> Iterator[tuple[Matrix, Integers]]:
    """The limits of M along curves, each once, the plain ones first, with one curve each."""
    limit = _product(network, found)[..., -LOWEST * network.depth].reshape(len(found), -1)
    size = np.abs(limit).sum(axis=1) + 2 * (np.abs(limit) > 1).sum(axis=1)
    terms = (found != 0).sum(axis=(1, 2))
    order = np.lexsort((terms, size))
    seen = set()
    for n in order:
        key = limit[n].tobytes()
        if key not in seen:
            seen.add(key)
            yield as_matrix(limit[n].reshape(network.widths[-1], -1).tolist()), found[n]


def attained(network: LinearNetwork, goals: list[Matrix], rng: np.random.Generator, starts: int) -> NDArray[np.bool_]:
    """Which targets a descent reaches (in floats; a filter only)."""
    model = BatchedLoss(network)
    cross = np.array([[[float(x) for x in row] for row in goal] for goal in goals])
    cross = np.repeat(cross, starts, axis=0)
    n = network.widths[0]
    theta = random_starts(model, rng, len(cross))
    _, value = descend(model, theta, np.broadcast_to(np.eye(n), (len(cross), n, n)), cross)
    rest = value + (cross**2).sum(axis=(1, 2)) / 2
    return np.asarray((rest.reshape(len(goals), starts) < 1e-11).any(axis=1))


def certificate(network: LinearNetwork, target: Matrix, curve: Integers, degree: int = 2) -> NotAttainedData | None:
    """The certificate for whitened data with this target, if it is refuted and the checker accepts it."""
    proof = refute_target(network, target, degree)
    if proof is None:
        return None
    path: list[tuple[int, Weights]] = [
        (power, weights_of(network, [int(x) for x in curve[:, power - LOWEST]]))
        for power in range(HIGHEST, LOWEST - 1, -1)
        if curve[:, power - LOWEST].any()
    ]
    found = NotAttainedData(network, Data.whitened(target), tuple(path), proof, Fraction(0))
    return found if accepted(found) is not None else None


def not_attained(
    network: LinearNetwork, *, seed: int = 0, rounds: int = 3, tried: int = 12, degree: int = 2
) -> NotAttainedData | None:
    """Whitened data for which the infimum is not attained, with a certificate that the checker accepted.

    Args:
        rounds: batches of random curves.
        tried: targets per round for which a proof is sought.

    Returns:
        None if nothing was found, which proves nothing.

    Example:
        >>> net = LinearNetwork.from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 0]]])
        >>> found = not_attained(net)
        >>> [[abs(int(x)) for x in row] for row in found.data.cross]
        [[0, 1], [1, 0]]
        >>> not_attained(LinearNetwork.dense(2, 2, 1), rounds=1) is None
        True
    """
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        left = list(islice(targets(network, curves(network, rng)), TARGETS))
        for starts in STARTS:
            if left:
                reached = attained(network, [target for target, _ in left], rng, starts)
                left = [item for item, done in zip(left, reached, strict=True) if not done]
            left = left[: 4 * tried]
        for target, curve in left[:tried]:
            if (found := certificate(network, target, curve, degree)) is not None:
                return found
    return None
