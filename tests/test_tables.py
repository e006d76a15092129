"""Tables: every format holds the same rows, and hostile text stays text."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import astuple, fields
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symverify.claims import Claim, Report, Row, settle
from symverify.tables import (
    FORMATS,
    HEADINGS,
    html_document,
    html_report,
    latex_document,
    latex_table,
    render,
    summary,
)

NAMES = [field.name for field in fields(Row)]
HOSTILE = r"""<script>alert("1")</script> a|b & c%d $e$ #f _g {h} ~i ^j \k 'l' é >= 3, <= 4"""
EVIL = Row(**dict.fromkeys(NAMES, HOSTILE))
CLAIM = Claim("name", HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, HOSTILE)
EVIL_REPORT = Report(CLAIM, HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), (HOSTILE,), (EVIL,))
VOID = {"meta", "br", "hr"}
PDFLATEX = shutil.which("pdflatex")


def has_booktabs() -> bool:
    finder = shutil.which("kpsewhich")
    if PDFLATEX is None or finder is None:
        return False
    return subprocess.run([finder, "booktabs.sty"], capture_output=True, check=False).returncode == 0


@cache
def report() -> Report:
    """A real report: it has a bundle, a trap with ">= 1/2" and structures with "|"."""
    return settle("output_threshold")


def rows() -> list[Row]:
    return [*report().rows, EVIL]


class Page(HTMLParser):
    """The tags, which have to close one another, and the cells of all tables."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.table: list[list[str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.table.append([])
        if tag in ("td", "th"):
            self.table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.table[-1][-1] += data


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


# -- the same rows in every format ------------------------------------------------------------------------


def test_headings_name_every_column() -> None:
    assert list(HEADINGS) == NAMES
    assert len(NAMES) == 13


def test_csv_holds_the_rows() -> None:
    assert list(csv.reader(io.StringIO(render(rows(), "csv")))) == [NAMES, *(list(astuple(row)) for row in rows())]


def test_json_holds_the_rows() -> None:
    assert [Row(**item) for item in json.loads(render(rows(), "json"))] == rows()


def test_html_holds_the_rows() -> None:
    head, *body = parsed(render(rows(), "html")).table
    assert [cell.strip() for cell in head] == list(HEADINGS.values())
    assert [Row(*(cell.strip() for cell in line)) for line in body] == rows()


def test_markdown_holds_the_rows() -> None:
    head, rule, *body = [re.split(r"(?<!\\)\|", line)[1:-1] for line in render(rows(), "markdown").splitlines()]
    assert [cell.strip() for cell in head] == list(HEADINGS.values())
    assert all(re.fullmatch("-+", cell) for cell in rule)
    assert [Row(*(cell.strip().replace(r"\|", "|") for cell in line)) for line in body] == rows()


def test_text_holds_the_rows_but_neither_claim_nor_source() -> None:
    table = render(report().rows, "text")
    head = re.split(r"\s{2,}", table.splitlines()[0].strip())
    assert head == list(HEADINGS.values())[2:]
    for row in report().rows:
        line = next(line for line in table.splitlines() if row.certificate in line)
        assert all(cell in line for cell in (row.data, row.loss, row.inertia, row.evidence, row.status))
        assert row.claim not in table and row.source not in table


def test_text_wraps_long_cells() -> None:
    lines = render([EVIL], "text").splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 11 * 36


CELL = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
LINES = st.lists(st.lists(CELL, min_size=13, max_size=13), max_size=3)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_any_text_comes_back_from_csv_and_json(lines: list[list[str]]) -> None:
    given_ = [Row(*line) for line in lines]
    assert [Row(*line) for line in list(csv.reader(io.StringIO(render(given_, "csv"))))[1:]] == given_
    assert [Row(**item) for item in json.loads(render(given_, "json"))] == given_


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_any_text_is_text_in_html(lines: list[list[str]]) -> None:
    page = parsed(render([Row(*line) for line in lines], "html"))
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert [[cell.strip() for cell in line] for line in page.table[1:]] == [[c.strip() for c in x] for x in lines]


@pytest.mark.parametrize("format", FORMATS)
def test_no_rows_are_a_table_of_headings(format: str) -> None:
    table = render([], format)
    if format == "json":
        assert json.loads(table) == []
    else:
        assert all((name if format == "csv" else HEADINGS[name]) in table for name in NAMES[2:])


@pytest.mark.parametrize("format", FORMATS)
def test_tables_do_not_end_with_an_empty_line(format: str) -> None:
    table = render(report().rows, format)
    assert table == table.strip("\n")


@pytest.mark.parametrize("format", ["", "TEXT", "pdf", "github", "latex_raw"])
def test_unknown_format(format: str) -> None:
    with pytest.raises(ValueError, match="is not known; choose one of text, markdown, latex, csv, json, html"):
        render(report().rows, format)


def test_each_format_has_its_own_suffix() -> None:
    assert FORMATS == {
        "text": "txt",
        "markdown": "md",
        "latex": "tex",
        "csv": "csv",
        "json": "json",
        "html": "html",
    }


# -- Markdown and HTML ------------------------------------------------------------------------------------


def test_markdown_escapes_pipes() -> None:
    table = render(rows(), "markdown")
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()} == {14}
    assert r"2-2-2 10 11 \| 11 01" in table


@pytest.mark.parametrize(
    "page",
    [
        render([EVIL], "html"),
        html_report(EVIL_REPORT),
        html_document([EVIL_REPORT], render([EVIL], "html")),
        EVIL_REPORT._repr_html_(),
    ],
    ids=["fragment", "report", "document", "notebook"],
)
def test_hostile_text_stays_text_in_html(page: str) -> None:
    assert "<script" not in page
    assert parsed(page).text.count(HOSTILE) >= 12


def test_html_document_is_a_page() -> None:
    text = html_document([report()], render(report().rows, "html"))
    page = parsed(text)
    assert text.startswith("<!doctype html><html lang=en><meta charset=utf-8>")
    assert text.endswith("</html>\n")
    assert (page.tags.count("table"), page.tags.count("dt"), page.tags.count("dd")) == (1, 1, 1)
    assert f"{report().verdict}. {report().summary}" in page.text
    assert "http" not in text  # self-contained


def test_notebook_shows_the_report() -> None:
    page = parsed(report()._repr_html_())
    assert page.text.startswith("Is two outputs excluded?: refuted")
    assert report().summary in page.text
    assert len(page.table) == 1 + len(report().rows)


# -- LaTeX ------------------------------------------------------------------------------------------------


def test_notebook_shows_the_table_in_latex() -> None:
    assert report()._repr_latex_() == render(report().rows, "latex")


def latex_cells(table: str) -> list[list[str]]:
    """The cells of a booktabs tabular, still escaped."""
    lines = [line for line in table.splitlines() if line.endswith(r"\\")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r"\\"))] for line in lines]


def test_latex_is_a_booktabs_tabular() -> None:
    lines = render(report().rows, "latex").splitlines()
    assert lines[:2] == [r"\begin{tabular}{" + "l" * 11 + "}", r"\toprule"]
    assert lines[3] == r"\midrule"
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert len(lines) == 7 + len(report().rows)


def test_latex_heads_each_group_of_rows_with_claim_and_source() -> None:
    lines = render(rows(), "latex").splitlines()
    heads = [n for n, line in enumerate(lines) if line.startswith(r"\multicolumn")]
    assert [lines[n - 1] for n in heads] == [r"\midrule"] * 2
    source = report().claim.source
    assert lines[heads[0]] == rf"\multicolumn{{11}}{{l}}{{\textbf{{output\_threshold}} ({source})}} \\"
    assert heads[1] - heads[0] == len(report().rows) + 2


def test_latex_holds_the_rows() -> None:
    head, _, *body = latex_cells(render(report().rows, "latex"))
    assert head == list(HEADINGS.values())[2:]
    for name in ("case", "inertia", "certificate"):
        place = NAMES.index(name) - 2
        assert [line[place] for line in body] == [getattr(row, name) for row in report().rows]


def test_latex_of_no_rows_has_as_many_columns_as_headings() -> None:
    r"""Else it does not compile: "Extra alignment tab has been changed to \cr"."""
    assert render([], "latex").splitlines()[0] == r"\begin{tabular}{" + "l" * 11 + "}"


def test_latex_writes_the_relation_as_one_sign() -> None:
    body = latex_cells(render(report().rows, "latex"))[2:]
    assert body[2][NAMES.index("loss") - 2] in (r"$\ge$ 1/2", r"\ensuremath{\ge} 1/2")


ESCAPES = re.compile(
    r"\\(?:[&%$#_{}]|\^\{\}|textbackslash\{\}|textasciitilde\{\}|ensuremath\{(?:[<>|]|\\[gl]e)\}|textbar\{\})|\$\\[gl]e\$|\$[|<>]\$"
)


@pytest.mark.parametrize(
    "text",
    [
        render([EVIL], "latex").splitlines()[-3].removesuffix(r"\\").replace(" & ", " "),
        render([EVIL], "latex").splitlines()[-4].split(r"\textbf{")[1].removesuffix(r")} \\").replace("} (", " "),
        latex_document([EVIL_REPORT], "").split(r"\item")[1].split(r"\end{description}")[0].split("] ")[0][1:],
    ],
    ids=["line", "head", "document"],
)
def test_hostile_text_is_escaped_in_latex(text: str) -> None:
    rest = ESCAPES.sub("", text.replace(r"\textasciicircum{}", ""))
    assert set(rest) & set("&%$#_{}~^\\<>") == set()


BAR = re.compile(r"\$\|\$|\\ensuremath\{\|\}")


def test_latex_fragment_has_no_bare_bar() -> None:
    """In the paper that inputs the fragment the font encoding may be OT1, where a bare | prints as a dash."""
    cells = [cell for line in latex_cells(render(report().rows, "latex")) for cell in line]
    assert [cell for cell in cells if "|" in BAR.sub("", cell)] == []


def test_latex_document_names_every_claim_and_holds_the_table() -> None:
    fragment = render(report().rows, "latex")
    text = latex_document([report(), EVIL_REPORT], fragment)
    assert text.startswith("\\documentclass{article}\n")
    assert text.endswith("\\end{document}\n")
    assert text.count(r"\item[") == 2
    assert fragment + "}" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def compiles(folder: Path, text: str) -> None:
    assert PDFLATEX is not None
    (folder / "main.tex").write_text(text, encoding="utf-8")
    command = [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "main.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "main.pdf").stat().st_size > 1000


needs_pdflatex = pytest.mark.skipif(
    not has_booktabs(), reason="pdflatex or booktabs is not on this machine: LaTeX is not compiled"
)


@needs_pdflatex
@pytest.mark.parametrize("hostile", [False, True])
def test_latex_fragment_compiles_in_a_paper(tmp_path: Path, hostile: bool) -> None:
    (tmp_path / "table.tex").write_text(render(rows() if hostile else report().rows, "latex"), encoding="utf-8")
    head = r"\documentclass{article}\usepackage{booktabs}\usepackage{graphicx}\begin{document}"
    compiles(tmp_path, head + r"\resizebox{\linewidth}{!}{\input{table.tex}}\end{document}" + "\n")


@needs_pdflatex
def test_latex_fragment_of_no_rows_compiles(tmp_path: Path) -> None:
    head = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    compiles(tmp_path, head + render([], "latex") + r"\end{document}" + "\n")


@needs_pdflatex
def test_latex_document_compiles(tmp_path: Path) -> None:
    compiles(tmp_path, latex_document([report(), EVIL_REPORT], render(rows(), "latex")))


def test_latex_table_takes_any_columns() -> None:
    head, group, line = latex_cells(latex_table(["a_b"], [["claim", "source", "1 & 2"]]))
    assert (head, line) == ([r"a\_b"], [r"1 \& 2"])
    assert group == [r"\multicolumn{1}{l}{\textbf{claim} (source)}"]


# -- the verdicts for a terminal --------------------------------------------------------------------------


def test_summary_fits_its_width() -> None:
    text = summary([report(), EVIL_REPORT])
    assert text.splitlines()[0].split("  ")[0] == "claim"
    assert "output_threshold" in text and "refuted" in text
    assert max(map(len, summary([report()]).splitlines())) <= 96


def test_summary_of_nothing_is_its_headings() -> None:
    assert summary([]).splitlines()[0].split() == ["claim", "verdict", "what", "holds"]
