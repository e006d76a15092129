"""The search: descents, designs whose point is critical by construction, and rounding.  All of it is reproducible."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structures import E2, FALSE_FRIEND, SHARED_OUTPUTS, SIX_WEIGHTS, networks

from symverify.data import Data, DataClass
from symverify.exact import as_matrix, inertia
from symverify.loss import BatchedLoss, Floats, gradient, hessian, jacobian, loss, product, vector_of, weights_of
from symverify.network import LinearNetwork
from symverify.search import (
    BATCH,
    Candidate,
    balanced,
    descend,
    designed_candidates,
    fewer,
    first_minimum,
    random_starts,
    rationalise,
)

QUICK = settings(max_examples=30, deadline=None)
ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
DEEP = LinearNetwork.from_masks([[[1, 1, 0], [0, 0, 1]], [[1, 1]], [[1], [1]]])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def batch_of(data: Data, count: int) -> tuple[Floats, Floats]:
    """G and C as floats, repeated."""
    gram, cross = (np.array([[float(x) for x in row] for row in matrix]) for matrix in (data.gram, data.cross))
    return np.repeat(gram[None], count, axis=0), np.repeat(cross[None], count, axis=0)


def candidates(
    network: LinearNetwork, data_class: DataClass, fibre: bool, rounds: int = 1, seed: int = 0
) -> list[Candidate]:
    generator = rng(seed)
    return [c for _ in range(rounds) for c in designed_candidates(network, data_class, generator, fibre)]


# -- descents ---------------------------------------------------------------------------------------------

TARGET = Data.whitened([[1, 3, 0], [3, 1, 0], [0, 0, 4]])


def test_descent_never_raises_the_loss() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 40)
    theta = random_starts(model, rng(), 40)
    last = model.loss(theta, gram, cross)
    for _ in range(80):
        theta, value = descend(model, theta, gram, cross, iterations=1)
        np.testing.assert_allclose(value, model.loss(theta, gram, cross), rtol=0, atol=1e-12)
        assert (value <= last).all()
        last = value


def test_more_iterations_never_raise_the_loss() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 100)
    start = random_starts(model, rng(), 100)
    values = np.array([descend(model, start, gram, cross, iterations=n)[1] for n in range(50)])
    assert (np.diff(values, axis=0) <= 0).all()


def test_descent_reaches_critical_points_and_the_infimum() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 40)
    theta, value = descend(model, random_starts(model, rng(), 40), gram, cross, iterations=300)
    bounded = np.abs(theta).max(axis=1) < 50  # some run to a trap at infinity, where L tends to 17/2
    assert bounded.sum() > 30
    assert np.abs(model.gradient(theta, gram, cross)[bounded]).max() < 1e-4
    # The infimum of example 2 is 8, its certified spurious local minima have 19/2.
    assert set(np.round(value[bounded] + float(TARGET.constant), 6)) == {8.0, 9.5}


def test_descent_without_iterations_returns_its_start() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 5)
    start = random_starts(model, rng(), 5)
    theta, value = descend(model, start, gram, cross, iterations=0)
    np.testing.assert_array_equal(theta, start)
    np.testing.assert_array_equal(value, model.loss(start, gram, cross))


def test_inactive_weights_do_not_move() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 60)
    start = random_starts(model, rng(), 60)
    active = rng(1).random(start.shape) > 0.4
    theta, value = descend(model, start, gram, cross, 200, active)
    np.testing.assert_array_equal(theta[~active], start[~active])
    assert (value <= model.loss(start, gram, cross)).all()
    assert (value < model.loss(start, gram, cross)).sum() > 30


def test_descent_in_a_sub_network_ends_where_its_own_gradient_vanishes() -> None:
    """A start from which every second step of Gauss and Newton overshoots, with a decrease that is next to nothing."""
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 1)
    start = np.array([[0.6, -0.15, -1.5, 1.0, -1.9, -0.25, -0.2, -1.0]])
    active = np.array([[True, True, False, True, True, False, True, True]])
    theta, _ = descend(model, start, gram, cross, 1000, active)
    assert np.abs(theta).max() < 50
    assert np.abs(model.gradient(theta, gram, cross)[active]).max() < 1e-3


def test_nothing_active_moves_nothing() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 4)
    start = random_starts(model, rng(), 4)
    theta, _ = descend(model, start, gram, cross, 50, np.zeros(start.shape, dtype=bool))
    np.testing.assert_array_equal(theta, start)


def test_points_of_a_batch_do_not_influence_each_other() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 6)
    start = random_starts(model, rng(), 6)
    together, _ = descend(model, start, gram, cross, iterations=20)
    alone, _ = descend(model, start[3:4], gram[:1], cross[:1], iterations=20)
    np.testing.assert_allclose(together[3], alone[0], atol=1e-8)


def test_descent_does_not_change_its_arguments() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 6)
    start = random_starts(model, rng(), 6)
    copies = [x.copy() for x in (start, gram, cross)]
    descend(model, start, gram, cross, iterations=20)
    for array, copy in zip((start, gram, cross), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_descent_and_starts_are_reproducible() -> None:
    model, (gram, cross) = BatchedLoss(E2), batch_of(TARGET, 10)
    one, other = (random_starts(model, rng(7), 10) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, random_starts(model, rng(8), 10))
    for a, b in zip(descend(model, one, gram, cross), descend(model, other, gram, cross), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 1.0, 2.0], 1),
        ([1.0], 0),
        ([2.0, 1.0, 1.0], 1),
        ([1.0 + 1e-9, 1.0], 0),  # rounding does not choose between equals
        ([1.0 + 1e-5, 1.0], 1),
        ([-1e6 + 1e-2, -1e6], 0),  # up to rounding means relative to the size
        ([-1e6 + 1.0, -1e6], 1),
        ([0.0, -1e-8], 0),
    ],
)
def test_first_minimum(values: list[float], expected: int) -> None:
    assert first_minimum(np.array(values)) == expected


# -- designs ----------------------------------------------------------------------------------------------

DESIGNS = [
    (E2, ORTHOGONAL, False),
    (E2, ANY, False),
    (SHARED_OUTPUTS, ANY, False),
    (SIX_WEIGHTS, ORTHOGONAL, True),
    (SIX_WEIGHTS, ANY, True),
    (DEEP, ORTHOGONAL, True),
    (FALSE_FRIEND, ORTHOGONAL, True),
]


@pytest.mark.parametrize(("network", "data_class", "fibre"), DESIGNS)
def test_designed_points_are_exactly_critical_without_descent_direction_and_worse_than_another(
    network: LinearNetwork, data_class: DataClass, fibre: bool
) -> None:
    found = candidates(network, data_class, fibre, rounds=2)
    assert found
    for candidate in found:
        assert candidate.network == network
        assert not any(gradient(network, candidate.point, candidate.data))
        assert loss(network, candidate.better, candidate.data) < loss(network, candidate.point, candidate.data)
        for weights in (candidate.point, candidate.better):
            assert weights_of(network, vector_of(network, weights)) == weights  # zero off the masks


@pytest.mark.parametrize(("network", "data_class", "fibre"), DESIGNS)
def test_most_designed_points_have_no_negative_curvature(
    network: LinearNetwork, data_class: DataClass, fibre: bool
) -> None:
    # Positive semidefiniteness is tested in floats: a rare failure is the checker's business, many would be a bug.
    found = candidates(network, data_class, fibre, rounds=2)
    negative = sum(inertia(hessian(network, c.point, c.data))[2] > 0 for c in found)
    assert negative <= len(found) // 20


@pytest.mark.parametrize("fibre", [False, True])
def test_orthogonal_designs_have_the_unit_matrix(fibre: bool) -> None:
    found = candidates(DEEP, ORTHOGONAL, True) + candidates(E2, ORTHOGONAL, fibre)
    assert found
    for candidate in found:
        n = len(candidate.data.gram)
        assert candidate.data.gram == as_matrix([[int(i == j) for j in range(n)] for i in range(n)])
        assert candidate.data.is_orthogonal


@pytest.mark.parametrize("fibre", [False, True])
def test_designs_for_any_data_are_mostly_correlated_and_positive_definite(fibre: bool) -> None:
    found = candidates(SHARED_OUTPUTS if not fibre else SIX_WEIGHTS, ANY, fibre, rounds=2)
    assert any(not c.data.is_orthogonal for c in found)
    for candidate in found:
        assert inertia(candidate.data.gram) == (len(candidate.data.gram), 0, 0)


@pytest.mark.parametrize("network", [SIX_WEIGHTS, DEEP, FALSE_FRIEND, E2])
def test_fibre_designs_keep_two_frozen_zeros_on_each_path_to_the_residual(network: LinearNetwork) -> None:
    found = candidates(network, ORTHOGONAL, True, rounds=2)
    assert found
    for candidate in found:
        assert candidate.free is not None
        assert candidate.free <= set(network.edges)
        frozen = set(network.edges) - candidate.free
        assert all(candidate.point[l][i][j] == 0 for l, i, j in frozen)
        m = product(network, candidate.point)
        residual_at = [
            (o, j) for o, j in network.covered if m[o][j] * candidate.data.gram[j][j] != candidate.data.cross[o][j]
        ]
        assert 1 <= len(residual_at) <= 3
        for o, j in residual_at:
            for path in network.paths(j, o):
                assert len([l for l in range(network.depth) if (l, path[l + 1], path[l]) in frozen]) >= 2


def test_fibre_designs_stay_critical_on_their_fibre() -> None:
    """tr(R' M) has zero gradient wherever the frozen weights stay zero, not only at the point."""
    generator = rng(3)
    for candidate in candidates(FALSE_FRIEND, ORTHOGONAL, True):
        assert candidate.free is not None
        m = product(FALSE_FRIEND, candidate.point)
        rest = [[x - c for x, c in zip(u, v, strict=True)] for u, v in zip(m, candidate.data.cross, strict=True)]
        moved = weights_of(
            FALSE_FRIEND,
            [int(generator.integers(-5, 6)) if edge in candidate.free else 0 for edge in FALSE_FRIEND.edges],
        )
        for row in jacobian(FALSE_FRIEND, moved):
            assert sum(x * r for x, r in zip(row, (r for line in rest for r in line), strict=True)) == 0


def test_designs_of_the_residual_leave_all_weights_free() -> None:
    assert all(candidate.free is None for candidate in candidates(E2, ORTHOGONAL, False))


def test_a_single_layer_has_no_designs() -> None:
    network = LinearNetwork.dense(2, 2)
    assert candidates(network, ANY, False) == []
    assert candidates(network, ANY, True) == []


def test_a_dense_network_has_designs_of_saddle_points_only() -> None:
    # Where the residual is not zero at a critical point of a network 2-2-2, some direction descends.
    network = LinearNetwork.dense(2, 2, 2)
    assert candidates(network, ANY, False, rounds=3) == []


def test_a_round_has_at_most_a_batch_of_candidates() -> None:
    assert len(candidates(SHARED_OUTPUTS, ANY, False)) <= BATCH


@pytest.mark.parametrize(("network", "data_class", "fibre"), DESIGNS[:4])
def test_the_same_seed_gives_the_same_candidates(network: LinearNetwork, data_class: DataClass, fibre: bool) -> None:
    assert candidates(network, data_class, fibre, seed=5) == candidates(network, data_class, fibre, seed=5)


def test_another_seed_gives_other_candidates() -> None:
    assert candidates(E2, ORTHOGONAL, False, seed=5) != candidates(E2, ORTHOGONAL, False, seed=6)


# -- rounding ---------------------------------------------------------------------------------------------


@QUICK
@given(networks(), st.integers(0, 2**32 - 1))
def test_balancing_keeps_the_product_and_scales_the_units(network: LinearNetwork, seed: int) -> None:
    model = BatchedLoss(network)
    theta = random_starts(model, rng(seed), 1)[0]
    before = theta.copy()
    scaled = balanced(network, theta)
    np.testing.assert_array_equal(theta, before)
    np.testing.assert_allclose(model.product(scaled[None]), model.product(theta[None]), rtol=1e-6, atol=1e-9)
    for layer in range(1, network.depth):
        for unit in range(network.widths[layer]):
            incoming = [n for n, (l, i, _) in enumerate(network.edges) if (l, i) == (layer - 1, unit)]
            if incoming:
                assert np.abs(scaled[incoming]).max() == pytest.approx(1)


def test_balancing_leaves_units_that_are_switched_off() -> None:
    theta = np.array([0.0, 2.0, -4.0, 5.0, 3.0, 1.0])  # w1 = [[0, .], [2, -4]], w2 = [[5, 3], [., 1]]
    np.testing.assert_array_equal(balanced(SIX_WEIGHTS, theta), [0.0, -0.5, 1.0, 5.0, -12.0, -4.0])


def test_balancing_a_unit_without_inputs_or_outputs() -> None:
    network = LinearNetwork.from_masks([[[0, 0], [1, 0]], [[1, 0], [1, 0]]])
    theta = np.array([3.0, 2.0, 5.0])  # unit 1 has no inputs, unit 2 no outputs
    np.testing.assert_array_equal(balanced(network, theta), [1.0, 2.0, 5.0])


def test_rounding_recovers_an_exact_point() -> None:
    better = [-8, 3, 1, 0, 1, 3, 1, 0]  # of example 2, with loss 8
    noise = rng().normal(size=len(better)) * 1e-9
    rounded = rationalise(E2, TARGET, np.array(better, dtype=float) + noise, Fraction(19, 2))
    assert rounded is not None
    assert loss(E2, rounded, TARGET) == 8
    assert max(x.denominator for x in vector_of(E2, rounded)) <= 3


def test_rounding_stays_below_the_bound_even_if_that_takes_large_denominators() -> None:
    network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([["1/7"]])
    bound = Fraction(1, 10**12)
    rounded = rationalise(network, data, np.array([1.0, 1 / 7]), bound)
    assert rounded is not None
    assert loss(network, rounded, data) < bound


def test_rounding_prefers_the_loss_of_the_point_to_one_that_is_only_below_the_bound() -> None:
    network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([["5/6"]])
    rounded = rationalise(network, data, np.array([1.0, 5 / 6]), Fraction(1))
    assert rounded is not None
    assert loss(network, rounded, data) == 0  # with denominator 1 it would be 1/72, below the bound too


def test_nothing_below_the_bound_is_none() -> None:
    network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[1]])
    assert rationalise(network, data, np.array([1.0, 1.0]), Fraction(0)) is None
    assert rationalise(network, data, np.array([1.0, 2.0]), Fraction(1, 2)) is None
    assert rationalise(network, data, np.array([1.0, 2.0]), Fraction(51, 100)) is not None


@QUICK
@given(networks(), st.integers(0, 2**32 - 1))
def test_a_rounded_point_is_below_the_bound(network: LinearNetwork, seed: int) -> None:
    generator = rng(seed)
    target = generator.integers(-3, 4, size=(network.widths[-1], network.widths[0]))
    data = Data.whitened(target.tolist())
    model = BatchedLoss(network)
    theta = random_starts(model, generator, 1)
    gram, cross = batch_of(data, 1)
    bound = Fraction(float(model.loss(theta, gram, cross)[0])) + data.constant + Fraction(1, 100)
    rounded = rationalise(network, data, theta[0], bound)
    assert rounded is not None
    assert loss(network, rounded, data) < bound


@pytest.mark.parametrize(("width", "count"), [(1, 48), (20, 48), (40, 6), (400, 1)])
def test_fewer_points_at_once_in_larger_networks(width: int, count: int) -> None:
    assert fewer(48, LinearNetwork.dense(width, 1, width), 40) == count
