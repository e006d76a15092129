"""Contours of the loss on a plane through three critical points.

Marks stand for points that are proved; contours are evaluated in floats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symverify.loss import Floats
from symverify.plots.gauge import nearest, representatives
from symverify.plots.marks import LEFT, ON, basis, legend, pick, representative, style_of, subscript, write
from symverify.plots.points import Mark, Subject
from symverify.plots.style import figure, styled

GRID = 201
NUMBERED = 15
"""Up to so many projections have numbers."""
GREYS = LinearSegmentedColormap.from_list("light", ["#FFFFFF", "#707070"])
"""Low losses are light: marks of any colour stand out there."""


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
    dashed = _draw_contours(fig, axes, subject, plane)
    inside, outside = ([m for m in plane.marks if (m[3] == 0) is there] for there in (True, False))
    for mark, x, y, _ in outside:
        look = style_of(mark).marks() | {"markerfacecolor": "none", "markersize": 0.7 * style_of(mark).size}
        axes.plot([x], [y], zorder=4, label=f"projection {mark.number}", **look)
        if len(outside) <= NUMBERED:
            write(axes, f"({mark.number})", x, y, (4, -10), color="#444444")
    for mark, x, y, _ in inside:
        axes.plot([x], [y], zorder=5, label=f"point {mark.number}", **style_of(mark).marks())
        write(axes, str(mark.number), x, y)
    axes.set_aspect("equal")
    axes.set_xlabel(f"distance along w{subscript(b)} − w{subscript(a)}")
    axes.set_ylabel("distance across")
    fig.suptitle(
        f"Loss on the plane through points {a}, {b}, {c}\ncontours: evaluated in floats"
        f"{'; dashed: at losses of saddles' if dashed else ''}\n{basis(subject)}",
        **LEFT,
    )
    hollow = Line2D([], [], linestyle="none", marker="o", markerfacecolor="none", markersize=5, color="black")
    hollow.set_label(f"{'(n): ' if len(outside) <= NUMBERED else ''}projection of a point off the plane")
    legend(fig, [m[0] for m in plane.marks], [hollow] if outside else [])
    return fig


def _draw_contours(fig: Figure, axes: Axes, subject: Subject, plane: Plane) -> bool:
    """Shades, contours and their scale; true if the level sets of saddles are among them."""
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
    return bool(inside)
