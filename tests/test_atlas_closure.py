"""Theorems between rows, and minimal forbidden structures, on tables made by hand: what is found and what is not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from itertools import combinations

import pytest

from symverify.atlas.closure import smaller_structures, violations
from symverify.atlas.minimal import minimal_forbidden
from symverify.atlas.pictures import svg
from symverify.atlas.rows import Entry, Job, Outcome, Question, Row
from symverify.atlas.structures import parse_structure
from symverify.atlas.table import Table
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.network import LinearNetwork

ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
ALL, ALMOST = Question.ALL_DATA, Question.ALMOST_ALL_DATA
ENTRIES = {
    "b": Entry(Outcome.BENIGN, None, "rule", "0" * 64),
    "s": Entry(Outcome.SPURIOUS, "strict", "evidence", "1" * 64),
    "d": Entry(Outcome.SPURIOUS, "degenerate", "evidence", "2" * 64),
    "o": Entry(Outcome.OPEN),
}
SMALL, LARGE = "01 11 | 01 11", "001 111 | 01 11"  # without its first input LARGE is SMALL
TALL, WIDE = "11 | 1 1 1", "111 | 1 1"


def row(structure: str, data_class: DataClass, answers: str) -> Row:
    """``answers``: for all data and for almost all data, by the letters of ENTRIES."""
    return Row(Job(parse_structure(structure), data_class), ENTRIES[answers[0]], ENTRIES[answers[1]])


def table(*rows: Row) -> Table:
    return Table(rows, {}, {"seed": "0"})


FOUND = {
    "benign for all, spurious for almost all": ("questions", True, [row(SMALL, ANY, "bs")]),
    "benign for all, open for almost all": ("questions", False, [row(SMALL, ANY, "bo")]),
    "spurious for almost all, open for all": ("questions", False, [row(SMALL, ANY, "os")]),
    "spurious orthogonal, benign any": ("classes", True, [row(SMALL, ORTHOGONAL, "db"), row(SMALL, ANY, "bb")]),
    "strict orthogonal, any almost benign": ("classes", True, [row(SMALL, ORTHOGONAL, "ss"), row(SMALL, ANY, "sb")]),
    "spurious orthogonal, open any": ("classes", False, [row(SMALL, ORTHOGONAL, "do"), row(SMALL, ANY, "oo")]),
    "benign any, open orthogonal": ("classes", False, [row(SMALL, ORTHOGONAL, "oo"), row(SMALL, ANY, "bb")]),
    "transposed differs": ("transposition", True, [row(TALL, ORTHOGONAL, "bb"), row(WIDE, ORTHOGONAL, "db")]),
    "transposed differs almost": ("transposition", True, [row(TALL, ORTHOGONAL, "db"), row(WIDE, ORTHOGONAL, "ss")]),
    "transposed is open": ("transposition", False, [row(TALL, ORTHOGONAL, "oo"), row(WIDE, ORTHOGONAL, "do")]),
    "part spurious, whole benign": ("induced", True, [row(SMALL, ANY, "do"), row(LARGE, ANY, "bb")]),
    "part spurious, whole open": ("induced", False, [row(SMALL, ANY, "do"), row(LARGE, ANY, "oo")]),
    "whole benign, part open": ("induced", False, [row(SMALL, ORTHOGONAL, "ob"), row(LARGE, ORTHOGONAL, "bb")]),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_breaks_a_theorem_is_found(name: str) -> None:
    theorem, contradiction, rows = FOUND[name]
    found = list(violations(table(*rows)))
    assert (theorem, contradiction) in {(v.theorem, v.contradiction) for v in found}
    assert all(v.contradiction for v in found) or not contradiction
    assert all(part in str(found[0]) for part in (theorem, rows[0].job.structure, "but"))


NOT_FOUND = {
    "degenerate for all, benign for almost all": [row(SMALL, ORTHOGONAL, "db")],
    "correlated data may be worse": [row(SMALL, ORTHOGONAL, "bb"), row(SMALL, ANY, "ss")],
    "for any data the transposed may differ": [row(TALL, ANY, "bb"), row(WIDE, ANY, "ss")],
    "almost all: no theorem for parts": [row(SMALL, ORTHOGONAL, "ss"), row(LARGE, ORTHOGONAL, "sb")],
    "almost all: nor for an open part": [row(SMALL, ORTHOGONAL, "so"), row(LARGE, ORTHOGONAL, "sb")],
    "almost all: nor from any to orthogonal": [row(SMALL, ORTHOGONAL, "do"), row(SMALL, ANY, "db")],
    "benign below spurious": [row(SMALL, ANY, "bb"), row(LARGE, ANY, "ss")],
    "parts are of the same class": [row(SMALL, ANY, "do"), row(LARGE, ORTHOGONAL, "bb")],
}


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_no_theorem_forbids_is_not_found(name: str) -> None:
    assert list(violations(table(*NOT_FOUND[name]))) == []


def induced_forms(network: LinearNetwork, sizes: Iterable[tuple[int, int]]) -> set[LinearNetwork]:
    found = set()
    for a, b in sizes:
        for inputs in combinations(range(network.widths[0]), a):
            for outputs in combinations(range(network.widths[-1]), b):
                try:
                    found.add(network.induced(inputs, outputs).network.canonical_form())
                except ValueError:
                    continue
    return found


@pytest.mark.parametrize("widths", [(2, 2, 2), (3, 2, 2), (2, 2, 2, 2)])
def test_smaller_structures_step_by_step_are_all_induced_ones(widths: tuple[int, ...]) -> None:
    for network in structures(*widths):
        reached: set[LinearNetwork] = set()
        waiting = smaller_structures(network)
        while waiting:
            part = waiting.pop()
            if part not in reached:
                reached.add(part)
                waiting += smaller_structures(part)
        a, b = network.widths[0], network.widths[-1]
        sizes = [(i, j) for i in range(1, a + 1) for j in range(1, b + 1) if (i, j) != (a, b)]
        assert reached == induced_forms(network, sizes)


# -- minimal forbidden structures -------------------------------------------------------------------------


def filled(answers: dict[str, str], maximum: tuple[int, ...] = (3, 2, 2)) -> Table:
    """All structures up to a size for any data, benign unless ``answers`` says otherwise."""
    from symverify.atlas.structures import jobs

    rows = [row(job.structure, ANY, answers.get(job.structure, "bb")) for job in jobs(maximum, [ANY])]
    assert set(answers) <= {r.job.structure for r in rows}
    return table(*rows)


def names(found: Table, question: Question = ALL) -> list[tuple[str, bool]]:
    return [(item.row.job.structure, item.sure) for item in minimal_forbidden(found, ANY, question)]


def test_only_the_smallest_are_minimal() -> None:
    assert names(filled({SMALL: "db", LARGE: "db"})) == [(SMALL, True)]
    assert names(filled({LARGE: "db"})) == [(LARGE, True)]
    assert names(filled({})) == []


def test_the_questions_have_their_own_lists() -> None:
    found = filled({SMALL: "db", LARGE: "ss"})
    assert names(found, ALL) == [(SMALL, True)]
    assert names(found, ALMOST) == [(LARGE, True)]


def test_an_open_part_leaves_a_doubt_and_a_missing_one_too() -> None:
    assert names(filled({SMALL: "ob", LARGE: "db"})) == [(LARGE, False)]
    assert names(table(row(LARGE, ANY, "db"))) == [(LARGE, False)]


def test_a_spurious_part_two_steps_below_counts() -> None:
    larger = "001 111 | 01 01 11"
    assert parse_structure(SMALL).canonical_form() not in smaller_structures(parse_structure(larger))
    assert names(filled({SMALL: "db", larger: "db"}, (3, 2, 3))) == [(SMALL, True)]


# -- pictures ---------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("structure", [SMALL, LARGE, "1 | 1", "110 101 | 11 10 01", "11 | 1 1 | 11"])
def test_a_picture_has_every_node_and_every_weight(structure: str) -> None:
    network = parse_structure(structure)
    root = ET.fromstring(svg(network))
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == structure
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    centres = {}
    for circle, text in zip(root.iter(f"{SVG}circle"), root.iter(f"{SVG}text"), strict=True):
        x, y, r = (float(circle.attrib[key]) for key in ("cx", "cy", "r"))
        assert r <= x <= width - r
        assert r <= y <= height - r
        centres[x, y] = str(text.text)
    letters = ["x", *"h" * (network.depth - 1), "y"]
    expected = sorted(f"{letters[l]}{v + 1}" for l, w in enumerate(network.widths) for v in range(w))
    assert sorted(centres.values()) == expected
    edges = set()
    for line in root.iter(f"{SVG}line"):
        x1, y1, x2, y2 = (float(line.attrib[key]) for key in ("x1", "y1", "x2", "y2"))
        assert x1 < x2
        edges.add((x1, centres[x1, y1], centres[x2, y2]))
    columns = sorted({x for x, _ in centres})
    assert edges == {(columns[l], f"{letters[l]}{j + 1}", f"{letters[l + 1]}{i + 1}") for l, i, j in network.edges}
