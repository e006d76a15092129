"""The loss and its derivatives: python-flint, batches of floats, the checker and finite differences agree."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from structures import networks

from symverify import checker
from symverify.data import Data
from symverify.exact import Matrix, Vector, Weights, as_matrix, inertia, nullspace, rank
from symverify.loss import (
    BatchedLoss,
    gradient,
    hessian,
    jacobian,
    loss,
    product,
    residual,
    symmetry_fields,
    vector_of,
    weights_of,
)
from symverify.network import LinearNetwork

QUICK = settings(max_examples=25, deadline=None)
NUMBER = st.one_of(st.integers(-2, 2), st.builds(Fraction, st.integers(-4, 4), st.sampled_from([2, 3])))
Problem = tuple[LinearNetwork, Weights, Data]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A network of depth 1 to 4, maybe with dead units; weights, maybe zero; data with, maybe, a singular G."""
    network = draw(networks())
    vector = draw(st.lists(NUMBER, min_size=network.parameters, max_size=network.parameters))
    count = draw(st.integers(1, 4))
    x, y = (
        draw(st.lists(st.lists(st.integers(-2, 2), min_size=count, max_size=count), min_size=n, max_size=n))
        for n in (network.widths[0], network.widths[-1])
    )
    return network, weights_of(network, vector), Data.from_samples(x, y)


@st.composite
def critical_points(draw: st.DrawFn) -> Problem:
    """Choose the point, then the data: R in the left null space of dM/dtheta, C = M G - R, for a G maybe singular."""
    network, weights, data = draw(problems())
    outputs, inputs = network.widths[-1], network.widths[0]
    # R = S G keeps C in the range of G; S is any solution of sum_{o,j,k} S[o,k] G[k,j] dM[o,j]/dw = 0.
    rows = [
        [
            sum((line[o * inputs + j] * data.gram[k][j] for j in range(inputs)), Fraction(0))
            for o in range(outputs)
            for k in range(inputs)
        ]
        for line in jacobian(network, weights)
    ]
    basis = nullspace(rows, outputs * inputs)
    flat = [Fraction(0)] * (outputs * inputs)
    for z in basis:
        factor = draw(st.integers(-2, 2))
        flat = [a + factor * b for a, b in zip(flat, z, strict=True)]
    m = product(network, weights)
    target = as_matrix([[m[o][k] - flat[o * inputs + k] for k in range(inputs)] for o in range(outputs)])
    return network, weights, Data.from_moments(data.gram, times(target, data.gram))


def times(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    return as_matrix([[sum((x * y for x, y in zip(r, c, strict=True)), Fraction(0)) for c in columns] for r in a])


def dot(a: Any, b: Any) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def floats(matrix: Any) -> np.ndarray[Any, Any]:
    return np.array(matrix, dtype=float)


def checkers(network: LinearNetwork, weights: Weights, data: Data) -> tuple[Any, Any, Any]:
    """The same problem in the checker's own types."""
    net = checker.Network([[list(row) for row in mask] for mask in network.masks])
    point = [[list(row) for row in matrix] for matrix in weights]
    gram, cross = ([list(row) for row in matrix] for matrix in (data.gram, data.cross))
    return net, point, checker.Data(gram, cross, data.constant)


# -- the routes agree -------------------------------------------------------------------------------------


@QUICK
@given(problems())
def test_flint_and_the_checker_agree_exactly(problem: Problem) -> None:
    network, weights, data = problem
    net, point, numbers = checkers(*problem)
    assert tuple(net.edges) == network.edges
    assert checker.loss(net, point, numbers) == loss(network, weights, data)
    assert checker.gradient(net, point, numbers) == list(gradient(network, weights, data))
    assert as_matrix(checker.hessian(net, point, numbers)) == hessian(network, weights, data)
    assert as_matrix(checker.jacobian(net, point, net.edges)) == as_matrix(jacobian(network, weights))
    product_ = checker.chains(net, point)[0][-1]
    assert as_matrix(product_) == product(network, weights)
    assert as_matrix(checker.residual(product_, numbers)) == residual(network, weights, data)


@QUICK
@given(problems())
def test_flint_and_the_checker_span_the_same_symmetries(problem: Problem) -> None:
    network, weights, data = problem
    ours = symmetry_fields(network, weights, data)
    theirs = [tuple(map(Fraction, field)) for field in checker.symmetries(*checkers(*problem))]
    assert rank(ours) == rank(theirs) == rank(ours + theirs)


@QUICK
@given(problems())
def test_batches_of_floats_agree_with_the_exact_values(problem: Problem) -> None:
    network, weights, data = problem
    batched = BatchedLoss(network)
    theta = floats(vector_of(network, weights)).reshape(1, -1).repeat(2, axis=0)
    theta[1] *= -0.5
    other = weights_of(network, [-x / 2 for x in vector_of(network, weights)])
    gram, cross, constant = floats(data.gram), floats(data.cross), float(data.constant)
    for n, w in enumerate((weights, other)):
        exact = {
            "product": product(network, w),
            "loss": loss(network, w, data),
            "gradient": gradient(network, w, data),
            "hessian": hessian(network, w, data),
        }
        close(batched.product(theta)[n], exact["product"])
        close(batched.loss(theta, gram, cross, constant)[n], exact["loss"])
        close(batched.gradient(theta, gram, cross)[n], exact["gradient"])
        close(batched.hessian(theta, gram, cross)[n], exact["hessian"])
        shape = (network.parameters, network.widths[-1], network.widths[0])
        close(batched.jacobian(theta)[n], floats(jacobian(network, w)).reshape(shape).transpose(1, 2, 0))


def close(actual: Any, exact: Any) -> None:
    expected = np.asarray(floats(exact)).reshape(np.shape(actual))
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-9)


@QUICK
@given(problems())
def test_data_of_its_own_for_every_point_of_a_batch(problem: Problem) -> None:
    network, _, data = problem
    batched, generator = BatchedLoss(network), np.random.default_rng(0)
    theta = generator.normal(size=(3, network.parameters))
    gram = np.stack([floats(data.gram), np.eye(network.widths[0]), 2 * np.eye(network.widths[0])])
    cross = generator.normal(size=(3, network.widths[-1], network.widths[0]))
    constant = np.array([1.0, 2.0, 3.0])
    together = (
        batched.loss(theta, gram, cross, constant),
        batched.gradient(theta, gram, cross),
        batched.hessian(theta, gram, cross),
    )
    for n in range(3):
        one = theta[n : n + 1]
        np.testing.assert_allclose(together[0][n], batched.loss(one, gram[n], cross[n], constant[n])[0], atol=1e-12)
        np.testing.assert_allclose(together[1][n], batched.gradient(one, gram[n], cross[n])[0], atol=1e-12)
        np.testing.assert_allclose(together[2][n], batched.hessian(one, gram[n], cross[n])[0], atol=1e-12)


@QUICK
@given(problems())
def test_finite_differences(problem: Problem) -> None:
    """Central differences of the loss give the gradient, those of the gradient the Hessian."""
    network, weights, data = problem
    batched, step = BatchedLoss(network), 1e-5
    theta = floats(vector_of(network, weights))
    gram, cross = floats(data.gram), floats(data.cross)
    shifts = step * np.eye(network.parameters)
    plus, minus = theta + shifts, theta - shifts
    slope = (batched.loss(plus, gram, cross) - batched.loss(minus, gram, cross)) / (2 * step)
    scale = 1 + abs(batched.hessian(theta[None], gram, cross)).max(initial=0.0)
    np.testing.assert_allclose(slope, batched.gradient(theta[None], gram, cross)[0], atol=1e-5 * scale)
    curvature = (batched.gradient(plus, gram, cross) - batched.gradient(minus, gram, cross)) / (2 * step)
    np.testing.assert_allclose(curvature, batched.hessian(theta[None], gram, cross)[0], atol=1e-5 * scale)


@QUICK
@given(networks(), st.data())
def test_the_loss_is_half_the_squared_error(network: LinearNetwork, data: st.DataObject) -> None:
    x, y = (
        data.draw(st.lists(st.lists(NUMBER, min_size=3, max_size=3), min_size=n, max_size=n))
        for n in (network.widths[0], network.widths[-1])
    )
    vector = data.draw(st.lists(NUMBER, min_size=network.parameters, max_size=network.parameters))
    weights = weights_of(network, vector)
    errors = zip(times(product(network, weights), as_matrix(x)), y, strict=True)
    expected = sum(((a - b) ** 2 for r, s in errors for a, b in zip(r, s, strict=True)), Fraction(0)) / 2
    assert loss(network, weights, Data.from_samples(x, y)) == expected


@QUICK
@given(problems())
def test_vectors_and_weights_are_the_same(problem: Problem) -> None:
    network, weights, _ = problem
    vector = vector_of(network, weights)
    assert weights_of(network, vector) == weights
    with pytest.raises(ValueError, match="zip"):
        weights_of(network, [*vector, 1])


# -- symmetries -------------------------------------------------------------------------------------------


@QUICK
@given(problems())
def test_gauge_fields_do_not_move_the_product(problem: Problem) -> None:
    """With G = 1 there are no other fields: ``sum_e xi_e dM/dw_e = 0``."""
    network, weights, _ = problem
    plain = Data.whitened([[0] * network.widths[0] for _ in range(network.widths[-1])])
    columns = list(zip(*jacobian(network, weights), strict=True))
    for field in symmetry_fields(network, weights, plain):
        assert not any(dot(column, field) for column in columns)


@QUICK
@given(problems())
def test_symmetry_fields_are_orthogonal_to_the_gradient_everywhere(problem: Problem) -> None:
    network, weights, data = problem
    slope = gradient(network, weights, data)
    assert not any(dot(slope, field) for field in symmetry_fields(network, weights, data))


@QUICK
@given(critical_points())
def test_symmetry_fields_are_in_the_kernel_of_the_hessian_at_critical_points(problem: Problem) -> None:
    network, weights, data = problem
    assert not any(gradient(network, weights, data))
    curvature = hessian(network, weights, data)
    fields = symmetry_fields(network, weights, data)
    assert not any(dot(row, field) for field in fields for row in curvature)
    assert inertia(curvature)[1] >= rank(fields)


@QUICK
@given(problems(), st.integers(-3, 3))
def test_the_finite_gauge_operations_keep_the_product(problem: Problem, factor: int) -> None:
    """Row i += c row j of one layer, column j -= c column i of the next: on the masks, and M stays."""
    network, weights, _ = problem
    for l, i, j in network.gauge_generators:
        if i == j:
            continue
        layers = [[list(row) for row in matrix] for matrix in weights]
        layers[l - 1][i] = [a + factor * b for a, b in zip(layers[l - 1][i], layers[l - 1][j], strict=True)]
        for row in layers[l]:
            row[j] -= factor * row[i]
        moved = tuple(map(as_matrix, layers))
        assert weights_of(network, vector_of(network, moved)) == moved
        assert product(network, moved) == product(network, weights)


@QUICK
@given(problems(), st.data(), st.sampled_from([-3, -1, 2, Fraction(1, 3)]))
def test_rescaling_a_unit(problem: Problem, choice: st.DataObject, factor: Fraction) -> None:
    """The loss stays, and the Hessian changes by a congruence: its inertia stays too."""
    network, weights, data = problem
    assume(network.depth > 1)
    l = choice.draw(st.integers(1, network.depth - 1))
    v = choice.draw(st.integers(0, network.widths[l] - 1))
    layers = [[list(row) for row in matrix] for matrix in weights]
    layers[l - 1][v] = [x * factor for x in layers[l - 1][v]]
    for row in layers[l]:
        row[v] /= factor
    moved = tuple(map(as_matrix, layers))
    assert loss(network, moved, data) == loss(network, weights, data)
    assert inertia(hessian(network, moved, data)) == inertia(hessian(network, weights, data))


@QUICK
@given(problems(), st.data())
def test_permuting_units(problem: Problem, choice: st.DataObject) -> None:
    network, weights, data = problem
    order = [choice.draw(st.permutations(range(width))) for width in network.widths]
    other = network.permuted(order)
    moved = tuple(
        tuple(tuple(matrix[i][j] for j in order[l]) for i in order[l + 1]) for l, matrix in enumerate(weights)
    )
    permuted = data.restricted(order[0], order[-1])
    assert loss(other, moved, permuted) == loss(network, weights, data)
    back = {
        (l, order[l + 1][i], order[l][j]): x
        for (l, i, j), x in zip(other.edges, gradient(other, moved, permuted), strict=True)
    }
    assert back == dict(zip(network.edges, gradient(network, weights, data), strict=True))
    assert inertia(hessian(other, moved, permuted)) == inertia(hessian(network, weights, data))


@QUICK
@given(problems())
def test_transposing_the_network_with_whitened_data(problem: Problem) -> None:
    network, weights, data = problem
    target = data.cross
    dual = network.transposed()
    mirrored: Weights = tuple(tuple(zip(*matrix, strict=True)) for matrix in reversed(weights))
    here, there = Data.whitened(target), Data.whitened(list(zip(*target, strict=True)))
    assert loss(dual, mirrored, there) == loss(network, weights, here)
    back = {
        (network.depth - 1 - l, j, i): x
        for (l, i, j), x in zip(dual.edges, gradient(dual, mirrored, there), strict=True)
    }
    assert back == dict(zip(network.edges, gradient(network, weights, here), strict=True))
    assert inertia(hessian(dual, mirrored, there)) == inertia(hessian(network, weights, here))


@QUICK
@given(problems())
def test_weights_on_no_path_do_nothing(problem: Problem) -> None:
    network, weights, data = problem
    idle = [
        n for n, (l, i, j) in enumerate(network.edges) if not (network.inputs_of(l, j) and network.outputs_of(l + 1, i))
    ]
    slope, curvature = gradient(network, weights, data), hessian(network, weights, data)
    assert not any(slope[n] or any(curvature[n]) for n in idle)
    fields = symmetry_fields(network, weights, data)
    units: list[Vector] = [tuple(Fraction(int(n == k)) for k in range(network.parameters)) for n in idle]
    assert rank(fields + units) == rank(fields)


def test_a_singular_gram_adds_its_kernel_to_the_symmetries() -> None:
    network = LinearNetwork.dense(2, 1, 1)
    data = Data.from_samples([[1], [1]], [[1]])
    weights = weights_of(network, [1, 2, 3])
    assert rank(symmetry_fields(network, weights, data)) == 2
    assert rank(symmetry_fields(network, weights, Data.whitened([[0, 0]]))) == 1
    kernel = weights_of(network, [1 + 5, 2 - 5, 3])
    assert loss(network, kernel, data) == loss(network, weights, data)


# -- examples of the theory, exactly ----------------------------------------------------------------------


def example(masks: Any, target: Any, point: Any, better: Any) -> tuple[LinearNetwork, Data, Weights, Weights]:
    network = LinearNetwork.from_masks(masks)
    found = tuple(as_matrix(matrix) for matrix in point), tuple(as_matrix(matrix) for matrix in better)
    for weights in found:
        assert weights_of(network, vector_of(network, weights)) == weights
    return network, Data.whitened(target), *found


def test_non_intersecting_first_layer_of_three() -> None:
    """A local minimum, strict modulo gauge, of loss 9/2, though the first layer has disjoint supports: 5/2 is less."""
    network, data, point, better = example(
        [[[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[1] * 3] * 2, [[1] * 2] * 3],
        [[3, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 1]],
        [[[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[2, 3, 0], [0, 0, 1]], [[0, 0], [1, 0], [0, 1]]],
        [[[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[3, 0, 0], [0, 3, 0]], [[1, 0], [0, 1], [0, 0]]],
    )
    assert not any(gradient(network, point, data))
    assert inertia(hessian(network, point, data)) == (9, 7, 0)
    assert rank(symmetry_fields(network, point, data)) == 7
    assert rank(jacobian(network, point)) == 9
    assert loss(network, point, data) == Fraction(9, 2)
    assert loss(network, better, data) == Fraction(5, 2)
    assert not any(gradient(network, better, data))


def test_minimum_of_a_subnetwork_with_three_outputs() -> None:
    network, data, point, better = example(
        [[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]],
        [[1, 3, 0], [3, 1, 0], [0, 0, 4]],
        [[[1, 0, 0], [0, 0, 4]], [[1, 0], [0, 0], [0, 1]]],
        [[[-8, 0, 0], [3, 1, 0]], [[1, 3], [0, 1], [0, 0]]],
    )
    assert not any(gradient(network, point, data))
    positive, _, negative = inertia(hessian(network, point, data))
    assert (positive, negative) == (6, 0)
    assert rank(symmetry_fields(network, point, data)) == 2
    assert loss(network, point, data) == Fraction(19, 2)
    assert loss(network, better, data) == 8


def test_units_of_one_input_or_one_output_at_depth_three() -> None:
    """Seven weights, loss 1/8 against 0: ``M = [[d c w, d e y], [v z w, 0]]``, target 1/2 at (1, 1)."""
    network, data, point, better = example(
        [[[1, 0], [0, 1]], [[1, 1], [1, 0]], [[1, 0], [0, 1]]],
        [["1/2", 0], [0, 0]],
        [[[0, 0], [0, 1]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]],
        [[[1, 0], [0, 0]], [[Fraction(1, 2), 0], [0, 0]], [[1, 0], [0, 0]]],
    )
    assert network.parameters == 7
    assert not any(gradient(network, point, data))
    assert inertia(hessian(network, point, data))[2] == 0
    assert loss(network, point, data) == Fraction(1, 8)
    assert loss(network, better, data) == 0
