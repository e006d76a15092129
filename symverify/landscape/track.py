"""Path tracking in floats, in batches: solutions of the gradient system while its parameters move.

The parameters are ``(lambda, A)`` with ``C = A G``, so that C stays in the range of G; they are complex on the way.
Nothing here is a proof: what comes out is proved, or refused, by :mod:`symverify.landscape.enclose`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symverify.exact import solve_right
from symverify.landscape.assemble import Forms
from symverify.landscape.instance import Instance, Units
from symverify.loss import BatchedLoss
from symverify.network import LinearNetwork

Array = NDArray[Any]

MAX_STEPS = 2000
LEAST_STEP = 1e-8
FARTHEST = 1e7
SETTLED = 1e-6
"""Of the last Newton step; where lambda is small, the condition of the system is 1e8, and floats give no more."""


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


@dataclass(frozen=True, slots=True)
class _Leg:
    """Parameters of paths on the way: ``lambda`` in geometric progression, C straight (as ``C[cells]``).

    ``ridge``, ``(B, p)``, and ``cross``, ``(B, terms)``, at the start; ``rate`` and ``straight`` are their speeds.
    """

    ridge: Array
    rate: Array
    cross: Array
    straight: Array

    def of(self, rows: Array) -> _Leg:
        """That of some of the paths."""
        return _Leg(self.ridge[rows], self.rate[rows], self.cross[rows], self.straight[rows])

    def at(self, time: Array) -> tuple[Array, Array]:
        """``lambda`` and C at ``time``, ``(B,)``."""
        t = time[:, None]
        return self.ridge * np.exp(t * self.rate), self.cross + t * self.straight


class Tracker:
    """The gradient system of a network over ``(lambda, A)``, for batches: ``x`` is ``(B, p)``, complex."""

    def __init__(self, network: LinearNetwork, gram: Array) -> None:
        self.network, self.gram = network, gram
        self.loss = BatchedLoss(network)
        self.weights = network.parameters
        self.forms = Forms(network, gram)

    def split(self, parameters: Array) -> tuple[Array, Array]:
        """``lambda`` and ``C = A G``, the latter as ``C[cells]`` (or their derivatives along a path)."""
        a = parameters[:, self.weights :].reshape(len(parameters), self.network.widths[-1], self.network.widths[0])
        cross = (a @ self.gram).reshape(len(parameters), a.shape[1] * a.shape[2])
        return parameters[:, : self.weights], cross[:, self.forms.cells]

    def system(self, x: Array, ridge: Array, cross: Array) -> Array:
        """The gradient, ``(B, p)``."""
        return self._slope(x, ridge, self.forms.from_data(x), self.forms.from_target(x, cross))

    def jacobian(self, x: Array, ridge: Array, cross: Array) -> Array:
        """The derivative of the system in ``x``, ``(B, p, p)``."""
        return self._matrix(x, ridge, self.forms.from_data(x), self.forms.from_target(x, cross))

    def _slope(self, x: Array, ridge: Array, squares: Array, bent: Array) -> Array:
        d = self.forms.depth
        slope = self.forms.matrices(squares / (2 * d - 1) - bent / (d - 1)) @ x[:, :, None]
        return np.asarray(slope[:, :, 0] + 2 * ridge * x)

    def _matrix(self, x: Array, ridge: Array, squares: Array, bent: Array) -> Array:
        matrix = self.forms.matrices(squares - bent)
        matrix.reshape(len(x), self.weights**2)[:, :: self.weights + 1] += 2 * ridge
        return matrix

    def along(self, x: Array, ridge_speed: Array, cross_speed: Array) -> Array:
        """The derivative of the system in the parameters, in a direction, ``(B, p)``."""
        forms = self.forms
        bent = forms.matrices(forms.from_target(x, cross_speed)) @ x[:, :, None]
        return np.asarray(2 * ridge_speed * x - bent[:, :, 0] / (forms.depth - 1))

    def newton(self, x: Array, ridge: Array, cross: Array, steps: int) -> tuple[Array, list[Array]]:
        """``steps`` Newton steps, with the length of each relative to ``1 + |x|``."""
        lengths = []
        for _ in range(steps):
            squares, bent = self.forms.from_data(x), self.forms.from_target(x, cross)
            change = _solve(self._matrix(x, ridge, squares, bent), self._slope(x, ridge, squares, bent))
            x = x - change
            lengths.append(_size(change) / (1 + _size(x)))
        return x, lengths

    def track(
        self,
        x: Array,
        start: Array,
        end: Array,
        tolerance: float,
        deadline: float = math.inf,
        abandon: float = 0.0,
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Follow each row of ``x`` while its parameters go from ``start`` to ``end``, both ``(B, n)``.

        A goes straight and ``lambda`` in geometric progression (small ``lambda`` are where solutions change fast).
        Each path has its own step: a fourth-order prediction, and Newton steps of which the first is to be shorter
        than ``tolerance``, the last shorter than ``SETTLED``.  Returns the end points and which paths arrived.

        Args:
            x: the start points, ``(B, p)``.
            start, end: ``(lambda, A)`` of each path.
            tolerance: of the prediction.
            deadline: a time of ``time.monotonic()``, looked at in each step; paths on their way then are lost.
            abandon: the last paths are lost too, as soon as no more than this share is still on its way.
        """
        (ridge, cross), (last_ridge, last_cross) = self.split(start.astype(complex)), self.split(end.astype(complex))
        leg = _Leg(ridge, np.log(last_ridge / ridge), cross, last_cross - cross)
        x, time, step = x.astype(complex), np.zeros(len(x)), np.full(len(x), 0.05)
        lost = np.zeros(len(x), dtype=bool)
        with np.errstate(all="ignore"):
            for _ in range(MAX_STEPS):
                active = np.flatnonzero(~lost & (time < 1))
                if len(active) <= abandon * len(x) or monotonic() > deadline:
                    break
                h = np.minimum(step[active], 1 - time[active])
                t = np.where(h >= 1 - time[active], 1.0, time[active] + h)
                here = leg.of(active)
                guess = self._predict(x[active], here, time[active], h)
                found, lengths = self.newton(guess, *here.at(t), 3)
                good = (lengths[0] < tolerance) & (lengths[2] < SETTLED)
                x[active[good]], time[active[good]] = found[good], t[good]
                step[active[~good]] /= 2
                step[active[good & (lengths[0] < tolerance / 30)]] *= 2
                lost |= (step < LEAST_STEP) | (_size(x) > FARTHEST)
        arrived = ~lost & (time >= 1)
        x[arrived] = self.newton(x[arrived], last_ridge[arrived], last_cross[arrived], 1)[0]
        return x, arrived

    def _predict(self, x: Array, leg: _Leg, time: Array, h: Array) -> Array:
        """One Runge-Kutta step of ``dx/dt = -J^-1 dF/dt``."""

        def slope(y: Array, t: Array) -> Array:
            ridge, cross = leg.at(t)
            return -_solve(self.jacobian(y, ridge, cross), self.along(y, leg.rate * ridge, leg.straight))

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
