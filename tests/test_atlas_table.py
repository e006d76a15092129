"""A table in memory: dumped, packed, damaged, compared; and checked again, with every column tampered with."""

from __future__ import annotations

import json
import lzma
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from symverify.atlas.checking import check_table
from symverify.atlas.rows import Entry, Outcome, Row
from symverify.atlas.store import StoreError
from symverify.atlas.structures import parse_structure
from symverify.atlas.table import Table, TableError, load, pack, unpack
from symverify.certificate import digest
from symverify.cli import main
from symverify.data import DataClass

Edit = Callable[[sqlite3.Connection], object]


def changed(table: Table, structure: str, **answers: Entry) -> Table:
    """The table with other answers of class any for one structure."""
    rows = [
        replace(row, **answers) if row.job.structure == structure and row.job.data_class is DataClass.ANY else row
        for row in table.rows
    ]
    assert rows != list(table.rows)
    return replace(table, rows=tuple(rows))


# -- dump and pack ----------------------------------------------------------------------------------------


def test_the_dump_has_all_but_the_times(small_atlas: Path) -> None:
    table = load(small_atlas)
    lines = table.dump().splitlines()
    assert len(lines) == 1 + len(table.rows) == 43
    assert json.loads(lines[0])["seed"] == "0"
    assert "seconds" not in table.dump()
    assert replace(table, rows=table.rows[::-1]).digest() == table.digest()
    for entry in (Entry(Outcome.OPEN), replace(table.rows[0].all_data, rule="other")):
        assert changed(table, "1 | 1", all_data=entry).digest() != table.digest()
    assert replace(table, facts={"seed": "1"}).digest() != table.digest()


def test_a_packed_table_is_read_back(small_atlas: Path, tmp_path: Path) -> None:
    table = load(small_atlas)
    paths = pack(table, tmp_path / "new", "name")
    assert sum(path.stat().st_size for path in paths) < 20_000
    again = unpack(tmp_path / "new", "name")
    assert again.dump() == table.dump()
    assert again.certificates == table.certificates
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)


def test_only_named_certificates_are_packed(small_atlas: Path, tmp_path: Path) -> None:
    table = load(small_atlas)
    pack(replace(table, certificates={**table.certificates, "f" * 64: b"{}\n"}), tmp_path)
    assert unpack(tmp_path).certificates == table.certificates


def rewritten(path: Path, edit: Callable[[bytes], bytes]) -> None:
    path.write_bytes(lzma.compress(edit(lzma.decompress(path.read_bytes()))))


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "is not there": ("rows", Path.unlink),
    "cannot be read": ("certificates", lambda path: path.write_bytes(b"not xz")),
    "is missing or changed": ("certificates", lambda path: rewritten(path, lambda data: data.replace(b"any", b"all"))),
    "has format": ("rows", lambda path: rewritten(path, lambda data: data.replace(b"atlas-table/1", b"atlas-table/9"))),
    "is damaged": ("rows", lambda path: rewritten(path, lambda data: data.replace(b'"benign"', b'"good"'))),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_damaged_files_are_refused(reason: str, small_atlas: Path, tmp_path: Path) -> None:
    pack(load(small_atlas), tmp_path, "name")
    file, damage = DAMAGES[reason]
    damage(tmp_path / f"name.{file}.xz")
    with pytest.raises(TableError, match=reason):
        unpack(tmp_path, "name")


def test_a_difference_tells_answers_from_what_they_rest_on(small_atlas: Path) -> None:
    table = load(small_atlas)
    assert table.difference(table) == ([], 0)
    entry = table.rows[0].all_data
    assert table.difference(changed(table, "1 | 1", all_data=replace(entry, rule="other"))) == ([], 1)
    assert table.difference(changed(table, "1 | 1", all_data=replace(entry, certificate="0" * 64))) == ([], 1)
    opened = changed(table, "1 | 1", all_data=Entry(Outcome.OPEN))
    assert table.difference(opened) == (["1 | 1 any all_data: benign, open"], 0)
    lines, otherwise = replace(table, rows=table.rows[1:]).difference(table)
    assert (lines[0], len(lines), otherwise) == ("1 | 1 any all_data: no row, benign", 2, 0)
    assumed = changed(table, "1 | 1", all_data=replace(entry, assumes=("a theorem",)))
    assert table.difference(assumed) == (["1 | 1 any all_data: benign, benign (assumes a theorem)"], 0)


def test_a_structure_is_found_by_any_of_its_labellings(small_atlas: Path) -> None:
    table = load(small_atlas)
    for text in ("{1}x{12}, {12}x{1}", "{12}x{2}, {2}x{12}", "2-2-2 11 01 | 01 11"):
        found = table.find(parse_structure(text))
        assert [row.job.data_class for row in found] == list(DataClass)
        assert all(row.job.network.is_isomorphic(parse_structure(text)) for row in found)
    assert table.find(parse_structure("111 | 1")) == []


# -- checked again ----------------------------------------------------------------------------------------


def test_a_table_is_confirmed(small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, count = load(small_atlas), []
    found = check_table(table, progress=lambda: count.append(1))
    assert (found.rows, found.certificates, found.contradictions) == (42, len(table.certificates), ())
    assert len(count) == found.certificates > 40
    with ThreadPoolExecutor(2) as executor:
        assert check_table(table, executor) == found
    assert main(["atlas", "check", str(small_atlas), "--workers", "2"]) == 0
    assert "42 rows" in capsys.readouterr().out


BENIGN = "structure = '1 | 1' AND class = 'any'"
FLAT = "structure = '01 11 | 01 11' AND class = 'orthogonal'"


def sql(statement: str) -> Edit:
    def edit(connection: sqlite3.Connection) -> None:
        assert connection.execute(statement).rowcount >= 1

    return edit


def other_bytes(connection: sqlite3.Connection) -> None:
    """Still the proof of the same theorem, but not under its name."""
    query = f"SELECT sha256, data FROM certificates JOIN rows ON sha256 = all_data_certificate WHERE {BENIGN}"
    name, data = connection.execute(query).fetchone()
    connection.execute("UPDATE certificates SET data = ? WHERE sha256 = ?", (data + b" ", name))


def forged(connection: sqlite3.Connection) -> None:
    """A certificate that the checker refuses, under its own name."""
    data = b'{"format":"symverify-certificate/1","kind":"benign"}\n'
    connection.execute("INSERT INTO certificates VALUES (?, ?)", (digest(data), data))
    connection.execute(f"UPDATE rows SET all_data_certificate = ? WHERE {BENIGN}", (digest(data),))


TAMPERED: dict[str, tuple[str, Edit]] = {
    "verdict": (
        "does not prove spurious (strict)",
        sql(f"UPDATE rows SET all_data_verdict = 'spurious', all_data_kind = 'strict' WHERE {BENIGN}"),
    ),
    "kind": ("does not prove spurious (strict)", sql(f"UPDATE rows SET all_data_kind = 'strict' WHERE {FLAT}")),
    "benign instead of spurious": (
        "does not prove benign",
        sql(f"UPDATE rows SET all_data_verdict = 'benign', all_data_kind = NULL WHERE {FLAT}"),
    ),
    "all data by a proof for almost all": (
        "does not prove benign",
        sql(
            "UPDATE rows SET all_data_verdict = 'benign', all_data_kind = NULL,"
            f" all_data_certificate = almost_all_data_certificate WHERE {FLAT}"
        ),
    ),
    "certificate of another structure": (
        "is about other masks",
        sql(
            "UPDATE rows SET all_data_certificate = (SELECT all_data_certificate FROM rows WHERE structure = '1 1 | 11'"
            f" AND class = 'any') WHERE {BENIGN}"
        ),
    ),
    "certificate of another class": (
        "does not prove benign",
        sql(
            "UPDATE rows SET all_data_certificate = (SELECT all_data_certificate FROM rows WHERE structure = '1 | 1'"
            f" AND class = 'orthogonal') WHERE {BENIGN}"
        ),
    ),
    "masks of the row": ("is about other masks", sql("UPDATE rows SET structure = '11 01 | 01 11' WHERE " + FLAT)),
    "assumption added": ("assumes", sql(f"UPDATE rows SET all_data_assumes = 'a theorem' WHERE {BENIGN}")),
    "certificate missing": ("it is missing", sql("DELETE FROM certificates")),
    "certificate changed": ("not the sha256 of its bytes", other_bytes),
    "certificate forged": ("the checker calls it malformed", forged),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_is_found(
    name: str, small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(small_atlas / "atlas.sqlite", tmp_path)
    reason, edit = TAMPERED[name]
    with closing(sqlite3.connect(tmp_path / "atlas.sqlite")) as connection, connection:
        edit(connection)
    assert main(["atlas", "check", str(tmp_path), "--workers", "1"]) == 1
    out = capsys.readouterr().out
    assert reason in out
    assert " 0 contradictions" not in out


def test_contradictions_between_rows_are_reported(small_atlas: Path) -> None:
    table = load(small_atlas)
    spurious = Entry(Outcome.SPURIOUS, "degenerate", "evidence", table.rows[0].all_data.certificate)
    found = check_table(changed(table, "1 | 1", all_data=spurious)).contradictions
    assert any(line.startswith("induced: 1 | 1 any all_data is spurious, but 11 | 1 any") for line in found)
    opened = changed(table, "1 | 1", all_data=Entry(Outcome.OPEN))
    gaps = check_table(opened)
    assert gaps.contradictions == ()
    assert {gap.theorem for gap in gaps.gaps} >= {"induced"}


def test_a_structure_that_comes_twice_is_reported(small_atlas: Path) -> None:
    table = load(small_atlas)
    row = table.find(parse_structure("01 11 | 01 11"))[0]
    again = replace(row, job=replace(row.job, network=parse_structure("11 10 | 11 10")))
    found = check_table(replace(table, rows=(*table.rows, again))).contradictions
    assert "01 11 | 01 11 any: is the same structure as 11 10 | 11 10" in found


@pytest.mark.parametrize(
    "column", ["all_data_verdict = 'good'", "all_data_verdict = 'open'", "structure = '12 | 1'", "class = 'all'"]
)
def test_a_row_that_says_nothing_is_refused(column: str, small_atlas: Path, tmp_path: Path) -> None:
    shutil.copy(small_atlas / "atlas.sqlite", tmp_path)
    with closing(sqlite3.connect(tmp_path / "atlas.sqlite")) as connection, connection:
        sql(f"UPDATE rows SET {column} WHERE {BENIGN}")(connection)
    with pytest.raises(StoreError, match="is damaged"):
        load(tmp_path)
    assert main(["atlas", "check", str(tmp_path)]) == 2


def test_rows_are_frozen(small_atlas: Path) -> None:
    row = load(small_atlas).rows[0]
    assert isinstance(row, Row)
    with pytest.raises(AttributeError):
        row.all_data = row.almost_all_data  # type: ignore[misc]
