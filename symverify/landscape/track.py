"""Path tracking in floats, in batches: solutions of the gradient system while its parameters move.

The parameters are ``(lambda, A)`` with ``C = A G``, so that C stays in the range of G; they are complex on the way.
Nothing here is a proof: what comes out is proved, or refused, by :mod:`symverify.landscape.enclose`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symverify.exact import solve_right
from symverify.landscape.instance import Instance, Units
from symverify.loss import BatchedLoss
from symverify.network import LinearNetwork

Array = NDArray[Any]

MAX_STEPS = 2000
LEAST_STEP = 1e-8
FARTHEST = 1e7


@dataclass(frozen=True, slots=True)
class Scaled:
    """An instance with weights and loss in units in which G and C are about 1: ``w = unit * x``.

    ``gram`` is ``(d_x, d_x)``, ``parameters`` are ``(lambda, A)`` in one row of ``p + d_y d_x`` numbers.
    """

    network: LinearNetwork
    gram: Array
    parameters: Array
    unit: float


def scaled(instance: Instance, live: Units) -> Scaled:
    """The sub-network of the live units, with scales divided out."""
    target = solve_right(instance.data.gram, instance.data.cross)
    assert target is not None  # Data has checked that C is in the range of G
    gram, a = np.array(instance.data.gram, dtype=float), np.array(target, dtype=float)
    ridge = np.array([float(instance.ridge[n]) for n in instance.edges_of(live)])
    size = float(np.linalg.norm(gram)) or 1.0
    height = float(np.linalg.norm(a)) or 1.0
    depth = instance.network.depth
    unit = height ** (1 / depth)
    ridge = ridge * unit**2 / (size * height**2)
    return Scaled(instance.subnetwork(live), gram / size, np.concatenate([ridge, (a / height).ravel()]), unit)


class _Leg:
    """Parameters on the way from ``start`` to ``end``, ``(B, n)``: the first ``count`` geometric, the rest straight."""

    def __init__(self, start: Array, end: Array, count: int) -> None:
        self.start, self.end, self.count = start.astype(complex), end.astype(complex), count
        self.rate = np.log(self.end[:, :count] / self.start[:, :count])
        self.straight = self.end[:, count:] - self.start[:, count:]

    def of(self, rows: Array) -> _Leg:
        """That of some of the paths."""
        return _Leg(self.start[rows], self.end[rows], self.count)

    def at(self, time: Array) -> Array:
        """The parameters at ``time``, ``(B,)``; exactly ``end`` at 1."""
        t = time[:, None]
        first = self.start[:, : self.count] * np.exp(t * self.rate)
        moving = np.concatenate([first, self.start[:, self.count :] + t * self.straight], axis=1)
        return np.where(t == 1, self.end, moving)

    def speed(self, parameters: Array) -> Array:
        """The derivative in time where the parameters are these."""
        return np.concatenate([parameters[:, : self.count] * self.rate, self.straight], axis=1)


class Tracker:
    """The gradient system of a network over ``(lambda, A)``, for batches: ``x`` is ``(B, p)``, complex."""

    def __init__(self, network: LinearNetwork, gram: Array) -> None:
        self.network, self.gram = network, gram
        self.loss = BatchedLoss(network)
        self.weights = network.parameters
        heads, tails = self.loss.heads, self.loss.tails
        self.pairs = {
            (l, m): ((heads[l][:, None], heads[m]), (tails[l][:, None], tails[m]), (heads[l][:, None], tails[m]))
            for l in range(network.depth)
            for m in range(l + 1)
        }

    def cross(self, parameters: Array) -> Array:
        """``C = A G`` (or its derivative along a path)."""
        a = parameters[:, self.weights :].reshape(len(parameters), self.network.widths[-1], self.network.widths[0])
        return np.asarray(a @ self.gram)

    def at(self, x: Array) -> _Point:
        """The partial products at ``x``, computed once for all that follows."""
        return _Point(self, x)

    def newton(self, x: Array, parameters: Array, steps: int) -> tuple[Array, list[Array]]:
        """``steps`` Newton steps, with the length of each relative to ``1 + |x|``."""
        lengths = []
        for _ in range(steps):
            point = self.at(x)
            change = _solve(point.jacobian(parameters), point.system(parameters))
            x = x - change
            lengths.append(_size(change) / (1 + _size(x)))
        return x, lengths

    def track(self, x: Array, start: Array, end: Array, tolerance: float) -> tuple[Array, NDArray[np.bool_]]:
        """Follow each row of ``x`` while its parameters go from ``start`` to ``end``, both ``(B, n)``.

        A goes straight and ``lambda`` in geometric progression (small ``lambda`` are where solutions change fast).
        Each path has its own step: a fourth-order prediction, and three Newton steps of which the first is to be
        shorter than ``tolerance``.  Returns the end points and which paths arrived.
        """
        x, leg = x.astype(complex), _Leg(start, end, self.weights)
        time, step = np.zeros(len(x)), np.full(len(x), 0.05)
        lost = np.zeros(len(x), dtype=bool)
        with np.errstate(all="ignore"):
            for _ in range(MAX_STEPS):
                active = np.flatnonzero(~lost & (time < 1))
                if not len(active):
                    break
                h = np.minimum(step[active], 1 - time[active])
                t = np.where(h >= 1 - time[active], 1.0, time[active] + h)
                here = leg.of(active)
                guess = self._predict(x[active], here, time[active], h)
                found, lengths = self.newton(guess, here.at(t), 3)
                good = (lengths[0] < tolerance) & (lengths[2] < 1e-9)
                x[active[good]], time[active[good]] = found[good], t[good]
                step[active[~good]] /= 2
                step[active[good & (lengths[0] < tolerance / 30)]] *= 2
                lost |= (step < LEAST_STEP) | (_size(x) > FARTHEST)
        return x, ~lost & (time >= 1)

    def _predict(self, x: Array, leg: _Leg, time: Array, h: Array) -> Array:
        """One Runge-Kutta step of ``dx/dt = -J^-1 dF/dt``."""

        def slope(y: Array, t: Array) -> Array:
            now, point = leg.at(t), self.at(y)
            return -_solve(point.jacobian(now), point.along(leg.speed(now)))

        half, step = h[:, None] / 2, h[:, None]
        k1 = slope(x, time)
        k2 = slope(x + half * k1, time + h / 2)
        k3 = slope(x + half * k2, time + h / 2)
        k4 = slope(x + step * k3, time + h)
        return np.asarray(x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4))


class _Point:
    """The gradient system at a batch of points, as in :mod:`symverify.loss`, with F, B as there.

    ``J[(l,i,j), (m,a,b)] = (B_l' B_m)[i,a] (F_{l-1} G F_{m-1}')[j,b] + [l > m] (B_l' R F_{m-1}')[i,b] W[j,a]``,
    W = ``W_{l-1} ... W_{m+1}``, and ``2 lambda`` on the diagonal.
    """

    def __init__(self, tracker: Tracker, x: Array) -> None:
        self.tracker, self.x = tracker, x
        network = tracker.network
        self.layers = tracker.loss.layers(x)
        self.forward: list[Array] = [np.eye(network.widths[0])[None]]
        self.backward: list[Array] = [np.eye(network.widths[-1])[None]]
        for w in self.layers:
            self.forward.append(w @ self.forward[-1])
        for w in reversed(self.layers):
            self.backward.insert(0, self.backward[0] @ w)
        self.weighted = [f @ tracker.gram for f in self.forward]

    def system(self, parameters: Array) -> Array:
        """The gradient, ``(B, p)``."""
        rest = self.weighted[-1] - self.tracker.cross(parameters)
        return np.asarray(self._pulled(rest) + 2 * parameters[:, : self.tracker.weights] * self.x)

    def along(self, speed: Array) -> Array:
        """Its derivative in the parameters, in the direction ``speed``, ``(B, p)``."""
        return np.asarray(self._pulled(-self.tracker.cross(speed)) + 2 * speed[:, : self.tracker.weights] * self.x)

    def _pulled(self, rest: Array) -> Array:
        """``B' rest F'`` at the edges, ``(B, p)``."""
        loss = self.tracker.loss
        parts = []
        for l in range(len(self.layers)):
            layer = self.backward[l + 1].swapaxes(1, 2) @ rest @ self.forward[l].swapaxes(1, 2)
            parts.append(layer[:, loss.heads[l], loss.tails[l]])
        return np.concatenate(parts, axis=1)

    def jacobian(self, parameters: Array) -> Array:
        """The derivative of the system in ``x``, ``(B, p, p)``."""
        tracker, spans = self.tracker, self.tracker.loss.spans
        rest = self.weighted[-1] - tracker.cross(parameters)
        result = np.empty((len(self.x), tracker.weights, tracker.weights), dtype=complex)
        for l in range(len(self.layers)):
            after = self.backward[l + 1].swapaxes(1, 2)
            between: Array = np.eye(tracker.network.widths[l])[None]
            for m in range(l, -1, -1):
                heads, tails, mixed = tracker.pairs[l, m]
                below = self.forward[m].swapaxes(1, 2)
                outer, inner = after @ self.backward[m + 1], self.weighted[l] @ below
                block = outer[:, heads[0], heads[1]] * inner[:, tails[0], tails[1]]
                if m < l:
                    bent = (after @ rest @ below)[:, mixed[0], mixed[1]]
                    block = block + bent * between[:, tails[0], heads[1]]
                    result[:, spans[m], spans[l]] = block.swapaxes(1, 2)
                    between = between @ self.layers[m]
                result[:, spans[l], spans[m]] = block
        n = np.arange(tracker.weights)
        result[:, n, n] += 2 * parameters[:, : tracker.weights]
        return result


def _size(x: Array) -> Array:
    return np.asarray(np.abs(x).max(axis=-1, initial=0.0))


def _solve(matrices: Array, right: Array) -> Array:
    """``matrices^-1 right``; rows of nan where a matrix is singular, so that the step is refused."""
    try:
        return np.linalg.solve(matrices, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        result = np.full_like(right, np.nan)
        for n, matrix in enumerate(matrices):
            if np.linalg.matrix_rank(np.nan_to_num(matrix)) == len(matrix):
                result[n] = np.linalg.solve(matrix, right[n])
        return result
