"""The table of the package: complete, without contradictions, and what the code gives."""

from __future__ import annotations

from collections import Counter

import pytest
from test_atlas_structures import burnside

from symverify.atlas.checking import check_table
from symverify.atlas.closure import smaller_structures, violations
from symverify.atlas.decide import decide
from symverify.atlas.rows import Outcome, Question
from symverify.atlas.structures import jobs, sizes
from symverify.atlas.table import DATA, Table, load
from symverify.data import DataClass
from symverify.decide import find_witness, prove_almost_everywhere, prove_everywhere


@pytest.fixture(scope="module")
def table() -> Table:
    return load(None)


def test_every_structure_up_to_3_3_3_has_a_row_for_each_class(table: Table) -> None:
    found = Counter((row.job.network.widths, row.job.data_class) for row in table.rows)
    assert found == {(widths, c): burnside(*widths) for widths in sizes((3, 3, 3)) for c in DataClass}
    assert {row.job for row in table.rows} == set(jobs((3, 3, 3), list(DataClass)))


def test_it_is_small() -> None:
    assert 0 < sum(path.stat().st_size for path in DATA.iterdir()) < 1_500_000


def test_no_two_rows_contradict_each_other(table: Table) -> None:
    assert [str(v) for v in violations(table) if v.contradiction] == []


def test_no_answer_is_open(table: Table) -> None:
    assert [row.job.structure for row in table.rows for q in Question if row.entry(q).verdict is Outcome.OPEN] == []


def test_almost_all_data_is_monotone_too(table: Table) -> None:
    """Observed, no theorem: a structure with a spurious induced structure is spurious for an open set of data."""
    pairs = 0
    for row in table.rows:
        for smaller in smaller_structures(row.job.network):
            part = table.by_form.get((smaller, row.job.data_class))
            if part is not None and part.almost_all_data.verdict is Outcome.SPURIOUS:
                pairs += 1
                assert row.almost_all_data.verdict is Outcome.SPURIOUS, (part.job.structure, row.job.structure)
    assert pairs > 20


def test_no_proof_for_almost_all_data_where_there_is_a_strict_witness(table: Table) -> None:
    strict = [row for row in table.rows if row.almost_all_data.verdict is Outcome.SPURIOUS]
    assert len(strict) == 53
    for row in strict:
        assert prove_almost_everywhere(row.job.network, row.job.data_class) is None


@pytest.mark.slow
def test_no_proof_for_all_data_where_there_is_a_witness(table: Table) -> None:
    for row in table.rows:
        if row.all_data.verdict is Outcome.SPURIOUS:
            assert prove_everywhere(row.job.network, row.job.data_class) is None


@pytest.mark.slow
def test_the_search_finds_nothing_where_there_is_a_proof(table: Table) -> None:
    """A sample: where nothing is found the search goes on for seconds, and the whole table would take hours."""
    benign = [row for row in table.rows if row.all_data.verdict is Outcome.BENIGN]
    for row in benign[::64]:
        assert find_witness(row.job.network, row.job.data_class, seed=1) is None


def test_the_code_gives_the_answers_of_the_small_rows(table: Table) -> None:
    small = [row for row in table.rows if max(row.job.network.widths) <= 2]
    assert len(small) == 42
    seed = int(table.facts["seed"])
    for row in small:
        for entry, again in zip(
            (row.all_data, row.almost_all_data), decide(row.job.network, row.job.data_class, seed), strict=True
        ):
            assert (entry.verdict, entry.kind, entry.assumes) == (again.verdict, again.kind, again.assumes)


@pytest.mark.slow
def test_every_certificate_proves_its_row(table: Table) -> None:
    found = check_table(table)
    assert found.contradictions == ()
    assert found.certificates > 1000
