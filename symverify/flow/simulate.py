"""Gradient flow ``d theta / dt = - grad L(theta)`` and gradient descent, for many starts at once, in floats.

*The flow* is stiff: near a minimum the time scales ``1 / lambda`` of the Hessian's eigenvalues lie decades apart, and
runs that leave to infinity take times of 10^8 and more.  An explicit method needs steps below ``2.8 / lambda_max`` all
the time.  The Hessian is known, so :func:`flow` uses RODAS, the Rosenbrock method of order 4 with an embedded one of
order 3 (L-stable and stiffly accurate; Hairer and Wanner, Solving Ordinary Differential Equations II, 2nd ed., section
VI.4 and the code RODAS there), batched over the starts with a step and an error control for each.  (The stiff methods
of scipy take one start at a time.)

*Large steps at saddle points.*  An L-stable method with a step much larger than ``1 / |lambda|`` would swallow the
growth along a direction of negative curvature lambda.  So the step is at most ``1 / |lambda_min|`` where the Hessian's
least eigenvalue is negative.

*Ends.*  A run has one of the :class:`Outcome` values, each with its own conditions (:class:`Limits`).  A run that only
used up its steps is never called converged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symverify.data import Data
from symverify.exact import quadratic_bound
from symverify.loss import BatchedLoss, Floats
from symverify.network import LinearNetwork

Ints = NDArray[np.intp]


class Outcome(StrEnum):
    """How a run ended.  All of them are observations, none is a proof.

    ``CONVERGED``: the gradient is small, another doubling of the time would not move the point, and the Hessian has no
    eigenvalue below the tolerance.  ``INFINITY``: the norm is above the bound and still grows like a power of the time;
    the infimum over the region may not be attained.  ``SADDLE``: as converged, but with an eigenvalue below the
    tolerance: so near to a saddle point, rounding and not the start decides whether and where the run goes on (exact
    runs from starts in an invariant set, such as balanced ones, may converge to it).  ``STOPPED``: none of these within
    the limits on steps and time.
    """

    CONVERGED = "converged"
    INFINITY = "infinity"
    SADDLE = "saddle"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends.  ``S = max(|G|, |C|)`` (spectral norms, 1 if both vanish) makes the tolerances
    independent of units.

    *converged*: ``|grad| <= gradient S`` and ``t |grad| <= settled |theta| + 1e-9`` (a power law ``theta ~ t^a``, as on
    the way to infinity, never satisfies this; at ``|grad| <= 1e-13 S (1 + |theta|)``, the level of rounding, ``d
    log|theta| / d log t < 0.01`` is enough) and ``lambda_min(H) >= - curvature S``.
    *infinity*: ``|theta| > max(bound, 10 |theta_0|)`` and ``d log|theta| / d log t >= 0.01``.
    *saddle*: as converged with ``lambda_min(H) < - curvature S``, for a time of more than ``1 / |lambda_min|``.
    *stopped*: after ``steps`` accepted steps of the flow, ``iterations`` of descent, or time ``time``.
    ``tolerance`` is the relative error allowed per step of the flow.
    """

    gradient: float = 1e-8
    settled: float = 1e-6
    curvature: float = 1e-6
    bound: float = 100.0
    time: float = 1e15
    steps: int = 5000
    iterations: int = 20000
    tolerance: float = 1e-7


GROWTH = 0.01
LINGER = 1.0
NOISE = 1e-13
ROUNDING = 1e-13
ABSOLUTE = 1e-10
KEPT = 400
"""Points of a path that are kept: beyond, every second one is dropped, and from then on every second one is kept."""


@dataclass(frozen=True)
class Path:
    """One run: ``times`` (n,), ``points`` (n, p), ``losses`` (n,), the start and the end among them."""

    times: Floats
    points: Floats
    losses: Floats


@dataclass(frozen=True)
class Runs:
    """What a batch of runs ended with; arrays have one entry (or row) per start.

    ``time`` is ``step * iterations`` for descent, whose ``step`` is one number per run (NaN for the flow).
    ``growth`` is ``d log|theta| / d log t`` at the end, ``curvature`` the least eigenvalue of the Hessian.
    """

    outcomes: tuple[Outcome, ...]
    start: Floats
    end: Floats
    loss: Floats
    gradient: Floats
    curvature: Floats
    growth: Floats
    time: Floats
    steps: Ints
    step: Floats
    paths: tuple[Path, ...]


class Landscape:
    """L of a network with given data, in floats and batched: gradient, Hessian, and the scale of the tolerances."""

    def __init__(self, network: LinearNetwork, data: Data) -> None:
        self.network = network
        self.model = BatchedLoss(network)
        self.gram = np.array([[float(x) for x in row] for row in data.gram])
        self.cross = np.array([[float(x) for x in row] for row in data.cross])
        self.constant = float(data.constant)
        norms = (float(np.linalg.norm(m, 2)) for m in (self.gram, self.cross))
        self.scale = max(norms) or 1.0
        explained = float(quadratic_bound(data.gram, data.cross))
        self.unit = explained or 1.0  # critical points have losses from c0 - explained to c0

    def loss(self, theta: Floats) -> Floats:
        """L, ``(B,)``."""
        return self.model.loss(theta, self.gram, self.cross, self.constant)

    def gradient(self, theta: Floats) -> Floats:
        """dL/dtheta, ``(B, p)``."""
        return self.model.gradient(theta, self.gram, self.cross)

    def hessian(self, theta: Floats) -> Floats:
        """The Hessian, ``(B, p, p)``."""
        return self.model.hessian(theta, self.gram, self.cross)

    def product(self, theta: Floats) -> Floats:
        """M, ``(B, d_y, d_x)``."""
        return self.model.product(theta)


# -- what both methods share ------------------------------------------------------------------------------


@dataclass
class _Batch:
    """The state of all runs, and what has been recorded of them."""

    landscape: Landscape
    limits: Limits
    start: Floats
    theta: Floats = field(init=False)
    value: Floats = field(init=False)
    time: Floats = field(init=False)
    steps: Ints = field(init=False)
    since: Floats = field(init=False)
    slope: Floats = field(init=False)
    low: Floats = field(init=False)
    growth: Floats = field(init=False)
    outcome: list[Outcome | None] = field(init=False)
    seen: Ints = field(init=False)
    stride: Ints = field(init=False)
    trace: list[list[tuple[float, Floats, float]]] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.start)
        self.theta = self.start.copy()
        self.value = self.landscape.loss(self.theta)
        self.time, self.since = np.zeros(count), np.full(count, np.nan)
        self.slope, self.low, self.growth = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count)
        self.steps = np.zeros(count, dtype=np.intp)
        self.outcome = [None] * count
        self.seen, self.stride = np.zeros(count, dtype=np.intp), np.ones(count, dtype=np.intp)
        self.trace = [[(0.0, t, float(v))] for t, v in zip(self.start, self.value, strict=True)]

    @property
    def active(self) -> Ints:
        return np.array([n for n, o in enumerate(self.outcome) if o is None], dtype=np.intp)

    def _now(self, n: int) -> tuple[float, Floats, float]:
        return float(self.time[n]), self.theta[n].copy(), float(self.value[n])

    def record(self, index: Ints) -> None:
        """The present state of these runs as points of their paths."""
        for n in index:
            self.seen[n] += 1
            if self.seen[n] % self.stride[n] == 0:
                self.trace[n].append(self._now(int(n)))
                if len(self.trace[n]) > KEPT:
                    del self.trace[n][1::2]
                    self.stride[n] *= 2

    def judge(self, index: Ints, slope: Floats, low: NDArray[Any], exhausted: NDArray[np.bool_]) -> None:
        """Set the outcomes of the runs that have one: gradient and least eigenvalue at their points are given."""
        limits, scale = self.limits, self.landscape.scale
        theta, time = self.theta[index], self.time[index]
        size, steep = np.linalg.norm(theta, axis=1), np.linalg.norm(slope, axis=1)
        squared = np.maximum(size**2, 1e-300)
        growth = -time * (theta * slope).sum(axis=1) / squared
        still = time * steep <= limits.settled * size + 1e-9
        still |= (steep <= NOISE * scale * (1 + size)) & (np.abs(growth) < GROWTH)
        settled = (steep <= limits.gradient * scale) & still & (time > 0)
        bent = low < -limits.curvature * scale
        self.since[index] = np.where(settled & bent, np.fmin(self.since[index], time), np.nan)
        stuck = (time - self.since[index]) * np.abs(low) > LINGER
        far = size > np.maximum(limits.bound, 10 * np.linalg.norm(self.start[index], axis=1))
        self.slope[index], self.low[index], self.growth[index] = steep, low, growth
        for k, n in enumerate(index):
            if settled[k] and not bent[k]:
                self.outcome[n] = Outcome.CONVERGED
            elif far[k] and growth[k] >= GROWTH:
                self.outcome[n] = Outcome.INFINITY
            elif settled[k] and stuck[k]:
                self.outcome[n] = Outcome.SADDLE
            elif exhausted[k]:
                self.outcome[n] = Outcome.STOPPED

    def runs(self, step: Floats) -> Runs:
        for n, trace in enumerate(self.trace):
            if trace[-1][0] != self.time[n]:
                trace.append(self._now(n))
        paths = (
            Path(
                np.array([t for t, _, _ in trace]), np.array([x for _, x, _ in trace]), np.array([v for *_, v in trace])
            )
            for trace in self.trace
        )
        assert all(o is not None for o in self.outcome)
        return Runs(
            outcomes=tuple(o for o in self.outcome if o is not None),
            start=self.start,
            end=self.theta,
            loss=self.value,
            gradient=self.slope,
            curvature=self.low,
            growth=self.growth,
            time=self.time,
            steps=self.steps,
            step=step,
            paths=tuple(paths),
        )


# -- gradient flow ----------------------------------------------------------------------------------------

GAMMA = 0.25
STAGES = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
COUPLINGS = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)


def rodas_step(landscape: Landscape, theta: Floats, slope: Floats, hessian: Floats, h: Floats) -> tuple[Floats, Floats]:
    """One step of RODAS from the points ``theta`` (B, p) with the steps ``h`` (B,): new points, error estimates.

    Stage i solves ``(1 / (gamma h) + H) k_i = - grad L(theta + sum_j a_ij k_j) + sum_j c_ij k_j / h``.  The new point
    is ``theta + sum_j a_6j k_j + k_6``, and ``k_6`` estimates its error.
    """
    inverse = np.linalg.inv(hessian + (1 / (GAMMA * h))[:, None, None] * np.eye(theta.shape[1]))
    increments: list[Floats] = []
    at = theta
    for n, (stage, coupling) in enumerate(zip(STAGES, COUPLINGS, strict=True)):
        at = theta + sum((a * k for a, k in zip(stage, increments, strict=True)), np.zeros_like(theta))
        right = -(slope if n == 0 else landscape.gradient(at))
        right = (
            right + sum((c * k for c, k in zip(coupling, increments, strict=True)), np.zeros_like(theta)) / h[:, None]
        )
        increments.append((inverse @ right[..., None])[..., 0])
    return at + increments[-1], increments[-1]


def flow(landscape: Landscape, starts: Floats, limits: Limits | None = None) -> Runs:
    """Gradient flow from each row of ``starts`` (B, p) until it has an outcome; error control per run and step.

    >>> from fractions import Fraction
    >>> scalar = Landscape(LinearNetwork.dense(1, 1, 1), Data.whitened([[2]]))
    >>> runs = flow(scalar, np.array([[1.0, 0.5], [0.1, -0.3]]))
    >>> [str(o) for o in runs.outcomes], [round(abs(float(m)), 6) for m in runs.end.prod(axis=1)]
    (['converged', 'converged'], [2.0, 2.0])
    """
    limits = limits or Limits()
    batch = _Batch(landscape, limits, np.asarray(starts, dtype=float))
    h = np.full(len(batch.start), np.inf)
    tries = np.zeros(len(batch.start), dtype=np.intp)
    with np.errstate(over="ignore", invalid="ignore"):  # a trial step may overflow: it is rejected
        while len(index := batch.active):
            theta = batch.theta[index]
            slope, hessian = landscape.gradient(theta), landscape.hessian(theta)
            eigenvalues = np.linalg.eigvalsh(hessian)
            low = eigenvalues[:, 0]
            exhausted = (batch.steps[index] >= limits.steps) | (batch.time[index] >= limits.time)
            batch.judge(index, slope, low, exhausted | (tries[index] >= 4 * limits.steps))
            live = np.array([batch.outcome[n] is None for n in index])
            if live.any():
                index = index[live]
                tries[index] += 1
                spread = np.abs(eigenvalues[live]).max(axis=1)
                h[index] = np.where(np.isinf(h[index]), 0.1 / np.maximum(spread, 1e-12), h[index])
                h[index] = np.minimum(h[index], 1 / np.maximum(-low[live], 1e-300))
                _advance(batch, index, slope[live], hessian[live], h)
    return batch.runs(np.full(len(batch.start), np.nan))


def _advance(batch: _Batch, index: Ints, slope: Floats, hessian: Floats, h: Floats) -> None:
    """Try a step of these runs; accept it where the error is small and the loss does not rise; choose the next one."""
    theta, value = batch.theta[index], batch.value[index]
    new, error = rodas_step(batch.landscape, theta, slope, hessian, h[index])
    loss = batch.landscape.loss(new)
    allowed = ABSOLUTE + batch.limits.tolerance * np.maximum(np.abs(theta), np.abs(new))
    ratio = np.sqrt(np.mean((error / allowed) ** 2, axis=1))
    ratio = np.where(np.isfinite(ratio) & np.isfinite(loss), ratio, np.inf)
    rise = loss > value + ROUNDING * (np.abs(value) + abs(batch.landscape.constant))
    good = (ratio <= 1) & ~rise
    accepted = index[good]
    batch.theta[accepted], batch.value[accepted] = new[good], loss[good]
    batch.time[accepted] += h[accepted]
    batch.steps[accepted] += 1
    batch.record(accepted)
    factor = np.clip(0.9 * np.maximum(ratio, 1e-10) ** -0.25, 0.2, 6.0)
    h[index] *= np.where(good, factor, np.minimum(factor, 0.5))


# -- gradient descent -------------------------------------------------------------------------------------

LOOK = 50
"""Iterations between two looks at the Hessian."""
HALVINGS = 40


def descent(landscape: Landscape, starts: Floats, limits: Limits | None = None, step: float | None = None) -> Runs:
    """Gradient descent ``theta - eta grad L(theta)`` from each row of ``starts``, eta fixed for each run.

    Without ``step``, eta starts at ``1 / lambda_max(H(theta_0))``.  If the loss rises at an iteration, eta is above
    ``2 / Lipschitz constant`` of the gradient there; then the run is taken again from its start with eta halved.  So
    the runs that are returned have one eta each and a loss that never rose.  With ``step``, nothing is halved: the loss
    may rise, and a run that leaves the numbers is *stopped* (not *infinity*: the flow would not leave).
    """
    limits = limits or Limits()
    starts = np.asarray(starts, dtype=float)
    if step is not None:
        return _descend(landscape, starts, limits, np.full(len(starts), step), patient=True)[0]
    top = np.linalg.eigvalsh(landscape.hessian(starts))[:, -1]
    eta = 1 / np.maximum(top, 1e-3 * landscape.scale)
    pending, parts = np.arange(len(starts)), []
    for _ in range(HALVINGS):
        runs, rose = _descend(landscape, starts[pending], limits, eta[pending], patient=False)
        parts.append((pending[~rose], _select(runs, np.flatnonzero(~rose))))
        pending = pending[rose]
        eta[pending] /= 2
        if not len(pending):
            break
    else:
        raise ArithmeticError(f"the loss rises even with steps of {eta[pending].max():.3g}; rescale the data")
    return _joined(parts)


def _descend(
    landscape: Landscape, starts: Floats, limits: Limits, eta: Floats, patient: bool
) -> tuple[Runs, NDArray[np.bool_]]:
    """Runs with these steps, and which of them were broken off because the loss rose (none if ``patient``)."""
    batch = _Batch(landscape, limits, starts)
    rose = np.zeros(len(starts), dtype=bool)
    slack = ROUNDING * abs(landscape.constant)
    count, mark = 0, 1
    with np.errstate(over="ignore", invalid="ignore"):
        while len(index := batch.active):
            theta = batch.theta[index] - eta[index, None] * landscape.gradient(batch.theta[index])
            loss = landscape.loss(theta)
            count += 1
            broken = ~np.isfinite(loss) | (np.abs(theta).max(axis=1) > 1e100)
            if not patient:
                broken |= loss > batch.value[index] * (1 + ROUNDING) + slack
            for n in index[broken]:
                batch.outcome[n], rose[n] = Outcome.STOPPED, not patient
            index, theta, loss = index[~broken], theta[~broken], loss[~broken]
            batch.theta[index], batch.value[index], batch.steps[index] = theta, loss, count
            batch.time[index] = count * eta[index]
            if count >= mark:
                batch.record(index)
                mark = max(count + 1, int(count * 1.05))
            if (count % LOOK == 0 or count >= limits.iterations) and len(index):
                low = np.linalg.eigvalsh(landscape.hessian(theta))[:, 0]
                exhausted = np.full(len(index), count >= limits.iterations)
                batch.judge(index, landscape.gradient(theta), low, exhausted)
    return batch.runs(eta), rose


ARRAYS = ("start", "end", "loss", "gradient", "curvature", "growth", "time", "steps", "step")


def _select(runs: Runs, index: Ints) -> Runs:
    chosen: dict[str, Any] = {name: getattr(runs, name)[index] for name in ARRAYS}
    outcomes, paths = (tuple(column[n] for n in index) for column in (runs.outcomes, runs.paths))
    return Runs(outcomes=outcomes, paths=paths, **chosen)


def _joined(parts: list[tuple[Ints, Runs]]) -> Runs:
    """The parts in one, each run at its place."""
    order = np.argsort(np.concatenate([index for index, _ in parts]))
    arrays: dict[str, Any] = {name: np.concatenate([getattr(r, name) for _, r in parts]) for name in ARRAYS}
    together = Runs(
        outcomes=tuple(o for _, runs in parts for o in runs.outcomes),
        paths=tuple(path for _, runs in parts for path in runs.paths),
        **arrays,
    )
    return _select(together, order)
