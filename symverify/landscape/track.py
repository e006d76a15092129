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
        self.nothing = np.zeros_like(gram)

    def cross(self, parameters: Array) -> Array:
        """``C = A G`` (or its derivative along a path)."""
        a = parameters[:, self.weights :].reshape(len(parameters), self.network.widths[-1], self.network.widths[0])
        return np.asarray(a @ self.gram)

    def system(self, x: Array, parameters: Array) -> Array:
        """The gradient, ``(B, p)``."""
        ridge = parameters[:, : self.weights]
        return np.asarray(self.loss.gradient(x, self.gram, self.cross(parameters)) + 2 * ridge * x)

    def jacobian(self, x: Array, parameters: Array) -> Array:
        """Its derivative in ``x``, ``(B, p, p)``."""
        result = self.loss.hessian(x, self.gram, self.cross(parameters))
        n = np.arange(self.weights)
        result[:, n, n] += 2 * parameters[:, : self.weights]
        return result

    def along(self, x: Array, speed: Array) -> Array:
        """Its derivative in the parameters, in the direction ``speed``, ``(B, p)``."""
        ridge = speed[:, : self.weights]
        return np.asarray(self.loss.gradient(x, self.nothing, self.cross(speed)) + 2 * ridge * x)

    def newton(self, x: Array, parameters: Array, steps: int) -> tuple[Array, list[Array]]:
        """``steps`` Newton steps, with the length of each relative to ``1 + |x|``."""
        lengths = []
        for _ in range(steps):
            change = _solve(self.jacobian(x, parameters), self.system(x, parameters))
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
            now = leg.at(t)
            return -_solve(self.jacobian(y, now), self.along(y, leg.speed(now)))

        half, step = h[:, None] / 2, h[:, None]
        k1 = slope(x, time)
        k2 = slope(x + half * k1, time + h / 2)
        k3 = slope(x + half * k2, time + h / 2)
        k4 = slope(x + step * k3, time + h)
        return np.asarray(x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4))


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
