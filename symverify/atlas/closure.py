"""What must hold between the rows of a table, whatever decided them.

Theorems that are checked (W: the whole structure, S: an induced sub-structure, that is, all nodes on paths between some
inputs and some outputs):

* ``questions``: benign for all data implies benign for almost all; a spurious answer for almost all data is a positive
  measure of data, so it excludes benign for all data.
* ``classes``: orthogonal data are data.  Spurious for all orthogonal data implies spurious for all data; a strict
  witness for G = diag gives an open set of data of class ``any`` too (Proposition 5.2), so spurious for almost all
  orthogonal data implies spurious for almost all data.
* ``transposition``: for orthogonal data one may take G = 1, and |M - A| = |M' - A'|: both answers are invariant.
* ``induced``: a spurious minimum of S, extended by zeros, is one of W (lemma ``lifted``): for all data, spurious goes
  up and benign goes down.

For almost all data ``induced`` is *not* checked: an extended minimum is degenerate in general, and the data that have
it are a null set, so that the argument fails.  Also not checked: that benign for almost all data of one class says
anything of the other (a null set of one is none of the other).

Two answers *contradict* each other if a theorem says so; then one of the certificates or a theorem is wrong.  A *gap*
is an open answer that a theorem decides from another row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symverify.data import DataClass
from symverify.network import LinearNetwork

from .rows import Outcome, Question, Row
from .table import Table

SPURIOUS, BENIGN, OPEN = Outcome.SPURIOUS, Outcome.BENIGN, Outcome.OPEN
Cell = tuple[Row, Question]


@dataclass(frozen=True, slots=True)
class Violation:
    """``theorem`` says that spurious at ``lower`` implies spurious at ``upper`` (hence benign there, benign here)."""

    theorem: str
    lower: Cell
    upper: Cell
    contradiction: bool

    def __str__(self) -> str:
        lower, upper = map(_named, (self.lower, self.upper))
        return f"{self.theorem}: {lower}, but {upper}"


def _named(cell: Cell) -> str:
    row, question = cell
    return f"{row.job.structure} {row.job.data_class} {question} is {row.entry(question).verdict}"


def violations(table: Table) -> Iterator[Violation]:
    """All contradictions and gaps.  Every theorem has the form: spurious at the one implies spurious at the other.

    Hence benign at the other implies benign at the one, unless "spurious" means a strict witness there: that almost all
    data of class ``any`` are benign excludes a strict witness for orthogonal data, and proves no more.
    """
    for theorem, lower, upper in implications(table):
        low, high = lower[0].entry(lower[1]).verdict, upper[0].entry(upper[1]).verdict
        if low is SPURIOUS and high is not SPURIOUS:
            yield Violation(theorem, lower, upper, contradiction=high is BENIGN)
        elif high is BENIGN and low is OPEN and (theorem, lower[1]) != ("classes", Question.ALMOST_ALL_DATA):
            yield Violation(theorem, lower, upper, contradiction=False)


def implications(table: Table) -> Iterator[tuple[str, Cell, Cell]]:
    """Pairs of cells of which the first, if spurious, makes the second spurious."""
    for row in table.rows:
        job = row.job
        yield "questions", (row, Question.ALMOST_ALL_DATA), (row, Question.ALL_DATA)
        if job.data_class is DataClass.ORTHOGONAL:
            wider = table.by_form.get((job.network.canonical_form(), DataClass.ANY))
            if wider is not None:
                for question in Question:
                    yield "classes", (row, question), (wider, question)
            turned = table.by_form.get((job.network.transposed().canonical_form(), DataClass.ORTHOGONAL))
            if turned is not None and turned is not row:
                for question in Question:
                    yield "transposition", (row, question), (turned, question)
        for smaller in smaller_structures(job.network):
            part = table.by_form.get((smaller, job.data_class))
            if part is not None:
                yield "induced", (part, Question.ALL_DATA), (row, Question.ALL_DATA)


def smaller_structures(network: LinearNetwork) -> list[LinearNetwork]:
    """The canonical forms of the sub-structures without one of the inputs or outputs; each smaller one is reached by
    going on (an induced sub-structure of an induced one is induced).

    >>> from symverify import LinearNetwork
    >>> [str(s) for s in smaller_structures(LinearNetwork.dense(2, 1, 1))]
    ['1-1-1 1 | 1']
    """
    inputs, outputs = range(network.widths[0]), range(network.widths[-1])
    choices = [([j for j in inputs if j != left], list(outputs)) for left in inputs]
    choices += [(list(inputs), [o for o in outputs if o != left]) for left in outputs]
    found: dict[LinearNetwork, None] = {}
    for sources, targets in choices:
        try:
            found[network.induced(sources, targets).network.canonical_form()] = None
        except ValueError:  # no path is left
            continue
    return list(found)
