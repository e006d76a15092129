"""Finding all solutions of a stratum: one seed, then loops in the space of parameters, then the way to the true ones.

A random complex ``x`` is critical for ``lambda_e = -dL_0/dw_e (x) / (2 x_e)``: that is the seed.  The pairs of
parameters and solutions without a zero coordinate form a graph over ``x`` and A, an irreducible variety, so that loops
in the parameters can lead from the seed to each of them.  One representative per sign orbit is kept.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symverify.landscape.track import Scaled, Tracker

Array = NDArray[Any]

BATCH = 96
"""About so many paths at once."""
ABANDON = 0.1
"""On loops, the share of paths that is not waited for: a few slow ones cost more than all others."""
DEAD = 1e-8
"""Below this a coordinate is zero: the path jumped to a smaller stratum."""
SAME = 1e-6
LOOSE = 1e-2
"""The tolerance on loops; a path that jumps to another solution does no harm, one to a smaller stratum is seen."""


class Seeker:
    """Solutions of one stratum at random parameters, growing by loops; ``solutions`` is ``(n, p)``."""

    def __init__(self, scaled: Scaled, seed: int) -> None:
        self.scaled, self.rng = scaled, np.random.default_rng(seed)
        self.tracker = Tracker(scaled.network, scaled.gram)
        p, outputs, inputs = scaled.network.parameters, scaled.network.widths[-1], scaled.network.widths[0]
        self.marks = self.rng.uniform(0.5, 1.5, (p, 2))
        self.colours = self.rng.uniform(0.5, 1.5, p)
        self.tints = self.rng.uniform(0.5, 1.5, (2, outputs, inputs))
        self.solutions, self.base = self._seed(p)

    def _seed(self, p: int) -> tuple[Array, Array]:
        x = self._complex(1, p)
        base = np.concatenate([np.zeros((1, p)), self._complex(1, len(self.scaled.parameters) - p)], axis=1)
        base[:, :p] = -self.tracker.system(x, *self.tracker.split(base)) / (2 * x)
        return x, base

    def _complex(self, *shape: int) -> Array:
        """Numbers of modulus about 1 and random argument."""
        return np.asarray(self.rng.uniform(0.5, 1.5, shape) * np.exp(2j * np.pi * self.rng.uniform(size=shape)))

    def invariants(self, x: Array) -> Array:
        """Two numbers per row that sign changes of units leave alone: random sums of squares and of entries of M."""
        layers = self.tracker.loss.layers(x * self.colours)
        product = layers[0]
        for w in layers[1:]:
            product = w @ product
        return np.asarray((x * x) @ self.marks + np.einsum("boj,koj->bk", product, self.tints))

    def distinct(self, x: Array) -> Array:
        """One row per orbit, as far as floats can tell."""
        kept: list[int] = []
        values = self.invariants(x)
        for n, value in enumerate(values):
            if kept and (np.abs(values[kept] - value).max(axis=1) < SAME * (1 + np.abs(value).max())).any():
                continue
            kept.append(n)
        return x[kept]

    def extend(self, wanted: int, deadline: float, idle: int = 8) -> None:
        """Loop until ``wanted`` orbits are known, ``idle`` rounds in a row found nothing new, or the time is over."""
        quiet = 0
        while len(self.solutions) < wanted and quiet < idle and time.monotonic() < deadline:
            known = len(self.solutions)
            abandon = 0.0 if quiet else ABANDON
            copies = max(1, BATCH // known)
            x = np.tile(self.solutions, (copies, 1))
            base = np.repeat(self.base, len(x), axis=0)
            corners = [np.repeat(self._corner(copies), known, axis=0) for _ in range(2)]
            corners = [base, *corners, base]
            for leg in range(3):
                x, arrived = self.tracker.track(x, corners[leg], corners[leg + 1], LOOSE, deadline, abandon)
                x, corners = x[arrived], [corner[arrived] for corner in corners]
            x = x[np.abs(x).min(axis=1) > DEAD * (1 + np.abs(x).max(axis=1))]
            self.solutions = self.distinct(np.concatenate([self.solutions, x]))
            quiet = 0 if len(self.solutions) > known else quiet + 1

    def _corner(self, count: int) -> Array:
        """Random parameters; ``lambda`` of many sizes, since some solutions only meet where it is small."""
        corner = self._complex(count, len(self.scaled.parameters))
        p = self.scaled.network.parameters
        corner[:, :p] *= 10 ** (self.rng.uniform(-3, 0.5, (count, 1)) + self.rng.uniform(-0.5, 0.5, (count, p)))
        return corner

    def at_true_parameters(self, tolerance: float, deadline: float) -> Array:
        """The solutions followed to the parameters of the instance, in its own units; paths may be lost."""
        n = len(self.solutions)
        end = np.repeat(self.scaled.parameters[None].astype(complex), n, axis=0)
        x, arrived = self.tracker.track(self.solutions, np.repeat(self.base, n, axis=0), end, tolerance, deadline)
        return self.distinct(x[arrived]) * self.scaled.unit
