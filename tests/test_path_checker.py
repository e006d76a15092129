"""The path checker: what it accepts, refuses and calls malformed; mutants; that it stands alone and evaluates nothing;
and that simulated gradient flow agrees with certified basins."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import mutants
import numpy as np
import pytest
import sympy

from symverify import checker, checking, claims, path_checker, structure_checker
from symverify.certificate import Ball, SpuriousMinimum, decode_instance, decode_witness, encode, weights_json
from symverify.data import Data
from symverify.loss import BatchedLoss, Floats, loss, vector_of, weights_of
from symverify.network import LinearNetwork
from symverify.paths import NoChart, Repairs, basin, dense_path, escape, repairs, valley
from symverify.paths.curves import decreases, end_of, loss_along
from symverify.paths.repair import enlarged, masked_weights

Json = dict[str, Any]
CHECKER = Path(path_checker.__file__)
DOCS = CHECKER.parent.parent / "docs"
KINDS = ("decreasing-path", "escape", "valley", "basin")


def documented() -> dict[str, Json]:
    """The examples of the format by their kind; a ball too."""
    text = (DOCS / "certificate-format.md").read_text()
    found = {}
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        body = json.loads(block)
        found[body.get("kind")] = body
        if body.get("minimum", {}).get("kind") == "ball":
            found["ball"] = body
    return found


EXAMPLES = documented()


def check(body: Any) -> tuple[str, Any]:
    return path_checker.check_bytes(json.dumps(body).encode())  # type: ignore[no-any-return]


def edited(kind: str, place: str, value: Any) -> Json:
    """A documented example with another value at a place such as ``slice/radius``."""
    *path, last = [int(key) if key.isdigit() else key for key in place.split("/")]
    copy = deepcopy(EXAMPLES[kind])
    target: Any = copy
    for key in path:
        target = target[key]
    target[last] = value
    return copy


def ball_witness() -> SpuriousMinimum:
    body = EXAMPLES["ball"]
    network, data, point, better = decode_instance(body)
    minimum, statement = body["minimum"], body["statement"]
    frozen = frozenset((l, i, j) for l, i, j in network.edges if minimum["frozen"][l][i][j])
    ball = Ball(frozen, Fraction(minimum["radius"]), Fraction(minimum["curvature"]))
    bounds = Fraction(statement["loss_at_least"]), Fraction(statement["loss_at_most"])
    return SpuriousMinimum(network, data, point, ball, better, True, *bounds)


# -- valid, invalid, malformed ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_documented_example_is_valid(kind: str) -> None:
    outcome, facts = check(EXAMPLES[kind])
    assert outcome == "valid", facts
    assert facts[0]["assumes"] == [] and facts[0]["proved"]
    assert checking.trusted_file(json.dumps(EXAMPLES[kind]).encode()) is path_checker
    assert checker.check_bytes(json.dumps(EXAMPLES[kind]).encode())[0] == "malformed"


def test_kinds_of_the_trusted_files_are_disjoint() -> None:
    assert set(path_checker.KINDS) == set(KINDS)
    assert not set(path_checker.KINDS) & (set(structure_checker.KINDS) | set(checker.KINDS))


INVALID = [
    ("decreasing-path", "path/0/0/0/0/1", "1", "the loss increases"),
    ("decreasing-path", "statement/end_loss", "1/16", "statement: the numbers are other ones"),
    ("decreasing-path", "statement/start_loss", "5", "statement: the numbers are other ones"),
    ("decreasing-path", "tolerance", "1/4", "increases|does not end below|parts"),
    ("decreasing-path", "tolerance", "-1", "tolerance: must not be negative"),
    ("decreasing-path", "path", [], "path: a path has at least one piece"),
    (
        "decreasing-path",
        "better",
        [[["0", "0"], ["0", "0"]], [["0", "0"], ["0", "0"]]],
        "better: its loss is not below",
    ),
    ("decreasing-path", "data/c0", "1", "data.c0: smaller than any loss allows"),
    ("escape", "path/1/0/1/1/1", "1", "path.1.: the loss increases"),
    ("escape", "statement/end_loss", "0", "statement: the numbers are other ones"),
    ("valley", "slice/radius", "4", "slice.curvature: the Hessian is not at least that"),
    ("valley", "slice/radius", "0", "slice.radius: must be positive"),
    ("valley", "slice/curvature", "10", "slice.curvature: the Hessian is not at least that"),
    ("valley", "slice/slope", "1", "slice.slope: too large for the radius"),
    ("valley", "slice/frozen/0", [0, 0, 0], "slice.frozen: edge .0, 0, 0. is zero"),
    ("valley", "slice/frozen/1", [0, 1, 0], "slice.frozen: the frozen edges do not determine the scalings"),
    ("valley", "paths", [[1, 0, 1]], "paths: unit .*lies on none of them"),
    ("valley", "paths/0", [0, 0, 1], "paths.0.: edge .0, 0, 0. may vanish on the box"),
    ("valley", "statement/barrier", "9/8", "statement: the numbers are other ones"),
    ("valley", "point/0/0/0", "1/10", "slice.slope: the gradient at the centre is larger"),
    ("basin", "basin", "1/100", "basin: a trajectory may leave the reach"),
    ("basin", "basin", "1/2", "basin: it is not smaller than the reach"),
    ("basin", "reach", "1/32", "reach: edge .* may leave the box"),
    ("basin", "reach", "2", "reach: a frozen edge may vanish within it"),
    ("basin", "statement/loss_at_most", "1", "statement: the numbers are other ones"),
]


@pytest.mark.parametrize(("kind", "place", "value", "reason"), INVALID)
def test_invalid(kind: str, place: str, value: Any, reason: str) -> None:
    outcome, text = check(edited(kind, place, value))
    assert outcome == "invalid", text
    assert re.search(reason, text), text


MALFORMED = [
    ("decreasing-path", "allowed/0/0/0", 1, "allowed.0..0..0.: this weight is not masked"),
    ("decreasing-path", "allowed/0/0/1", 2, "entries are 0 or 1"),
    ("decreasing-path", "point/0/0/1", "1", "point.0..0..1.: nonzero off the mask"),
    ("decreasing-path", "path/0", [], "path.0.: 1 to 16 coefficients are expected"),
    ("decreasing-path", "path/0/0/0/0/0", "2/4", "not in lowest terms"),
    ("decreasing-path", "path/0/0/0/0/0", 0.5, "number 0.5"),
    ("decreasing-path", "unknown", 1, "unknown key 'unknown'"),
    ("escape", "path/1/0/0/0/1", "1", "nonzero off the mask"),
    ("escape", "kind", "Escape", "kind: one of"),
    ("valley", "slice/units/0", [0, 0], "slice.units: no hidden unit"),
    ("valley", "slice/units/0", [1, 7], "slice.units: no hidden unit"),
    ("valley", "slice/frozen", [], "slice.frozen: 2 entries are expected"),
    ("valley", "slice/frozen/0", [0, 0, 2], "slice.frozen.0.: not an edge of the network"),
    ("valley", "paths/0", [2, 0, 0], "paths.0.: .* is not an edge"),
    ("valley", "paths/0", [2, 0], "paths.0.: 3 entries are expected"),
    ("basin", "reach", 1, "reach: a rational is expected"),
    ("basin", "masks", [], "masks: at least one layer"),
]


@pytest.mark.parametrize(("kind", "place", "value", "reason"), MALFORMED)
def test_malformed(kind: str, place: str, value: Any, reason: str) -> None:
    outcome, text = check(edited(kind, place, value))
    assert outcome == "malformed", text
    assert re.search(reason, text), text


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_key_is_malformed(kind: str) -> None:
    for key in EXAMPLES[kind]:
        body = {name: value for name, value in EXAMPLES[kind].items() if name != key}
        assert check(body)[0] == "malformed", key


# -- mutants ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_accepted_mutants_are_true(kind: str) -> None:
    """Whatever a change makes of a certificate: if it is accepted, an independent judge in floats agrees."""
    count = accepted = 0
    for _, _, body in mutants.mutants(EXAMPLES[kind]):
        count += 1
        if check(body)[0] == "valid":
            accepted += 1
            assert body["kind"] == kind and JUDGES[kind](body), body
    assert count > 200
    assert accepted < count / 5


def path_points(body: Json, steps: int = 200) -> tuple[LinearNetwork, Data, list[Floats]]:
    """The points of a path in the dense network, in floats: one array for each piece."""
    network, data, _, _ = decode_instance({**body, "better": body.get("better", body["point"])})
    dense = LinearNetwork.dense(*network.widths)

    def floats(weights: Any) -> Floats:
        return np.array([float(Fraction(weights[l][i][j])) for l, i, j in dense.edges])

    at, pieces = floats(body["point"]), []
    t = np.linspace(0, 1, steps)[:, None]
    for piece in body["path"]:
        pieces.append(at + sum(t ** (k + 1) * floats(weights) for k, weights in enumerate(piece)))
        at = pieces[-1][-1]
    return dense, data, pieces


def losses(network: LinearNetwork, data: Data, theta: Floats) -> Floats:
    gram, cross = (np.array([[float(x) for x in row] for row in m]) for m in (data.gram, data.cross))
    return BatchedLoss(network).loss(theta, gram, cross, float(data.constant))


def judge_path(body: Json) -> bool:
    """The sampled loss never increases, and it ends where it has to; off the masks and `allowed` nothing moves."""
    dense, data, pieces = path_points(body)
    values = [losses(dense, data, piece) for piece in pieces]
    steps = np.concatenate([np.diff(v) for v in values])
    decreasing = bool(np.all(steps < 1e-12)) and (body["kind"] == "escape" or bool(np.all(steps < 0)))
    may = [body["masks"][l][i][j] or ("allowed" in body and body["allowed"][l][i][j]) for l, i, j in dense.edges]
    still = all(np.all(piece[:, ~np.array(may, dtype=bool)] == 0) for piece in pieces)
    statement = body["statement"]
    bound = statement["better_loss"] if "better_loss" in statement else statement["start_loss"]
    return decreasing and still and values[-1][-1] < float(Fraction(bound))


def slice_of(body: Json) -> tuple[LinearNetwork, Data, Floats, list[int]]:
    network, data, point, _ = decode_instance({**body, "better": body["point"]})
    frozen = [tuple(edge) for edge in body["slice"]["frozen"]]
    free = [n for n, edge in enumerate(network.edges) if edge not in frozen]
    return network, data, np.array([float(x) for x in vector_of(network, point)]), free


def judge_valley(body: Json) -> bool:
    """On the sphere in the free weights the loss is at least the barrier, inside at least the loss of the minimum."""
    network, data, centre, free = slice_of(body)
    rng = np.random.default_rng(0)
    step = rng.normal(size=(4000, len(free)))
    step *= float(Fraction(body["slice"]["radius"])) / np.linalg.norm(step, axis=1)[:, None]
    sphere, inside = np.repeat(centre[None], 4000, 0), np.repeat(centre[None], 4000, 0)
    sphere[:, free] += step
    inside[:, free] += step * rng.random((4000, 1))
    statement = {key: float(Fraction(x)) for key, x in body["statement"].items()}
    return bool(
        losses(network, data, sphere).min() >= statement["barrier"] - 1e-12
        and losses(network, data, inside).min() >= statement["loss_at_least"] - 1e-12
        and statement["barrier"] > statement["loss_at_most"]
    )


def flow_from_basin(body: Json, count: int = 12, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Gradient flow (Runge-Kutta 4) from random starts on the sphere of the basin: losses at the start and at the end
    above that of the minimum, and the largest distance from the centre."""
    network, data, point, _ = decode_instance({**body, "better": body["point"]})
    gram, cross = (np.array([[float(x) for x in row] for row in m]) for m in (data.gram, data.cross))
    model = BatchedLoss(network)
    centre = np.array([float(x) for x in vector_of(network, point)])
    step = np.random.default_rng(seed).normal(size=(count, len(centre)))
    step *= float(Fraction(body["basin"])) / np.linalg.norm(step, axis=1)[:, None]
    theta = centre + step
    spectrum = np.linalg.eigvalsh(model.hessian(centre[None], gram, cross)[0])
    slowest = spectrum[spectrum > 1e-6 * spectrum[-1]][0]
    h = 1.0 / spectrum[-1]
    base = losses(network, data, centre[None])[0]
    first = losses(network, data, theta) - base
    far = np.zeros(count)

    def down(x: Floats) -> Floats:
        return -model.gradient(x, gram, cross)

    for _ in range(int(8 / (slowest * h)) + 1):
        a = down(theta)
        b = down(theta + h / 2 * a)
        c = down(theta + h / 2 * b)
        theta = theta + h / 6 * (a + 2 * b + 2 * c + down(theta + h * c))
        far = np.maximum(far, np.linalg.norm(theta - centre, axis=1))
    return first, losses(network, data, theta) - base, far


def judge_basin(body: Json) -> bool:
    first, last, far = flow_from_basin(body, 4)
    return bool(np.all(last < 1e-5 * first + 1e-15) and np.all(far < float(Fraction(body["reach"]))))


JUDGES: dict[str, Callable[[Json], bool]] = {
    "decreasing-path": judge_path,
    "escape": judge_path,
    "valley": judge_valley,
    "basin": judge_basin,
}


def test_the_judges_can_say_no() -> None:
    assert not judge_path(edited("decreasing-path", "path/0/0/0/0/1", "1"))
    assert not judge_path(edited("escape", "path/1/0/1/1/1", "1"))
    assert not judge_valley(edited("valley", "statement/barrier", "2"))
    assert not judge_basin(edited("basin", "basin", "3"))


# -- flow agrees with certified basins --------------------------------------------------------------------


def test_flow_from_a_certified_basin_always_ends_at_its_minimum() -> None:
    path = claims.theorems_folder() / "certificates" / "decreasing_path" / "basin.json"
    bodies = claims.certificates_in(path.read_bytes())
    assert bodies
    for body in bodies:
        first, last, far = flow_from_basin(body)
        assert np.all(first > 0)
        assert np.all(last < 1e-5 * first + 1e-15)
        assert np.all(far < float(Fraction(body["reach"])))


# -- the lemma `decreasing` -------------------------------------------------------------------------------


def test_decreasing_agrees_with_sympy() -> None:
    """On random polynomials, with zeros at the ends and inside: accepted only where the maximum is not positive."""
    rng = np.random.default_rng(0)
    t = sympy.Symbol("t")
    answers = set()
    for n in range(300):
        q = sympy.Poly(1 + 0 * t, t)
        for root in rng.integers(-3, 6, size=int(rng.integers(1, 5))):
            q *= sympy.Poly(t - sympy.Rational(int(root), 2), t) ** int(rng.integers(1, 3))
        q = q * int(rng.choice([-1, 1])) - (sympy.Poly(t**2, t) if n % 3 == 0 else 0)
        values = [Fraction(int(x.p), int(x.q)) for x in reversed(q.all_coeffs())]
        places = [0, 1, *(r for r in q.diff(t).real_roots() if 0 < r < 1)]
        positive = any(q.eval(place) > 0 for place in places)
        try:
            path_checker.check_decreasing(values, "q")
            accepted = True
        except path_checker.InvalidCertificate:
            accepted = False
        assert not (accepted and positive), q
        inside = any(0 < r < 1 for r in q.real_roots())
        assert accepted or positive or inside, q
        integral = [Fraction(0), *(x / (k + 1) for k, x in enumerate(values))]
        assert decreases(integral) == accepted
        answers.add(accepted)
    assert answers == {True, False}


def test_loss_along_a_curve_agrees_with_the_loss() -> None:
    rng = np.random.default_rng(1)
    network = LinearNetwork.dense(3, 2, 2, 3)
    data = Data.from_samples(rng.integers(-3, 4, (3, 5)).tolist(), rng.integers(-3, 4, (3, 5)).tolist())
    curve = [weights_of(network, [Fraction(int(x), 2) for x in rng.integers(-3, 4, network.parameters)]) for _ in "abc"]
    inside = path_checker.Data(data.gram, data.cross, data.constant)
    values = path_checker.loss_along([[[list(r) for r in layer] for layer in w] for w in curve], inside)
    assert values == loss_along(curve[0], curve[1:], data)
    for t in (Fraction(0), Fraction(1), Fraction(-2, 3)):
        theta = [x + t * y + t * t * z for x, y, z in zip(*(vector_of(network, w) for w in curve), strict=True)]
        assert sum(x * t**k for k, x in enumerate(values)) == loss(network, weights_of(network, theta), data)
    assert vector_of(network, end_of(curve[0], curve[1:])) == tuple(
        map(sum, zip(*(vector_of(network, w) for w in curve), strict=True))
    )


def test_a_path_with_a_tolerance_serves_all_starts_near() -> None:
    certificate = dense_path(ball_witness())
    assert certificate is not None and certificate.tolerance == Fraction(1, 100)
    body = certificate.to_json()
    assert check(body)[0] == "valid"
    rng = np.random.default_rng(0)
    network, bound = certificate.network, float(loss(certificate.network, certificate.better, certificate.data))
    for _ in range(20):
        moved = [x + Fraction(int(rng.integers(-100, 101)), 10**4) for x in vector_of(network, certificate.point)]
        start = {**body, "point": weights_json(weights_of(network, moved)), "tolerance": "0"}
        dense, data, pieces = path_points(start)
        values = [losses(dense, data, piece) for piece in pieces]
        assert all(np.all(np.diff(v) < 0) for v in values)
        assert values[-1][-1] < bound
        assert values[-1][-1] <= float(certificate.end) + 1e-12


# -- the prover -------------------------------------------------------------------------------------------


def witness(name: str) -> SpuriousMinimum:
    path = claims.theorems_folder() / "certificates" / f"{name}.json"
    return decode_witness(json.loads(path.read_bytes()))


def test_single_weights_of_a_strict_minimum() -> None:
    found = {repair.edge: repair for repair in repairs(witness("three_outputs/strict"))}
    assert set(found) == set(masked_weights(witness("three_outputs/strict").network))
    opens = {edge for edge, repair in found.items() if repair.answer is Repairs.OPENS}
    assert opens == {(0, 0, 0), (1, 0, 0)}
    for repair in found.values():
        assert repair.certificate is not None
        assert checking.check_bytes(encode(repair.certificate))[0] == "valid"
    closed = found[(0, 0, 1)].certificate
    assert isinstance(closed, SpuriousMinimum)
    assert closed.network == enlarged(witness("three_outputs/strict").network, [(0, 0, 1)])


def test_no_escape_from_a_certified_valley_and_one_from_a_degenerate_minimum() -> None:
    strict, flat = witness("three_outputs/two-blocks"), witness("output_threshold/degenerate")
    assert valley(strict.network, strict.data, strict.point).chart.barrier > strict.loss_at_least
    assert escape(strict.network, strict.data, strict.point, walks=4) is None
    found = escape(flat.network, flat.data, flat.point)
    assert found is not None and found.end < flat.loss_at_least
    with pytest.raises(NoChart):
        valley(flat.network, flat.data, flat.point)
    with pytest.raises(NoChart):
        basin(flat.network, flat.data, flat.point)


def test_valley_and_basin_of_a_minimum_that_is_known_in_a_ball_only() -> None:
    ball = ball_witness()
    chart = valley(ball.network, ball.data, ball.point).chart
    assert 0 < chart.slope < Fraction(1, 10**30)
    assert chart.lowest < loss(ball.network, chart.point, ball.data) < chart.barrier
    body = basin(ball.network, ball.data, ball.point).to_json()
    assert check(body)[0] == "valid"
    assert judge_basin(body)


# -- the whole table --------------------------------------------------------------------------------------


def test_each_witness_of_the_atlas_has_its_path() -> None:
    from symverify.atlas import table
    from symverify.paths.about import allowed_weights, key_of

    folder = claims.theorems_folder() / "certificates" / "decreasing_path"
    bodies = claims.certificates_in((folder / "atlas.json").read_bytes())
    witnesses = [json.loads(data) for data in table.load(None).certificates.values()]
    starts = {key_of(body) for body in witnesses if body["kind"] == "spurious-minimum"}
    assert {key_of(body) for body in bodies} == starts and len(bodies) == len(starts) == 514
    for body in bodies:
        assert allowed_weights(body) == set(masked_weights(LinearNetwork.from_masks(body["masks"])))
        assert judge_path(body)


# -- the file alone ---------------------------------------------------------------------------------------


def test_it_imports_the_standard_library_only_and_evaluates_nothing() -> None:
    tree = ast.parse(CHECKER.read_text())
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "getattr", "setattr", "globals", "vars", "input"}
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        assert ast.unparse(handler.type or ast.Name("bare")) not in ("bare", "Exception", "BaseException")


def test_nothing_of_it_is_used_to_prove() -> None:
    for path in CHECKER.parent.rglob("*.py"):
        if path.name not in ("path_checker.py", "checking.py"):
            code = ast.parse(path.read_text())
            names = {a.name for n in ast.walk(code) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}
            assert "path_checker" not in names, path


def test_each_check_has_a_lemma() -> None:
    lemmas = (DOCS / "mathematics.md").read_text()
    names = [name for name, _ in inspect.getmembers(path_checker) if name.startswith("check_")]
    proving = {name[6:].replace("_", "-") for name in names} - {"certificate", "value", "bytes"}
    assert proving == {*KINDS, "decreasing", "descent", "scaling-slice", "box-curvature", "proper", "chart"}
    assert [name for name in sorted(proving) if f"### `{name}`" not in lemmas] == []


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(CHECKER), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd="/", check=False)


def test_alone_it_says_valid_and_the_other_outcomes(tmp_path: Path) -> None:
    good, wrong, broken = (tmp_path / f"{name}.json" for name in ("good", "wrong", "broken"))
    good.write_text(json.dumps({"format": "symverify-bundle/1", "certificates": [EXAMPLES[kind] for kind in KINDS]}))
    wrong.write_text(json.dumps(edited("basin", "basin", "1/2")))
    broken.write_text("{}")
    run = alone(str(good))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0].endswith("good.json: valid")
    assert alone(str(good), str(wrong)).returncode == 1
    assert alone(str(wrong), str(broken), str(good)).returncode == 2
    assert alone().returncode == 2
    assert alone(str(tmp_path / "nothing")).stdout.endswith("cannot be read (No such file or directory)\n")
    assert checking.main([str(good)]) == 0


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_a_million_brackets(bracket: str) -> None:
    assert path_checker.check_bytes(bracket.encode() * 10**6) == ("malformed", "file: brackets nested too deeply")
