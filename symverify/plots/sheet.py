"""One page (A4) for a report: the critical values, slices of the loss between critical points, and their table."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from matplotlib.figure import Figure, SubFigure
from tabulate import tabulate

from symverify.plots.lines import Line, draw_line, line_between
from symverify.plots.marks import LEFT, basis, counted
from symverify.plots.planes import plane_between
from symverify.plots.points import Mark, Subject
from symverify.plots.style import figure, kind_of, styled
from symverify.plots.values import arrange, draw_values

A4 = (8.27, 11.69)
HEADING, SLICE = 0.8, 1.8
"""Heights in inches, of the title and, at least, of a row of slices."""
SLICES, LEVELS = 6, 14
"""At most; the levels are those of the critical values."""
ROWS = 18
"""Of the table; the sheet says how many more there are."""


def is_minimum(mark: Mark) -> bool:
    """Some local minimum."""
    return "minimum" in kind_of(mark.kind)


def pairs(subject: Subject) -> list[tuple[int, int]]:
    """Pairs of points for slices: two minima first, then a minimum and another point, then the rest; lowest first.

    >>> import numpy as np
    >>> from symverify.data import Data
    >>> from symverify.network import LinearNetwork
    >>> kinds = ("global minimum", "strict saddle", "spurious local minimum (strict)")
    >>> marks = tuple(Mark(n, np.zeros(2), float(n), kind) for n, kind in enumerate(kinds, start=1))
    >>> pairs(Subject(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), np.zeros(2), marks, True))
    [(1, 3), (1, 2), (2, 3)]
    """

    def order(pair: tuple[Mark, Mark]) -> tuple[int, int, int]:
        a, b = pair
        return 2 - is_minimum(a) - is_minimum(b), a.number + b.number, a.number

    return [(a.number, b.number) for a, b in sorted(combinations(subject.marks, 2), key=order)]


def lines(subject: Subject, count: int) -> list[Line]:
    """The first ``count`` lines of :func:`pairs`, left out where two points are one up to symmetry."""
    found: list[Line] = []
    for a, b in pairs(subject):
        if len(found) == count:
            break
        try:
            found.append(line_between(subject, a, b))
        except ValueError:  # the same weights up to symmetry: there is no line
            continue
    return found


def default_line(subject: Subject) -> list[tuple[int, int]]:
    """The first line of :func:`pairs`; none if all points are one up to symmetry."""
    return [(line.first.number, line.second.number) for line in lines(subject, 1)]


def default_plane(subject: Subject) -> list[tuple[int, int, int]]:
    """The plane through the default line and the lowest point off it; none if there is none."""
    for a, b in default_line(subject):
        for mark in subject.marks:
            if mark.number not in (a, b):
                try:
                    plane_between(subject, a, b, mark.number)
                except ValueError:  # on the line
                    continue
                return [(a, b, mark.number)]
    return []


def table(subject: Subject) -> str:
    """The first points as text, with the number of those that are left out."""
    rows = [
        (m.number, f"{m.loss:.8g}", m.points, "open" if m.inertia is None else str(m.inertia), _short(m.kind))
        for m in subject.marks[:ROWS]
    ]
    text = tabulate(rows, ["point", "loss", "orbit", "inertia (+,0,−)", "kind"], disable_numparse=True)
    more = len(subject.marks) - ROWS
    return text if more <= 0 else f"{text}\nand {more} more, above these"


def _short(kind: str) -> str:
    return kind if len(kind) <= 40 else f"{kind[:39]}…"


@styled
def sheet(subject: Subject) -> Figure:
    """A page of A4: critical values, up to six slices (of :func:`pairs`), and the table of inertias."""
    arrangement = arrange(subject, LEVELS)
    values, below = 0.95 + arrangement.height, 0.6 + 0.165 * min(len(subject.marks), ROWS + 1)
    free = A4[1] - HEADING - values - below
    chosen = lines(subject, 2 * min(SLICES // 2, max(1, int(free / SLICE))))
    rows = max(1, (len(chosen) + 1) // 2)
    between = rows * min(2.4, max(SLICE, free / rows))
    fig = figure(*A4)
    parts: Any = fig.subfigures(4, 1, height_ratios=[values, between, below, max(free - between, 0.05)])
    fig.suptitle(
        f"Critical points of the network {subject.network}, {subject.network.parameters} weights"
        f"{', regularised' if subject.regularised else ''}\n{counted(subject)}\n{basis(subject)}",
        **LEFT,
    )
    axes = parts[0].add_subplot()
    draw_values(axes, subject, arrangement)
    axes.set_title(f"Critical values; {arrangement.legend}")
    _draw_slices(parts[1], subject, chosen)
    parts[2].text(0.02, 0.98, table(subject), va="top", family="DejaVu Sans Mono", fontsize=8)
    return fig


def _draw_slices(part: SubFigure, subject: Subject, chosen: list[Line]) -> None:
    if not chosen:
        part.text(0.02, 0.5, "One point up to symmetry: there are no lines between points.")
        return
    rows = (len(chosen) + 1) // 2
    part.suptitle("Loss along lines through two points, evaluated in floats; marks at proved losses", **LEFT)
    for n, line in enumerate(chosen):
        axes = part.add_subplot(rows, 2, n + 1)
        draw_line(axes, subject, line)
        axes.set_title(f"points {line.first.number} (t = 0) and {line.second.number} (t = 1)")
        axes.set_ylabel("loss L")
        if n >= len(chosen) - 2:
            axes.set_xlabel("t")
