"""Pictures of an experiment: trajectories in a plane, loss curves, final losses, and the loss on a plane.

Colours say where a run ended.  Planes are projections: the runs themselves leave them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from symverify.flow.experiment import Given, Session
from symverify.flow.report import Group
from symverify.flow.simulate import Outcome, Path, Runs
from symverify.flow.starts import Initialisation
from symverify.loss import Floats
from symverify.plots.style import KIND_STYLE, figure, save, styled

FORMATS = ("svg", "png")
CURVES = 12
"""Loss curves drawn per end."""
FAN = 9
"""Starts between two starts that end differently."""
MESH = 6
"""Starts per side of the grid in the slice."""
GREY = "#8C8C8C"
OTHERS = {"infinity": ("#A0457F", ">"), "saddle": ("#B8A200", "D"), "stopped": (GREY, "o")}


def draw_all(session: Session, folder: File) -> Iterator[str]:
    """Write all pictures that the runs allow; yields one line for each file, or why a picture was left out.

    Raises:
        OSError: a file cannot be written.
    """
    ends = Ends.of(session)
    fig = draw_losses(session, ends)
    yield _saved(fig, folder / "flow-loss")
    fig = draw_histogram(session, ends)
    yield _saved(fig, folder / "flow-histogram")
    plane = choose_plane(session, ends)
    if plane is None:
        yield "no trajectories and no slice: the runs have one end only (or their ends and start lie on a line)"
        return
    fig = draw_trajectories(session, ends, plane)
    yield _saved(fig, folder / "flow-trajectories")
    fig = draw_slice(session, ends, plane)
    yield _saved(fig, folder / "flow-slice")


def _saved(fig: Any, stem: File) -> str:
    return "written: " + ", ".join(str(path) for path in save(fig, stem, FORMATS))


# -- ends and their colours -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ends:
    """The ends of all runs with their runs in one order, and the colour and mark of each end."""

    groups: tuple[Group, ...]
    place: tuple[int, ...]
    paths: tuple[Path, ...]
    owner: tuple[int, ...]
    losses: Floats

    @classmethod
    def of(cls, session: Session) -> Ends:
        groups, place = session.groups()
        paths = tuple(path for part in session.parts for path in part.paths)
        owner = tuple(part.initialisation for part in session.parts for _ in part.paths)
        return cls(groups, place, paths, owner, np.concatenate([part.runs.loss for part in session.parts]))

    @property
    def best(self) -> int | None:
        """The end with the least loss among those that converged."""
        minima = [n for n, g in enumerate(self.groups) if g.kind in ("certified", "observed") and g.count]
        return min(minima, key=lambda n: self.groups[n].low, default=None)

    def look(self, n: int) -> tuple[str, str, float]:
        """Colour, marker, size."""
        kind = self.groups[n].kind
        if kind in OTHERS:
            return (*OTHERS[kind], 7.0)
        key = "spurious minimum" if kind == "certified" else "local minimum"
        style = KIND_STYLE["global minimum" if n == self.best else key]
        return style.colour, style.marker, style.size

    def label(self, n: int) -> str:
        """The end in words; that the least loss is the least possible is not said."""
        group = self.groups[n]
        if group.kind in OTHERS:
            return {"infinity": "to infinity", "saddle": "saddle point", "stopped": "stopped (limit)"}[group.kind]
        if group.kind == "certified":
            return f"certified {group.name}"
        return f"{group.name} ({'least observed' if n == self.best else 'observed'})"

    def legend(self, used: Sequence[int], count: bool = False) -> list[Line2D]:
        """One entry per end."""
        entries = []
        for n in used:
            colour, marker, size = self.look(n)
            label = self.label(n) + (f": {self.groups[n].count} runs" if count else "")
            entries.append(
                Line2D([], [], color=colour, marker=marker, markersize=size, markeredgecolor="black", label=label)
            )
        return entries


# -- loss curves and final losses -------------------------------------------------------------------------


@styled
def draw_losses(session: Session, ends: Ends) -> Any:
    """Loss against time (logarithmic) for some runs of every end."""
    fig = figure(6.4, 4.0)
    axes = fig.subplots()
    used = [n for n, g in enumerate(ends.groups) if g.count]
    top = 0.0
    for n in sorted(used, key=lambda n: -ends.groups[n].count):
        mine = [k for k, place in enumerate(ends.place) if place == n]
        for k in _spread(mine, CURVES):
            path = ends.paths[k]
            keep = path.times > 0
            if keep.sum() > 1:
                axes.plot(path.times[keep], path.losses[keep], color=ends.look(n)[0], lw=0.9, alpha=0.75)
                top = max(top, float(np.median(path.losses)))
    axes.set_xscale("log")
    axes.set_xlabel("time" if session.setting.method == "flow" else "step × iterations")
    axes.set_ylabel("loss")
    ceiling = 1.15 * max(session.landscape.constant, top)
    floor = float(ends.losses.min())
    axes.set_ylim(floor - 0.05 * max(ceiling - floor, 1e-9), max(ceiling, floor + 1e-9))
    fig.legend(handles=ends.legend(used, count=True), loc="outside upper left", ncols=1)
    return fig


def _spread(items: Sequence[int], count: int) -> list[int]:
    """``count`` of the items, evenly through the list."""
    index = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))
    return [items[k] for k in index]


@styled
def draw_histogram(session: Session, ends: Ends) -> Any:
    """How often each final loss occurs: a panel per initialisation, bars coloured by the end."""
    how = [
        (k, h) for k, h in enumerate(session.setting.initialisations) if not isinstance(h, Given) and k in ends.owner
    ]
    columns = min(2, len(how))
    rows = -(-len(how) // columns)
    fig = figure(6.4, 0.9 + 1.3 * rows)
    panels = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    finite = ends.losses[np.isfinite(ends.losses)]
    low, high = float(finite.min()), float(finite.max())
    high = max(min(high, max(session.landscape.constant, low)), low + 1e-3 * session.landscape.unit)
    pad = 0.03 * (high - low)
    bins = np.linspace(low - pad, high + pad, 41)
    used = [n for n, g in enumerate(ends.groups) if g.count]
    for panel, (k, name) in zip(panels.flat, how, strict=False):
        bottom = np.zeros(len(bins) - 1)
        for n in used:
            mine = [ends.losses[r] for r, o in enumerate(ends.owner) if o == k and ends.place[r] == n]
            counts = np.histogram(np.clip(mine, low, high), bins)[0]
            full = counts > 0
            width = bins[1] - bins[0]
            panel.bar(bins[:-1][full], counts[full], width, bottom[full], align="edge", color=ends.look(n)[0])
            bottom += counts
        panel.set_title(str(name))
        for value in session.setting.better:
            panel.axvline(float(value), color="black", lw=0.8, ls=":")
    for panel in list(panels.flat)[len(how) :]:
        panel.set_visible(False)
    fig.supxlabel("final loss", fontsize=9)
    fig.supylabel("runs", fontsize=9)
    handles = ends.legend(used)
    if session.setting.better:
        handles.append(Line2D([], [], color="black", lw=0.8, ls=":", label="better point of the certificate"))
    fig.legend(handles=handles, loc="outside upper left", ncols=1)
    return fig


# -- the plane --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plane:
    """The plane through ``corners`` (3, p): an end of kind ``ends[0]``, one of kind ``ends[1]``, and a start.

    ``other`` is the start of the run to the second end.
    """

    corners: Floats
    frame: Floats
    ends: tuple[int, int]
    other: Floats

    def project(self, points: Floats) -> Floats:
        """Coordinates (n, 2) of the orthogonal projections of points (n, p)."""
        return np.asarray((points - self.corners[0]) @ self.frame.T)

    def lift(self, coordinates: Floats) -> Floats:
        """The points (n, p) of the plane with these coordinates (n, 2)."""
        return np.asarray(self.corners[0] + coordinates @ self.frame)


def choose_plane(session: Session, ends: Ends) -> Plane | None:
    """The plane of two ends and a start: the two runs of one initialisation with the nearest starts.

    The first end is a certified minimum if some run reached it, else the lowest other minimum, else infinity (then the
    point where the run is half as far again from the origin as at its start); the second is the least loss observed.
    """
    best = ends.best
    if best is None:
        return None
    order = {"certified": 0, "observed": 1, "infinity": 2, "saddle": 3}
    others = [n for n, g in enumerate(ends.groups) if g.count and n != best and g.kind in order]
    for trap in sorted(others, key=lambda n: (order[ends.groups[n].kind], ends.groups[n].low)):
        pair = _nearest(session, ends, trap, best)
        if pair is None:
            continue
        first, second = (ends.paths[k] for k in pair)
        corner = _corner(first) if ends.groups[trap].kind == "infinity" else first.points[-1]
        corners = np.array([corner, second.points[-1], first.points[0]])
        frame = _frame(corners)
        if frame is not None:
            return Plane(corners, frame, (trap, best), second.points[0])
    return None


def _nearest(session: Session, ends: Ends, trap: int, best: int) -> tuple[int, int] | None:
    """The runs to these two ends whose starts are nearest, of one initialisation (a balanced one only if need be)."""
    how = session.setting.initialisations
    found: list[tuple[bool, float, int, int]] = []
    for k in set(ends.owner):
        a, b = ([r for r, o in enumerate(ends.owner) if o == k and ends.place[r] == n][:100] for n in (trap, best))
        if a and b:
            x, y = (np.array([ends.paths[r].points[0] for r in side]) for side in (a, b))
            size = np.linalg.norm(x, axis=1)[:, None]
            distance = np.linalg.norm(x[:, None] - y[None], axis=2) / size
            i, j = np.unravel_index(int(distance.argmin()), distance.shape)
            start = how[k]
            even = isinstance(start, Initialisation) and start.balanced
            found.append((even, float(distance[i, j]), a[int(i)], b[int(j)]))
    return min(found)[2:] if found else None


def _corner(path: Path) -> Floats:
    size = np.linalg.norm(path.points, axis=1)
    index = np.flatnonzero(size > 1.5 * size[0])
    return np.asarray(path.points[index[0] if len(index) else -1])


def _frame(corners: Floats) -> Floats | None:
    """Orthonormal axes (2, p): from the first corner to the second, and towards the third; None on a line."""
    side, up = corners[1] - corners[0], corners[2] - corners[0]
    length = float(np.linalg.norm(side))
    if length < 1e-9:
        return None
    side = side / length
    up = up - (up @ side) * side
    height = float(np.linalg.norm(up))
    return None if height < 1e-6 * length else np.array([side, up / height])


def _ended(session: Session, ends: Ends, runs: Runs) -> list[int | None]:
    """The end of each of these further runs; None if it is none of those known."""
    result: list[int | None] = []
    for outcome, loss in zip(runs.outcomes, runs.loss, strict=True):
        candidates = [
            n for n, g in enumerate(ends.groups) if g.count and _fits(g, outcome, float(loss), session.landscape.unit)
        ]
        result.append(candidates[0] if candidates else None)
    return result


def _fits(group: Group, outcome: Outcome, loss: float, unit: float) -> bool:
    if outcome is not Outcome.CONVERGED:
        return group.kind == outcome
    slack = 1e-5 * unit
    return group.kind in ("certified", "observed") and group.low - slack <= loss <= group.high + slack


def _colour(ends: Ends, n: int | None) -> str:
    return GREY if n is None else ends.look(n)[0]


@styled
def draw_trajectories(session: Session, ends: Ends, plane: Plane) -> Any:
    """Runs from starts on the segment between two starts that end differently, projected on the plane."""
    steps = np.linspace(0, 1, FAN)[:, None]
    runs = session.simulate(plane.corners[2] * (1 - steps) + plane.other * steps)
    ended = _ended(session, ends, runs)
    fig = figure(6.4, 5.0)
    axes = fig.subplots()
    for n, (path, end) in enumerate(zip(runs.paths, ended, strict=True)):
        line = plane.project(path.points)
        wide = n in (0, FAN - 1)
        axes.plot(*line.T, color=_colour(ends, end), lw=2.0 if wide else 0.9, alpha=1.0 if wide else 0.8)
        axes.plot(*line[0], "o", color="black", ms=4 if wide else 2.5)
        if end is None or ends.groups[end].kind != "infinity":
            colour, marker, size = (GREY, "o", 5.0) if end is None else ends.look(end)
            axes.plot(*line[-1], marker, color=colour, ms=size, mec="black", mew=0.7, zorder=3)
    _window(axes, plane, [plane.project(runs.start)])
    used = sorted({n for n in ended if n is not None})
    handles = [*ends.legend(used), Line2D([], [], ls="none", marker="o", color="black", ms=4, label="starts")]
    fig.legend(handles=handles, loc="outside upper left", ncols=1)
    return fig


@styled
def draw_slice(session: Session, ends: Ends, plane: Plane) -> Any:
    """The loss on the plane, with runs from a grid of starts in it (projected: they leave the plane)."""
    corners = plane.project(plane.corners)
    low, high = corners.min(axis=0), corners.max(axis=0)
    pad = 0.25 * float((high - low).max())
    low, high = low - pad, high + pad
    side = [np.linspace(low[a] + pad / 2, high[a] - pad / 2, MESH) for a in (0, 1)]
    mesh = np.array([(x, y) for y in side[1] for x in side[0]])
    runs = session.simulate(plane.lift(mesh))
    ended = _ended(session, ends, runs)
    width, height = high - low
    fig = figure(6.4, float(np.clip(1.2 + 4.8 * height / width, 3.0, 8.0)))
    axes = fig.subplots()
    _contours(session, axes, plane, low, high, fig)
    for path, end in zip(runs.paths, ended, strict=True):
        line = plane.project(path.points)
        axes.plot(*line.T, color=_colour(ends, end), lw=0.9)
        axes.plot(*line[0], "o", color=_colour(ends, end), ms=3.5, mec="black", mew=0.5)
    for corner, n in zip(corners[:2], plane.ends, strict=True):
        colour, marker, size = ends.look(n)
        axes.plot(*corner, marker, color=colour, ms=size + 3, mec="black", mew=1.0, zorder=4)
    axes.plot(*corners[2], "o", color="white", ms=6, mec="black", mew=1.2, zorder=4)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    _axes(axes)
    used = sorted({*plane.ends, *(n for n in ended if n is not None)})
    start = Line2D([], [], ls="none", marker="o", mfc="white", mec="black", ms=6, label="start that spans the plane")
    fig.legend(handles=[*ends.legend(used), start], loc="outside upper left", ncols=1)
    return fig


def _contours(session: Session, axes: Any, plane: Plane, low: Floats, high: Floats, fig: Any) -> None:
    x, y = (np.linspace(low[a], high[a], 100) for a in (0, 1))
    grid = np.array([(a, b) for b in y for a in x])
    values = session.landscape.loss(plane.lift(grid)).reshape(len(y), len(x))
    base = float(values.min())
    # levels dense near the minima: equal steps of the square root of the excess
    peak = float(values.max())
    above = session.landscape.constant - base  # L = c0 where M = 0
    top = min(peak, base + (4 * above if above > 0 else (peak - base) / 10))
    levels = base + (top - base) * np.linspace(0, 1, 15) ** 2
    if np.any(np.diff(levels) <= 0):  # flat up to rounding
        return
    filled = axes.contourf(x, y, values, levels=levels, cmap="Greys", alpha=0.75, extend="max")
    axes.contour(x, y, values, levels=levels[1:-1], colors="white", linewidths=0.5)
    fig.colorbar(filled, ax=axes, label="loss on the plane", shrink=0.85, format="%.3g")


def _window(axes: Any, plane: Plane, more: Sequence[Floats]) -> None:
    points = np.concatenate([plane.project(plane.corners), *more])
    low, high = points.min(axis=0), points.max(axis=0)
    pad = 0.3 * float((high - low).max())
    axes.set_xlim(low[0] - pad, high[0] + pad)
    axes.set_ylim(low[1] - pad, high[1] + pad)
    _axes(axes)


def _axes(axes: Any) -> None:
    axes.set_aspect("equal")
    axes.set_xlabel("from the first end to the second")
    axes.set_ylabel("towards the start")
