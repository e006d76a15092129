"""Everything about a table that can be checked again: every certificate, every row, every theorem between rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from symverify.certificate import digest

from .closure import Violation, violations
from .evidence import Proved, RefusedDecision, contradiction, proved
from .rows import Question, Row
from .table import Table

CHUNK = 16


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found.  The table stands iff there are no ``contradictions``; ``gaps`` are open answers that follow
    from other rows."""

    rows: int
    certificates: int
    contradictions: tuple[str, ...]
    gaps: tuple[Violation, ...]


def check_one(item: tuple[str, bytes]) -> Proved | str:
    """What a certificate proves, or why it is refused."""
    name, data = item
    if digest(data) != name:
        return "its name is not the sha256 of its bytes"
    try:
        return proved(data)
    except RefusedDecision as error:
        return str(error)


def check_table(
    table: Table, executor: Executor | None = None, progress: Callable[[], None] = lambda: None
) -> Findings:
    """Run the checker over all certificates, compare the rows with what they prove, and the rows with each other.

    With an executor the certificates are shared out; ``progress`` is called after each of them.
    """
    items = sorted(table.certificates.items())
    checked: dict[str, Proved | str] = {}
    results = executor.map(check_one, items, chunksize=CHUNK) if executor is not None else map(check_one, items)
    for (name, _), result in zip(items, results, strict=True):
        checked[name] = result
        progress()
    contradictions = [line for row in table.rows for line in row_contradictions(row, checked)]
    contradictions += repeated(table)
    between = list(violations(table))
    contradictions += [str(violation) for violation in between if violation.contradiction]
    gaps = tuple(violation for violation in between if not violation.contradiction)
    return Findings(len(table.rows), len(table.certificates), tuple(contradictions), gaps)


def repeated(table: Table) -> Iterator[str]:
    """A line for every row whose structure, maybe relabelled, has another row of the same class."""
    for row in table.rows:
        kept = table.by_form[row.job.network.canonical_form(), row.job.data_class]
        if kept is not row:
            yield f"{row.job.structure} {row.job.data_class}: is the same structure as {kept.job.structure}"


def row_contradictions(row: Row, checked: Mapping[str, Proved | str]) -> Iterator[str]:
    """A line for every answer of the row that its certificate does not prove."""
    for question in Question:
        entry = row.entry(question)
        if entry.certificate is None:
            continue
        result = checked.get(entry.certificate, "it is missing")
        wrong = result if isinstance(result, str) else contradiction(row.job, question, entry, result)
        if wrong is not None:
            where = f"{row.job.structure} {row.job.data_class} {question}"
            yield f"{where}: certificate {entry.certificate[:12]}: {wrong}"
