"""From points to evidence: strict, fibre, family and ball certificates, each judged by the checker."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import pytest
from structures import E2, SIX_WEIGHTS

from symverify import checker
from symverify.certificate import (
    Absorb,
    Ball,
    CriticalFamily,
    CriticalFibre,
    Minimum,
    Relax,
    SpuriousMinimum,
    encode,
)
from symverify.certify import (
    DegenerateCriticalPoint,
    InsufficientPrecision,
    SymverifyError,
    ball_certificate,
    critical_coordinates,
    critical_directions,
    degenerate_options,
    exact_certificates,
    exact_point,
    frozen_coordinates,
    is_strict,
    polish,
)
from symverify.data import Data
from symverify.exact import Matrix, Weights, as_matrix, nullspace, rank
from symverify.loss import BatchedLoss, Floats, gradient, hessian, loss, symmetry_fields, vector_of, weights_of
from symverify.network import LinearNetwork
from symverify.search import Candidate, balanced, descend

from_masks = LinearNetwork.from_masks


def weights(*layers: list[list[Any]]) -> Weights:
    return tuple(as_matrix([[Fraction(x) for x in row] for row in layer]) for layer in layers)


def floats(network: LinearNetwork, point: Weights) -> Floats:
    return np.array([float(x) for x in vector_of(network, point)])


def checked(certificate: SpuriousMinimum) -> dict[str, Any]:
    outcome, facts = checker.check_bytes(encode(certificate))
    assert outcome == "valid", facts
    assert not isinstance(facts, str)
    return dict(facts[0])


def accepted(candidate: Candidate) -> list[SpuriousMinimum]:
    return [c for c in exact_certificates(candidate) if checker.check_bytes(encode(c))[0] == "valid"]


# -- examples: strict (example 2), degenerate with a fibre or a family (example 4), and variants ----------

E2_TARGET = [[1, 3, 0], [3, 1, 0], [0, 0, 4]]
STRICT = Candidate(
    E2,
    Data.whitened(E2_TARGET),
    weights([[1, 0, 0], [0, 0, 4]], [[1, 0], [0, 0], [0, 1]]),
    weights([[-8, 0, 0], [3, 1, 0]], [[1, 3], [0, 1], [0, 0]]),
)
FLAT = Candidate(
    SIX_WEIGHTS,
    Data.whitened([[1, 0], [0, "1/2"]]),
    weights([[0, 0], [1, 0]], [[1, 1], [0, 0]]),
    weights([[1, 0], [0, "1/2"]], [[1, 0], [0, 1]]),
)
FLAT_FREE = frozenset(edge for edge in SIX_WEIGHTS.edges if edge not in {(0, 1, 1), (1, 1, 1)})
TWO_PARAMETERS = Candidate(
    from_masks([[[1, 1, 0], [1, 0, 1]], [[1, 1], [1, 1]]]),
    Data.whitened([[0, -1, 0], [2, 0, 0]]),
    weights([[-1, 0, 0], [-1, 0, -1]], [[0, 0], [-2, 0]]),
    weights([[-2, -1, 0], [2, 0, 0]], [[1, 1], [0, 1]]),
)
DEEP_FLAT = Candidate(
    from_masks([[[1, 1, 0], [0, 0, 1]], [[1, 1]], [[1], [1]]]),
    Data.whitened([[0, 0, 3], [5, 0, 0]]),
    weights([[0, 1, 0], [0, 0, 1]], [[0, 3]], [[1], [0]]),
    weights([[1, 0, 0], [0, 0, 0]], [[5, 0]], [[0], [1]]),
)
SINGULAR = Candidate(
    from_masks([[[1, 0, 0, 0], [1, 1, 1, 1]], [[1, 1], [0, 1], [0, 1]]]),
    Data.from_moments(
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], [[1, 3, 0, 0], [3, 1, 0, 0], [0, 0, 4, 4]]
    ),
    weights([[1, 0, 0, 0], [0, 0, 1, 3]], [[1, 0], [0, 0], [0, 1]]),
    weights([[-8, 0, 0, 0], [3, 1, 2, -2]], [[1, 3], [0, 1], [0, 0]]),
)
"""Example 2 with the third input twice: the kernel of G adds a flat direction."""
DEAD = Candidate(
    from_masks([[[1, 0, 0], [1, 1, 1], [1, 0, 1], [0, 0, 0]], [[1, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 0]]]),
    Data.whitened(E2_TARGET),
    weights([[1, 0, 0], [0, 0, 4], [7, 0, 0], [0, 0, 0]], [[1, 0, 0, 0], [0, 0, 0, -2], [0, 1, 0, 0]]),
    weights([[-8, 0, 0], [3, 1, 0], [0, 0, 0], [0, 0, 0]], [[1, 3, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]),
)
"""Example 2 with one unit that reaches no output and one that no input reaches, their weights not zero."""


def with_point(candidate: Candidate, *layers: list[list[Any]]) -> Candidate:
    return replace(candidate, point=weights(*layers))


# -- exact critical points --------------------------------------------------------------------------------


@pytest.mark.parametrize("candidate", [STRICT, SINGULAR, DEAD], ids=["plain", "singular gram", "dead units"])
def test_a_strict_minimum_has_one_certificate_without_terms(candidate: Candidate) -> None:
    (certificate,) = exact_certificates(candidate)
    assert certificate.minimum == CriticalFamily()
    assert certificate.strict
    assert certificate.loss_at_least == certificate.loss_at_most == Fraction(19, 2)
    assert certificate.better_loss == 8
    facts = checked(certificate)
    assert facts["strict"] is True
    nullity = candidate.network.parameters - rank(hessian(candidate.network, candidate.point, candidate.data))
    assert facts["gauge"] == nullity


@pytest.mark.parametrize(
    ("candidate", "loss_here", "better_loss"),
    [(FLAT, Fraction(1, 8), 0), (TWO_PARAMETERS, Fraction(1, 2), 0), (DEEP_FLAT, Fraction(25, 2), Fraction(9, 2))],
)
def test_a_degenerate_minimum_has_an_accepted_certificate(
    candidate: Candidate, loss_here: Fraction, better_loss: Fraction
) -> None:
    found = accepted(candidate)
    assert found
    for certificate in found:
        assert not certificate.strict
        assert (certificate.loss_at_least, certificate.better_loss) == (loss_here, better_loss)
        assert checked(certificate)["strict"] is False


def test_the_fibre_of_the_design_is_tried_first() -> None:
    first = next(exact_certificates(replace(FLAT, free=FLAT_FREE)))
    assert first.minimum == CriticalFibre(FLAT_FREE)
    checked(first)
    smaller = FLAT_FREE - {(0, 0, 0)}  # not what the search of free edges finds, which is maximal
    assert next(exact_certificates(replace(FLAT, free=smaller))).minimum == CriticalFibre(smaller)


def test_no_fibre_is_tried_twice() -> None:
    tried = [c.minimum for c in exact_certificates(replace(FLAT, free=FLAT_FREE), attempts=20)]
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize(("candidate", "parameters"), [(FLAT, 1), (TWO_PARAMETERS, 2)])
def test_families_are_tried_after_the_fibres(candidate: Candidate, parameters: int) -> None:
    options = [c.minimum for c in exact_certificates(candidate)]
    place = next(n for n, option in enumerate(options) if not isinstance(option, CriticalFibre))
    fibres, family, reductions = options[:place], options[place], options[place + 1 :]
    assert fibres
    assert all(isinstance(option, Relax | Absorb) for option in reductions)
    assert all(isinstance(fibre, CriticalFibre) for fibre in fibres)
    assert isinstance(family, CriticalFamily)
    assert family.parameters == len(family.terms) == parameters
    assert all(sum(powers) == 1 for powers, _ in family.terms)


@pytest.mark.parametrize("candidate", [FLAT, TWO_PARAMETERS])
def test_a_family_alone_suffices_where_the_flat_directions_are_affine(candidate: Candidate) -> None:
    family = next(degenerate_options(candidate, attempts=0))
    assert isinstance(family, CriticalFamily)
    here = loss(candidate.network, candidate.point, candidate.data)
    checked(
        SpuriousMinimum(candidate.network, candidate.data, candidate.point, family, candidate.better, False, here, here)
    )


@pytest.mark.parametrize("minimum", [CriticalFamily(), CriticalFibre(frozenset())])
def test_evidence_that_does_not_explain_the_kernel_is_refused(minimum: Minimum) -> None:
    good = next(iter(accepted(FLAT)))
    assert checker.check_bytes(encode(replace(good, minimum=minimum)))[0] == "invalid"


ZERO = weights([[0, 0, 0], [0, 0, 0]], [[0, 0], [0, 0], [0, 0]])
NOT_MINIMA = [
    replace(STRICT, point=ZERO),  # a saddle
    with_point(STRICT, [[1, 0, 0], [0, 0, 4]], [[1, 0], [0, 0], [0, Fraction(1001, 1000)]]),  # not critical
    with_point(FLAT, [[1, 0], [1, 0]], [[1, 1], [0, 0]]),
    with_point(STRICT, [[1, 0, 0], [0, 0, 0]], [[1, 0], [0, 0], [0, 0]]),
]


@pytest.mark.parametrize("candidate", NOT_MINIMA)
def test_nothing_is_proposed_where_the_conditions_of_second_order_fail(candidate: Candidate) -> None:
    assert is_strict(candidate.network, candidate.data, candidate.point) is None
    assert list(exact_certificates(candidate)) == []


@pytest.mark.parametrize(
    ("candidate", "strict"),
    [(STRICT, True), (SINGULAR, True), (DEAD, True), (FLAT, False), (TWO_PARAMETERS, False), (DEEP_FLAT, False)],
)
def test_is_strict(candidate: Candidate, strict: bool) -> None:
    assert is_strict(candidate.network, candidate.data, candidate.point) is strict


def test_a_live_unit_whose_weights_are_all_zero_makes_a_minimum_degenerate() -> None:
    # One more unit, {3}x{3}: its rescaling vanishes where both weights are zero, so that the kernel is larger.
    network = from_masks([[[1, 0, 0], [1, 1, 1], [0, 0, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 1]]])
    point = weights([[1, 0, 0], [0, 0, 4], [0, 0, 0]], [[1, 0, 0], [0, 0, 0], [0, 1, 0]])
    assert is_strict(network, STRICT.data, point) is False


# -- flat directions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidate", [FLAT, TWO_PARAMETERS, DEEP_FLAT])
def test_critical_coordinates_are_maximal(candidate: Candidate) -> None:
    network, data, point = candidate.network, candidate.data, candidate.point
    model = BatchedLoss(network)
    gram, cross = (np.array([[float(x) for x in row] for row in matrix]) for matrix in (data.gram, data.cross))
    start = floats(network, point)
    rest = model.product(start[None])[0] @ gram - cross
    noise = np.random.default_rng(5).normal(size=(4, network.parameters))

    def stays_critical(free: frozenset[tuple[int, int, int]]) -> bool:
        moving = np.array([edge in free for edge in network.edges])
        slope = model.gradient(start + noise * moving, np.zeros_like(gram), -rest)
        return bool(np.abs(slope).max() < 1e-9)

    for seed in range(4):
        free = critical_coordinates(network, data, point, np.random.default_rng(seed))
        assert stays_critical(free)
        assert not any(stays_critical(free | {edge}) for edge in set(network.edges) - free)


def test_critical_coordinates_are_all_where_the_residual_is_zero() -> None:
    network = LinearNetwork.dense(2, 2, 2)
    point = weights([[1, 0], [0, 1]], [[1, 2], [3, 4]])
    free = critical_coordinates(network, Data.whitened([[1, 2], [3, 4]]), point, np.random.default_rng(0))
    assert free == frozenset(network.edges)


@pytest.mark.parametrize(("candidate", "count"), [(FLAT, 1), (TWO_PARAMETERS, 2), (SINGULAR, 1), (STRICT, 0)])
def test_critical_directions_span_critical_points(candidate: Candidate, count: int) -> None:
    network, data, point = candidate.network, candidate.data, candidate.point
    kernel = nullspace(hessian(network, point, data), network.parameters)
    directions = critical_directions(network, data, point, kernel)
    assert len(directions) == count  # rescaling a live unit is a curve, not a line
    base, moves = vector_of(network, point), [vector_of(network, d) for d in directions]
    for shift in (Fraction(1, 3), Fraction(-5), Fraction(11, 2)):
        moved = [x + sum(shift * (n + 1) * d[e] for n, d in enumerate(moves)) for e, x in enumerate(base)]
        assert not any(gradient(network, weights_of(network, moved), data))


# -- balls ------------------------------------------------------------------------------------------------

BENT = Data.whitened([[1, 3, 0], [3, 1, Fraction(1, 5)], [0, 0, 4]])
"""Example 2 with one entry changed: the strict minimum survives, but it is not rational any more."""


def minimum_near(candidate: Candidate, data: Data) -> Floats:
    model = BatchedLoss(candidate.network)
    gram, cross = (np.array([[[float(x) for x in row] for row in matrix]]) for matrix in (data.gram, data.cross))
    return descend(model, floats(candidate.network, candidate.point)[None], gram, cross, 400)[0][0]


def irrational() -> Floats:
    return minimum_near(STRICT, BENT)


def test_a_ball_is_accepted_and_encloses_the_loss() -> None:
    certificate = ball_certificate(E2, BENT, irrational(), STRICT.better)
    facts = checked(certificate)
    assert isinstance(certificate.minimum, Ball)
    assert certificate.strict
    low, high = certificate.loss_at_least, certificate.loss_at_most
    assert facts["loss"] == (low, high)
    assert 0 < high - low < Fraction(1, 10**60)
    model = BatchedLoss(E2)
    gram, cross = (np.array([[float(x) for x in row] for row in matrix]) for matrix in (BENT.gram, BENT.cross))
    value = float(model.loss(irrational()[None], gram, cross)[0]) + float(BENT.constant)
    assert float(high) == pytest.approx(value, abs=1e-9)
    assert loss(E2, STRICT.better, BENT) == certificate.better_loss == Fraction(401, 50)


def test_fewer_digits_give_a_wider_enclosure() -> None:
    wide = ball_certificate(E2, BENT, irrational(), STRICT.better, digits=12)
    narrow = ball_certificate(E2, BENT, irrational(), STRICT.better, digits=40)
    checked(wide)
    assert wide.loss_at_most - wide.loss_at_least > narrow.loss_at_most - narrow.loss_at_least
    assert wide.loss_at_least <= narrow.loss_at_most
    assert narrow.loss_at_least <= wide.loss_at_most


def test_an_exact_minimum_has_a_ball_of_exact_loss() -> None:
    certificate = ball_certificate(E2, STRICT.data, floats(E2, STRICT.point), STRICT.better)
    assert certificate.loss_at_least == certificate.loss_at_most == Fraction(19, 2)
    checked(certificate)


@pytest.mark.parametrize("candidate", [SINGULAR, DEAD], ids=["singular gram", "dead units"])
def test_balls_know_the_kernel_of_the_gram_matrix_and_dead_weights(candidate: Candidate) -> None:
    point = floats(candidate.network, candidate.point)
    checked(ball_certificate(candidate.network, candidate.data, point, candidate.better))


def test_a_ball_with_a_worse_point_is_refused_by_the_checker() -> None:
    certificate = ball_certificate(E2, BENT, irrational(), ZERO)
    assert checker.check_bytes(encode(certificate))[0] == "invalid"


@pytest.mark.parametrize("candidate", [FLAT, TWO_PARAMETERS, DEEP_FLAT])
def test_no_ball_around_a_degenerate_minimum(candidate: Candidate) -> None:
    with pytest.raises(DegenerateCriticalPoint, match="nullity"):
        ball_certificate(
            candidate.network, candidate.data, floats(candidate.network, candidate.point), candidate.better
        )


def test_no_ball_around_a_saddle() -> None:
    with pytest.raises(DegenerateCriticalPoint, match="negative eigenvalue"):
        ball_certificate(E2, STRICT.data, np.zeros(E2.parameters), STRICT.better)


def test_no_ball_with_too_little_precision() -> None:
    with pytest.raises(InsufficientPrecision, match="no radius"):
        ball_certificate(E2, BENT, irrational(), STRICT.better, digits=1)


def test_errors_have_one_base() -> None:
    assert issubclass(DegenerateCriticalPoint, SymverifyError)
    assert issubclass(InsufficientPrecision, SymverifyError)


# -- frozen coordinates and Newton's method ---------------------------------------------------------------


@pytest.mark.parametrize("candidate", [STRICT, SINGULAR, DEAD])
def test_frozen_coordinates_fix_the_gauge(candidate: Candidate) -> None:
    network, data, point = candidate.network, candidate.data, candidate.point
    frozen = frozen_coordinates(network, data, floats(network, point))
    fields = symmetry_fields(network, point, data)
    nullity = network.parameters - rank(hessian(network, point, data))
    assert len(frozen) == len(set(frozen)) == nullity
    assert rank([[field[n] for n in frozen] for field in fields]) == nullity


def test_of_example_2_one_weight_of_each_unit_is_frozen() -> None:
    frozen = [E2.edges[n] for n in frozen_coordinates(E2, STRICT.data, floats(E2, STRICT.point))]
    units = [i if l == 0 else j for l, i, j in frozen]
    assert sorted(units) == [0, 1]
    assert all(STRICT.point[l][i][j] for l, i, j in frozen)


def test_polishing_reaches_the_digits_and_keeps_the_frozen_weights() -> None:
    theta = irrational()
    frozen = frozen_coordinates(E2, BENT, theta)
    free = [n for n in range(E2.parameters) if n not in frozen]
    for digits in (20, 40, 80):
        centre = polish(E2, BENT, theta, free, digits)
        slope = gradient(E2, weights_of(E2, centre), BENT)
        assert max(abs(slope[n]) for n in free) < Fraction(1, 10 ** (digits - 3))
        assert all(centre[n] == Fraction(round(float(theta[n]) * 2**20), 2**20) for n in frozen)
        assert max(abs(float(x) - t) for x, t in zip(centre, theta, strict=True)) < 1e-4


def test_polishing_with_a_coarse_grain_rounds_the_frozen_weights_to_it() -> None:
    frozen = frozen_coordinates(E2, BENT, irrational())
    free = [n for n in range(E2.parameters) if n not in frozen]
    centre = polish(E2, BENT, irrational(), free, 30, grain=4)
    assert all((4 * centre[n]).denominator == 1 for n in frozen)


def test_polishing_nothing_only_rounds() -> None:
    theta = irrational()
    assert polish(E2, BENT, theta, [], 40, grain=8) == [Fraction(round(float(x) * 8), 8) for x in theta]


def test_polishing_along_the_gauge_is_refused() -> None:
    # All weights free: the Hessian is singular at the minimum.
    with pytest.raises(DegenerateCriticalPoint, match="singular"):
        polish(E2, STRICT.data, floats(E2, STRICT.point), list(range(E2.parameters)), 40)


def test_polishing_finds_the_nearest_critical_point_of_a_scalar_chain() -> None:
    network = LinearNetwork.dense(1, 1, 1)
    assert polish(network, Data.whitened([[1]]), np.array([1e-3, 2e-3]), [0, 1], 40) == [0, 0]


@pytest.mark.parametrize(
    ("target", "start"),
    [
        (0, [1.0, 1.0, 1.0]),  # towards the origin, a degenerate critical point: convergence is only linear
        (1, [1e-3, 1e-3, 1e-3]),
    ],
)
def test_newtons_method_that_does_not_converge_is_an_error(target: int, start: list[float]) -> None:
    with pytest.raises(InsufficientPrecision, match="did not converge"):
        polish(LinearNetwork.dense(1, 1, 1, 1), Data.whitened([[target]]), np.array(start), [0, 1, 2], 40)


# -- exact points -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidate", [STRICT, SINGULAR, DEAD, FLAT, TWO_PARAMETERS, DEEP_FLAT])
def test_an_exact_point_is_found_near_a_rescaled_minimum(candidate: Candidate) -> None:
    network, data = candidate.network, candidate.data
    theta = floats(network, candidate.point)
    for layer in range(1, network.depth):
        for unit in range(network.widths[layer]):
            factor = np.sqrt(2 + layer + unit)
            for n, (l, i, j) in enumerate(network.edges):
                if (l, i) == (layer - 1, unit):
                    theta[n] *= factor
                if (l, j) == (layer, unit):
                    theta[n] /= factor
    found = exact_point(network, data, theta + 1e-9)
    assert found is not None
    assert not any(gradient(network, found, data))
    assert loss(network, found, data) == loss(network, candidate.point, data)
    assert is_strict(network, data, found) == is_strict(network, data, candidate.point)


def test_an_exact_point_is_near() -> None:
    theta = floats(E2, STRICT.point) + 1e-7
    found = exact_point(E2, STRICT.data, theta)
    assert found is not None
    assert np.abs(balanced(E2, theta) - balanced(E2, floats(E2, found))).max() < 1e-4


def test_a_critical_point_that_is_only_met_by_coarse_rounding_is_not_near() -> None:
    network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[0]])
    assert not any(gradient(network, weights([[1]], [[0]]), data))
    assert exact_point(network, data, np.array([1.0, 0.3])) is None


def test_an_irrational_minimum_has_no_exact_point() -> None:
    assert exact_point(E2, BENT, irrational()) is None


def test_a_saddle_that_is_not_rational_has_no_exact_point() -> None:
    # Critical points of a dense unit are singular vectors; of this target they are not rational, and one is a saddle.
    network, data = LinearNetwork.dense(2, 1, 2), Data.whitened([[2, 1], [1, 1]])
    values, vectors = np.linalg.eigh(np.array([[2.0, 1.0], [1.0, 1.0]]))
    saddle = np.concatenate([vectors[:, 0], values[0] * vectors[:, 0]])
    assert exact_point(network, data, saddle) is None


def test_options_are_lazy_and_reproducible() -> None:
    assert list(islice(exact_certificates(FLAT), 1)) == list(islice(exact_certificates(FLAT), 1))


def test_gram_and_target_of_the_examples_are_what_they_claim() -> None:
    unit: Matrix = as_matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert STRICT.data.gram == BENT.gram == unit
    assert STRICT.data.constant == 18
    assert rank(SINGULAR.data.gram) == 3
    assert DEAD.network.dead_units() == ((1, 2), (1, 3))
