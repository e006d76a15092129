"""Wrong things are refused: mutants of every committed certificate; the judge of the accepted ones can say no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mutants
import pytest

LISTED = dict(text.split(": ", 1) for text in mutants.LIST.read_text().split("\n\n"))


def example(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((mutants.TESTS / "certificates" / name).read_bytes())
    return body


@pytest.mark.parametrize("path", mutants.SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_mutant_is_refused_or_listed_as_true(path: Path) -> None:
    _, text = mutants.section(path)
    name, body = text.rstrip("\n").split(": ", 1)
    assert LISTED[name].rstrip("\n") == body
    assert "NOT FOUND" not in body


def test_the_list_is_about_all_certificates_and_more_than_two_thousand_mutants() -> None:
    assert len(LISTED) == len(mutants.SOURCES) >= 60
    committed = [int(body.split()[0]) for name, body in LISTED.items() if name.startswith("theorems/")]
    assert len(committed) >= 20
    assert sum(committed) > 20_000


def test_mutants_reach_every_leaf_and_every_entry() -> None:
    body = {"a": ["1/2", 0], "b": "any"}
    places = {place for place, _, _ in mutants.mutants(body)}
    assert places == {("a", 0), ("a", 1), ("a",), ("b",)}
    assert json.dumps(body) not in [json.dumps(mutant) for _, _, mutant in mutants.mutants(body)]  # False == 0
    assert {"b": "any"} in [mutant for _, _, mutant in mutants.mutants(body)]
    assert {"a": ["1/2", "1/2", 0], "b": "any"} in [mutant for _, _, mutant in mutants.mutants(body)]


@pytest.mark.parametrize(
    "name",
    [
        "saddle",
        "gradient-not-zero",
        "negative-curvature",
        "better-is-worse",
        "loss-overstated",
        "loss-understated",
        "better-loss-understated",
        "fibre-not-a-submersion",
        "family-through-flat-saddle",
        "ball-at-a-saddle",
    ],
)
def test_the_judge_refuses_false_minima(name: str) -> None:
    assert not mutants.holds_minimum(example(f"invalid/{name}.json"))


@pytest.mark.parametrize("name", ["path-false-friend", "dense-block-shares-outputs", "assumption-hidden"])
def test_the_judge_refuses_false_benign_statements(name: str) -> None:
    assert not mutants.holds_benign(example(f"invalid/{name}.json"))


@pytest.mark.parametrize("name", ["trap-bound-overstated", "trap-better-not-below", "trap-reachable-target"])
def test_the_judge_refuses_false_traps(name: str) -> None:
    assert not mutants.holds_trap(example(f"invalid/{name}.json"))


def test_the_judge_refuses_false_generic_statements() -> None:
    assert not mutants.holds_generic(example("invalid/generic-three-outputs.json"))


@pytest.mark.parametrize("name", ["strict", "family-affine", "fibre-false-friend", "ball-depth-3", "lifted-depth-3"])
def test_the_judge_accepts_what_is_true(name: str) -> None:
    assert mutants.holds_minimum(example(f"valid/{name}.json"))


def test_the_judge_accepts_the_trap() -> None:
    assert mutants.holds_trap(example("valid/trap.json"))
