"""The checker of critical points: what it accepts, refuses and calls malformed; that it stands alone."""

from __future__ import annotations

import ast
import inspect
import json
import random
import re
import subprocess
import sys
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import mutants
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from point_judge import holds

from symverify import checker, checking, point_checker, structure_checker
from symverify.data import Data
from symverify.exact import as_matrix, inertia, nullspace, rank, to_flint
from symverify.landscape.evidence import Objective, polish
from symverify.landscape.symmetry import regularised_fields
from symverify.loss import gradient, hessian, symmetry_fields, weights_of
from symverify.loss import loss as plain_loss
from symverify.network import LinearNetwork
from symverify.point_certificate import (
    Box,
    CriticalPoint,
    Exact,
    HigherSaddle,
    Saddle,
    Semidefinite,
    StrictMinimum,
)

CHECKER = Path(point_checker.__file__)
FOLDER = Path(__file__).parent / "point_certificates"
DOCS = CHECKER.parent.parent / "docs"
FILES = sorted(FOLDER.glob("*.json"))
Json = dict[str, Any]


def example(name: str) -> Json:
    body: Json = json.loads((FOLDER / f"{name}.json").read_bytes())
    return body


def check(body: Any) -> tuple[str, Any]:
    return point_checker.check_bytes(json.dumps(body).encode())  # type: ignore[no-any-return]


def edited(name: str, changes: dict[str, Any]) -> Json:
    """A copy of an example with other values at places such as ``point/0/0/1``; ... removes."""
    body = deepcopy(example(name))
    for place, value in changes.items():
        *path, last = [int(key) if key.isdigit() else key for key in place.split("/")]
        target: Any = body
        for key in path:
            target = target[key]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return body


# -- valid ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_valid(path: Path) -> None:
    outcome, facts = point_checker.check_bytes(path.read_bytes())
    assert outcome == "valid", facts
    assert facts[0]["assumes"] == []
    assert holds(json.loads(path.read_bytes()))


def test_the_valid_examples_have_every_nature_and_both_kinds_of_existence() -> None:
    bodies = [json.loads(path.read_bytes()) for path in FILES]
    assert {body["nature"]["kind"] for body in bodies} == set(point_checker.NATURES)
    assert {body["existence"]["kind"] for body in bodies} == set(point_checker.EXISTENCE)


def test_what_is_proved_is_said() -> None:
    said = [check(example(name))[1][0]["proved"] for name in ("strict-minimum-exact", "strict-minimum-box")]
    assert said == [
        "the 4-3-2-3 network with 16 weights has, for these data and no regularisation, a local minimum, strict modulo"
        " gauge, with loss 9/2; inertia of its Hessian (9, 7, 0), gauge rank 7",
        "the 1-1-1 network with 2 weights has, for these data and this regularisation, a local minimum, strict modulo"
        " gauge, with loss from 249/100 to 251/100; inertia of its Hessian (2, 0, 0), gauge rank 0",
    ]


def test_a_zero_part_qualifies_the_gauge_rank_too() -> None:
    body = example("higher-saddle-box")
    assert "1" in json.dumps(body["existence"]["zero"])
    said = check(body)[1][0]["proved"]
    assert said.endswith("; without the weights of `zero`: inertia of its Hessian (3, 0, 0), gauge rank 0")


def test_the_documentation_has_an_example_of_each_nature() -> None:
    text = (DOCS / "certificate-format.md").read_text()
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    points = [block for block in blocks if block.get("kind") == "critical-point"]
    assert {block["nature"]["kind"] for block in points} == set(point_checker.NATURES)
    assert all(checking.check_bytes(json.dumps(block).encode())[0] == "valid" for block in points)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_goes_to_its_own_checker(path: Path) -> None:
    data = path.read_bytes()
    assert checking.trusted_file(data) is point_checker
    bundle = b'{"format":"symverify-bundle/1","certificates":[' + data + b"]}"
    assert checking.trusted_file(bundle) is point_checker
    assert checking.check_bytes(bundle)[0] == "valid"
    assert checker.check_bytes(data)[0] == structure_checker.check_bytes(data)[0] == "malformed"


def test_wider_bounds_of_a_box_are_true_and_narrower_ones_are_refused() -> None:
    wide = {"statement/loss_at_least": "-1", "statement/loss_at_most": "100"}
    assert check(edited("strict-minimum-box", wide))[0] == "valid"
    narrow = {"statement/loss_at_least": "5/2", "statement/loss_at_most": "5/2"}
    assert check(edited("strict-minimum-box", narrow))[0] == "invalid"


# -- invalid ----------------------------------------------------------------------------------------------

DENSE_ZERO = {"regularisation": [[["0"]], [["0"]]]}
INVALID: list[tuple[str, dict[str, Any], str]] = [
    # data
    ("saddle-exact", {"data/G/0/0": "-1"}, "data: G is not positive semidefinite, or C is not in the range of G"),
    ("saddle-exact", {"data/G/0/0": "0"}, "data: G is not positive semidefinite, or C is not in the range of G"),
    ("saddle-exact", {"data/c0": "4"}, "data.c0: smaller than any loss allows"),
    ("strict-minimum-singular-gram", {"data/G/0/1": "9"}, "data.G: not symmetric"),
    ("strict-minimum-singular-gram", {"data/C/0/1": "15"}, "data: G is not positive semidefinite, or C is not in"),
    # exact points
    ("saddle-exact", {"point/0/0/0": "1"}, "point: the gradient is not zero at edge (0, 0, 0)"),
    ("least", {"point/0/0/0": "2"}, "point: the gradient is not zero"),
    ("least", {"regularisation/0/0/0": "1"}, "point: the gradient is not zero at edge (0, 0, 0)"),
    ("saddle-exact", {"statement/loss_at_least": "4"}, "statement: the loss is 9/2"),
    ("saddle-exact", {"statement/loss_at_most": "5"}, "statement: the loss is 9/2"),
    ("saddle-exact", {"statement/inertia": [0, 1, 1]}, "statement.inertia: it is (1, 0, 1)"),
    ("saddle-exact", {"statement/ranks/residual": 0}, "statement.ranks.residual: the rank is 1"),
    ("least", {"statement/ranks/products/0/1": 0}, "statement.ranks.products[0][1]: the rank is 1"),
    # natures
    ("saddle-exact", {"nature/kind": "strict-minimum"}, "nature: the Hessian has a negative eigenvalue"),
    ("saddle-exact", {"nature/kind": "semidefinite"}, "nature: the Hessian has a negative eigenvalue"),
    ("saddle-exact", {"nature/kind": "least"}, "nature: the residual is not zero at output, input (0, 0)"),
    ("strict-minimum-exact", {"nature/kind": "saddle"}, "nature: the Hessian has no negative eigenvalue"),
    ("strict-minimum-box", {"nature/kind": "saddle"}, "nature: the Hessian has no negative eigenvalue"),
    ("strict-minimum-box", {"nature/kind": "semidefinite"}, "nature: an exact point is needed"),
    ("strict-minimum-box", {"nature/kind": "least"}, "nature: an exact point is needed"),
    ("semidefinite", {"nature/kind": "strict-minimum"}, "nature: nullity 1, but the symmetries have rank 0"),
    ("saddle-box-frozen", {"nature/kind": "strict-minimum"}, "nature: the Hessian has a negative eigenvalue"),
    ("higher-saddle-box", {"nature": {"kind": "strict-minimum"}}, "nature: weights of `existence.zero` may have flat"),
    ("higher-saddle-box", {"nature": {"kind": "saddle"}}, "nature: the Hessian has no negative eigenvalue"),
    # curves
    ("higher-saddle", {"nature/curve/0/0/0/0": "0"}, "nature.curve: the loss is constant along the curve"),
    (
        "semidefinite",
        {"nature": {"kind": "higher-saddle", "curve": [[[["1"]], [["1"]]]]}},
        "nature.curve: the term with t^4 does not show that the loss falls",
    ),
    (
        "strict-minimum-box",
        {"nature": {"kind": "higher-saddle", "curve": [[[["1"]], [["0"]]]]}},
        "nature.curve: the term with t^2 does not show that the loss falls",
    ),
    (
        "least",
        {"nature": {"kind": "higher-saddle", "curve": [[[["1"]], [["1"]]]]}},
        "nature.curve: the term with t^2 does not show that the loss falls",
    ),
    # boxes
    ("strict-minimum-box", {"existence/radius": "0"}, "existence.radius: must be positive"),
    ("strict-minimum-box", {"existence/radius": "-1/100"}, "existence.radius: must be positive"),
    ("strict-minimum-box", {"existence/radius": "1/10000"}, "existence: the gradient at the centre is too large"),
    ("strict-minimum-box", {"existence/radius": "2"}, "existence: `inverse` is not near enough"),
    ("strict-minimum-box", {"existence/inverse/0/0": "-3/8"}, "existence: `inverse` is not near enough"),
    ("strict-minimum-box", {"existence/inverse": [["0", "0"], ["0", "0"]]}, "existence: `inverse` is not near enough"),
    ("strict-minimum-box", {"point/0/0/0": "3/2"}, "existence: the gradient at the centre is too large for the box"),
    ("strict-minimum-box", DENSE_ZERO, "existence: the gradient at the centre is too large for the box"),
    # frozen weights
    (
        "strict-minimum-box",
        {"existence/frozen/0/0/0": 1, "existence/inverse": [["1/3"]]},
        "existence.frozen: the symmetries do not reach all frozen edges",
    ),
    (
        "saddle-box-frozen",
        {"existence/frozen": [[[1, 1]], [[0], [0]]], "existence/inverse": [["1", "0"], ["0", "1"]]},
        "existence: `inverse` is not near enough",
    ),
    # zero parts
    ("higher-saddle-box", {"existence/zero/1/1/1": 0}, "existence: `inverse` is not near enough"),
    ("higher-saddle-box", {"point/1/1/1": "1"}, "existence.zero: the point is not zero at edge (1, 1, 1)"),
    (
        "strict-minimum-box",
        {"existence/zero/0/0/0": 1, "point/0/0/0": "0", "existence/inverse": [["1"]]},
        "existence.zero: edge (0, 0, 0) would close a path from an input to an output",
    ),
]


@pytest.mark.parametrize(("name", "changes", "said"), INVALID)
def test_invalid(name: str, changes: dict[str, Any], said: str) -> None:
    body = edited(name, changes)
    if said.startswith("existence: `inverse`") and "existence/zero/1/1/1" in changes:
        wide = [[str(x) for x in row] for row in padded(body["existence"]["inverse"])]
        body["existence"]["inverse"] = wide  # its size is that of the weights left
    outcome, reason = check(body)
    assert outcome == "invalid", reason
    assert said in reason


def padded(rows: list[list[str]]) -> list[list[str]]:
    return [[*row, "0"] for row in rows] + [["0"] * len(rows) + ["1"]]


def test_a_line_with_two_directions_needs_an_exact_point() -> None:
    body = example("higher-saddle-box")
    body["nature"]["curve"] *= 2
    assert check(body) == ("invalid", "nature.curve: for a point in a box only one direction is possible")


def test_symmetries_that_degenerate_on_the_box_are_refused() -> None:
    """w1 = 1/1000 is frozen, and the box is so wide that nothing keeps the field (w1, -u) from vanishing."""
    body = edited("least", {"point": [[["1/1000"]], [["3000"]]], "nature": {"kind": "strict-minimum"}})
    inverse = [["1000000"]]
    box = {"kind": "box", "zero": [[[0]], [[0]]], "frozen": [[[1]], [[0]]], "radius": "1/2000", "inverse": inverse}
    body |= {"existence": box, "statement": {**body["statement"], "loss_at_most": "1", "ranks": {}}}
    body["statement"]["loss_at_least"] = "0"
    assert check(body)[0] == "valid"
    body["existence"]["radius"] = "1/999"
    assert check(body) == ("invalid", "existence.frozen: the symmetries may degenerate on the box")


@pytest.mark.parametrize(
    ("ridge", "outcome"), [(("0", "0"), "valid"), (("1", "0"), "invalid"), (("0", "1"), "invalid")]
)
def test_a_regularised_weight_breaks_the_rescaling(ridge: tuple[str, str], outcome: str) -> None:
    """The saddle has one frozen weight, for the rescaling of its unit; a tiny lambda leaves the rest true."""
    tiny = "1/1" + "0" * 60
    regularisation = [[["0", "0"]], [["0"], ["0"]]]
    for layer, x in enumerate(ridge):
        regularisation[layer][0][0] = tiny if x == "1" else "0"
    said = check(edited("saddle-box-frozen", {"regularisation": regularisation}))
    assert said[0] == outcome
    assert outcome == "valid" or said[1] == "existence.frozen: the symmetries do not reach all frozen edges"


@pytest.mark.parametrize(
    ("ridge", "gauge"),
    [((0, 0, 0), 2), ((0, 1, 0), 0), ((1, 0, 0), 1), ((1, 1, 0), 0), ((0, 0, 1), 1), ((1, 0, 1), 1)],
)
def test_symmetries_with_a_singular_gram_matrix_and_some_regularisation(ridge: tuple[int, ...], gauge: int) -> None:
    """2-1-1, the second input always zero: its weight is free unless regularised; rescaling needs all three."""
    net = LinearNetwork.dense(2, 1, 1)
    data = Data.from_moments([[1, 0], [0, 0]], [[3, 0]], 5)
    ridges = tuple(map(Fraction, ridge))
    instance = point_checker.Instance(
        point_checker.Network([[list(row) for row in mask] for mask in net.masks]),
        [list(row) for row in data.gram],
        [list(row) for row in data.cross],
        data.constant,
        dict(zip(net.edges, ridges, strict=True)),
    )
    point = [[[Fraction(2), Fraction(5)]], [[Fraction(7)]]]
    fields = point_checker.symmetries(instance, point)
    assert rank(fields) == gauge
    assert rank(regularised_fields(net, tuple(map(as_matrix, point)), data, ridges)) == gauge


# -- malformed --------------------------------------------------------------------------------------------

MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    ("saddle-exact", {"kind": "critical"}, "kind: one of critical-point is expected"),
    ("saddle-exact", {"format": "symverify-certificate/2"}, "format: one of"),
    ("saddle-exact", {"point": ...}, "key 'point' is missing"),
    ("saddle-exact", {"extra": 1}, "unknown key 'extra'"),
    ("saddle-exact", {"regularisation": ...}, "key 'regularisation' is missing"),
    ("saddle-exact", {"regularisation/0/0/0": "-1/2"}, "regularisation[0][0][0]: a number from 0 on is expected"),
    ("strict-minimum-exact", {"regularisation/0/0/2": "1"}, "regularisation[0][0][2]: nonzero off the mask"),
    ("strict-minimum-exact", {"point/0/0/2": "1"}, "point[0][0][2]: nonzero off the mask"),
    ("saddle-exact", {"point/0/0/0": 0.5}, "number 0.5: write rationals as strings"),
    ("saddle-exact", {"point/0/0/0": 0}, "point[0][0][0]: a rational is expected"),
    ("saddle-exact", {"point/0/0/0": "0/1"}, "is not in lowest terms"),
    ("saddle-exact", {"data": {"class": "any"}}, "data: unknown key 'class'"),
    ("saddle-exact", {"existence": "exact"}, "existence: an object is expected"),
    ("saddle-exact", {"existence/kind": "ball"}, "existence.kind: one of exact, box is expected"),
    ("saddle-exact", {"existence/radius": "1"}, "existence: unknown key 'radius'"),
    ("saddle-exact", {"nature/kind": "minimum"}, "nature.kind: one of"),
    ("saddle-exact", {"nature/curve": []}, "nature: unknown key 'curve'"),
    ("higher-saddle", {"nature/curve": ...}, "nature: key 'curve' is missing"),
    ("higher-saddle", {"nature/curve": []}, "nature.curve: 1 to 100 directions are expected"),
    ("higher-saddle", {"nature/curve/0": [[["1"]], [["1"]]]}, "nature.curve[0]: 3 entries are expected, not 2"),
    ("saddle-exact", {"statement/inertia": [1, 0]}, "statement.inertia: 3 entries are expected, not 2"),
    ("saddle-exact", {"statement/inertia": [1, 0, 3]}, "statement.inertia: an integer from 0 to 2 is expected"),
    ("saddle-exact", {"statement/inertia": [True, 0, 1]}, "statement.inertia: an integer from 0 to 2 is expected"),
    ("saddle-exact", {"statement/ranks": {}}, "statement.ranks: key 'residual' is missing"),
    ("saddle-exact", {"statement/ranks/residual": True}, "statement.ranks.residual: an integer from 0"),
    ("saddle-exact", {"statement/ranks/products": [[0, 0]]}, "statement.ranks.products: 2 entries are expected"),
    ("saddle-exact", {"statement/ranks/products/1": []}, "statement.ranks.products[1]: 1 entries are expected"),
    ("strict-minimum-box", {"statement/ranks": {"residual": 1}}, "statement.ranks: unknown key 'residual'"),
    ("strict-minimum-box", {"existence/inverse": [["1"]]}, "existence.inverse: 2 entries are expected, not 1"),
    ("strict-minimum-box", {"existence/frozen/0/0/0": 1}, "existence.inverse: 1 entries are expected, not 2"),
    ("strict-minimum-box", {"existence/frozen/0/0/0": 2}, "0 or 1 on the mask"),
    ("higher-saddle-box", {"existence/frozen/1/1/1": 1}, "existence.frozen[1][1][1]: 0 or 1 on the mask"),
    ("higher-saddle-box", {"existence/zero/1/0/1": 1}, "existence.zero[1][0][1]: 0 or 1 on the mask"),
]


@pytest.mark.parametrize(("name", "changes", "said"), MALFORMED)
def test_malformed(name: str, changes: dict[str, Any], said: str) -> None:
    outcome, reason = check(edited(name, changes))
    assert outcome == "malformed", reason
    assert said in reason


def test_too_many_directions_are_malformed() -> None:
    body = example("higher-saddle")
    body["nature"]["curve"] *= 101
    assert check(body) == ("malformed", "nature.curve: 1 to 100 directions are expected")


def test_the_degree_along_a_curve_is_bounded() -> None:
    body, depth = example("higher-saddle"), 10
    one, zero = [[["1"]]] * depth, [[["0"]]] * depth
    body |= {"masks": [[[1]]] * depth, "data": {"G": [["1"]], "C": [["1"]], "c0": "1/2"}, "point": zero}
    ranks = {"residual": 1, "products": [[0] * (depth - m) for m in range(depth)]}
    statement = {"loss_at_least": "1/2", "loss_at_most": "1/2", "inertia": [0, depth, 0], "ranks": ranks}
    body |= {"regularisation": zero, "statement": statement, "nature": {"kind": "higher-saddle", "curve": [one]}}
    assert check(body)[0] == "valid"
    body["nature"]["curve"] *= 51
    assert check(body) == ("malformed", "nature.curve: the loss has degree 1020, at most 1000 is allowed")


# -- mutants ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_accepted_mutant_is_true(path: Path) -> None:
    original = json.loads(path.read_bytes())
    refused = accepted = 0
    few = len(list(mutants.leaves(original))) < 120
    for place, change, mutant in mutants.mutants(original, full=few):
        try:
            point_checker.check_certificate(mutant)
        except point_checker.InvalidCertificate:
            refused += 1
            continue
        accepted += 1
        assert holds(mutant), (place, change)
    assert refused > 50
    assert accepted < refused / 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_other_statement_about_an_exact_point_is_accepted(path: Path) -> None:
    original = json.loads(path.read_bytes())
    for place, change, mutant in mutants.mutants(original):
        if place[0] == "statement" and original["existence"]["kind"] == "exact":
            assert check(mutant)[0] in ("invalid", "malformed"), (place, change)


def test_the_judge_refuses_what_is_false() -> None:
    for name, changes, _ in INVALID:
        impossible = any(place.startswith("data") for place in changes)
        if name in ("saddle-exact", "least", "strict-minimum-exact", "semidefinite") and not impossible:
            assert not holds(edited(name, changes)), changes
    assert not holds(edited("strict-minimum-box", {"statement/loss_at_most": "2499/1000"}))
    assert not holds(edited("strict-minimum-box", {"nature/kind": "saddle"}))
    assert not holds(edited("strict-minimum-box", {"existence/radius": "1/10000"}))
    assert not holds(edited("strict-minimum-box", {"statement/inertia": [1, 0, 1]}))
    assert not holds(edited("higher-saddle-box", {"nature/curve/0/1/1/1": "0"}))


# -- against other arithmetic -----------------------------------------------------------------------------

SMALL = st.integers(-3, 3)
MASKS = st.sampled_from(
    [
        LinearNetwork.dense(1, 1, 1),
        LinearNetwork.dense(2, 1, 2),
        LinearNetwork.dense(2, 2, 2),
        LinearNetwork.dense(1, 2, 1, 1),
        LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]]]),
        LinearNetwork.from_masks([[[1, 1], [0, 1]], [[1, 0], [1, 0]], [[1, 1]]]),
    ]
)


@settings(deadline=None, max_examples=150)
@given(MASKS, st.data())
def test_exact_points_against_flint(net: LinearNetwork, draw: st.DataObject) -> None:
    """Any weights are critical for data with a suitable residual; inertia, gauge and the natures are then compared."""
    weights = weights_of(net, draw.draw(st.lists(SMALL, min_size=net.parameters, max_size=net.parameters)))
    residual = draw_residual(net, weights, draw)
    product = [[Fraction(x) for x in row] for row in matrix_product(weights)]
    cross = [[m - r for m, r in zip(a, b, strict=True)] for a, b in zip(product, residual, strict=True)]
    data = Data.whitened(cross)
    assert not any(gradient(net, weights, data))
    signs = inertia(hessian(net, weights, data))
    here, gauge = plain_loss(net, weights, data), rank(symmetry_fields(net, weights, data))
    expected = {
        Saddle(): signs[2] > 0,
        Semidefinite(): signs[2] == 0,
        StrictMinimum(): signs[2] == 0 and gauge == signs[1],
    }
    ridge = (Fraction(0),) * net.parameters
    for nature, true in expected.items():
        body = CriticalPoint(net, data, ridge, weights, Exact(), nature, (here, here), signs).to_json()
        outcome, facts = check(body)
        assert outcome == ("valid" if true else "invalid"), facts
        if true:
            assert facts[0]["gauge"] == gauge


def matrix_product(weights: Any) -> list[list[Fraction]]:
    total = to_flint(weights[0])
    for w in weights[1:]:
        total = to_flint(w) * total
    return [[Fraction(int(x.p), int(x.q)) for x in row] for row in total.tolist()]


def draw_residual(net: LinearNetwork, weights: Any, draw: st.DataObject) -> list[list[Fraction]]:
    """A combination of the residuals for which every edge equation holds (they are linear in R)."""
    rows, columns = net.widths[-1], net.widths[0]
    units = [[[Fraction(int((o, j) == (p, q))) for q in range(columns)] for p in range(rows)] for o, j in pairs(net)]
    images = [edge_equations(net, weights, unit) for unit in units]
    basis = nullspace([list(row) for row in zip(*images, strict=True)], len(units))
    factors = draw.draw(st.lists(SMALL, min_size=len(basis), max_size=len(basis)))
    flat = [sum((f * b[n] for f, b in zip(factors, basis, strict=True)), Fraction(0)) for n in range(rows * columns)]
    return [flat[o * columns : (o + 1) * columns] for o in range(rows)]


def pairs(net: LinearNetwork) -> list[tuple[int, int]]:
    return [(o, j) for o in range(net.widths[-1]) for j in range(net.widths[0])]


def edge_equations(net: LinearNetwork, weights: Any, residual: list[list[Fraction]]) -> list[Fraction]:
    """The gradient of tr(R' M): that of the loss with G = 1 and C = M - R."""
    product = matrix_product(weights)
    cross = [[m - r for m, r in zip(a, b, strict=True)] for a, b in zip(product, residual, strict=True)]
    return list(gradient(net, weights, Data.whitened(cross)))


@settings(deadline=None, max_examples=100)
@given(st.fractions(-2, 2, max_denominator=50), st.fractions(-2, 2, max_denominator=50), st.integers(1, 300))
def test_a_box_is_accepted_only_around_one_of_the_three_points(a: Fraction, b: Fraction, size: int) -> None:
    """1/2 (ab - 3)^2 + a^2/2 + b^2/2 has the critical points 0 and (r, r), (-r, -r) with r^2 = 2."""
    radius = Fraction(size, 200)
    h = [[b * b + 1, 2 * a * b - 3], [2 * a * b - 3, a * a + 1]]
    determinant = h[0][0] * h[1][1] - h[0][1] ** 2
    if not determinant:
        return
    y = [[h[1][1] / determinant, -h[0][1] / determinant], [-h[0][1] / determinant, h[0][0] / determinant]]
    inside = [
        (abs(a - sign * Fraction(14142135623731, 10**13)), abs(b - sign * Fraction(14142135623731, 10**13)))
        for sign in (-1, 0, 1)
    ]
    near = [sum(max(d) <= radius + s * Fraction(1, 10**9) for d in inside) for s in (-1, 1)]
    changes = {
        "point": [[[str(a)]], [[str(b)]]],
        "existence/radius": str(radius),
        "existence/inverse": [[str(x) for x in row] for row in y],
        "statement/loss_at_least": "-1000000",
        "statement/loss_at_most": "1000000",
    }
    for kind, signs in (("saddle", [1, 0, 1]), ("strict-minimum", [2, 0, 0])):
        stated = {"nature/kind": kind, "statement/inertia": signs}
        outcome, facts = check(edited("strict-minimum-box", changes | stated))
        assert outcome in ("valid", "invalid"), facts
        if outcome == "valid":
            assert near[0] <= 1 <= near[1]
            assert (max(inside[1]) <= radius + Fraction(1, 10**9)) == (kind == "saddle")


NETS = [
    LinearNetwork.dense(1, 1, 1),
    LinearNetwork.dense(2, 1, 2),
    LinearNetwork.dense(1, 2, 1),
    LinearNetwork.dense(2, 1, 1),
    LinearNetwork.dense(1, 1, 1, 1),
    LinearNetwork.from_masks([[[1], [1]], [[1, 0], [0, 1]], [[1, 1]]]),
    LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]]]),
]


def random_box(rng: random.Random) -> list[Json]:
    """Certificates, mostly false, of a point that Newton's method found over some weights, one for each nature.

    Any frozen and zero sets, any radius, also singular G, regularisation on no, some or all weights.
    """
    net = rng.choice(NETS)
    samples = rng.choice((1, net.widths[0] + 1))
    x, y = ([[rng.randint(-4, 4) for _ in range(samples)] for _ in range(n)] for n in net.widths[:: net.depth])
    data, share, size = Data.from_samples(x, y), rng.choice((0, 0.5, 1)), net.parameters
    ridge = tuple(Fraction(rng.randint(1, 4), 4) if rng.random() < share else Fraction(0) for _ in net.edges)
    zero = {n for n in range(size) if rng.random() < 0.15} if rng.random() < 0.5 else set()
    frozen = {n for n in range(size) if n not in zero and rng.random() < 0.3}
    free = [n for n in range(size) if n not in zero | frozen]
    start = [Fraction(0) if n in zero else Fraction(rng.randint(-40, 40), 20) for n in range(size)]
    objective = Objective(net, data, ridge)
    found = polish(objective, start, free)
    if found is None or max(map(abs, found[0])) > 50:
        return []
    bits = 2 ** rng.choice((8, 14, 40))
    centre = [Fraction(round(w * bits), bits) if n in free else w for n, w in enumerate(found[0])]
    hessian_there = objective.hessian(centre)
    reduced = np.array([[float(hessian_there[m][n]) for n in free] for m in free]).reshape(len(free), len(free))
    if len(free) and np.linalg.cond(reduced) > 1e6:
        return []
    spectrum = np.linalg.eigvalsh(reduced)
    signs = int((spectrum > 0).sum()), len(frozen), int((spectrum < 0).sum())
    inverse = tuple(tuple(Fraction(round(float(v) * 2**20), 2**20) for v in row) for row in np.linalg.inv(reduced))
    fixed, off = (frozenset(net.edges[n] for n in positions) for positions in (frozen, zero))
    box = Box(fixed, Fraction(1, 2 ** rng.choice((1, 3, 6, 10, 30))), inverse, off)
    line = weights_of(net, [rng.randint(-1, 1) for _ in net.edges])
    here, point = objective.loss(centre), weights_of(net, centre)
    natures = (Saddle(), StrictMinimum(), HigherSaddle((line,)))
    bounds = here - 100, here + 100
    return [CriticalPoint(net, data, ridge, point, box, nature, bounds, signs).to_json() for nature in natures]


@pytest.mark.parametrize("boxes", [150, pytest.param(3000, marks=pytest.mark.slow)])
def test_random_boxes_that_are_accepted_are_true(boxes: int) -> None:
    rng, accepted, refused = random.Random(boxes), 0, 0
    for _ in range(boxes):
        for body in random_box(rng):
            outcome, facts = check(body)
            assert outcome in ("valid", "invalid"), facts
            if outcome == "valid":
                accepted += 1
                assert holds(body), json.dumps(body)
            else:
                refused += 1
    assert accepted > boxes / 20 and refused > accepted


# -- the file ---------------------------------------------------------------------------------------------


def test_it_stands_alone() -> None:
    tree = ast.parse(CHECKER.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


def test_it_evaluates_nothing_and_swallows_nothing() -> None:
    tree = ast.parse(CHECKER.read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "getattr", "setattr", "globals", "vars", "input"}
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        assert ast.unparse(handler.type or ast.Name("bare")) not in ("bare", "Exception", "BaseException")


def test_each_check_has_a_lemma() -> None:
    section = (DOCS / "mathematics.md").read_text().split("## 16. Critical points")[1].split("## Appendix A")[0]
    names = [name for name, _ in inspect.getmembers(point_checker) if name.startswith("check_")]
    proving = {name[6:].replace("_", "-") for name in names} - {"certificate", "value", "bytes"}
    assert proving >= {*point_checker.NATURES, *point_checker.EXISTENCE, *point_checker.KINDS, "box-slice", "ranks"}
    assert [name for name in sorted(proving) if not re.search(rf"^###+ `{name}`$", section, re.MULTILINE)] == []


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(CHECKER), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd="/", check=False)


def test_alone_it_says_valid_and_the_other_outcomes(tmp_path: Path) -> None:
    wrong, broken = tmp_path / "wrong.json", tmp_path / "broken.json"
    wrong.write_text(json.dumps(edited("saddle-exact", {"statement/inertia": [2, 0, 0]})))
    broken.write_text("{}")
    good = str(FOLDER / "strict-minimum-exact.json")
    run = alone(good)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0].endswith("strict-minimum-exact.json: valid")
    assert alone(good, str(wrong)).returncode == 1
    assert alone(str(wrong), str(broken), good).returncode == 2
    assert alone().returncode == 2
    assert alone(str(tmp_path / "nothing")).stdout.endswith("cannot be read (No such file or directory)\n")


@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"format":['])
def test_a_million_brackets(bracket: str) -> None:
    expected = ("malformed", "file: brackets nested too deeply")
    assert point_checker.check_bytes(bracket.encode() * 10**6) == expected
