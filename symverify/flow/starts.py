"""Random starts: normal weights of several scales, *balanced* (all conserved quantities zero) or not.

The flow conserves, for two units i, j of a hidden layer l with the same fan-in and the same fan-out (i = j is allowed),
``<row i of W_l, row j of W_l> - <column i of W_{l+1}, column j of W_{l+1}>`` (:mod:`symverify.flow.conserved`).  A
point is *balanced on the mask* if all of these are zero.  For dense networks that is the ``W_{l+1}' W_{l+1} = W_l
W_l'`` of the literature (Arora, Cohen, Hazan 2018); for sparse ones only the entries (i, j) of twins remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symverify.loss import Floats
from symverify.network import LinearNetwork

Ints = NDArray[np.intp]
SWEEPS = 5000
BALANCED = 1e-11
"""The largest conserved quantity of a balanced start, relative to ``|theta|^2``."""


@dataclass(frozen=True, slots=True)
class Initialisation:
    """Normal weights of standard deviation ``scale``; ``balanced``: then made balanced, with the same norm."""

    scale: float
    balanced: bool

    def __str__(self) -> str:
        return f"scale {self.scale:g}, {'balanced' if self.balanced else 'normal'}"


@dataclass(frozen=True, slots=True)
class Twins:
    """Units of hidden layer ``layer`` (from 1) with one fan-in and one fan-out; positions of their weights.

    ``incoming`` is (units, fan-in), ``outgoing`` is (fan-out, units): indices into ``network.edges``.
    """

    layer: int
    units: tuple[int, ...]
    incoming: Ints
    outgoing: Ints


def twins(network: LinearNetwork) -> tuple[Twins, ...]:
    """The classes of hidden units with equal fan-in and equal fan-out, layer by layer.

    >>> [t.units for t in twins(LinearNetwork.from_units(([1, 2], [1]), ([1], [1]), ([1, 2], [1])))]
    [(0, 2), (1,)]
    """
    position = {edge: n for n, edge in enumerate(network.edges)}
    result = []
    for l in range(1, network.depth):
        classes: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
        for v in range(network.widths[l]):
            fan_in = tuple(j for j, x in enumerate(network.masks[l - 1][v]) if x)
            fan_out = tuple(o for o, row in enumerate(network.masks[l]) if row[v])
            classes.setdefault((fan_in, fan_out), []).append(v)
        for (fan_in, fan_out), units in classes.items():
            incoming = np.array([[position[l - 1, v, j] for j in fan_in] for v in units], dtype=np.intp)
            outgoing = np.array([[position[l, o, v] for v in units] for o in fan_out], dtype=np.intp)
            shapes = (len(units), len(fan_in)), (len(fan_out), len(units))
            result.append(Twins(l, tuple(units), incoming.reshape(shapes[0]), outgoing.reshape(shapes[1])))
    return tuple(result)


def imbalance(network: LinearNetwork, theta: Floats) -> Floats:
    """The largest conserved quantity of each point (B, p) in absolute value, ``(B,)``."""
    worst = np.zeros(len(theta))
    for group in twins(network):
        a, b = theta[:, group.incoming], theta[:, group.outgoing]
        worst = np.maximum(worst, np.abs(a @ a.swapaxes(1, 2) - b.swapaxes(1, 2) @ b).max(axis=(1, 2)))
    return np.asarray(worst)


def balance(network: LinearNetwork, theta: Floats, rng: np.random.Generator) -> Floats:
    """Balanced points with the same M and the least norm among the points of the gauge orbit (and its closure).

    For twins with incoming weights A (units x fan-in) and outgoing B (fan-out x units), ``B A = U S V'`` gives
    ``A := S^(1/2) V'``, ``B := U S^(1/2)``; the norm cannot rise.  Sweeps over all twins are repeated until all are
    balanced; then each group is turned by a random rotation, which keeps M and all conserved quantities.

    Raises:
        ArithmeticError: the sweeps did not end with a balanced point.
    """
    theta, groups = theta.copy(), twins(network)
    for _ in range(SWEEPS):
        for group in groups:
            _split(theta, group)
        if bool(np.all(imbalance(network, theta) <= BALANCED * (theta**2).sum(axis=1))):
            break
    else:
        raise ArithmeticError(f"no balanced point was found in {SWEEPS} sweeps")
    for group in groups:
        k = len(group.units)
        turn = np.linalg.qr(rng.normal(size=(len(theta), k, k)))[0]
        theta[:, group.incoming] = turn @ theta[:, group.incoming]
        theta[:, group.outgoing] = theta[:, group.outgoing] @ turn.swapaxes(1, 2)
    return theta


def _split(theta: Floats, group: Twins) -> None:
    k, m, n = len(group.units), group.incoming.shape[1], group.outgoing.shape[0]
    a, b = np.zeros((len(theta), k, m)), np.zeros((len(theta), n, k))
    if m and n:
        u, s, v = np.linalg.svd(theta[:, group.outgoing] @ theta[:, group.incoming], full_matrices=False)
        r = min(k, m, n)
        root = np.sqrt(s[:, :r])
        a[:, :r], b[:, :, :r] = root[:, :, None] * v[:, :r], u[:, :, :r] * root[:, None, :]
    theta[:, group.incoming], theta[:, group.outgoing] = a, b


def draw(network: LinearNetwork, how: Initialisation, count: int, rng: np.random.Generator) -> Floats:
    """``count`` random starts, ``(count, p)``.

    Balanced ones are rescaled by one factor each, so that they have the norm of the normal ones they are made of.
    """
    theta = rng.normal(scale=how.scale, size=(count, network.parameters))
    if not how.balanced:
        return theta
    norm = np.linalg.norm(theta, axis=1, keepdims=True)
    even = balance(network, theta, rng)
    return np.asarray(even * (norm / np.linalg.norm(even, axis=1, keepdims=True)))


def dead_weights(network: LinearNetwork) -> tuple[int, ...]:
    """The positions of the weights that lie on no path from an input to an output: the flow does not move them."""
    return tuple(
        n
        for n, (l, i, j) in enumerate(network.edges)
        if not network.inputs_of(l, j) or not network.outputs_of(l + 1, i)
    )
