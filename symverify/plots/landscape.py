"""Pictures of one landscape: the loss along a line and on a plane through critical points, and the critical values.

Marks stand at losses that are proved; curves and contours are evaluated in floats.  All functions return a
``matplotlib.figure.Figure``; :func:`symverify.plots.style.save` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from symverify.loss import Floats
from symverify.plots.gauge import balanced, nearest, representatives
from symverify.plots.points import Mark, Subject
from symverify.plots.style import KIND_STYLE, KindStyle, figure, kind_of, styled

ON = 1e-7
"""Relative distance up to which a point counts as lying on a line or plane."""
STEPS, GRID = 801, 201
CLOSEST = 0.11
"""Marks on the axis of critical values that are nearer than this part of the span are put on different levels."""
LEVEL = 0.26
"""Height of a level in inches."""
GREYS = LinearSegmentedColormap.from_list("light", ["#FFFFFF", "#707070"])
"""Low losses are light: marks of any colour stand out there."""
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


def _write(axes: Axes, text: str, x: float, y: float, offset: tuple[float, float] = (5, 5), **more: Any) -> None:
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate(
        text, (x, y), xytext=offset, textcoords="offset points", fontsize=8, path_effects=halo, zorder=6, **more
    )


def _legend(fig: Figure | SubFigure, marks: Sequence[Mark], extra: Sequence[Line2D] = ()) -> None:
    present = {kind_of(mark.kind) for mark in marks}
    handles = [Line2D([], [], label=key, **look.marks()) for key, look in KIND_STYLE.items() if key in present]
    fig.legend(handles=[*handles, *extra], loc="outside lower center", ncols=3)


def basis(subject: Subject) -> str:
    """On what the marks rest, for titles."""
    if subject.complete:
        return "marks: proved; ‘global’ and that none is missing: by counts modulo primes"
    return "marks: proved; there may be more points"


# -- a line -----------------------------------------------------------------------------------------------


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
        axes.plot([s], [mark.loss], zorder=5, gid=f"point-{mark.number}", **style_of(mark).marks())
        _write(axes, str(mark.number), s, mark.loss, (0, 8), ha="center")
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
    axes.set_xlabel(f"t   (w = w{_sub(a)} + t (w{_sub(b)} − w{_sub(a)}))")
    axes.set_ylabel("loss L")
    axes.set_title(f"Loss along the line through points {a} and {b}\ncurve: evaluated in floats\n{basis(subject)}")
    _legend(fig, [mark for mark, _ in line.on])
    return fig


def _sub(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


# -- a plane ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """``w(x, y) = start + x u + y v``, u and v orthonormal; ``marks`` are (mark, x, y, distance from the plane).

    A point that has an image in the plane is there with all such images, distance 0; of another, the image nearest
    to the plane is projected.
    """

    start: Floats
    u: Floats
    v: Floats
    marks: tuple[tuple[Mark, float, float, float], ...]


def plane_between(subject: Subject, a: int, b: int, c: int) -> Plane:
    """The plane through point ``a`` and the images of ``b`` and ``c`` under sign changes that are nearest to it.

    Raises:
        ValueError: no point of that number, or the three lie on one line.
    """
    first, *others = (pick(subject, n) for n in (a, b, c))
    start = representative(subject, first)
    sides = np.array([nearest(subject.network, representative(subject, m), start) - start for m in others])
    _, sizes, _ = np.linalg.svd(sides)
    if sizes[-1] <= ON * (1 + np.linalg.norm(start)):
        raise ValueError(f"points {a}, {b}, {c}: they lie on one line; a plane needs three that do not")
    u = sides[0] / np.linalg.norm(sides[0])
    rest = sides[1] - (sides[1] @ u) * u
    v = rest / np.linalg.norm(rest)
    marks = []
    for mark in subject.marks:
        images = representatives(subject.network, representative(subject, mark)) - start
        x, y = images @ u, images @ v
        away = np.linalg.norm(images - x[:, None] * u - y[:, None] * v, axis=1)
        on = away <= ON * (1 + np.linalg.norm(start))
        chosen = np.flatnonzero(on) if on.any() else [int(np.argmin(away))]
        marks += [(mark, float(x[n]), float(y[n]), 0.0 if on[n] else float(away[n])) for n in chosen]
    return Plane(start, u, v, tuple(marks))


@styled
def plane_through(subject: Subject, a: int, b: int, c: int) -> Figure:
    """Contours of the loss on the plane through three points; shades are logarithmic above the lowest critical value.

    All real critical points are marked: those in the plane with filled marks, the projections of the others with
    small hollow ones, which do not stand at their losses.  Raises ValueError as :func:`plane_between`.
    """
    plane = plane_between(subject, a, b, c)
    fig = figure(6.0, 6.1)
    axes = fig.add_subplot()
    _draw_contours(fig, axes, subject, plane)
    inside, outside = ([m for m in plane.marks if (m[3] == 0) is there] for there in (True, False))
    for mark, x, y, _ in outside:
        look = style_of(mark).marks() | {"markerfacecolor": "none", "markersize": 0.7 * style_of(mark).size}
        axes.plot([x], [y], zorder=4, gid=f"projection-{mark.number}", **look)
        _write(axes, f"({mark.number})", x, y, (4, -10), color="#444444")
    for mark, x, y, _ in inside:
        axes.plot([x], [y], zorder=5, gid=f"point-{mark.number}", **style_of(mark).marks())
        _write(axes, str(mark.number), x, y)
    axes.set_aspect("equal")
    axes.set_xlabel(f"distance along w{_sub(b)} − w{_sub(a)}")
    axes.set_ylabel("distance across")
    fig.suptitle(
        f"Loss on the plane through points {a}, {b}, {c}\ncontours: evaluated in floats; dashed: at losses of saddles\n"
        f"{basis(subject)}",
        **LEFT,
    )
    hollow = Line2D([], [], linestyle="none", marker="o", markerfacecolor="none", markersize=5, color="black")
    hollow.set_label("(n): projection of a point off the plane")
    _legend(fig, [m[0] for m in plane.marks], [hollow] if outside else [])
    return fig


def _draw_contours(fig: Figure, axes: Axes, subject: Subject, plane: Plane) -> None:
    places = np.array([(x, y) for _, x, y, _ in plane.marks])
    low, high = places.min(axis=0), places.max(axis=0)
    middle, half = (low + high) / 2, 0.7 * float((high - low).max())
    x, y = (np.linspace(middle[k] - half, middle[k] + half, GRID) for k in (0, 1))
    flat = plane.start + x[None, :, None] * plane.u + y[:, None, None] * plane.v
    values = subject.loss(flat.reshape(-1, len(plane.start))).reshape(GRID, GRID)
    lowest = min(float(values.min()), *(m.loss for m in subject.marks))
    span = max(float(values.max()) - lowest, 1e-12)
    floor = span / 1000
    above = np.maximum(values - lowest, 0) + floor
    levels = np.geomspace(floor, span + floor, 16)
    drawn = axes.contourf(x, y, above, levels=levels, cmap=GREYS, norm=LogNorm(levels[0], levels[-1]))
    axes.contour(x, y, above, levels=levels, colors="white", linewidths=0.4)
    saddles = sorted({m.loss for m, _, _, off in plane.marks if off == 0 and "saddle" in m.kind})
    inside = [s for s in saddles if values.min() < s < values.max()]
    if inside:
        axes.contour(x, y, values, levels=inside, colors="black", linewidths=0.8, linestyles="dashed")
    bar = fig.colorbar(drawn, ax=axes, shrink=0.9, ticks=levels[::3])
    bar.ax.set_yticklabels([f"{lowest + level - floor:.4g}" for level in levels[::3]])
    bar.ax.minorticks_off()
    bar.set_label("loss L (shades: logarithmic above the lowest)")


# -- values -----------------------------------------------------------------------------------------------


def _span(subject: Subject) -> float:
    losses = [mark.loss for mark in subject.marks]
    return (max(losses) - min(losses)) or 1.0


def _lanes(subject: Subject) -> list[tuple[str, list[tuple[Mark, int]]]]:
    """Per kind its marks with a level each, so that marks and numbers on one level do not touch."""
    lanes, closest = [], CLOSEST * _span(subject)
    for key in KIND_STYLE:
        ends: list[float] = []
        placed = []
        for mark in sorted((m for m in subject.marks if kind_of(m.kind) == key), key=lambda m: m.loss):
            level = next((n for n, end in enumerate(ends) if mark.loss - end >= closest), len(ends))
            ends[level : level + 1] = [mark.loss]
            placed.append((mark, level))
        if placed:
            lanes.append((key, placed))
    return lanes


def levels_of(subject: Subject) -> int:
    """The number of rows of marks that :func:`draw_values` needs."""
    return sum(1 + max(level for _, level in placed) for _, placed in _lanes(subject))


def draw_values(axes: Axes, subject: Subject) -> None:
    """The critical values on an axis, a lane per kind."""
    losses, span = [mark.loss for mark in subject.marks], _span(subject)
    height, ticks, names = 0.0, [], []
    for key, placed in _lanes(subject):
        for mark, level in placed:
            y = height + level
            axes.plot([mark.loss], [y], gid=f"point-{mark.number}", zorder=5, **style_of(mark).marks())
            _write(axes, f"{mark.number} (×{mark.points})", mark.loss, y, (7, 0), va="center_baseline")
        levels = 1 + max(level for _, level in placed)
        axes.axhline(height, color="#DDDDDD", linewidth=0.8, zorder=1)
        ticks.append(height)
        names.append(key)
        height += levels
    axes.set_yticks(ticks, names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(min(losses) - 0.04 * span, max(losses) + CLOSEST * span)
    axes.set_ylim(height - 0.3, -0.7)
    axes.set_xlabel("loss L of the critical point")


@styled
def critical_values(subject: Subject) -> Figure:
    """The losses of all real critical points on an axis, by kind, with the number of each and the size of its orbit."""
    fig = figure(6.5, 1.4 + LEVEL * levels_of(subject))
    axes = fig.add_subplot()
    draw_values(axes, subject)
    total = sum(mark.points for mark in subject.marks)
    fig.suptitle(
        f"Critical values: {total} real critical points in {len(subject.marks)} orbits of sign changes\n"
        f"{basis(subject)}\nat each mark: number of the point (size of its orbit)",
        **LEFT,
    )
    return fig
