"""The certificates of ``path_checker.py`` as types, and their JSON form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symverify.certificate import FORMAT, Json, data_json, masks_json, weights_json
from symverify.data import Data
from symverify.exact import Weights
from symverify.loss import loss
from symverify.network import Edge, LinearNetwork

Piece = tuple[Weights, ...]
"""The coefficients of t, t^2, ... of one piece of a path; it starts where the piece before it ended."""


def path_json(path: tuple[Piece, ...]) -> list[list[list[list[list[str]]]]]:
    """A path as certificates write it."""
    return [[weights_json(weights) for weights in piece] for piece in path]


@dataclass(frozen=True, slots=True)
class DecreasingPath:
    """From ``point`` (and, moved along, from every point within ``tolerance`` of it) to a loss below that of
    ``better``, with the masked weights ``allowed``; the loss strictly decreases.

    ``end``: a bound of the last loss, for every start.
    """

    network: LinearNetwork
    data: Data
    point: Weights
    better: Weights
    allowed: frozenset[Edge]
    path: tuple[Piece, ...]
    end: Fraction
    tolerance: Fraction = Fraction(0)

    def to_json(self) -> Json:
        allowed = [
            [[int((l, i, j) in self.allowed) for j in range(len(row))] for i, row in enumerate(mask)]
            for l, mask in enumerate(self.network.masks)
        ]
        return {
            "format": FORMAT,
            "kind": "decreasing-path",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "point": weights_json(self.point),
            "tolerance": str(self.tolerance),
            "better": weights_json(self.better),
            "allowed": allowed,
            "path": path_json(self.path),
            "statement": {
                "start_loss": str(loss(self.network, self.point, self.data)),
                "end_loss": str(self.end),
                "better_loss": str(loss(self.network, self.better, self.data)),
            },
        }


@dataclass(frozen=True, slots=True)
class Escape:
    """In the network itself, from ``point`` to a smaller loss; the loss is constant or strictly decreases."""

    network: LinearNetwork
    data: Data
    point: Weights
    path: tuple[Piece, ...]
    end: Fraction

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "escape",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "point": weights_json(self.point),
            "path": path_json(self.path),
            "statement": {
                "start_loss": str(loss(self.network, self.point, self.data)),
                "end_loss": str(self.end),
            },
        }


@dataclass(frozen=True, slots=True)
class Chart:
    """A slice through ``point`` to the scalings of ``units``: one ``frozen`` edge for each; on the box of ``radius``
    in the other live weights the Hessian is at least ``curvature``; ``slope`` bounds the gradient at the point."""

    network: LinearNetwork
    data: Data
    point: Weights
    units: tuple[tuple[int, int], ...]
    frozen: tuple[Edge, ...]
    radius: Fraction
    curvature: Fraction
    slope: Fraction

    @property
    def lowest(self) -> Fraction:
        """A lower bound of the loss of the minimum, exact if the slope is 0."""
        return loss(self.network, self.point, self.data) - self.slope**2 / (2 * self.curvature)

    @property
    def barrier(self) -> Fraction:
        """A lower bound of the loss on the sphere of this radius."""
        here = loss(self.network, self.point, self.data)
        return here - self.slope * self.radius + self.curvature * self.radius**2 / 2

    def to_json(self) -> Json:
        """The keys that a valley and a basin have in common."""
        return {
            "format": FORMAT,
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "point": weights_json(self.point),
            "slice": {
                "units": [list(unit) for unit in self.units],
                "frozen": [list(edge) for edge in self.frozen],
                "radius": str(self.radius),
                "curvature": str(self.curvature),
                "slope": str(self.slope),
            },
            "statement": {
                "loss_at_least": str(self.lowest),
                "loss_at_most": str(loss(self.network, self.point, self.data)),
            },
        }


@dataclass(frozen=True, slots=True)
class Valley:
    """No path whose loss stays below the barrier leaves the neighbourhood of the orbit of the minimum; ``paths``: from
    inputs to outputs, through all units that are scaled, on which no weight vanishes."""

    chart: Chart
    paths: tuple[tuple[int, ...], ...]

    def to_json(self) -> Json:
        body = self.chart.to_json()
        body["statement"]["barrier"] = str(self.chart.barrier)
        return {**body, "kind": "valley", "paths": [list(path) for path in self.paths]}


@dataclass(frozen=True, slots=True)
class Basin:
    """Gradient flow from every point within ``radius`` of the chart's point stays within ``reach`` and converges to a
    minimum of the loss of the chart's."""

    chart: Chart
    reach: Fraction
    radius: Fraction

    def to_json(self) -> Json:
        return {**self.chart.to_json(), "kind": "basin", "reach": str(self.reach), "basin": str(self.radius)}
