"""Which of the points that the symmetries of the loss identify is drawn.

A critical point stands for its orbit: the signs of the weights at a hidden unit can be changed, and without
regularisation the weights at a hidden unit can be rescaled.  A line through two orbits depends on the points that
represent them; the nearest ones are taken.  (Dense neighbouring layers have a larger gauge, GL(r), which is not used.)
"""

from __future__ import annotations

from itertools import product

import numpy as np

from symverify.loss import Floats
from symverify.network import LinearNetwork

MAX_HIDDEN = 16
SWEEPS = 200


def representatives(network: LinearNetwork, weights: Floats) -> Floats:
    """All images of a point under sign changes of hidden units, each once, ``(orbit, p)``.

    Raises:
        ValueError: more than 16 hidden units.

    >>> representatives(LinearNetwork.dense(1, 1, 1), np.array([2.0, 3.0])).tolist()
    [[-2.0, -3.0], [2.0, 3.0]]
    """
    hidden = [(l, v) for l in range(1, network.depth) for v in range(network.widths[l])]
    if len(hidden) > MAX_HIDDEN:
        raise ValueError(f"{len(hidden)} hidden units have 2^{len(hidden)} sign changes; at most 2^{MAX_HIDDEN}")
    signs = np.array(list(product((1.0, -1.0), repeat=len(hidden))))
    place = {unit: n for n, unit in enumerate(hidden)}
    images = np.tile(weights, (len(signs), 1))
    for n, (l, i, j) in enumerate(network.edges):
        for unit in ((l, j), (l + 1, i)):
            if unit in place:
                images[:, n] *= signs[:, place[unit]]
    return np.unique(images + 0.0, axis=0)  # -0.0 becomes 0.0


def nearest(network: LinearNetwork, weights: Floats, to: Floats) -> Floats:
    """The image of ``weights`` under sign changes that is nearest to ``to``; the first of several."""
    images = representatives(network, weights)
    return np.asarray(images[int(np.argmin(((images - to) ** 2).sum(axis=1)))])


def balanced(network: LinearNetwork, weights: Floats) -> Floats:
    """The same M with every hidden unit rescaled so that its incoming and outgoing weights have the same norm.

    The point of least norm among the rescaled ones.  Units with only zeros on one side stay as they are: no rescaling
    balances them.  (:func:`symverify.search.balanced` makes numbers round instead.)

    >>> balanced(LinearNetwork.dense(1, 1, 1), np.array([8.0, 2.0])).tolist()
    [4.0, 4.0]
    """
    result, edges = weights.copy(), network.edges
    units = [(l, v) for l in range(1, network.depth) for v in range(network.widths[l])]
    sides = [
        (
            [n for n, (l, i, _) in enumerate(edges) if (l + 1, i) == u],
            [n for n, (l, _, j) in enumerate(edges) if (l, j) == u],
        )
        for u in units
    ]
    for _ in range(SWEEPS):
        before = result.copy()
        for incoming, outgoing in sides:
            a, b = np.linalg.norm(result[incoming]), np.linalg.norm(result[outgoing])
            if a > 0 and b > 0:
                result[incoming] *= np.sqrt(b / a)
                result[outgoing] *= np.sqrt(a / b)
        if np.allclose(result, before, rtol=1e-14, atol=0):
            break
    return result
