"""Kinds that compare points: global, lowest, spurious; with certificates of spurious minima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from symverify.certificate import SpuriousMinimum
from symverify.certify import SymverifyError, ball_certificate, exact_certificates
from symverify.data import Data
from symverify.exact import Weights
from symverify.landscape.answer import CriticalPoint, Kind, overlap
from symverify.landscape.higher import descent_curve
from symverify.landscape.points import (
    AlgebraicPoint,
    Interval,
    real_losses,
)
from symverify.loss import weights_of
from symverify.network import LinearNetwork
from symverify.search import Candidate, balanced
from symverify.witness import accepted


def named(
    network: LinearNetwork,
    data: Data,
    points: Sequence[CriticalPoint],
    complete: bool,
    attained: bool,
    unseen: Sequence[Interval],
) -> tuple[CriticalPoint, ...]:
    """Kinds that compare points: global, spurious; and proofs for degenerate ones, lowest loss first."""
    ordered = sorted(points, key=lambda p: (p.loss, p.dimension, sorted(p.live)))
    least = min(p.loss[1] for p in ordered)
    sure = _one_value([p for p in ordered if p.loss[0] <= least], data)
    least_minimum = (Kind.LOWEST if complete else Kind.FOUND) if sure else Kind.MINIMUM
    least_is_global = complete and attained and sure and not _is_below(unseen, ordered)
    better = _near(network, ordered[0])
    result = []
    for p in ordered:
        lowest = p.loss[0] <= least
        zero = all(p.point.residual[o][j].is_zero() for o, j in network.covered)
        kind, certificate = _kind(
            p.kind, p.point, p.weights, data, better, lowest, zero or least_is_global, least_minimum
        )
        members = []
        for m in p.members:
            weights = tuple((x, x) for x in m.point.rational()) if m.point.is_rational() else ()
            named, proof = _kind(m.kind, m.point, weights, data, better, lowest, zero or least_is_global, least_minimum)
            members.append(replace(m, kind=named, proof=proof))
        if kind is Kind.SEMIDEFINITE and any(m.kind is Kind.SADDLE for m in members):
            kind = Kind.HIGHER  # strict saddles of the same loss arbitrarily near: shrink their weights by the gauge
        result.append(replace(p, kind=kind, proof=certificate, members=tuple(members)))
    return tuple(result)


def _one_value(points: Sequence[CriticalPoint], data: Data) -> bool:
    """Whether the losses of points, whose intervals meet, are certainly equal."""
    values = {tuple(p.point.field.minimal_polynomial(p.point.trace)) for p in points}
    here = [x for value in values for x in real_losses(value, data) if any(overlap(x, p.loss) for p in points)]
    return len(here) == 1


def _is_below(unseen: Sequence[Interval], points: Sequence[CriticalPoint]) -> bool:
    """Whether some critical value without a known real point is lower than that of all points."""
    return any(x[1] < min(p.loss[0] for p in points) for x in unseen)


def doubt_of(points: Sequence[CriticalPoint], unseen: Sequence[Interval], data: Data) -> str:
    """What contradicts that the points are all, where the infimum is attained: then no lowest one is a saddle."""
    least = min(p.loss[1] for p in points)
    lowest = [p for p in points if p.loss[0] <= least]
    if _is_below(unseen, points) or not any(p.curvature.negative for p in lowest) or not _one_value(lowest, data):
        return ""
    return "the infimum is attained, but the lowest point found is a saddle: something is missing"


def _kind(
    first: Kind,
    point: AlgebraicPoint,
    weights: Sequence[Interval],
    data: Data,
    better: Weights,
    lowest: bool,
    least_is_global: bool,
    least_minimum: Kind,
) -> tuple[Kind, SpuriousMinimum | None]:
    network = point.network
    if lowest and least_is_global:
        return Kind.GLOBAL, None
    if first is Kind.MINIMUM:
        if lowest:
            return least_minimum, None
        return Kind.SPURIOUS, _spurious_certificate(network, data, weights, better)
    if first is Kind.SEMIDEFINITE and point.is_rational():
        exact = weights_of(network, point.rational())
        if not lowest:
            for option in exact_certificates(Candidate(network, data, exact, better)):
                if accepted(option) is not None:
                    return Kind.DEGENERATE, option
        if descent_curve(network, data, point.rational()) is not None:
            return Kind.HIGHER, None
    return first, None


def _spurious_certificate(
    network: LinearNetwork, data: Data, weights: Sequence[Interval], better: Weights
) -> SpuriousMinimum | None:
    """A certificate that the checker accepts for a strict minimum above ``better``; None if none was met."""
    if all(low == high for low, high in weights):
        exact = weights_of(network, [low for low, _ in weights])
        for option in exact_certificates(Candidate(network, data, exact, better)):
            if accepted(option) is not None:
                return option
        return None
    theta = np.array([float((low + high) / 2) for low, high in weights])
    for start in (balanced(network, theta), theta):
        try:
            option = ball_certificate(network, data, start, better)
        except SymverifyError:
            continue
        if accepted(option) is not None:
            return option
    return None


def _near(network: LinearNetwork, point: CriticalPoint) -> Weights:
    """Rational weights near a critical point."""
    return weights_of(network, [low if low == high else _short((low + high) / 2) for low, high in point.weights])


def _short(x: Fraction) -> Fraction:
    return x.limit_denominator(10**9)
