"""What the pictures of a landscape share: how a point is marked, named and represented, and what titles say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from symverify.loss import Floats
from symverify.plots.gauge import balanced
from symverify.plots.points import Mark, Subject
from symverify.plots.style import KIND_STYLE, KindStyle, kind_of

ON = 1e-7
"""Relative distance up to which a point counts as lying on a line or plane."""
LEFT: dict[str, Any] = {"x": 0.02, "ha": "left", "fontsize": 9}
"""Where the title of a figure stands."""


def style_of(mark: Mark) -> KindStyle:
    """Colour and shape of a point's kind."""
    return KIND_STYLE[kind_of(mark.kind)]


def pick(subject: Subject, number: int) -> Mark:
    """The point of this number.

    Raises:
        ValueError: there is none.
    """
    if not 1 <= number <= len(subject.marks):
        count = len(subject.marks)
        raise ValueError(f"point {number}: the points are numbered from 1 to {count}, in the order of the table")
    return subject.marks[number - 1]


def representative(subject: Subject, mark: Mark) -> Floats:
    """The weights that stand for a point: balanced, if rescaling is a symmetry of this loss."""
    return mark.weights if subject.regularised else balanced(subject.network, mark.weights)


def write(axes: Axes, text: str, x: float, y: float, offset: tuple[float, float] = (5, 5), **more: Any) -> None:
    """A text beside a mark, readable on any ground."""
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate(
        text, (x, y), xytext=offset, textcoords="offset points", fontsize=8, path_effects=halo, zorder=6, **more
    )


def legend(fig: Figure, marks: Sequence[Mark], extra: Sequence[Line2D] = ()) -> None:
    """The kinds of these marks, below the figure."""
    present = {kind_of(mark.kind) for mark in marks}
    handles = [Line2D([], [], label=key, **look.marks()) for key, look in KIND_STYLE.items() if key in present]
    fig.legend(handles=[*handles, *extra], loc="outside lower center", ncols=3)


def basis(subject: Subject) -> str:
    """On what the marks rest, for titles."""
    if subject.complete:
        return "marks: proved; ‘global’ and that none is missing: by counts modulo primes"
    return "marks: proved; there may be more points"


def counted(subject: Subject) -> str:
    """How many points there are, for titles."""
    n, total = len(subject.marks), sum(mark.points for mark in subject.marks)
    text = (
        f"{total} real critical points in {n} orbits of sign changes"
        if subject.regularised
        else (f"{n} real critical points up to symmetry")
    )
    undecided = sum(kind_of(mark.kind) == "undecided" for mark in subject.marks)
    return f"{text}, {undecided} of these undecided" if undecided else text


def subscript(number: int) -> str:
    """The number in small digits.

    >>> subscript(12)
    '₁₂'
    """
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
