"""The loss along a line through two critical points.

Marks stand at losses that are proved; the curve is evaluated in floats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symverify.loss import Floats
from symverify.plots.gauge import nearest, representatives
from symverify.plots.marks import LEFT, ON, basis, legend, pick, representative, style_of, subscript, write
from symverify.plots.points import Mark, Subject
from symverify.plots.style import figure, styled

STEPS = 801


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """``w(t) = start + t direction`` through two critical points (t = 0, 1), and all points ``on`` it as (mark, t)."""

    first: Mark
    second: Mark
    start: Floats
    direction: Floats
    on: tuple[tuple[Mark, float], ...]

    @property
    def range(self) -> tuple[float, float]:
        """From where to where it is drawn: all marks, and some way on."""
        places = [t for _, t in self.on]
        rest = 0.3 * (max(places) - min(places))
        return min(places) - rest, max(places) + rest


def line_between(subject: Subject, a: int, b: int) -> Line:
    """The line through point ``a`` and the nearest image of point ``b`` under sign changes.

    Every other critical point, in any image, that lies on it for ``-2 <= t <= 3`` is found too.

    Raises:
        ValueError: no point of that number, or twice the same.
    """
    first, second = pick(subject, a), pick(subject, b)
    if first is second:
        raise ValueError(f"point {a} twice: a line needs two different points")
    start = representative(subject, first)
    direction = nearest(subject.network, representative(subject, second), start) - start
    length, size = np.linalg.norm(direction), 1 + np.linalg.norm(start)
    if length <= ON * size:
        raise ValueError(f"points {a} and {b}: the same weights up to symmetry; a line needs two different points")
    on = []
    for mark in subject.marks:
        for image in representatives(subject.network, representative(subject, mark)):
            t = float((image - start) @ direction / length**2)
            off = np.linalg.norm(image - start - t * direction)
            if off <= ON * size and -2 <= t <= 3:
                on.append((mark, t))
    return Line(first, second, start, direction, tuple(on))


def draw_line(axes: Axes, subject: Subject, line: Line) -> None:
    """The loss along the line, with its critical points marked at their losses."""
    low, high = line.range
    t = np.linspace(low, high, STEPS)
    values = subject.loss(line.start + t[:, None] * line.direction)
    axes.plot(t, values, color="#555555", zorder=2)
    inner = values[(t >= min(s for _, s in line.on)) & (t <= max(s for _, s in line.on))]
    least = min(float(inner.min()), *(mark.loss for mark, _ in line.on))
    most = max(float(inner.max()), *(mark.loss for mark, _ in line.on))
    span = (most - least) or 1.0
    for mark, s in line.on:
        axes.axhline(mark.loss, color="#BBBBBB", linewidth=0.6, linestyle=":", zorder=1)
        axes.plot([s], [mark.loss], zorder=5, label=f"point {mark.number}", **style_of(mark).marks())
        write(axes, str(mark.number), s, mark.loss, (0, 8), ha="center")
    axes.set_xlim(low, high)
    axes.set_ylim(least - 0.12 * span, most + 0.5 * span)


@styled
def line_through(subject: Subject, a: int, b: int) -> Figure:
    """``L(w_a + t (w_b - w_a))`` over t, for the image of point ``b`` under sign changes that is nearest to ``a``.

    Marks: every critical point that lies on the line, at its proved loss.  Raises ValueError as :func:`line_between`.
    """
    line = line_between(subject, a, b)
    fig = figure(5.5, 4.0)
    axes = fig.add_subplot()
    draw_line(axes, subject, line)
    axes.set_xlabel(f"t   (w = w{subscript(a)} + t (w{subscript(b)} − w{subscript(a)}))")
    axes.set_ylabel("loss L")
    fig.suptitle(
        f"Loss along the line through points {a} and {b}\ncurve: evaluated in floats\n{basis(subject)}", **LEFT
    )
    legend(fig, [mark for mark, _ in line.on])
    return fig
