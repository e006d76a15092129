"""The command line of the atlas: what is printed and written, filters, formats, and errors in one line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symverify.atlas import table as table_module
from symverify.atlas.commands import _described
from symverify.atlas.export import COLUMNS
from symverify.atlas.rows import Outcome, Question, Row
from symverify.atlas.structures import parse_structure
from symverify.atlas.table import Table, load, pack
from symverify.checking import check_bytes
from symverify.cli import main
from symverify.data import DataClass

FLAT = "01 11 | 01 11"


@pytest.fixture
def table(small_atlas: Path) -> Table:
    return load(small_atlas)


def out_of(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["atlas", *arguments]) == code
    return capsys.readouterr().out


# -- errors -----------------------------------------------------------------------------------------------

WRONG = {
    ("run", "--out", "{0}"): "give --max N,N,N or --structure S",
    ("run", "--out", "{0}", "--max", "3"): "1 width: at least two are needed",
    ("run", "--out", "{0}", "--max", "3,x,3"): "--max 3,x,3: give positive widths",
    ("run", "--out", "{0}", "--max", "3,0,3"): "--max 3,0,3: give positive widths",
    ("run", "--out", "{0}", "--max", "9,9,9"): "--max 9,9,9: 162 possible weights",
    ("run", "--out", "{0}", "--max", "2,2,2", "--depth", "3"): "give one width, or depth + 1 of them",
    ("run", "--out", "{0}", "--max", "2", "--depth", "0"): "at least two are needed",
    ("run", "--out", "{0}", "--max", "1,1,1", "--class", "any,all"): "'all' is not known; choose from any, orthogonal",
    ("run", "--out", "{0}", "--max", "1,1,1", "--seed", "-1"): "--seed -1: give a number from 0 on",
    ("run", "--out", "{0}", "--max", "1,1,1", "--workers", "0"): "--workers 0: give a positive number",
    ("run", "--out", "{0}", "--structure", "10 | 1"): "unused inputs",
    ("run", "--out", "{0}", "--structure", "12 | 1"): "write masks as",
    ("run", "--out", "{0}/file/x", "--max", "1,1,1"): "cannot be written",
    ("show", "11 | 1", "{0}/none"): "holds no atlas.sqlite; make one with `symverify atlas run",
    ("show", "111 | 1", "{1}"): "111 | 1: is not in this atlas",
    ("show", "nothing", "{1}"): "write masks as",
    ("show", "1 | 1", "{1}", "--out", "{0}/file/x"): "cannot be written",
    ("query", "{1}", "--size", "2;2"): "--size 2;2: give positive widths",
    ("export", "{1}", "--format", "parquet"): "name a file with --out",
    ("export", "{1}", "--format", "csv", "--out", "{0}/file/x"): "cannot be written",
    ("minimal", "{1}", "--class", "none"): "'none' is not known",
    ("minimal", "{1}", "--out", "{0}/file/x"): "cannot be written",
    ("check", "{1}", "--workers", "0"): "--workers 0: give a positive number",
    ("pack", "{0}/none"): "holds no atlas.sqlite",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_argument_is_one_line(
    arguments: tuple[str, ...], small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["atlas", *(a.format(tmp_path, small_atlas) for a in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("symverify: ")
    assert err.count("\n") == 1
    assert WRONG[arguments] in err


@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["fly"], ["export"], ["export", "--format", "xml"], ["query", "--verdict", "good"]]
)
def test_unknown_words_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["atlas", *arguments])
    assert error.value.code == 2
    assert "usage: symverify atlas" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["run", "check", "show", "query", "export", "minimal", "dump", "compare", "pack"])
def test_every_action_explains_itself(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["atlas", action, "--help"])
    assert done.value.code == 0
    assert "usage: symverify atlas" in capsys.readouterr().out


def test_help_starts_without_the_heavy_modules() -> None:
    script = "import sys; from symverify.cli import build_parser; build_parser(); print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "sympy", "sqlite3", "distributed", "pyarrow", "networkx"):
        assert f"'{heavy}'" not in modules


# -- run: what is selected --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--max", "1,2,1", "--class", "any"], {("1 | 1", "any"), ("1 1 | 11", "any")}),
        (["--max", "1", "--depth", "3", "--class", "orthogonal"], {("1 | 1 | 1", "orthogonal")}),
        (["--max", "1,1,1,1", "--class", "any"], {("1 | 1 | 1", "any")}),
        (["--structure", "{12}x{1}, {1}x{1}"], {("01 11 | 11", "any"), ("01 11 | 11", "orthogonal")}),
        (
            ["--max", "1,1,1", "--structure", "1 | 1", "--structure", "1 | 1 1", "--class", "any"],
            {("1 | 1", "any"), ("1 | 1 1", "any")},
        ),
    ],
)
def test_sizes_depths_and_single_structures(
    options: list[str], expected: set[tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = out_of(capsys, "run", *options, "--out", str(tmp_path), "--workers", "1")
    assert {(row.job.structure, str(row.job.data_class)) for row in load(tmp_path).rows} == expected
    for name in {data_class for _, data_class in expected}:
        count = sum(data_class == name for _, data_class in expected)
        lines = [line.split() for line in out.splitlines() if line.startswith(name)]
        assert [line[1:4] for line in lines] == [["all", "data", str(count)], ["almost", "all", "data"]]


def test_the_summary_counts_the_rows(table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = out_of(capsys, "run", "--max", "2,2,2", "--out", str(small_atlas))
    for data_class in DataClass:
        for question in Question:
            entries = [row.entry(question) for row in table.rows if row.job.data_class is data_class]
            verdicts = [sum(e.verdict == v for e in entries) for v in ("benign", "spurious", "open")]
            start = f"{data_class} {question.replace('_', ' ')} "
            line = next(x for x in out.splitlines() if " ".join(x.split()).startswith(start))
            numbers = [int(x) for x in line.split() if x.isdigit()]
            assert [numbers[0], numbers[1], numbers[3], numbers[5]] == [21, *verdicts]
            assert numbers[2] == sum(bool(e.assumes) for e in entries)
            assert numbers[4] == sum(e.kind == "strict" for e in entries)


# -- show -------------------------------------------------------------------------------------------------


def test_show_has_answers_witness_and_certificates(
    table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = out_of(capsys, "show", "{1}x{1}, {12}x{12}", str(small_atlas))
    assert out.startswith(f"2-2-2 {FLAT}    {{2}}x{{2}}, {{12}}x{{12}}\n")
    for row in table.find(parse_structure(FLAT)):
        assert f"\n{row.job.data_class} data\n" in out
        for question in Question:
            assert f"  {question.replace('_', ' ')}: {row.entry(question).verdict}" in out
            assert row.entry(question).certificate is None or str(row.entry(question).certificate) in out
    found = table.find(parse_structure(FLAT))
    witnesses = {e.certificate for row in found for e in map(row.entry, Question) if e.verdict is Outcome.SPURIOUS}
    keys = ("G", "C", "c0", "weights", "better", "loss", "exact")  # shown once for each witness
    assert witnesses and all(out.count(f"\n    {name}: ") == len(witnesses) for name in keys)
    assert "relabelled" in out
    assert "relabelled" not in out_of(capsys, "show", FLAT, str(small_atlas))


def test_show_says_what_is_assumed(small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = load(small_atlas)
    rows = tuple(replace(row, all_data=replace(row.all_data, assumes=("a theorem",))) for row in table.rows[:2])
    out = _described(rows[0].job.network, rows, table)
    assert out.count("assumed)\n    assumes: a theorem\n") == 2


def test_show_as_json_is_the_rows_of_the_export(small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(out_of(capsys, "show", FLAT, str(small_atlas), "--json"))
    exported = json.loads(out_of(capsys, "export", str(small_atlas), "--format", "json"))
    assert shown == [row for row in exported if row["structure"] == FLAT]
    assert len(shown) == 2


def test_show_writes_certificates_under_their_names(
    table: Table, small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_of(capsys, "show", FLAT, str(small_atlas), "--out", str(tmp_path / "new"))
    assert (tmp_path / "new" / "01-11_01-11.svg").read_text().startswith("<svg")
    names = {row.entry(q).certificate for row in table.find(parse_structure(FLAT)) for q in Question} - {None}
    written = sorted((tmp_path / "new").glob("*.json"))
    assert {path.stem for path in written} == names
    assert all(check_bytes(path.read_bytes())[0] in ("valid", "assumes") for path in written)


# -- query and export -------------------------------------------------------------------------------------


def entries(row: Row, question: str | None) -> list[Any]:
    return [row.entry(q) for q in Question if question in (None, q)]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], lambda row: True),
        (["--size", "2,2,2"], lambda row: row.job.network.widths == (2, 2, 2)),
        (["--class", "any"], lambda row: row.job.data_class == "any"),
        (["--verdict", "spurious"], lambda row: any(e.verdict == "spurious" for e in entries(row, None))),
        (
            ["--question", "almost_all_data", "--verdict", "benign"],
            lambda row: row.almost_all_data.verdict == "benign",
        ),
        (
            ["--kind", "degenerate", "--class", "orthogonal", "--size", "2,2,2"],
            lambda row: (
                row.job.network.widths == (2, 2, 2)
                and row.job.data_class == "orthogonal"
                and any(e.kind == "degenerate" for e in entries(row, None))
            ),
        ),
    ],
)
def test_filters(
    options: list[str], wanted: Any, table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = [(row.job.structure, str(row.job.data_class)) for row in table.rows if wanted(row)]
    assert expected
    exported = json.loads(out_of(capsys, "export", str(small_atlas), "--format", "json", *options))
    assert [(row["structure"], row["class"]) for row in exported] == expected
    assert main(["atlas", "query", str(small_atlas), *options]) == 0
    out, err = capsys.readouterr()
    assert err == f"{len(expected)} of 42 rows\n"
    lines = out.splitlines()[2:]
    assert len(lines) == len(expected)
    assumed = {(row.job.structure, str(row.job.data_class)) for row in table.rows if row.all_data.assumes}
    for line, name in zip(lines, expected, strict=True):
        assert line.startswith(name[0])
        assert name not in assumed or "assumed" in line


def test_the_filter_of_the_rule(table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = str(table.rows[0].all_data.rule)
    expected = [row.job.structure for row in table.rows if rule in (row.all_data.rule or "")]
    options = ["--format", "json", "--question", "all_data", "--rule", rule]
    exported = json.loads(out_of(capsys, "export", str(small_atlas), *options))
    assert [row["structure"] for row in exported] == expected
    assert 0 < len(expected) < len(table.rows)


def test_nothing_found_is_an_empty_answer(small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert out_of(capsys, "query", str(small_atlas), "--size", "1,9,1") == ""
    assert json.loads(out_of(capsys, "export", str(small_atlas), "--format", "json", "--size", "1,9,1")) == []


def test_json_has_the_promised_keys(table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(out_of(capsys, "export", str(small_atlas), "--format", "json"))
    assert len(rows) == 42
    witnesses = 0
    for row, source in zip(rows, table.rows, strict=True):
        assert list(row) == ["structure", "widths", "masks", "class", "all_data", "almost_all_data"]
        assert parse_structure(row["structure"]).masks == tuple(tuple(map(tuple, mask)) for mask in row["masks"])
        for question in Question:
            entry = row[question]
            assert list(entry) == ["verdict", "kind", "rule", "assumes", "witness", "certificate"]
            stored = source.entry(question)
            assert (entry["verdict"], entry["kind"], entry["rule"]) == (stored.verdict, stored.kind, stored.rule)
            assert (entry["witness"] is not None) == (entry["verdict"] == "spurious")
            if entry["witness"] is not None:
                witnesses += 1
                assert list(entry["witness"]) == ["C", "G", "c0", "weights", "better", "loss", "better_loss", "exact"]
            assert entry["certificate"] is None or entry["certificate"] in table.certificates
    assert witnesses >= 2


def test_csv_has_a_line_per_row(table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(csv.DictReader(io.StringIO(out_of(capsys, "export", str(small_atlas), "--format", "csv"))))
    assert tuple(lines[0]) == COLUMNS
    assert [line["structure"] for line in lines] == [row.job.structure for row in table.rows]
    for line, row in zip(lines, table.rows, strict=True):
        assert line["all_data_verdict"] == row.all_data.verdict
        assert line["almost_all_data_certificate"] == (row.almost_all_data.certificate or "")
        assert line["all_data_assumes"] == "; ".join(row.all_data.assumes)


def test_latex_has_a_line_per_row(small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = out_of(capsys, "export", str(small_atlas), "--format", "latex")
    lines = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(lines) == 1 + 42
    assert all(line.count(" & ") == 4 for line in lines)
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    assert r"$\{2\}{\times}\{2\}, \{12\}{\times}\{12\}$" in text
    assert "_" not in text


def test_parquet_has_the_lines_of_the_csv(
    small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "atlas.parquet"
    out_of(capsys, "export", str(small_atlas), "--format", "parquet", "--out", str(path))
    lines = list(csv.DictReader(io.StringIO(out_of(capsys, "export", str(small_atlas), "--format", "csv"))))
    found = parquet.read_table(path).to_pylist()
    assert [{key: value or "" for key, value in line.items()} for line in found] == lines


def test_without_pyarrow_there_is_one_line(
    small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "atlas.parquet"
    assert main(["atlas", "export", str(small_atlas), "--format", "parquet", "--out", str(path)]) == 2
    assert capsys.readouterr().err == ("symverify: --format parquet needs pyarrow: pip install 'symverify[parquet]'\n")
    assert not path.exists()


def test_without_dask_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = ["--max", "1,1,1", "--out", str(tmp_path), "--scheduler", "tcp://127.0.0.1:1"]
    assert main(["atlas", "run", *options]) == 2
    assert capsys.readouterr().err == "symverify: --scheduler needs Dask: pip install 'symverify[cluster]'\n"


def test_export_to_a_file(small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for format in ("csv", "json", "latex"):
        path = tmp_path / format
        assert out_of(capsys, "export", str(small_atlas), "--format", format, "--out", str(path)) == ""
        assert path.read_text() == out_of(capsys, "export", str(small_atlas), "--format", format)


# -- minimal, dump, pack, compare --------------------------------------------------------------------------


def test_minimal_structures_with_pictures(
    small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = out_of(capsys, "minimal", str(small_atlas), "--out", str(tmp_path))
    assert "orthogonal data, all data: " in out
    assert f"  2-2-2 {FLAT}    " in out
    listed = sum(int(line.split(": ")[1].split()[0]) for line in out.splitlines() if "minimal forbidden" in line)
    assert listed == len(list(tmp_path.glob("*/*.svg"))) == out.count("spurious (")
    assert (tmp_path / "orthogonal-all-data" / "01-11_01-11.svg").exists()
    some = out_of(capsys, "minimal", str(small_atlas), "--class", "orthogonal", "--question", "all_data")
    assert some in out
    assert some.count("minimal forbidden") == 1


def test_dump_and_digest(table: Table, small_atlas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert out_of(capsys, "dump", str(small_atlas)) == table.dump()
    assert out_of(capsys, "dump", str(small_atlas), "--digest") == table.digest() + "\n"


def test_the_table_of_the_package_is_used_and_compared(
    table: Table, small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "DATA", tmp_path)
    assert main(["atlas", "query"]) == 2
    assert "is not there; name the folder of a run" in capsys.readouterr().err
    out = out_of(capsys, "pack", str(small_atlas))
    assert len(out.splitlines()) == len(list(tmp_path.iterdir())) == 2
    assert out_of(capsys, "dump") == table.dump()
    assert out_of(capsys, "show", FLAT) == out_of(capsys, "show", FLAT, str(small_atlas))
    assert out_of(capsys, "compare", str(small_atlas)).endswith(f"the same content, sha256 {table.digest()}\n")
    pack(Table(table.rows[2:], table.certificates, table.facts), tmp_path)
    assert "4 answers differ, 0 are the same by other" in out_of(capsys, "compare", str(small_atlas), code=1)
