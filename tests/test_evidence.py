"""Certificates of critical points from floats, enclosures and exact points; the option --out of the command."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structures import E1, SIX_WEIGHTS
from test_landscape import needs_msolve, problem_file, random_instance

from symverify import cli, point_checker
from symverify.certificate import encode
from symverify.data import Data
from symverify.exact import Vector, as_matrix
from symverify.landscape.evidence import critical_point_certificate, simplest, zero_part
from symverify.landscape.instance import Instance
from symverify.landscape.survey import Kind, survey
from symverify.loss import BatchedLoss, vector_of
from symverify.network import LinearNetwork
from symverify.point_certificate import Box, CriticalPoint, Exact

ZERO = Fraction(0)
SQRT2 = 2**0.5


def certified(
    net: LinearNetwork, data: Data, weights: Any, ridge: Vector | None = None, nature: str | None = None
) -> tuple[CriticalPoint, dict[str, Any]]:
    """The certificate, and what the checker says of it."""
    certificate = critical_point_certificate(net, data, ridge, weights, nature)
    assert certificate is not None
    outcome, facts = point_checker.check_bytes(encode(certificate))
    assert outcome == "valid", facts
    return certificate, facts[0]


def stack(*layers: Any) -> list[float]:
    return [float(x) for layer in layers for x in np.asarray(layer, dtype=float).ravel()]


# -- regularised ------------------------------------------------------------------------------------------

RIDGE = [[["1/10", "1/7"], ["1/3", "1/5"]], [["1/4", "1/9"], ["1/6", "1/8"]]]


@needs_msolve
def test_all_17_real_points_of_dense_2_2_2() -> None:
    """The example of docs/landscape.md, every point of every sign orbit."""
    net = LinearNetwork.dense(2, 2, 2)
    instance = Instance.make(net, Data.from_samples([[1, 2], [0, 1]], [[1, 3], [2, 1]]), RIDGE)
    found = survey(instance)
    assert found.complete and found.real == 17
    natures: Counter[str] = Counter()
    for point in found.points:
        live = sorted(point.found.live)
        for signs in itertools.product((1, -1), repeat=len(live)):
            flip = dict(zip(live, signs, strict=True))
            bounds = [
                (low, high) if flip.get((l, j), 1) * flip.get((l + 1, i), 1) > 0 else (-high, -low)
                for (l, i, j), (low, high) in zip(net.edges, point.found.weights, strict=True)
            ]
            _, facts = certified(net, instance.data, bounds, instance.ridge)
            assert facts["inertia"] == point.found.inertia and facts["gauge"] == 0
            assert facts["loss"][0] <= point.found.loss[1] and point.found.loss[0] <= facts["loss"][1]
            assert (facts["nature"] == "saddle") == (point.kind is Kind.SADDLE)
            natures[facts["nature"]] += 1
    assert natures == {"strict-minimum": 4, "saddle": 13}


@needs_msolve
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_all_real_points_of_random_instances(seed: int) -> None:
    for net in (SIX_WEIGHTS, LinearNetwork.dense(1, 1, 2, 1), LinearNetwork.dense(2, 1, 2)):
        instance = random_instance(net, 3, seed)
        for point in survey(instance).points:
            _, facts = certified(net, instance.data, point.found.weights, instance.ridge)
            assert facts["inertia"] == point.found.inertia


def test_equal_weight_decay_leaves_rotations() -> None:
    """Dense 2-2-2, all lambda equal: the minima form orbits of O(2), which the checker knows."""
    c = np.array([[1.0, 2.0], [3.0, 1.0]])
    u, s, v = np.linalg.svd(c)
    root = np.diag(np.sqrt(s - 0.2))
    found, facts = certified(
        LinearNetwork.dense(2, 2, 2), Data.whitened([[1, 2], [3, 1]]), stack(root @ v, u @ root), (Fraction(1, 10),) * 8
    )
    assert (facts["nature"], facts["inertia"], facts["gauge"]) == ("strict-minimum", (7, 1, 0), 1)
    assert isinstance(found.existence, Box) and len(found.existence.frozen) == 1


def test_partial_regularisation() -> None:
    """1/2 (ab - 3)^2 + a^2: inf 0 is not attained, and the only critical point is 0; with b free, no gauge."""
    net, data, ridge = LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), (Fraction(1), ZERO)
    _, facts = certified(net, data, [0.0, 0.0], ridge)
    assert (facts["nature"], facts["inertia"]) == ("saddle", (1, 0, 1))
    assert critical_point_certificate(net, data, ridge, [0.1, 30.0]) is None
    # two outputs, the decay on one of them: the gauge is broken by it
    net, data = LinearNetwork.dense(1, 1, 2), Data.whitened([[3], [2]])
    ridge = (ZERO, Fraction(1, 4), ZERO)
    theta = newton(net, data, np.array([2.0, 1.0, 1.0]), ridge)
    if theta is not None:
        _, facts = certified(net, data, theta, ridge)
        assert facts["gauge"] == 0


# -- without regularisation -------------------------------------------------------------------------------

E1_DATA = Data.whitened([[3, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 1]])
SPURIOUS = ([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[2, 3, 0], [0, 0, 1]], [[0, 0], [1, 0], [0, 1]])
BEST = ([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[3, 0, 0], [0, 3, 0]], [[1, 0], [0, 1], [0, 0]])


@pytest.mark.parametrize(("layers", "loss"), [(SPURIOUS, "9/2"), (BEST, "5/2")])
def test_example_1_of_the_mathematics(layers: Any, loss: str) -> None:
    point = vector_of(E1, tuple(as_matrix(layer) for layer in layers))
    found, facts = certified(E1, E1_DATA, point)
    assert isinstance(found.existence, Exact)
    assert (facts["nature"], facts["loss"], facts["inertia"]) == ("strict-minimum", (Fraction(loss),) * 2, (9, 7, 0))


def test_example_1_moved_along_its_gauge_and_rounded() -> None:
    """A rescaled unit and a rotated layer in floats: again a strict minimum with loss 9/2."""
    layers = [np.array(layer, dtype=float) for layer in SPURIOUS]
    layers[0][0] *= 1.37
    layers[1][:, 0] /= 1.37
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    layers[1], layers[2] = turn @ layers[1], layers[2] @ turn.T
    _, facts = certified(E1, E1_DATA, [float(layers[l][i, j]) for l, i, j in E1.edges])
    assert (facts["nature"], facts["inertia"], facts["gauge"]) == ("strict-minimum", (9, 7, 0), 7)
    assert facts["loss"][0] <= Fraction(9, 2) <= facts["loss"][1]


def test_an_irrational_spurious_minimum() -> None:
    """The ball of docs/certificate-format.md."""
    net = LinearNetwork.from_masks([[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
    data = Data.from_moments(
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 3, 0], [3, 1, "1/5"], [0, 0, 4]], Fraction(901, 50)
    )
    weights = [1, 0.5047, 0.38612, 4, 0.9638, 0.07174, 0.1646, 0.97538]
    _, facts = certified(net, data, newton(net, data, np.array(weights)))
    assert (facts["nature"], facts["inertia"]) == ("strict-minimum", (6, 2, 0))
    assert facts["loss"][0] == pytest.approx(9.4531503, abs=1e-5)


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_zero_is_a_saddle_at_every_depth(depth: int) -> None:
    net = LinearNetwork.dense(*[2] * (depth + 1))
    _, facts = certified(net, Data.whitened([[1, 2], [3, 1]]), [0.0] * net.parameters)
    assert facts["nature"] == ("saddle" if depth == 2 else "higher-saddle")
    assert facts["inertia"] == ((4, 0, 4) if depth == 2 else (0, net.parameters, 0))
    assert f"to the order {depth})" in facts["proved"] or depth == 2


@pytest.mark.parametrize("depth", [3, 4])
def test_a_dead_unit_at_irrational_weights(depth: int) -> None:
    """M is the best rank-one matrix; the second unit of each layer is dead, so the Hessian has a large kernel."""
    u, s, v = np.linalg.svd(np.array([[1.0, 2.0], [3.0, 1.0]]))
    middle = [np.diag([s[0], 0.0]), *[np.diag([1.0, 0.0])] * (depth - 3)]
    weights = stack([v[0], [0, 0]], *middle, np.array([u[:, 0], [0, 0]]).T)
    net = LinearNetwork.dense(*[2] * (depth + 1))
    found, facts = certified(net, Data.whitened([[1, 2], [3, 1]]), weights)
    assert isinstance(found.existence, Box)
    assert {net.edges[n] for n in zero_part(net, weights)} == found.existence.zero
    assert facts["nature"] == "higher-saddle" and f"to the order {depth})" in facts["proved"]


def test_a_singular_gram_matrix_and_dead_weights() -> None:
    data = Data.from_samples([[1, 2], [2, 4]], [[1, 3]])
    net = LinearNetwork.dense(2, 1, 1)
    _, facts = certified(net, data, [0.3, 0.1, 2.8], nature="strict-minimum")
    assert certified(net, data, [0.3, 0.1, 2.8])[1]["nature"] == "least"
    assert (facts["nature"], facts["inertia"], facts["gauge"]) == ("strict-minimum", (1, 2, 0), 2)
    net = LinearNetwork.from_masks([[[1, 0], [0, 1]], [[1, 0]]])  # the second unit reaches no output
    _, facts = certified(net, Data.whitened([[3, 1]]), [SQRT2, 0.7, 3 / SQRT2])
    assert (facts["inertia"], facts["gauge"]) == ((1, 2, 0), 2)


def newton(net: LinearNetwork, data: Data, theta: Any, ridge: Vector | None = None) -> list[float] | None:
    """Newton's method in floats, across the kernel of the Hessian."""
    model, penalty = BatchedLoss(net), np.array([float(x) for x in ridge or (0,) * net.parameters])
    gram, cross = (np.array(m, dtype=float) for m in (data.gram, data.cross))
    for _ in range(100):
        slope = model.gradient(theta[None], gram, cross)[0] + 2 * penalty * theta
        if np.abs(slope).max() < 1e-12:
            return [float(x) for x in theta]
        matrix = model.hessian(theta[None], gram, cross)[0] + np.diag(2 * penalty)
        theta = theta - np.linalg.pinv(matrix, rcond=1e-8) @ slope
        if np.abs(theta).max() > 1e3:
            return None
    return None


@pytest.mark.parametrize(
    "net",
    [LinearNetwork.dense(2, 2, 2), LinearNetwork.dense(3, 2, 3), LinearNetwork.dense(2, 3, 2), SIX_WEIGHTS],
    ids=["2-2-2", "3-2-3", "2-3-2", "six weights"],
)
def test_whatever_newton_meets_is_certified(net: LinearNetwork) -> None:
    """Random data and starts, two layers: minima and saddles of all ranks, at no special place of their orbits."""
    rng = np.random.default_rng(1)
    met: Counter[str] = Counter()
    for _ in range(12):
        inputs, outputs = net.widths[0], net.widths[-1]
        x, y = (rng.integers(-20, 21, size=(rows, inputs + 1)).tolist() for rows in (inputs, outputs))
        data = Data.from_samples(x, y)
        theta = newton(net, data, 1.5 * rng.normal(size=net.parameters))
        if theta is not None:
            _, facts = certified(net, data, theta)
            met[facts["nature"]] += 1
            low, high = facts["loss"]
            assert high - low < Fraction(1, 10**20)
    assert met["saddle"] >= 5 and sum(met.values()) >= 8


def test_least_and_degenerate() -> None:
    """ab = 3 with c0 = 5; 1/2 (ab - 1)^2 + a^2/2 + b^2/2 at 0, a degenerate minimum of which no more is said."""
    net = LinearNetwork.dense(1, 1, 1)
    noisy = Data.from_moments([[1]], [[3]], 5)
    assert certified(net, noisy, [3.0, 1.0])[1]["nature"] == "least"
    assert certified(net, noisy, [3.0, 1.0], nature="strict-minimum")[1]["nature"] == "strict-minimum"
    half = (Fraction(1, 2),) * 2
    assert certified(net, Data.whitened([[1]]), [0.0, 0.0], half)[1]["nature"] == "semidefinite"


# -- what is refused --------------------------------------------------------------------------------------


def test_no_certificate_of_the_wrong_nature_or_of_no_critical_point() -> None:
    net, data, half = LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), (Fraction(1, 2),) * 2
    assert critical_point_certificate(net, data, half, [SQRT2, SQRT2], "saddle") is None
    assert critical_point_certificate(net, data, half, [0.0, 0.0], "strict-minimum") is None
    assert critical_point_certificate(net, data, half, [1.3, 1.3]) is None  # Newton's method would go to sqrt 2
    assert critical_point_certificate(net, data, half, [(Fraction(1), Fraction(11, 10))] * 2) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": [1.0]}, "weights: 1 numbers for 2 free weights"),
        ({"ridge": (ZERO,)}, "ridge: 1 numbers for 2 free weights"),
        ({"ridge": (ZERO, Fraction(-1))}, r"ridge\[1\]: -1; a number from 0 on is expected"),
        ({"weights": [1.0, float("nan")]}, r"weights\[1\]: nan is not finite"),
        ({"weights": [float("inf"), 1.0]}, r"weights\[0\]: inf is not finite"),
        ({"weights": [(Fraction(1), ZERO), 1.0]}, r"weights\[0\]: the lower bound exceeds the upper one"),
        ({"nature": "minimum"}, "nature: 'minimum' is not known; choose from strict-minimum, saddle"),
    ],
)
def test_numbers_that_do_not_fit(changes: dict[str, Any], said: str) -> None:
    arguments = {"ridge": None, "weights": [1.0, 1.0], "nature": None} | changes
    with pytest.raises(ValueError, match=said):
        critical_point_certificate(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), **arguments)


def test_families_beyond_the_symmetries() -> None:
    """Equal singular values: the best rank-one matrices form a circle.  A rational point of it is found, not that it is
    a minimum.  Where M has rank one in a wide network, a rational global minimum near by is found."""
    net = LinearNetwork.dense(2, 1, 2)
    v = [np.cos(0.3), np.sin(0.3)]
    found, facts = certified(net, Data.whitened([[1, 0], [0, 1]]), [*v, *v])
    assert isinstance(found.existence, Exact)
    assert (facts["nature"], facts["inertia"], facts["gauge"]) == ("semidefinite", (2, 2, 0), 1)
    net, data = LinearNetwork.dense(2, 3, 2), Data.whitened([[1, 1], [1, 1]])
    x, y = np.sqrt([0.3, 0.7, 0.4]), np.sqrt([0.9, 0.5, 0.95])
    point = stack(np.outer(x, [1, 1]), np.outer([1, 1], y / (x @ y)))
    found, facts = certified(net, data, point)
    assert isinstance(found.existence, Exact)
    assert (facts["nature"], facts["inertia"], facts["gauge"] < 9) == ("least", (3, 9, 0), True)


# -- rationals --------------------------------------------------------------------------------------------


@given(st.fractions(max_denominator=40), st.fractions(max_denominator=40))
def test_the_simplest_rational(a: Fraction, b: Fraction) -> None:
    low, high = sorted((a, b))
    x = simplest(low, high)
    assert low <= x <= high
    for q in range(1, x.denominator):
        assert (low * q).__ceil__() > (high * q).__floor__()


# -- the command ------------------------------------------------------------------------------------------


def test_command_writes_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a" / "b"
    assert cli.main(["landscape", problem_file(tmp_path), "--json", "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out)
    paths = [point["certificate"] for point in said["points"]]
    assert sorted(paths) == sorted(map(str, out.iterdir()))
    assert cli.main(["check", *paths]) == 0
    natures = [json.loads(Path(path).read_bytes())["nature"]["kind"] for path in paths]
    assert natures == ["strict-minimum", "saddle"]
    assert cli.main(["landscape", problem_file(tmp_path), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert f"strict-minimum, certificate {paths[0]}" in text and f"saddle, certificate {paths[1]}" in text


def test_command_without_out_has_no_key_and_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["landscape", problem_file(tmp_path), "--json"]) == 0
    assert all("certificate" not in point for point in json.loads(capsys.readouterr().out)["points"])
    assert [path.name for path in tmp_path.iterdir()] == ["problem.json"]


def test_command_says_where_there_is_no_certificate_of_a_minimum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1/2 (ab - 1)^2 + a^2/2 + b^2/2: only that the Hessian at 0 is semidefinite."""
    path = problem_file(tmp_path, data={"G": [[1]], "C": [[1]], "c0": "1/2"})
    assert cli.main(["landscape", path, "--out", str(tmp_path / "out")]) == 0
    assert "loss 0.5: semidefinite, certificate" in capsys.readouterr().out


def test_command_refuses_a_folder_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symverify.landscape.survey.survey", lambda *_, **__: pytest.fail("work was done"))
    (tmp_path / "file").write_text("")
    assert cli.main(["landscape", problem_file(tmp_path), "--out", str(tmp_path / "file" / "x")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_command_prints_the_answer_where_a_certificate_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    path = problem_file(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    assert cli.main(["landscape", path, "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert "global minimum" in out and "No space left on device" in err
