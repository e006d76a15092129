"""The checker of sparse certificates: what it accepts, refuses and calls malformed; that it stands alone."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symverify import checker, checking, sparse_checker
from symverify.atlas.table import load
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.rules import prove_benign
from symverify.scan.certificate import benign_json, lifted_json, pinned_json
from symverify.scan.layers import Layer, SparseNetwork
from symverify.scan.match import Matcher, witness
from symverify.scan.pinned import find_pinned, pinned_at
from symverify.scan.rules import path_rule

CHECKER = Path(sparse_checker.__file__)
DOCS = CHECKER.parent.parent / "docs"
Json = dict[str, Any]


def check(body: Any) -> tuple[str, Any]:
    return checking.check_bytes(json.dumps(body).encode())


def edited(body: Json, place: str, value: Any) -> Json:
    *path, last = [int(key) if key.isdigit() else key for key in place.split("/")]
    copy = deepcopy(body)
    target: Any = copy
    for key in path:
        target = target[key]
    target[last] = value
    return copy


def examples_of_the_documentation() -> list[Json]:
    text = (DOCS / "certificate-format.md").read_text()
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    return [block for block in blocks if block.get("kind") in sparse_checker.KINDS]


def small_pinned() -> Json:
    return next(block for block in examples_of_the_documentation() if block["kind"] == "sparse-spurious-minimum")


def two_units() -> LinearNetwork:
    """The pattern {12}x{12}, {1}x{1} inside a network with two more units and one more input and output."""
    return LinearNetwork.from_units(([1, 2], [1, 2]), ([1], [1]), ([3], [1, 3]), ([3], [3]))


def small_lifted() -> Json:
    network = two_units()
    part = network.induced([0, 1], [0, 1])
    known = Matcher().match(part.network)
    found = witness(part.network, known)
    assert found is not None
    return lifted_json(SparseNetwork.from_network(network), part.nodes, found)


def deep_network() -> SparseNetwork:
    rng = np.random.default_rng(0)
    shapes = [((12, 30), 0.15), ((10, 12), 0.2), ((6, 10), 0.4)]
    return SparseNetwork(tuple(Layer.from_dense(rng.random(shape) < share) for shape, share in shapes))


# -- valid ------------------------------------------------------------------------------------------------


def test_the_examples_of_the_documentation() -> None:
    examples = examples_of_the_documentation()
    assert {block["kind"] for block in examples} == set(sparse_checker.KINDS)
    for block in examples:
        assert check(block)[0] == "valid"


def test_lifted() -> None:
    outcome, facts = check(small_lifted())
    assert outcome == "valid", facts
    assert "3-4-3 network with 11 weights" in facts[0]["proved"]
    assert "2-2-2 sub-network" in facts[0]["proved"]


@pytest.mark.parametrize("cut", [(1, 2), (1, 1), (2, 2)])
def test_pinned_at_every_cut_of_a_deep_network(cut: tuple[int, int]) -> None:
    net, seen = deep_network(), 0
    for j in range(30):
        for o in range(6):
            found = pinned_at(net, j, o)
            if found is not None and (found.low, found.high) == cut:
                outcome, facts = check(pinned_json(net, found))
                assert outcome == "valid", facts
                seen += 1
    if cut == (2, 2):  # tried last; what only it finds is rare
        return
    assert seen > 0


def orthogonal_rows() -> list[Any]:
    return [row for row in load(None).rows if row.job.data_class is DataClass.ORTHOGONAL]


def test_pinned_agrees_with_the_whole_atlas() -> None:
    """Where the atlas proves that all orthogonal data are benign there is no pinned minimum, by any other argument."""
    found = 0
    for row in orthogonal_rows():
        net = SparseNetwork.from_network(row.job.network)
        pinned = find_pinned(net)
        if pinned is not None:
            assert check(pinned_json(net, pinned))[0] == "valid"
            assert row.all_data.verdict == "spurious", row.job.structure
            found += 1
    assert found == 327


def test_a_pinned_point_is_a_minimum_in_floats() -> None:
    """Random perturbations never decrease the loss, and the gradient vanishes: by code that knows no lemma."""
    net, rng = deep_network(), np.random.default_rng(1)
    found = find_pinned(net)
    assert found is not None
    masks = [np.zeros(layer.shape) for layer in net.layers]
    weights = [np.zeros(layer.shape) for layer in net.layers]
    for mask, layer in zip(masks, net.layers, strict=True):
        mask[layer.rows, layer.columns] = 1
    for l, i, j, x in found.point:
        weights[l][i, j] = float(x)
    product = weights[2] @ weights[1] @ weights[0]
    target = product.copy()
    target[found.output, found.input] += float(found.residual)
    here = 0.5 * np.sum((product - target) ** 2)
    for scale in (1e-1, 1e-2, 1e-3):
        for _ in range(300):
            moved = [w + scale * m * rng.standard_normal(m.shape) for w, m in zip(weights, masks, strict=True)]
            if scale < 1e-1:
                assert 0.5 * np.sum((moved[2] @ moved[1] @ moved[0] - target) ** 2) >= here - 1e-12


def random_networks() -> Iterator[LinearNetwork]:
    rng = np.random.default_rng(2)
    for _ in range(400):
        depth = int(rng.integers(1, 4))
        widths = rng.integers(1, 4, depth + 1)
        masks = [rng.random((widths[l + 1], widths[l])) < 0.6 for l in range(depth)]
        yield LinearNetwork.from_masks([m.astype(int) for m in masks])


def test_rule_p_agrees_with_the_prover_of_small_networks() -> None:
    """The linear-time rule, its checker, and the path steps of the older prover settle the same networks."""
    settled = 0
    for network in random_networks():
        net = SparseNetwork.from_network(network)
        outcome = check(benign_json(net))[0]
        assert (outcome == "valid") == (path_rule(net) is not None), network
        if outcome == "valid" and network.covered:
            assert prove_benign(network, DataClass.ANY) is not None, network
            assert find_pinned(net) is None
            settled += 1
    assert settled > 50


@pytest.mark.parametrize(
    "middle, outcome", [("1", "valid"), ("-1", "valid"), ("3/2", "valid"), ("2", "invalid"), ("-3", "invalid")]
)
def test_the_factor_between_the_two_layers(middle: str, outcome: str) -> None:
    """Near the point L - 1/8 = (a^2 + b^2)/2 - r x a b + ..., so that it is a minimum for r |x| < 1 and none beyond."""
    x, r = Fraction(middle), Fraction(1, 2)
    point = [[0, 0, 0, "1"], [1, 0, 0, "1"], [1, 0, 1, middle], [1, 1, 1, "1"], [2, 0, 1, "1"]]
    evidence = {"kind": "pinned", "output": 1, "input": 1, "low": 1, "high": 2, "residual": "1/2", "point": point}
    better = [[0, 1, 1, "1/2"], [1, 0, 1, "1"], [2, 1, 0, "1"]]
    layers = [["0", "1"], ["0 1", "1"], ["1", "0"]]
    body = {**small_pinned(), "widths": [2, 2, 2, 2], "layers": layers, "evidence": {**evidence, "better": better}}
    found, why = check(body)
    assert found == outcome, why
    a = Fraction(1, 100)
    b = a if x > 0 else -a  # M = [[0, a], [b, x a b]], target r at (1, 1)
    change = (a * a + b * b + (x * a * b - r) ** 2 - r * r) / 2
    assert (change > 0) == (r * abs(x) < 1) or abs(x) == 2


# -- invalid ----------------------------------------------------------------------------------------------

INVALID = [
    ("evidence/residual", "1", "too large for the pins"),
    ("evidence/residual", "-1/2", "not positive"),
    ("evidence/residual", "0", "not positive"),
    ("evidence/point", [[0, 0, 0, "1"]], "the columns of B"),
    ("evidence/point", [[1, 0, 0, "1"]], "the rows of F"),
    ("evidence/point", [[0, 0, 0, "2"], [1, 0, 0, "1"]], "the rows of F"),
    ("evidence/point", [[0, 0, 0, "1"], [0, 0, 1, "1"], [1, 0, 0, "1"]], "the rows of F"),
    ("evidence/point", [[0, 0, 1, "1"], [1, 0, 0, "1"]], "pins a row of F"),
    ("evidence/point", [[0, 0, 0, "1"], [1, 1, 0, "1"]], "pins a column of B"),
    ("evidence/better", [], "its loss is not smaller"),
    ("evidence/better", [[0, 0, 0, "1"], [1, 0, 0, "1"]], "its loss is not smaller"),
    ("evidence/output", 0, "the rows of F"),
    ("evidence/input", 0, "pins a row of F"),
    ("layers", [["0 1", "0 1"], ["0 1", "0 1"]], "the rows of F"),
]


@pytest.mark.parametrize("place, value, reason", INVALID)
def test_invalid(place: str, value: Any, reason: str) -> None:
    outcome, why = check(edited(small_pinned(), place, value))
    assert (outcome, reason in why) == ("invalid", True), why


def test_a_row_of_the_output_or_a_column_of_the_input_that_is_not_zero() -> None:
    body = small_pinned()
    layers = [["0 1", "0", "1"], ["0 1 2", "0", "2"]]
    point = [[0, 0, 0, "1"], [0, 2, 1, "1"], [1, 0, 0, "1"], [1, 2, 2, "1"]]
    change = {"widths": [2, 3, 3], "layers": layers}
    outcome, why = check({**body, **change, "evidence": {**body["evidence"], "point": point, "better": []}})
    assert (outcome, "the column of the input is not 0" in why) == ("invalid", True), why
    layers = [["0 1", "0", "2"], ["0 1", "0 2"]]
    point = [[0, 0, 0, "1"], [0, 2, 2, "1"], [1, 0, 0, "1"], [1, 1, 2, "1"]]
    change = {"widths": [3, 3, 2], "layers": layers}
    outcome, why = check({**body, **change, "evidence": {**body["evidence"], "point": point, "better": []}})
    assert (outcome, "the row of the output is not 0" in why) == ("invalid", True), why


def test_lifted_needs_the_sub_network_and_a_valid_certificate() -> None:
    body = small_lifted()
    for place, value, reason in (
        ("evidence/inputs", [0], "not those of the sub-network"),
        ("evidence/outputs", [0, 2], "not those of the sub-network"),
        ("evidence/inputs", [2], "not those of the sub-network"),
        ("layers/0/2", "0 2", "not those of the sub-network"),
        ("evidence/certificate/statement/better_loss", "-1", "statement"),
        ("evidence/certificate/masks/0/1/1", 1, "not those of the sub-network"),
    ):
        outcome, why = check(edited(body, place, value))
        assert (outcome, reason in why) == ("invalid", True), (place, why)


def test_benign_needs_every_pair() -> None:
    body = {"format": "symverify-certificate/1", "kind": "sparse-benign", "widths": [2, 1, 2]}
    outcome, why = check({**body, "layers": [["0 1"], ["0", "0"]]})
    assert (outcome, "is not settled by rule P" in why) == ("invalid", True)
    false_friend = {**body, "widths": [2, 2, 2, 2], "layers": [["0", "0 1"], ["0 1", "1"], ["0", "0 1"]]}
    assert check(false_friend)[0] == "invalid"


# -- malformed --------------------------------------------------------------------------------------------

MALFORMED = [
    ("widths", []),
    ("widths", [2, 2]),
    ("widths", [2, 0, 2]),
    ("widths", [2, 4_000_001, 2]),
    ("widths", [2, True, 2]),
    ("layers/0/0", "1 0"),
    ("layers/0/0", "0  1"),
    ("layers/0/0", "0 2"),
    ("layers/0/0", "0 0"),
    ("layers/0/0", "01"),
    ("layers/0/0", "\u0660"),
    ("layers/0/0", [0, 1]),
    ("layers/0", ["0"]),
    ("evidence", []),
    ("evidence/kind", "ball"),
    ("evidence/low", 0),
    ("evidence/high", 2),
    ("evidence/low", True),
    ("evidence/output", 2),
    ("evidence/input", -1),
    ("evidence/residual", "2/4"),
    ("evidence/residual", "1" * 101),
    ("evidence/residual", 1),
    ("evidence/point", {}),
    ("evidence/point", [[0, 0, 0, "0"]]),
    ("evidence/point", [[0, 1, 1, "1"]]),
    ("evidence/point", [[0, 0, 0]]),
    ("evidence/point", [[0, 0, 0, "1"], [0, 0, 0, "1"]]),
    ("evidence/point", [[1, 0, 0, "1"], [0, 0, 0, "1"]]),
    ("evidence/point", [[5, 0, 0, "1"]]),
    ("kind", "sparse"),
    ("format", "symverify-certificate/2"),
]


@pytest.mark.parametrize("place, value", MALFORMED)
def test_malformed(place: str, value: Any) -> None:
    assert check(edited(small_pinned(), place, value))[0] == "malformed"


def test_malformed_lifted() -> None:
    body = small_lifted()
    for place, value in (
        ("evidence/inputs", []),
        ("evidence/inputs", [1, 0]),
        ("evidence/certificate", None),
        ("evidence/certificate/kind", "benign"),
        ("evidence/certificate/point", []),
    ):
        assert check(edited(body, place, value))[0] == "malformed", place


@pytest.mark.parametrize("key", ["format", "kind", "widths", "layers", "evidence"])
def test_no_key_may_be_missing_or_unknown(key: str) -> None:
    body = small_pinned()
    assert check({**body, "more": 1})[0] == "malformed"
    del body[key]
    assert check(body)[0] == "malformed"


def test_products_are_bounded() -> None:
    """A certificate of a few kilobytes whose product would have more than a million terms."""
    n = 1100
    row = " ".join(map(str, range(n)))
    body = {
        **small_pinned(),
        "widths": [n, 1, n, 1],
        "layers": [[row], ["0"] * n, [row]],
    }
    evidence = {**body["evidence"], "low": 2, "high": 2, "output": 0, "input": 0, "better": []}
    evidence["point"] = [[0, 0, j, "1"] for j in range(n)] + [[1, i, 0, "1"] for i in range(n)]
    outcome, why = check({**body, "evidence": evidence})
    assert (outcome, "terms" in why) == ("invalid", True), why


# -- mutants ----------------------------------------------------------------------------------------------


def mutants() -> Iterator[Json]:
    """Every number of the small certificate replaced by its neighbours, every entry of a list left out."""
    body = small_pinned()
    rationals = [str(x) for x in (-1, 2, Fraction(1, 3), Fraction(3, 4), Fraction(999, 1000))]
    for key in ("point", "better"):
        entries = body["evidence"][key]
        for n in range(len(entries)):
            yield edited(body, f"evidence/{key}", entries[:n] + entries[n + 1 :])
            for value in rationals:
                yield edited(body, f"evidence/{key}/{n}/3", value)
            for place in range(3):
                yield edited(body, f"evidence/{key}/{n}/{place}", 1 - entries[n][place])
    for value in rationals:
        yield edited(body, "evidence/residual", value)
    for l in range(2):
        for i in range(2):
            for row in ("", "0", "1", "0 1"):
                yield edited(body, f"layers/{l}/{i}", row)


def lowest_loss_found(masks: list[Any], target: Any, start: list[Any]) -> float:
    """The lowest loss that random small steps and a descent reach from a start."""
    rng = np.random.default_rng(0)
    best = np.inf
    for _ in range(10):
        w = [x + 0.02 * m * rng.standard_normal(m.shape) for x, m in zip(start, masks, strict=True)]
        for _ in range(2000):
            rest = w[1] @ w[0] - target
            w = [w[0] - 0.02 * masks[0] * (w[1].T @ rest), w[1] - 0.02 * masks[1] * (rest @ w[0].T)]
        best = min(best, 0.5 * float(np.sum((w[1] @ w[0] - target) ** 2)))
    return best


def test_accepted_mutants_are_true() -> None:
    """A descent from near the point of each accepted mutant does not go below its loss."""
    accepted = [body for body in mutants() if check(body)[0] == "valid" and body != small_pinned()]
    assert 5 < len(accepted) < 40
    for body in accepted:
        masks = [
            np.array([[float(str(j) in row.split()) for j in range(2)] for row in layer]) for layer in body["layers"]
        ]
        start = [np.zeros((2, 2)), np.zeros((2, 2))]
        evidence = body["evidence"]
        for l, i, j, x in evidence["point"]:
            start[l][i, j] = float(Fraction(x))
        r = float(Fraction(evidence["residual"]))
        target = start[1] @ start[0]
        target[evidence["output"], evidence["input"]] += r
        assert lowest_loss_found(masks, target, start) >= 0.5 * r * r - 1e-3, body


# -- it stands alone --------------------------------------------------------------------------------------


def test_it_imports_the_standard_library_only_and_evaluates_nothing() -> None:
    tree = ast.parse(CHECKER.read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= set(sys.stdlib_module_names)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "getattr", "setattr", "globals", "vars", "input"}
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        assert ast.unparse(handler.type or ast.Name("bare")) not in ("bare", "Exception", "BaseException")


def test_each_check_has_a_lemma() -> None:
    lemmas = (DOCS / "mathematics.md").read_text()
    names = [name for name, _ in inspect.getmembers(sparse_checker) if name.startswith("check_")]
    proving = {name[6:].replace("_", "-") for name in names} - {"certificate", "value", "bytes"}
    assert proving == {"sparse-lifted", "pinned", "sparse-spurious-minimum", "sparse-benign"}
    assert [name for name in sorted(proving) if f"### `{name}`" not in lemmas] == []


def test_the_prover_does_not_use_it() -> None:
    for path in CHECKER.parent.rglob("*.py"):
        if path.name not in ("sparse_checker.py", "checking.py"):
            assert "sparse_checker" not in path.read_text(), path


def test_alone_in_a_folder_with_the_small_checker_only(tmp_path: Path) -> None:
    for module in (checker, sparse_checker):
        source = Path(module.__file__)
        (tmp_path / source.name).write_bytes(source.read_bytes())
    files = {"lifted": small_lifted(), "pinned": small_pinned(), "wrong": edited(small_pinned(), "evidence/better", [])}
    for name, body in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(body))

    def alone(*names: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(tmp_path / "sparse_checker.py"), *names]
        return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path, check=False)

    assert (alone("lifted.json", "pinned.json").returncode, alone("pinned.json", "wrong.json").returncode) == (0, 1)
    assert (alone("nothing.json").returncode, alone().returncode) == (2, 2)


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_a_million_brackets(bracket: str) -> None:
    assert sparse_checker.check_bytes(bracket.encode() * 10**6)[0] == "malformed"


def test_bundles() -> None:
    bundle = {"format": "symverify-bundle/1", "certificates": [small_pinned(), small_lifted()]}
    outcome, facts = check(bundle)
    assert (outcome, len(facts)) == ("valid", 2)
    bundle["certificates"].append(edited(small_pinned(), "evidence/better", []))
    assert check(bundle)[1].startswith("certificates[2]: ")
