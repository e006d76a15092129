"""The rows of a table as CSV, JSON, LaTeX or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .rows import Question, Row, units
from .table import Table

FORMATS = ("csv", "json", "latex", "parquet")
CELL = ("verdict", "kind", "rule", "certificate", "assumes")
COLUMNS = ("structure", "widths", "class", *(f"{question}_{name}" for question in Question for name in CELL))


class ExportError(Exception):
    """A format that needs something that is not installed, or a place to write to."""


def records(rows: Sequence[Row]) -> list[dict[str, str | None]]:
    """Flat lines, with the keys ``COLUMNS``; a missing kind, rule or certificate is None."""
    return [dict(zip(COLUMNS, _values(row), strict=True)) for row in rows]


def _values(row: Row) -> list[str | None]:
    values: list[str | None] = [row.job.structure, "-".join(map(str, row.job.network.widths)), str(row.job.data_class)]
    for question in Question:
        entry = row.entry(question)
        values += [str(entry.verdict), entry.kind, entry.rule, entry.certificate, "; ".join(entry.assumes) or None]
    return values


def to_json(table: Table, rows: Sequence[Row]) -> str:
    """A list of objects, one per row, with witnesses; strict JSON, a row per line."""
    lines = ",\n".join(json.dumps(row.to_json(table.certificates)) for row in rows)
    return f"[\n{lines}\n]\n" if rows else "[]\n"


def to_csv(rows: Sequence[Row]) -> str:
    """A heading and a line per row; None is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(rows))
    return text.getvalue()


def to_latex(rows: Sequence[Row]) -> str:
    """A ``longtable`` with booktabs lines: widths, units, class, and both answers with what they rest on."""
    lines = [
        r"% needs \usepackage{booktabs,longtable}",
        r"\begin{longtable}{lllll}",
        r"\toprule",
        r"widths & units (inputs $\times$ outputs) & data & all data & almost all data \\",
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
    ]
    for row in rows:
        network = row.job.network
        name = units(network).replace("{", r"\{").replace("}", r"\}").replace("x", r"{\times}").replace(" | ", r"\mid ")
        cells = ["-".join(map(str, network.widths)), f"${name}$", str(row.job.data_class)]
        cells += [_latex_entry(row, question) for question in Question]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\end{longtable}"]) + "\n"


def _latex_entry(row: Row, question: Question) -> str:
    entry = row.entry(question)
    details = ", ".join(_escaped(text) for text in (entry.kind, entry.rule, "assumed" * bool(entry.assumes)) if text)
    return f"{entry.verdict} ({details})" if details else str(entry.verdict)


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)


def write_parquet(rows: Sequence[Row], path: Path) -> None:
    """The flat lines as a Parquet file.

    Raises:
        ExportError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ExportError("--format parquet needs pyarrow: pip install 'symverify[parquet]'") from None
    schema: Any = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
    parquet.write_table(pyarrow.Table.from_pylist(records(rows), schema=schema), path)


def render(table: Table, rows: Sequence[Row], format: str) -> str:
    """One of the text formats."""
    if format == "json":
        return to_json(table, rows)
    return to_csv(rows) if format == "csv" else to_latex(rows)
