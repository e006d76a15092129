"""Minimal forbidden structures: spurious, with no smaller spurious induced structure.

For all data they characterise the spurious structures: a structure is spurious if it contains one of them (lemma
``lifted``), and every spurious structure of the table contains one.  For almost all data only the second half holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from symverify.data import DataClass
from symverify.network import LinearNetwork

from .closure import smaller_structures
from .rows import Outcome, Question, Row
from .table import Table


@dataclass(frozen=True, slots=True)
class Minimal:
    """A spurious structure without a smaller spurious one in the table.  ``sure``: all smaller ones are in the table
    and decided; if not, an open or missing one may be spurious."""

    row: Row
    sure: bool


def minimal_forbidden(table: Table, data_class: DataClass, question: Question) -> list[Minimal]:
    """The minimal forbidden structures of one column, in the order of the table."""
    states: dict[LinearNetwork, Outcome] = {}
    found = []
    for row in table.rows:
        if row.job.data_class is not data_class or row.entry(question).verdict is not Outcome.SPURIOUS:
            continue
        smaller = smaller_structures(row.job.network)
        inside = [_inside(part, table, data_class, question, states) for part in smaller]
        if Outcome.SPURIOUS not in inside:
            found.append(Minimal(row, sure=Outcome.OPEN not in inside))
    return found


def _inside(
    network: LinearNetwork,
    table: Table,
    data_class: DataClass,
    question: Question,
    states: dict[LinearNetwork, Outcome],
) -> Outcome:
    """Of this structure (a canonical form) and all smaller ones: spurious if one is, else open if one is."""
    if network not in states:
        row = table.by_form.get((network, data_class))
        verdicts = [Outcome.OPEN if row is None else row.entry(question).verdict]
        if verdicts[0] is not Outcome.SPURIOUS:
            parts = smaller_structures(network)
            verdicts += [_inside(part, table, data_class, question, states) for part in parts]
        states[network] = next((v for v in (Outcome.SPURIOUS, Outcome.OPEN) if v in verdicts), Outcome.BENIGN)
    return states[network]
