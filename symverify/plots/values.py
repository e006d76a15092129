"""The critical values on an axis, by kind."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symverify.plots.marks import LEFT, basis, counted, style_of, write
from symverify.plots.points import Mark, Subject
from symverify.plots.style import KIND_STYLE, figure, kind_of, styled

SPACINGS = (0.11, 0.022)
"""Least distance of marks on one level, as a part of the span: with room for numbers, and without."""
MAX_LEVELS = 40
LEVEL = 0.26
"""Height of a level in inches."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Per kind its marks, each with a level from the top; ``numbered``: there is room for
    numbers; ``orbits``: the sizes of sign orbits are told.

    ``height`` is in inches, without axis and title.
    """

    lanes: tuple[tuple[str, tuple[tuple[Mark, int], ...]], ...]
    levels: int
    numbered: bool
    orbits: bool
    height: float

    @property
    def legend(self) -> str:
        """What stands at the marks."""
        if self.numbered:
            return "at each mark: number of the point" + (" (size of its orbit)" if self.orbits else "")
        return "too many points for numbers here"


def arrange(subject: Subject, most: int = MAX_LEVELS) -> Arrangement:
    """Levels on which no two marks touch, with numbers if ``most`` levels suffice for that; else they move closer."""
    span = span_of(subject)
    for spacing in SPACINGS:
        lanes, levels = [], 0
        for key in KIND_STYLE:
            placed = _placed([m for m in subject.marks if kind_of(m.kind) == key], spacing * span)
            if placed:
                lanes.append((key, tuple((mark, levels + level) for mark, level in placed)))
                levels += 1 + max(level for _, level in placed)
        numbered = spacing == SPACINGS[0]
        if numbered and levels <= most:
            break
    return Arrangement(tuple(lanes), levels, numbered, subject.regularised, LEVEL * min(levels, most))


def _placed(marks: list[Mark], closest: float) -> list[tuple[Mark, int]]:
    ends: list[float] = []  # per level its last loss
    placed = []
    for mark in sorted(marks, key=lambda m: m.loss):
        level = next((n for n, end in enumerate(ends) if mark.loss - end >= closest), len(ends))
        ends[level : level + 1] = [mark.loss]
        placed.append((mark, level))
    return placed


def span_of(subject: Subject) -> float:
    """Greatest minus least loss, 1 if these agree."""
    losses = [mark.loss for mark in subject.marks]
    return (max(losses) - min(losses)) or 1.0


def draw_values(axes: Axes, subject: Subject, arrangement: Arrangement) -> None:
    """The critical values on an axis, a lane per kind."""
    losses, span = [mark.loss for mark in subject.marks], span_of(subject)
    tops = []
    for _, placed in arrangement.lanes:
        tops.append(min(level for _, level in placed))
        axes.axhline(tops[-1], color="#DDDDDD", linewidth=0.8, zorder=1)
        for mark, level in placed:
            axes.plot([mark.loss], [level], label=f"point {mark.number}", zorder=5, **style_of(mark).marks())
            if arrangement.numbered:
                name = f"{mark.number} (×{mark.points})" if arrangement.orbits else f"{mark.number}"
                write(axes, name, mark.loss, level, (7, 0), va="center_baseline")
    axes.set_yticks(tops, [key for key, _ in arrangement.lanes])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(min(losses) - 0.04 * span, max(losses) + 0.14 * span)
    axes.set_ylim(arrangement.levels - 0.3, -0.7)
    axes.set_xlabel("loss L of the critical point")


@styled
def critical_values(subject: Subject) -> Figure:
    """The losses of all real critical points on an axis, by kind, with the number of each and the size of its orbit."""
    arrangement = arrange(subject)
    fig = figure(6.5, 1.4 + arrangement.height)
    draw_values(fig.add_subplot(), subject, arrangement)
    fig.suptitle(f"Critical values: {counted(subject)}\n{basis(subject)}\n{arrangement.legend}", **LEFT)
    return fig
