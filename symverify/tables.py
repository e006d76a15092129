"""Proof-support tables of the rows of reports, as text, Markdown, LaTeX (booktabs), CSV, JSON or HTML."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, fields
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from tabulate import tabulate

if TYPE_CHECKING:
    from symverify.claims import Report, Row

FORMATS = {"text": "txt", "markdown": "md", "latex": "tex", "csv": "csv", "json": "json", "html": "html"}
HEADINGS = {
    "claim": "claim",
    "source": "source",
    "case": "case",
    "structure": "structure",
    "data": "data",
    "loss": "loss",
    "better_loss": "better",
    "inertia": "inertia (+,0,-)",
    "gauge": "gauge",
    "jacobian_rank": "rank J",
    "evidence": "evidence",
    "status": "status",
    "certificate": "sha256",
}


def render(rows: Sequence[Row], format: str) -> str:
    """The table of the rows in one of ``FORMATS``.

    Columns: claim, source, case, structure, data, loss at the minimum, loss at the better point, inertia of the
    Hessian, dimension of the gauge, rank of the Jacobian dM/dtheta, evidence, status (proved / assumed), certificate
    (the first 12 digits of its sha256).  As text, claim and source are left out; as LaTeX, they head the groups.

    Raises:
        ValueError: an unknown format.
    """
    from symverify.claims import Row

    names = [f.name for f in fields(Row)]
    table = [list(astuple(row)) for row in rows]
    headings = [HEADINGS[name] for name in names]
    if format == "text":
        # claim and source stand above; thirteen columns would not fit a terminal
        return tabulate(
            [line[2:] for line in table], headings[2:], tablefmt="simple", disable_numparse=True, maxcolwidths=34
        )
    if format == "markdown":
        clean = [[cell.replace("|", "\\|") for cell in line] for line in table]
        return tabulate(clean, headings, tablefmt="github", disable_numparse=True)
    if format == "latex":
        return latex_table(headings[2:], table)
    if format == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([names, *table])
        return out.getvalue().rstrip("\n")
    if format == "json":
        return json.dumps([dict(zip(names, line, strict=True)) for line in table], indent=1)
    if format == "html":
        return str(tabulate(table, headings, tablefmt="html", disable_numparse=True))
    raise ValueError(f"format {format!r} is not known; choose one of {', '.join(FORMATS)}")


def latex_table(headings: Sequence[str], table: Sequence[Sequence[str]]) -> str:
    """A booktabs ``tabular`` (needs ``\\usepackage{booktabs}``), for ``\\input`` in a paper.

    The first two cells of each line, claim and source, head a group of lines, across all columns.
    """
    lines = [rf"\begin{{tabular}}{{{'l' * len(headings)}}}", r"\toprule", _tex_line(headings)]
    for (claim, source), group in groupby(table, key=lambda line: (line[0], line[1])):
        lines += [r"\midrule", rf"\multicolumn{{{len(headings)}}}{{l}}{{\textbf{{{_tex(claim)}}} ({_tex(source)})}} \\"]
        lines += [_tex_line(line[2:]) for line in group]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _tex_line(cells: Sequence[str]) -> str:
    return " & ".join(map(_tex, cells)) + r" \\"


def latex_document(reports: Sequence[Report], fragment: str) -> str:
    """A complete document around the table: compiles with pdflatex, booktabs and graphicx."""
    lines = [
        r"\documentclass{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[a4paper,landscape,margin=15mm]{geometry}",
        r"\usepackage{booktabs}",
        r"\usepackage{graphicx}",
        r"\begin{document}",
        r"\section*{Claims}",
        r"\begin{description}",
    ]
    lines += [rf"\item[{_tex(r.claim.title)}:] \textbf{{{_tex(r.verdict)}}}. {_tex(r.summary)}" for r in reports]
    lines += [r"\end{description}", r"\noindent\resizebox{\linewidth}{!}{%", fragment + "}", r"\end{document}"]
    return "\n".join(lines) + "\n"


def _tex(text: str) -> str:
    table = {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        ">": r"$>$",
        "<": r"$<$",
        "|": r"$|$",
        "\u2265": r"$\ge$",
    }
    text = text.replace(">=", "\u2265")
    return "".join(table.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)


def html_document(reports: Sequence[Report], fragment: str) -> str:
    """A self-contained page: the verdicts, then the table."""
    verdicts = "".join(
        f"<dt>{escape(r.claim.title)}</dt><dd><b>{escape(r.verdict)}.</b> {escape(r.summary)}</dd>" for r in reports
    )
    style = (
        "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}"
        "table{border-collapse:collapse;font-size:13px;display:block;overflow-x:auto}"
        "th,td{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}"
        "dt{font-weight:600;margin-top:.6rem}dd{margin:0}"
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>symverify: claims</title><style>{style}</style><h1>Claims</h1><dl>{verdicts}</dl>"
        f"<h2>Certificates</h2>{fragment}</html>\n"
    )


def html_report(report: Report) -> str:
    """One report for a notebook: title, verdict, table."""
    claim = report.claim
    head = f"<h3>{escape(claim.title)}: {escape(report.verdict)}</h3><p>{escape(report.summary)}</p>"
    return head + render(report.rows, "html")


def summary(reports: Sequence[Report], width: int = 96) -> str:
    """The verdicts as a short table for a terminal."""
    rows = [[r.claim.name, r.verdict, r.summary] for r in reports]
    return str(
        tabulate(rows, ["claim", "verdict", "what holds"], tablefmt="simple", maxcolwidths=[None, 20, width - 50])
    )
