"""Gradient flow and descent against closed forms and mpmath; conserved quantities; shares; starts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from symverify.certificate import decode_instance
from symverify.data import Data
from symverify.enumeration import structures
from symverify.flow import simulate
from symverify.flow.conserved import Conserved, conserved
from symverify.flow.experiment import Given, Session, Setting
from symverify.flow.report import Known, clopper_pearson, shares
from symverify.flow.simulate import Landscape, Limits, Outcome, descent, flow, rodas_step
from symverify.flow.starts import Initialisation, balance, draw, imbalance, twins
from symverify.loss import vector_of
from symverify.network import LinearNetwork

CERTIFICATES = Path(__file__).parent.parent / "theorems" / "certificates"
STRICT = CERTIFICATES / "three_outputs" / "two-blocks.json"
TRAP = CERTIFICATES / "output_threshold" / "trap.json"
SCALAR = LinearNetwork.dense(1, 1, 1)
SPARSE = LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3]))
DEEP = LinearNetwork.from_masks([[[1, 1, 0], [0, 0, 1]], [[1, 1], [1, 1]], [[1, 1], [0, 1]]])


def instance(path: Path) -> tuple[LinearNetwork, Data, np.ndarray, np.ndarray]:
    network, data, point, better = decode_instance(json.loads(path.read_text()))
    floats = (np.array([float(x) for x in vector_of(network, w)]) for w in (point, better))
    return network, data, *floats


def normal(network: LinearNetwork, scale: float, count: int, seed: int = 0) -> np.ndarray:
    return draw(network, Initialisation(scale, False), count, np.random.default_rng(seed))


# -- conserved quantities ---------------------------------------------------------------------------------


def names(found: Conserved) -> list[str]:
    return [q.name for q in found.quantities]


def test_scalar_conserves_the_difference_of_squares() -> None:
    found = conserved(SCALAR)
    assert [q.text() for q in found.quantities] == ["w1_1_1**2 - w2_1_1**2"]
    assert found.as_expected


def test_dense_network_conserves_a_symmetric_matrix_per_layer() -> None:
    for widths in ((2, 2, 2), (1, 2, 3), (3, 3, 2), (2, 2, 3, 2)):
        found = conserved(LinearNetwork.dense(*widths))
        assert found.dimension == sum(d * (d + 1) // 2 for d in widths[1:-1])
        assert found.as_expected


def test_sparse_network_conserves_one_quantity_per_unit() -> None:
    found = conserved(SPARSE)
    assert names(found) == ["unit 1.1", "unit 1.2"]
    assert str(found.quantities[1].text()) == "w1_2_1**2 + w1_2_3**2 - w2_1_2**2 - w2_3_2**2"


def test_twins_need_equal_supports_on_both_sides() -> None:
    one_sided = LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 2], [1]))
    assert names(conserved(one_sided)) == ["unit 1.1", "unit 1.2"]
    assert "twins 1.1, 1.2" in names(conserved(LinearNetwork.from_units(([1, 2], [1]), ([1, 2], [1]))))


def test_twins_with_one_input_and_one_output_conserve_more_than_the_gauge() -> None:
    found = conserved(LinearNetwork.dense(1, 3, 1))
    assert found.dimension == 9  # 3 squares, 3 mixed, 3 crossed: k^2
    assert sum(name.startswith("crossed") for name in names(found)) == 3


def test_dead_weights_are_constant() -> None:
    network = LinearNetwork.from_masks([[[1, 0], [1, 1]], [[0, 1], [0, 1]]])
    assert names(conserved(network)) == ["unit 1.2", "dead weights"]


@pytest.mark.parametrize("network", [SCALAR, SPARSE, DEEP, LinearNetwork.dense(1, 2, 1)], ids=str)
def test_time_derivative_vanishes_as_a_polynomial_in_weights_and_data(network: LinearNetwork) -> None:
    """Anew, with sympy's matrices and symbols for G and C."""
    symbols = [sympy.Symbol(LinearNetwork.weight_name(edge)) for edge in network.edges]
    n, m = network.widths[0], network.widths[-1]
    gram = sympy.Matrix(n, n, lambda i, j: sympy.Symbol(f"g{min(i, j)}{max(i, j)}"))
    cross = sympy.Matrix(m, n, lambda i, j: sympy.Symbol(f"c{i}{j}"))
    total = sympy.eye(n)
    for l, mask in enumerate(network.masks):
        w = sympy.zeros(len(mask), len(mask[0]))
        for (k, i, j), symbol in zip(network.edges, symbols, strict=True):
            if k == l:
                w[i, j] = symbol
        total = w * total
    loss = (total * gram * total.T).trace() / 2 - (total * cross.T).trace()
    found = conserved(network)
    for quantity in found.quantities:
        q = quantity.expression()
        assert sympy.expand(sum(q.diff(w) * loss.diff(w) for w in symbols)) == 0
    wrong = symbols[0] ** 2
    assert sympy.expand(sum(wrong.diff(w) * loss.diff(w) for w in symbols)) != 0


def test_two_layers_conserve_what_is_expected() -> None:
    for widths in product((1, 2), (1, 2, 3), (1, 2)):
        for network in structures(*widths):
            assert conserved(network).as_expected, str(network)


@pytest.mark.slow
def test_all_structures_up_to_333_and_some_of_depth_three_conserve_what_is_expected() -> None:
    found = [conserved(net).as_expected for w in product((1, 2, 3), repeat=3) for net in structures(*w)]
    assert found == [True] * 1135
    deep = [conserved(net).as_expected for w in ((2, 2, 2, 2), (3, 2, 2, 2), (2, 2, 3, 1)) for net in structures(*w)]
    assert deep == [True] * 118


def test_latex_names_weights_with_layers() -> None:
    text = conserved(SPARSE).latex()
    assert text.startswith("\\begin{align*}")
    assert text.count("w^{(1)}_{") == 4 and text.count("w^{(2)}_{") == 4


def test_too_many_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 60"):
        conserved(LinearNetwork.dense(6, 6, 6))


@pytest.mark.parametrize("network", [SPARSE, DEEP, LinearNetwork.dense(2, 2, 2)], ids=str)
def test_flow_conserves_and_descent_does_not(network: LinearNetwork) -> None:
    landscape = Landscape(network, random_data(network, 1))
    starts, found = normal(network, 1.0, 12), conserved(network)
    drift = max(found.drift(path.points) for path in flow(landscape, starts).paths)
    assert drift < 1e-5
    loose = flow(landscape, starts, Limits(tolerance=1e-3))
    assert max(found.drift(path.points) for path in loose.paths) > 10 * drift
    rough = descent(landscape, starts[:4], Limits(iterations=300))
    assert max(found.drift(path.points) for path in rough.paths) > 1e-4


def random_data(network: LinearNetwork, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, size=(network.widths[0], 6)).tolist()
    y = rng.integers(-3, 4, size=(network.widths[-1], 6)).tolist()
    return Data.from_samples(x, y)


# -- the integrator ---------------------------------------------------------------------------------------


def test_scalar_flow_is_the_logistic_curve() -> None:
    """Balanced, a = b: for u = ab, du/dt = 2 u (c - u)."""
    c, u = 2.0, 0.01
    landscape = Landscape(SCALAR, Data.whitened([[2]]))
    path = flow(landscape, np.array([[math.sqrt(u), math.sqrt(u)]])).paths[0]
    exact = c / (1 + (c / u - 1) * np.exp(-2 * c * path.times))
    assert len(path.times) > 20
    assert np.abs(path.points.prod(axis=1) - exact).max() < 1e-5


def test_flow_agrees_with_mpmath() -> None:
    """The Taylor series method of mpmath at 20 digits, on a network with correlated data."""
    data = Data.from_moments([[2, 1, 0], [1, 2, 0], [0, 0, 1]], [[1, 0, 1], [0, 1, 0], [1, 0, 2]])
    landscape = Landscape(SPARSE, data)
    start = normal(SPARSE, 0.7, 1, seed=3)
    path = flow(landscape, start).paths[0]
    with mpmath.workdps(20):
        field = mpmath_field(SPARSE, data)
        solution = mpmath.odefun(field, 0, [mpmath.mpf(float(x)) for x in start[0]], tol=mpmath.mpf(10) ** -14)
        for t, point in zip(path.times, path.points, strict=True):
            if 0 < t < 1.5:
                assert np.abs(point - np.array([float(x) for x in solution(t)])).max() < 1e-6
    assert path.times[-1] > 1.5


def mpmath_field(network: LinearNetwork, data: Data) -> Any:
    gram, cross = (mpmath.matrix([[mpmath.mpf(int(x)) for x in row] for row in m]) for m in (data.gram, data.cross))

    def field(t: Any, w: Sequence[Any]) -> list[Any]:
        layers = [mpmath.zeros(len(mask), len(mask[0])) for mask in network.masks]
        for (l, i, j), x in zip(network.edges, w, strict=True):
            layers[l][i, j] = x
        first, second = layers
        rest = second * first * gram - cross
        slopes = second.T * rest, rest * first.T
        return [-slopes[l][i, j] for l, i, j in network.edges]

    return field


def test_one_step_has_order_four() -> None:
    """The local error of the method falls like h^5, that of the embedded one like h^4."""
    landscape = Landscape(SCALAR, Data.whitened([[2]]))
    a = np.array([[0.6, 0.6]])
    errors, estimates = [], []
    for h in (0.1, 0.05, 0.025):
        new, error = rodas_step(landscape, a, landscape.gradient(a), landscape.hessian(a), np.array([h]))
        exact = math.sqrt(2 / (1 + (2 / 0.36 - 1) * math.exp(-4 * h)))
        errors.append(abs(float(new[0, 0]) - exact))
        estimates.append(float(np.abs(error).max()))
    assert 4.5 < math.log2(errors[1] / errors[2]) < 5.5
    assert 3.5 < math.log2(estimates[1] / estimates[2]) < 4.5


def test_loss_never_rises_and_ends_are_critical() -> None:
    landscape = Landscape(DEEP, random_data(DEEP, 2))
    for method in (flow, descent):
        runs = method(landscape, normal(DEEP, 1.0, 8), Limits(iterations=3000))
        for path in runs.paths:
            assert np.all(np.diff(path.losses) <= 1e-10)
        for n, outcome in enumerate(runs.outcomes):
            if outcome is Outcome.CONVERGED:
                assert np.abs(landscape.gradient(runs.end[n : n + 1])).max() < 1e-7 * landscape.scale


def test_batch_size_does_not_change_a_run() -> None:
    landscape, starts = Landscape(SPARSE, random_data(SPARSE, 3)), normal(SPARSE, 1.0, 5)
    together = flow(landscape, starts)
    for n in range(5):
        alone = flow(landscape, starts[n : n + 1])
        assert alone.outcomes[0] is together.outcomes[n]
        assert np.allclose(alone.end[0], together.end[n], atol=1e-7)


@pytest.mark.parametrize("factor", [10**-6, 10**6])
def test_units_of_the_data_do_not_matter(factor: float) -> None:
    """The loss times c is the same flow in the time t / c."""
    network, data, *_ = instance(TRAP)
    c = Fraction(factor).limit_denominator(10**6)
    gram, cross = ([[x * c for x in row] for row in m] for m in (data.gram, data.cross))
    starts = normal(network, 2.0, 30)
    plain = flow(Landscape(network, data), starts)
    scaled = flow(Landscape(network, Data.from_moments(gram, cross, data.constant * c)), starts)
    assert scaled.outcomes == plain.outcomes
    assert set(plain.outcomes) == {Outcome.CONVERGED, Outcome.INFINITY}
    assert np.allclose(scaled.loss / factor, plain.loss, atol=1e-5)


# -- outcomes ---------------------------------------------------------------------------------------------


def test_few_steps_are_never_called_converged() -> None:
    network, data, *_ = instance(STRICT)
    landscape, starts = Landscape(network, data), normal(network, 1.0, 20)
    assert set(flow(landscape, starts, Limits(steps=10)).outcomes) == {Outcome.STOPPED}
    assert set(descent(landscape, starts, Limits(iterations=5)).outcomes) == {Outcome.STOPPED}


def test_trap_of_section_8_leads_to_infinity() -> None:
    """Example 6 of section 9: the bound on the region of the trap is 1/2, and it is approached, not reached."""
    network, data, start, _ = instance(TRAP)
    runs = flow(Landscape(network, data), start[None])
    assert runs.outcomes == (Outcome.INFINITY,)
    assert 0.5 < runs.loss[0] < 0.501
    assert np.linalg.norm(runs.end[0]) > 100
    assert runs.growth[0] == pytest.approx(0.25, abs=0.02)  # |theta| ~ t^(1/4), see docs/flow.md
    assert np.all(np.diff(runs.paths[0].losses) <= 1e-12)
    slow = descent(Landscape(network, data), start[None], Limits(iterations=2000))
    assert slow.outcomes == (Outcome.STOPPED,)


def test_balanced_starts_of_the_wrong_sign_end_at_a_saddle() -> None:
    """In the trap's network the product of the second unit's two weights keeps its sign if it is balanced."""
    network, data, *_ = instance(TRAP)
    starts = draw(network, Initialisation(0.5, True), 40, np.random.default_rng(0))
    position = {edge: n for n, edge in enumerate(network.edges)}
    sign = np.sign(starts[:, position[0, 1, 0]] * starts[:, position[1, 0, 1]])
    assert set(sign) == {-1.0, 1.0}
    for method in (flow, descent):
        outcomes = method(Landscape(network, data), starts).outcomes
        assert {o for o, s in zip(outcomes, sign, strict=True) if s < 0} <= {Outcome.SADDLE, *NOT_MINIMA}
        assert Outcome.SADDLE in outcomes
        assert Outcome.CONVERGED in {o for o, s in zip(outcomes, sign, strict=True) if s > 0}


NOT_MINIMA = (Outcome.INFINITY, Outcome.STOPPED)


def test_start_at_a_saddle_point_is_not_called_converged() -> None:
    landscape = Landscape(SCALAR, Data.whitened([[2]]))
    for method in (flow, descent):
        assert method(landscape, np.zeros((1, 2))).outcomes == (Outcome.SADDLE,)


def test_starts_near_a_strict_minimum_end_there() -> None:
    """What a certified basin proves, observed: the certified loss, and M of the certificate."""
    for path in (STRICT, CERTIFICATES / "nonintersecting_first_layer" / "strict-depth-3.json"):
        network, data, point, _ = instance(path)
        landscape = Landscape(network, data)
        near = point + 1e-2 * np.random.default_rng(0).normal(size=(10, network.parameters))
        for method in (flow, descent):
            runs = method(landscape, near)
            assert set(runs.outcomes) == {Outcome.CONVERGED}
            assert np.allclose(runs.loss, landscape.loss(point[None]), atol=1e-9)
            assert np.allclose(landscape.product(runs.end), landscape.product(point[None]), atol=1e-5)


# -- descent ----------------------------------------------------------------------------------------------


def test_step_is_below_two_over_the_largest_curvature_at_the_end() -> None:
    network, data, *_ = instance(STRICT)
    landscape = Landscape(network, data)
    runs = descent(landscape, normal(network, 1.0, 30))
    top = np.linalg.eigvalsh(landscape.hessian(runs.end))[:, -1]
    assert np.all(runs.step * top < 2)
    assert np.all(runs.time == runs.step * runs.steps)


def test_given_step_is_kept_even_if_the_loss_explodes() -> None:
    network, data, *_ = instance(STRICT)
    runs = descent(Landscape(network, data), normal(network, 1.0, 5), step=10.0)
    assert set(runs.outcomes) == {Outcome.STOPPED}
    assert set(runs.step) == {10.0}
    good = descent(Landscape(network, data), normal(network, 1.0, 5), step=0.01)
    assert set(good.outcomes) == {Outcome.CONVERGED}


def test_descent_takes_a_start_again_with_a_smaller_step(monkeypatch: pytest.MonkeyPatch) -> None:
    landscape = Landscape(SCALAR, Data.whitened([[50]]))
    start = np.array([[0.1, 0.1]])  # flat at the start, curvature 100 at the minimum
    runs = descent(landscape, start)
    assert runs.outcomes == (Outcome.CONVERGED,)
    assert runs.step[0] < 2 / 100
    monkeypatch.setattr(simulate, "HALVINGS", 1)
    stiff = Landscape(SCALAR, Data.whitened([[50]]))
    stiff.scale = 1e-3  # the first step is 1 / curvature at the start
    with pytest.raises(ArithmeticError, match="loss rises"):
        descent(stiff, np.array([[0.1, 0.2]]) * 1e-3)


# -- starts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "network", [SPARSE, DEEP, LinearNetwork.dense(2, 3, 2, 2), LinearNetwork.dense(1, 3, 1)], ids=str
)
def test_balanced_points_have_the_same_product_and_less_norm(network: LinearNetwork) -> None:
    theta = normal(network, 1.0, 20)
    even = balance(network, theta, np.random.default_rng(1))
    landscape = Landscape(network, random_data(network, 1))
    assert np.allclose(landscape.product(even), landscape.product(theta), atol=1e-9)
    assert np.all(np.linalg.norm(even, axis=1) <= np.linalg.norm(theta, axis=1) + 1e-12)
    assert imbalance(network, theta).min() > 1e-3
    assert imbalance(network, even).max() < 1e-9
    assert np.abs(conserved(network).values(even)).max() < 1e-9  # all of them, crossed ones too


def test_balanced_starts_have_the_norm_of_normal_ones() -> None:
    normal_starts = normal(SPARSE, 2.0, 50, seed=4)
    even = draw(SPARSE, Initialisation(2.0, True), 50, np.random.default_rng(4))
    assert np.allclose(np.linalg.norm(even, axis=1), np.linalg.norm(normal_starts, axis=1))
    assert imbalance(SPARSE, even).max() < 1e-9


def test_twins_are_found_by_supports() -> None:
    assert [(t.layer, t.units) for t in twins(DEEP)] == [(1, (0,)), (1, (1,)), (2, (0,)), (2, (1,))]
    assert [t.units for t in twins(LinearNetwork.dense(2, 3, 2))] == [(0, 1, 2)]


# -- shares -----------------------------------------------------------------------------------------------


def test_interval_of_clopper_and_pearson() -> None:
    assert clopper_pearson(0, 10) == (0.0, pytest.approx(1 - 0.025 ** (1 / 10), abs=1e-12))
    assert clopper_pearson(10, 10) == (pytest.approx(0.025 ** (1 / 10), abs=1e-12), 1.0)
    assert clopper_pearson(4, 10) == (pytest.approx(0.1215523, abs=1e-7), pytest.approx(0.7376219, abs=1e-7))


@pytest.mark.parametrize(("count", "total"), [(1, 7), (3, 20), (50, 100), (199, 200)])
def test_tails_at_the_ends_of_the_interval(count: int, total: int) -> None:
    low, high = clopper_pearson(count, total)

    def probability(x: float, k: int) -> float:
        return math.comb(total, k) * x**k * (1 - x) ** (total - k)

    assert math.fsum(probability(low, k) for k in range(count, total + 1)) == pytest.approx(0.025, rel=1e-9)
    assert math.fsum(probability(high, k) for k in range(count + 1)) == pytest.approx(0.025, rel=1e-9)
    assert low < count / total < high


def test_impossible_observations_are_refused() -> None:
    for count, total in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="no such observation"):
            clopper_pearson(count, total)
    with pytest.raises(ValueError, match="no such observation"):
        clopper_pearson(1, 2, confidence=1.0)


def test_runs_are_matched_by_loss_and_by_product() -> None:
    known = Known("a", Fraction(1), Fraction(1), ((1.0,),))
    outcomes = [*[Outcome.CONVERGED] * 5, Outcome.STOPPED, Outcome.INFINITY]
    losses = np.array([1.0, 1.0 + 1e-8, 0.5, 0.5 + 1e-8, 0.7, 1.0, 0.5])
    products = np.array([1.0, -1.0, 0, 0, 0, 1.0, 0]).reshape(-1, 1, 1)
    groups, place = shares(outcomes, losses, products, [known])
    assert [(g.kind, g.count) for g in groups] == [
        ("certified", 2),
        ("observed", 2),
        ("observed", 1),
        ("infinity", 1),
        ("stopped", 1),
    ]
    assert groups[0].same_product == 1
    assert place == (0, 0, 1, 1, 2, 4, 3)


def test_certified_interval_of_a_ball_counts() -> None:
    known = Known("ball", Fraction(9, 10), Fraction(11, 10), ((0.0,),))
    groups, _ = shares([Outcome.CONVERGED] * 2, np.array([0.95, 1.2]), np.zeros((2, 1, 1)), [known])
    assert [(g.kind, g.count) for g in groups] == [("certified", 1), ("observed", 1)]


def small_setting(**changes: Any) -> Setting:
    network, data, *_ = instance(STRICT)
    both = (Initialisation(1.0, False), Initialisation(1.0, True))
    return Setting(**({"network": network, "data": data, "initialisations": both, "starts": 30} | changes))


def test_shares_sum_to_one() -> None:
    session = Session(small_setting())
    session.run()
    table = session.table()
    for how in session.setting.initialisations:
        assert sum(share.count for h, _, share in table if h == how) == 30
        assert sum(share.value for h, _, share in table if h == how) == pytest.approx(1)
    assert all(low <= s.value <= high for _, _, s in table for low, high in [s.interval])
    assert len(session.to_json()["runs"]) == 60


def test_same_seed_same_results_other_seed_others() -> None:
    def result(seed: int) -> str:
        session = Session(small_setting(seed=seed, starts=10))
        session.run()
        return json.dumps(session.to_json())

    assert result(1) == result(1)
    assert result(1) != result(2)


def test_given_start_has_no_interval() -> None:
    network, data, start, _ = instance(TRAP)
    session = Session(Setting(network, data, (Given("start of the trap", tuple(start)),)))
    session.run()
    assert [row["low"] for row in session.to_json()["shares"]] == [None]
