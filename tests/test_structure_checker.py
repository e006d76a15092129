"""The structure checker: what it accepts, refuses and calls malformed; that it stands alone and evaluates nothing."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import mutants
import pytest

from symverify import checker, checking, cli, structure_checker
from symverify.data import DataClass
from symverify.fibre import prove_bottleneck, prove_fibre
from symverify.network import LinearNetwork

CHECKER = Path(structure_checker.__file__)
FOLDER = Path(__file__).parent / "structure_certificates"
DOCS = CHECKER.parent.parent / "docs"
FILES = sorted(FOLDER.glob("*.json"))
Json = dict[str, Any]


def example(name: str) -> Json:
    body: Json = json.loads((FOLDER / f"{name}.json").read_bytes())
    return body


def check(body: Any) -> tuple[str, Any]:
    return structure_checker.check_bytes(json.dumps(body).encode())  # type: ignore[no-any-return]


def edited(body: Json, place: str, value: Any) -> Json:
    """A copy with another value at a place such as ``steps/0/by``."""
    *path, last = [int(key) if key.isdigit() else key for key in place.split("/")]
    copy = deepcopy(body)
    target: Any = copy
    for key in path:
        target = target[key]
    target[last] = value
    return copy


# -- valid ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_valid(path: Path) -> None:
    outcome, facts = structure_checker.check_bytes(path.read_bytes())
    assert outcome == "valid", facts
    assert facts[0]["assumes"] == []


def test_the_valid_examples_use_every_lemma() -> None:
    used = {lemma["lemma"] for path in FILES for lemma in json.loads(path.read_bytes())["lemmas"]}
    assert used == {*structure_checker.LEMMAS, "not-global", "bottleneck"}


def test_what_is_proved_is_said() -> None:
    assert check(example("dense"))[1][0]["proved"] == (
        "in the 2-2-2 network with 8 weights, for all data and every convex differentiable loss, every local minimum is"
        " global (fibre rules)"
    )


def test_the_examples_of_the_documentation() -> None:
    text = (DOCS / "certificate-format.md").read_text()
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    outcomes = [checking.check_bytes(json.dumps(block).encode())[0] for block in blocks]
    assert set(outcomes) <= {"valid", "assumes"}
    kinds = [block["kind"] for block in blocks if "kind" in block]
    assert set(kinds) >= set(structure_checker.KINDS)


def test_no_covered_pair_is_benign_for_want_of_a_residual() -> None:
    body = {
        "format": "symverify-certificate/1",
        "kind": "benign-fibre",
        "masks": [[[1]], [[0]]],
        "lemmas": [{"lemma": "not-global"}],
        "steps": [{"clause": [], "by": [0]}],
    }
    assert check(body)[0] == "valid"


# -- lemmas -----------------------------------------------------------------------------------------------

SPARSE = [[[1, 1, 0], [0, 1, 1], [1, 0, 1]], [[1, 0, 0], [0, 1, 1], [1, 1, 1]]]
DENSE = [[[1] * 3] * 3] * 2
MIXED = [DENSE[0], SPARSE[1]]
W, U = "inputs", "outputs"


def dependent(side: str, units: set[int], nodes: set[int], holds: bool = True) -> Any:
    return ("dependent", side, frozenset(units), frozenset(nodes)), holds


def no(literal: Any) -> Any:
    return literal[0], not literal[1]


MOVE = (("move", W, ("unit", 1), frozenset({0, 2})), True)
ACCEPTED: list[tuple[Json, set[Any]]] = [
    (
        {"lemma": "subset", "side": W, "units": [0], "unit": 1, "nodes": [0, 1]},
        {dependent(W, {0}, {0, 1}, False), dependent(W, {0, 1}, {0, 1})},
    ),
    (
        {"lemma": "restriction", "side": U, "units": [0], "nodes": [0], "node": 2},
        {dependent(U, {0}, {0, 2}, False), dependent(U, {0}, {0})},
    ),
    (
        {"lemma": "zero-node", "side": W, "units": [0, 1], "nodes": [0, 1, 2], "node": 1},
        {
            *(dependent(W, {k}, {1}, False) for k in (0, 1)),
            dependent(W, {0, 1}, {0, 2}, False),
            dependent(W, {0, 1}, {0, 1, 2}),
        },
    ),
    (
        {"lemma": "expansion", "side": W, "units": [0, 1], "unit": 0, "nodes": [0, 1, 2], "node": 1},
        {
            dependent(W, {0}, {1}),
            dependent(W, {1}, {1}, False),
            dependent(W, {0, 1}, {0, 1, 2}, False),
            dependent(W, {1}, {0, 2}),
        },
    ),
    (
        {"lemma": "laplace", "side": W, "units": [0, 1], "part": [0], "nodes": [0, 1], "node": 1},
        {dependent(W, {0, 1}, {0, 1}), dependent(W, {1}, {0}, False), dependent(W, {1}, {1}, False)},
    ),
    (
        {"lemma": "exchange", "side": W, "units": [0], "unit": 1, "unit2": 2, "out": 0, "nodes": [0, 1]},
        {
            dependent(W, {0}, {0, 1}),
            dependent(W, {0, 1}, {0, 1}, False),
            dependent(W, {0, 2}, {0, 1}, False),
            dependent(W, {1, 2}, {0, 1}),
        },
    ),
    (
        {"lemma": "join", "side": W, "units": [0, 1], "unit": 0, "nodes": [0], "node": 1, "node2": 2},
        {
            dependent(W, {1}, {0}),
            dependent(W, {0, 1}, {0, 1}, False),
            dependent(W, {0, 1}, {0, 2}, False),
            dependent(W, {0, 1}, {0, 1, 2}),
        },
    ),
    (
        {"lemma": "rank", "side": W, "units": [0], "nodes": [0, 1]},
        {dependent(W, {0}, {0, 1}), dependent(W, {0}, {0}, False), dependent(W, {0}, {1}, False)},
    ),
    (
        {"lemma": "orthogonal", "side": W, "end": 0, "vector": ["node", 0], "units": [1], "nodes": [0, 1]},
        {
            (("orthogonal", W, 0, 1), False),
            (("residual", 0, 2), True),
            dependent(W, {1}, {0, 1}),
            dependent(W, {1}, {1}, False),
            (("residual", 0, 0), False),
        },
    ),
    (
        {"lemma": "spanned", "side": W, "end": 1, "vector": ["unit", 0], "units": [1], "nodes": [1, 2]},
        {
            (("spanned", W, 1, ("node", 0)), False),
            dependent(W, {1}, {1, 2}),
            dependent(W, {0, 1}, {1, 2}, False),
            (("spanned", W, 1, ("unit", 0)), True),
        },
    ),
    (
        {"lemma": "absorption", "side": W, "end": 0, "vector": ["unit", 1]},
        {(("spanned", W, 0, ("unit", 1)), False), (("orthogonal", W, 0, 1), True)},
    ),
    (
        {"lemma": "absorption", "side": U, "end": 0, "vector": ["node", 1]},
        {(("spanned", U, 0, ("node", 1)), False), (("residual", 1, 0), False)},
    ),
    (
        {"lemma": "move-gradient", "side": W, "vector": ["unit", 1], "units": [0, 2], "unit": 0, "end": 0},
        {no(MOVE), (("orthogonal", W, 0, 1), True)},
    ),
    (
        {"lemma": "absorbed-spanned", "side": W, "end": 0, "vector": ["unit", 1]},
        {(("spanned", W, 0, ("unit", 1)), False), (("absorbed", W, 0, ("unit", 1)), True)},
    ),
    (
        {"lemma": "absorbed-span", "side": W, "end": 1, "vector": ["unit", 0], "units": [1], "nodes": [1, 2]},
        {
            (("absorbed", W, 1, ("node", 0)), False),
            dependent(W, {1}, {1, 2}),
            dependent(W, {0, 1}, {1, 2}, False),
            (("absorbed", W, 1, ("unit", 0)), True),
        },
    ),
    (
        {"lemma": "absorbed-span", "side": U, "end": 1, "vector": ["node", 0], "units": [0], "nodes": [0]},
        {  # the vector of unit 0 may be nonzero at output 2, too
            (("absorbed", U, 1, ("node", 2)), False),
            dependent(U, {0}, {0}),
            (("absorbed", U, 1, ("node", 0)), True),
        },
    ),
]
ACCEPTED_DENSE: list[tuple[Json, set[Any]]] = [
    (
        {"lemma": "move", "side": W, "vector": ["unit", 1], "units": [0, 2], "ends": [0, 1]},
        {dependent(U, {0, 2}, {0, 1}, False), *(dependent(U, {k}, {0, 1}) for k in (0, 2)), MOVE},
    ),
    (
        {
            "lemma": "move-rank",
            "side": W,
            "vector": ["unit", 1],
            "units": [0],
            "set": [0, 2],
            "unit": 0,
            "out": 0,
            "nodes": [0, 1],
        },
        {
            (("move", W, ("unit", 1), frozenset({0})), False),
            dependent(W, {2}, {0, 1}),
            dependent(W, {0, 2}, {0, 1}, False),
            dependent(W, {1, 2}, {0, 1}),
        },
    ),
    (
        {
            "lemma": "move-rank",
            "side": W,
            "vector": ["node", 1],
            "units": [0],
            "set": [0],
            "unit": 0,
            "out": 0,
            "nodes": [1],
        },
        {(("move", W, ("node", 1), frozenset({0})), False), dependent(W, {0}, {1}, False)},
    ),
]


ACCEPTED_SPARSE: list[tuple[Json, set[Any]]] = [
    (
        {"lemma": "orthogonal", "side": U, "end": 0, "vector": ["unit", 1], "units": [0], "nodes": [0, 1, 2]},
        {
            dependent(U, {0}, {0, 2}),  # by the masks u_0 is zero at output 1
            dependent(U, {0, 1}, {0, 1, 2}, False),
            (("orthogonal", U, 0, 1), True),
        },
    ),
    (  # w_1 may be nonzero at input 1, and w_2 may not
        {"lemma": "move", "side": W, "vector": ["unit", 1], "units": [2], "ends": [1, 2]},
        {
            dependent(W, {1}, {1}, False),
            dependent(U, {2}, {1, 2}, False),
            (("move", W, ("unit", 1), frozenset({2})), True),
        },
    ),
]


PRIVATE = [[[0, 0, 1], [1, 1, 0]], [[1, 1], [1, 1]]]  # units {3} x {1, 2}, {1, 2} x {1, 2}
ACCEPTED_PRIVATE: list[tuple[Json, set[Any]]] = [
    (
        {"lemma": "absorbed-private", "side": U, "end": 2, "unit": 0, "node": 1},
        {dependent(W, {0}, {2}), (("absorbed", U, 2, ("node", 1)), True)},
    ),
]


def clause(masks: Any, lemma: Json, data_class: str | None = None) -> Any:
    return structure_checker.read_lemma(structure_checker.read_sides(masks), lemma, "lemma", data_class)


TABLE = [
    *((PRIVATE, *row) for row in ACCEPTED_PRIVATE),
    *((MIXED, *row) for row in ACCEPTED),
    *((DENSE, *row) for row in ACCEPTED_DENSE),
    *((SPARSE, *row) for row in ACCEPTED_SPARSE),
]


@pytest.mark.parametrize(("masks", "lemma", "expected"), TABLE)
def test_the_clause_of_a_lemma(masks: Any, lemma: Json, expected: set[Any]) -> None:
    assert clause(masks, lemma) == expected


def test_every_lemma_stands_in_the_table() -> None:
    listed = {lemma["lemma"] for _, lemma, _ in TABLE}
    assert listed == set(structure_checker.LEMMAS)


def units(*pairs: tuple[list[int], list[int]], inputs: int = 3, outputs: int = 3) -> Any:
    """Masks from (inputs, outputs) of the units, counted from 0."""
    first = [[int(j in sources) for j in range(inputs)] for sources, _ in pairs]
    return [first, [[int(o in targets) for _, targets in pairs] for o in range(outputs)]]


def residuals(*pairs: tuple[int, int]) -> set[Any]:
    return {(("residual", o, j), True) for o, j in pairs}


def not_absorbed(side: str, end: int, nodes: tuple[int, ...]) -> set[Any]:
    return {(("absorbed", side, end, ("node", n)), False) for n in nodes}


BOTH = ([0, 1], [0, 1])
ROW, COLUMN = ([2], [0, 1]), ([0, 1], [2])
BOTTLENECKS: list[tuple[Any, str, int, str, Any]] = [
    # one unit: R lives where it has to, a contradiction at once
    (units(BOTH), W, 0, "any", set()),
    (units(BOTH), U, 0, "any", set()),
    (units(BOTH), U, 0, "orthogonal", set()),
    # a further input: for correlated data it has to follow, by side `outputs` only
    (units(ROW, BOTH), U, 1, "any", residuals((0, 2), (1, 2)) | not_absorbed(U, 2, (0, 1))),
    (units(ROW, BOTH), U, 1, "orthogonal", residuals((0, 2), (1, 2))),
    (units(ROW, BOTH), W, 1, "orthogonal", residuals((0, 2), (1, 2))),
    (units(ROW, BOTH), W, 1, "any", "the outputs of the block have further inputs"),
    # a further output: rows do not interact
    (units(COLUMN, BOTH), W, 1, "any", residuals((2, 0), (2, 1))),
    (units(COLUMN, BOTH), U, 1, "any", residuals((2, 0), (2, 1))),
    # the unit goes on outside the block
    (
        units(([0, 1], [0, 1, 2]), ([0], [2])),
        W,
        0,
        "any",
        residuals((2, 0), (2, 1)) | not_absorbed(W, 2, (0, 1)),
    ),
    (
        units(([0, 1, 2], [0, 1]), ([2], [0])),
        U,
        0,
        "orthogonal",
        residuals((0, 2), (1, 2)) | not_absorbed(U, 2, (0, 1)),
    ),
    # one output has an input that the other has not
    (units(BOTH, ([2], [0])), U, 0, "any", "the outputs of the block do not have the same inputs"),
    (units(BOTH, ([2], [0])), W, 0, "any", "the outputs of the block do not have the same inputs"),
    (units(BOTH, ([2], [0])), U, 0, "orthogonal", residuals((0, 2))),
    # two units on the same pairs; a unit without inputs; one without outputs
    (units(BOTH, BOTH), W, 0, "any", "no pair is covered by the unit alone"),
    (units(BOTH, BOTH), U, 0, "orthogonal", "no pair is covered by the unit alone"),
    (units(BOTH, ([], [0, 1])), W, 1, "any", "no pair is covered by the unit alone"),
    (units(BOTH, ([], [0, 1])), U, 1, "orthogonal", "no pair is covered by the unit alone"),
    (units(BOTH, ([0, 1], [])), W, 1, "orthogonal", "no pair is covered by the unit alone"),
    (units(BOTH, ([0, 1], [])), U, 1, "any", "no pair is covered by the unit alone"),
]


@pytest.mark.parametrize(("masks", "side", "unit", "data_class", "expected"), BOTTLENECKS)
def test_the_clause_of_a_bottleneck(masks: Any, side: str, unit: int, data_class: str, expected: Any) -> None:
    lemma = {"lemma": "bottleneck", "side": side, "unit": unit}
    if isinstance(expected, set):
        assert clause(masks, lemma, data_class) == expected
        return
    with pytest.raises(structure_checker.InvalidCertificate) as error:
        clause(masks, lemma, data_class)
    assert str(error.value).startswith(f"lemma: {expected}")
    assert not isinstance(error.value, structure_checker.MalformedCertificate)


MOVE_RANK = {
    "lemma": "move-rank",
    "side": W,
    "vector": ["unit", 1],
    "units": [0],
    "set": [0, 2],
    "unit": 0,
    "out": 0,
    "nodes": [0, 1],
}
EXCHANGE = {"lemma": "exchange", "side": W, "units": [0], "unit": 1, "unit2": 2, "out": 0, "nodes": [0, 1]}
EXPANSION = {"lemma": "expansion", "side": W, "units": [0, 1], "unit": 0, "nodes": [0, 1], "node": 1}
LAPLACE = {"lemma": "laplace", "side": W, "units": [0, 1], "part": [0], "nodes": [0, 1], "node": 1}
SPANNED = {"lemma": "spanned", "side": W, "end": 1, "vector": ["unit", 0], "units": [1], "nodes": [1, 2]}
REFUSED: list[tuple[Json, str]] = [
    (EXPANSION | {"unit": 2}, "lemma: expansion"),
    (EXPANSION | {"node": 2}, "lemma: expansion"),
    (LAPLACE | {"part": []}, "lemma: laplace"),
    (LAPLACE | {"part": [0, 2]}, "lemma: laplace"),
    (LAPLACE | {"node": 2}, "lemma: laplace"),
    (EXCHANGE | {"unit": 2}, "lemma: exchange: the two units"),
    (EXCHANGE | {"unit": 0}, "lemma: exchange: the two units"),
    (EXCHANGE | {"out": 1}, "lemma: exchange: the unit that is left out"),
    (EXCHANGE | {"units": []}, "lemma: exchange: the unit that is left out"),
    ({"lemma": "join", "side": W, "units": [0], "unit": 1, "nodes": [0], "node": 1, "node2": 2}, "lemma: join"),
    ({"lemma": "rank", "side": W, "units": [0, 1], "nodes": [0, 1]}, "lemma: rank"),
    (SPANNED | {"lemma": "orthogonal", "vector": ["unit", 1]}, "lemma: vector: its unit"),
    (SPANNED | {"lemma": "orthogonal", "vector": ["node", 0]}, "lemma: vector: its node"),
    (SPANNED | {"end": 0}, "lemma: spanned: a unit does not reach"),
    (SPANNED | {"vector": ["unit", 1], "units": [1]}, "lemma: vector: its unit"),
    ({"lemma": "absorption", "side": W, "end": 1, "vector": ["unit", 1]}, "lemma: this instance says nothing"),
    ({"lemma": "move", "side": W, "vector": ["node", 0], "units": [], "ends": []}, "lemma: move: no unit"),
    (
        {"lemma": "move", "side": W, "vector": ["node", 0], "units": [1], "ends": [1, 2]},
        "lemma: this instance says nothing",  # unit 1 has no weight at input 0
    ),
    (
        {"lemma": "move-gradient", "side": W, "vector": ["unit", 1], "units": [0], "unit": 1, "end": 0},
        "lemma: move-gradient",
    ),
    (
        {"lemma": "move-gradient", "side": W, "vector": ["unit", 1], "units": [0], "unit": 0, "end": 1},
        "lemma: move-gradient",
    ),
    (MOVE_RANK | {"units": [0, 2]}, "lemma: move-rank: not exactly one"),
    (MOVE_RANK | {"units": [1]}, "lemma: move-rank: not exactly one"),
    (MOVE_RANK | {"unit": 2}, "lemma: move-rank: not exactly one"),
    (MOVE_RANK | {"out": 1}, "lemma: move-rank: not exactly one"),
    (MOVE_RANK | {"vector": ["unit", 2]}, "lemma: move-rank: the vector is one of the set"),
    (MOVE_RANK | {"vector": ["unit", 0]}, "lemma: move-rank: the vector is one of the set"),
    (MOVE_RANK | {"vector": ["node", 2]}, "lemma: vector: its node"),
    ({"lemma": "absorbed-spanned", "side": W, "end": 1, "vector": ["unit", 1]}, "lemma: this instance says nothing"),
    (
        {"lemma": "absorbed-private", "side": W, "end": 1, "unit": 1, "node": 1},
        "lemma: absorbed-private: the unit does",
    ),
    (
        {"lemma": "absorbed-private", "side": W, "end": 0, "unit": 1, "node": 1},
        "lemma: absorbed-private: the unit does",
    ),
    (SPANNED | {"lemma": "absorbed-span", "end": 0}, "lemma: absorbed-span: a unit does not reach"),
    (SPANNED | {"lemma": "absorbed-span", "vector": ["unit", 1], "units": [1]}, "lemma: vector: its unit"),
    (SPANNED | {"lemma": "absorbed-span", "vector": ["node", 0]}, "lemma: vector: its node"),
]


@pytest.mark.parametrize(("lemma", "reason"), REFUSED, ids=lambda x: x["lemma"] if isinstance(x, dict) else "")
def test_instances_that_are_none(lemma: Json, reason: str) -> None:
    with pytest.raises(structure_checker.InvalidCertificate) as error:
        clause(SPARSE, lemma)
    assert str(error.value).startswith(reason)
    assert not isinstance(error.value, structure_checker.MalformedCertificate)


# -- steps ------------------------------------------------------------------------------------------------

RESIDUAL = {"fact": "residual", "output": 0, "input": 0, "holds": 0}
INVALID: list[tuple[str, str, Any, str]] = [
    ("smallest", "steps", [], "steps: the last clause is not empty"),
    ("smallest", "steps/0/by", [], "steps[0]: no clause is named"),
    ("smallest", "steps/0/by", [0, 2, 3], "steps[0]: clause 3 has 1 literals left"),
    ("smallest", "steps/0/by", [2, 0, 3, 1], "steps[0]: clause 2 has 2 literals left"),
    ("smallest", "steps/0/by", [0, 0, 2, 3, 1], "steps[0]: clause 0 holds already"),
    ("smallest", "steps/0/clause", [RESIDUAL], "steps[0]: clause 0 holds already"),
    (
        "smallest",
        "steps/0",
        {"clause": [RESIDUAL | {"holds": 1}], "by": [0, 2]},
        "steps[0]: clause 0 has 0 literals left",
    ),
    ("smallest", "steps/0", {"clause": [RESIDUAL | {"holds": 1}], "by": [0]}, "steps: the last clause is not empty"),
    ("smallest", "steps/0/clause", [RESIDUAL | {"holds": h} for h in (0, 1)], "steps[0]: a fact occurs twice"),
    (
        "smallest",
        "steps/0/clause",
        [{"fact": "orthogonal", "side": W, "end": 0, "unit": 0, "holds": 1}],
        "steps[0].clause[0]: the masks alone decide",
    ),
    (
        "smallest",
        "steps/0/clause",
        [{"fact": "dependent", "side": W, "units": [0], "nodes": [], "holds": 1}],
        "steps[0].clause[0]: the masks alone decide",
    ),
    ("smallest", "masks", [[[1, 1]], [[1], [1]]], "steps[0]: clause 0 has 4 literals left"),
    ("dense", "masks/0/0/0", 0, "lemmas[1]: this instance says nothing"),
    ("move-rank", "masks", [[[1]] * 3, [[1, 1, 1], [0, 1, 0], [1, 0, 1]]], "steps[0]: clause 8 has 2 literals left"),
]


@pytest.mark.parametrize(("name", "place", "value", "reason"), INVALID)
def test_invalid(name: str, place: str, value: Any, reason: str) -> None:
    outcome, why = check(edited(example(name), place, value))
    assert outcome == "invalid", why
    assert why.startswith(reason), why


def test_the_node_of_a_private_unit_is_one_of_its_own() -> None:
    lemma = {"lemma": "absorbed-private", "side": U, "end": 2, "unit": 0, "node": 2}
    with pytest.raises(structure_checker.InvalidCertificate, match="absorbed-private: the node is not"):
        clause(units(ROW, BOTH), lemma)


SPARE = ("subset", "absorbed-spanned")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_lemma_and_no_step_can_be_left_out(path: Path) -> None:
    """Each lemma is replaced by another one of the list, each step by the first one."""
    body = json.loads(path.read_bytes())
    spare = path.stem in SPARE  # the lemma and the step that show this lemma serve no other purpose
    for n in range(len(body["lemmas"]) - spare):
        assert check(edited(body, f"lemmas/{n}", body["lemmas"][n - 1]))[0] == "invalid"
    for n in range(1, len(body["steps"]) - 2 * spare):
        assert check(edited(body, f"steps/{n}", body["steps"][0]))[0] == "invalid"


MALFORMED: list[tuple[str, Any]] = [
    ("format", "symverify-certificate/2"),
    ("kind", "benign"),
    ("kind", []),
    ("masks", [[[1]]]),
    ("masks", [[[1]], [[1]], [[1]]]),
    ("masks", []),
    ("masks", [[[1, 2]], [[1]]]),
    ("masks", [[[True]], [[1]]]),
    ("masks", [[[1], [1, 1]], [[1, 1]]]),
    ("lemmas", {}),
    ("lemmas/0", []),
    ("lemmas/0", {"lemma": "not-global", "side": W}),
    ("lemmas/0/lemma", "l5"),
    ("lemmas/1/side", "left"),
    ("lemmas/1/ends", [1]),
    ("lemmas/1/ends", [0, 0]),
    ("lemmas/1/ends", [True]),
    ("lemmas/1/units", 0),
    ("lemmas/1/units", [-1]),
    ("lemmas/1/vector", "node"),
    ("lemmas/1/vector", ["node"]),
    ("lemmas/1/vector", ["edge", 0]),
    ("lemmas/1/vector", ["node", 1]),
    ("lemmas/2/end", 1),
    ("lemmas/2/unit", "0"),
    ("lemmas/2/clause", []),
    ("steps/0", []),
    ("steps/0/by", [4]),
    ("steps/0/by", [0, 2, 3, -1]),
    ("steps/0/by", "0231"),
    ("steps/0/clause", {}),
    ("steps/0/clause", [RESIDUAL | {"holds": 2}]),
    ("steps/0/clause", [RESIDUAL | {"holds": True}]),
    ("steps/0/clause", [RESIDUAL | {"output": 1}]),
    ("steps/0/clause", [RESIDUAL | {"side": W}]),
    ("steps/0/clause", [{"fact": "truth", "holds": 1}]),
    ("steps/0/clause", [{"fact": "move", "side": W, "vector": ["unit", 0], "units": [1], "holds": 1}]),
    ("statement", {}),
]


@pytest.mark.parametrize(("place", "value"), MALFORMED)
def test_malformed(place: str, value: Any) -> None:
    outcome, reason = check(edited(example("smallest"), place, value))
    assert outcome == "malformed", reason
    assert "\n" not in reason


BOTTLENECK_LEMMA = {"lemma": "bottleneck", "side": W, "unit": 0}
MALFORMED_BOTTLENECK: list[tuple[str, Any]] = [
    ("kind", "benign-fibre"),  # has no data
    ("data", {"class": "whitened"}),
    ("data", "any"),
    ("data", {"G": [["1"]], "C": [["1"]], "c0": "1"}),
    ("lemmas/0", BOTTLENECK_LEMMA | {"unit": 3}),
    ("lemmas/0", BOTTLENECK_LEMMA | {"unit": "0"}),
    ("lemmas/0", BOTTLENECK_LEMMA | {"side": "left"}),
    ("lemmas/0", BOTTLENECK_LEMMA | {"nodes": [0]}),
    ("lemmas/0", {"lemma": "bottleneck", "unit": 0}),
    ("lemmas/0", {"lemma": "absorbed-private", "side": U, "end": 2, "unit": 0, "node": 3}),
    ("lemmas/0", {"lemma": "absorbed-span", "side": U, "end": 2, "vector": ["node", 1], "units": [0]}),
    ("steps/0/clause", [{"fact": "absorbed", "side": U, "end": 3, "vector": ["node", 0], "holds": 1}]),
    ("steps/0/clause", [{"fact": "absorbed", "side": U, "end": 2, "vector": ["node", 3], "holds": 1}]),
    ("steps/0/clause", [{"fact": "absorbed", "side": U, "end": 2, "unit": 0, "holds": 1}]),
]


@pytest.mark.parametrize(("place", "value"), MALFORMED_BOTTLENECK)
def test_malformed_bottleneck(place: str, value: Any) -> None:
    outcome, reason = check(edited(example("bottleneck"), place, value))
    assert outcome == "malformed", reason


def test_a_bottleneck_needs_a_class_of_data() -> None:
    """The lemma is about the squared loss: `benign-fibre`, for every convex loss, does not know it."""
    body = {"format": "symverify-certificate/1", "masks": units(BOTH), "lemmas": [BOTTLENECK_LEMMA]}
    body["steps"] = [{"clause": [], "by": [0]}]
    assert check(body | {"kind": "benign-bottleneck", "data": {"class": "any"}})[0] == "valid"
    assert check(body | {"kind": "benign-fibre"})[0] == "malformed"


def test_an_absorbed_fact_that_the_masks_decide_stands_in_no_step() -> None:
    body = example("bottleneck")
    for vector in (["unit", 1], ["unit", 2]):
        literal = {"fact": "absorbed", "side": W, "end": 0, "vector": vector, "holds": 1}
        outcome, reason = check(edited(body, "steps/0/clause", [literal]))
        assert (outcome, reason) == ("invalid", "steps[0].clause[0]: the masks alone decide this fact")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff", b"{", b'{"a":1,"a":1}', b"1.5", b"NaN", b"-0", b"1" * 10, b"null"]
)
def test_not_even_an_object(data: bytes) -> None:
    assert structure_checker.check_bytes(data)[0] == "malformed"


# -- mutants ----------------------------------------------------------------------------------------------


LONG = [path for path in FILES if path.stem in ("exchange", "rank")]
MUTATED = [pytest.param(path, marks=pytest.mark.slow) if path in LONG else path for path in FILES]


@pytest.mark.parametrize("path", MUTATED, ids=lambda path: path.stem)
def test_accepted_mutants_are_true(path: Path) -> None:
    """Of another network only if the prover, which shares nothing with the checker, proves that one too."""
    body = json.loads(path.read_bytes())
    count = accepted = 0
    for _, _, mutant in mutants.mutants(body, full=len(body["lemmas"]) < 20):
        count += 1
        if check(mutant)[0] == "valid":
            accepted += 1
            network = LinearNetwork.from_masks(mutant["masks"])
            if body["kind"] == "benign-bottleneck" and (mutant["masks"], mutant["data"]) != (
                body["masks"],
                body["data"],
            ):
                assert prove_bottleneck(network, DataClass(mutant["data"]["class"])) is not None
            elif mutant["masks"] != body["masks"]:
                assert prove_fibre(network) is not None
    assert count > 100
    assert accepted < count / 10


# -- alone ------------------------------------------------------------------------------------------------


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").split(".")[0])
    return names


def test_it_imports_the_standard_library_only() -> None:
    assert imported(ast.parse(CHECKER.read_text())) <= set(sys.stdlib_module_names)
    assert imported(ast.parse("import numpy.linalg")) == {"numpy"}


def test_it_evaluates_nothing_and_swallows_nothing() -> None:
    tree = ast.parse(CHECKER.read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "getattr", "setattr", "globals", "vars", "input"}
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        assert ast.unparse(handler.type or ast.Name("bare")) not in ("bare", "Exception", "BaseException")


def test_nothing_of_it_is_used_to_prove() -> None:
    for path in CHECKER.parent.glob("*.py"):
        if path.name not in ("structure_checker.py", "checking.py"):
            assert "structure_checker" not in path.read_text(), path


def test_each_check_has_a_lemma() -> None:
    lemmas = (DOCS / "mathematics.md").read_text()
    names = [name for name, _ in inspect.getmembers(structure_checker) if name.startswith("check_")]
    proving = {name[6:].replace("_", "-") for name in names} - {"certificate", "value", "bytes"}
    assert proving >= {*structure_checker.LEMMAS, *structure_checker.KINDS, "propagation", "not-global", "bottleneck"}
    assert [name for name in sorted(proving) if f"`{name}`" not in lemmas] == []


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(CHECKER), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd="/", check=False)


def test_alone_it_says_valid_and_the_other_outcomes(tmp_path: Path) -> None:
    wrong, broken = tmp_path / "wrong.json", tmp_path / "broken.json"
    wrong.write_text(json.dumps(edited(example("smallest"), "steps", [])))
    broken.write_text("{}")
    good = str(FOLDER / "rank.json")
    run = alone(good)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0].endswith("rank.json: valid")
    assert alone(good, str(wrong)).returncode == 1
    assert alone(str(wrong), str(broken), good).returncode == 2
    assert alone().returncode == 2
    assert alone(str(tmp_path / "nothing")).stdout.endswith("cannot be read (No such file or directory)\n")


@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"format":['])
def test_a_million_brackets(bracket: str) -> None:
    expected = ("malformed", "file: brackets nested too deeply")
    assert structure_checker.check_bytes(bracket.encode() * 10**6) == expected


def test_megabytes_of_certificates() -> None:
    one = (FOLDER / "dense.json").read_bytes().strip()
    many = 5 * 2**20 // (len(one) + 1)
    data = b'{"format":"symverify-bundle/1","certificates":[' + b",".join([one] * many) + b"]}"
    outcome, facts = checking.check_bytes(data)
    assert (outcome, len(facts)) == ("valid", many)


def test_more_than_the_limit_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * (structure_checker.MAX_BYTES + 1))
    assert structure_checker.report(path)[0] == "malformed"


# -- routing ----------------------------------------------------------------------------------------------


def escaped(data: bytes) -> bytes:
    return data.replace(b"benign-fibre", rb"\u0062enign-fibre")


@pytest.mark.parametrize("change", [bytes, escaped])
def test_each_file_goes_to_its_checker(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    fibre = change((FOLDER / "dense.json").read_bytes())
    assert checking.check_bytes(fibre)[0] == "valid"
    assert checker.check_bytes(fibre)[0] == "malformed"
    other = (Path(__file__).parent / "certificates" / "valid" / "path-scalar-output.json").read_bytes()
    assert checking.check_bytes(other)[0] == "valid"
    assert structure_checker.check_bytes(other)[0] == "malformed"
    mixed = b'{"format":"symverify-bundle/1","certificates":[' + fibre + b"," + other + b"]}"
    assert checking.check_bytes(mixed)[0] == "malformed"
    for n, data in enumerate((fibre, other)):
        (tmp_path / f"{n}.json").write_bytes(data)
    assert checking.main([str(tmp_path / "0.json"), str(tmp_path / "1.json")]) == 0
    (tmp_path / "2.json").write_bytes(mixed)
    assert checking.main([str(tmp_path / f"{n}.json") for n in range(3)]) == 2


def test_the_command_checks_both(capsys: pytest.CaptureFixture[str]) -> None:
    names = [FOLDER / "dense.json", FOLDER.parent / "certificates" / "valid" / "strict.json"]
    assert cli.main(["check", *map(str, names)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("/")] == [f"{name}: valid" for name in names]


@pytest.mark.parametrize("data", [b"\xff", b"[1", b'{"kind": ["benign-fibre"]}', b'"benign-fibre"', b'\\u{"kind"'])
def test_files_that_are_no_certificates_are_malformed(data: bytes) -> None:
    assert checking.check_bytes(data)[0] == "malformed"
