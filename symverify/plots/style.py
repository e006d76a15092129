"""How pictures look and how they are written: the same input gives the same bytes.

The settings of the user (matplotlibrc, backend) have no influence: every function that makes a picture is
:func:`styled`, and figures are made without pyplot.  Colours are those of Okabe and Ito, or darker, told apart by
colour-blind readers; kinds also differ in shape and in lightness, so that they can be told apart in grey.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

SETTINGS: Mapping[Any, Any] = MappingProxyType(
    {
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "lines.linewidth": 1.4,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "figure.constrained_layout.w_pad": 0.08,
        "figure.constrained_layout.h_pad": 0.06,
        "figure.dpi": 150,
        "savefig.dpi": 150,
        "svg.hashsalt": "symverify",  # the names of clip paths and markers
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
    }
)
NO_METADATA: Mapping[str, dict[str, None]] = MappingProxyType(
    {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
)


@dataclass(frozen=True, slots=True)
class KindStyle:
    """Colour and marker of a kind of critical point; ``size`` is the diameter in points."""

    colour: str
    marker: str
    size: float

    def marks(self) -> dict[str, Any]:
        """Keywords for ``Axes.plot`` that draw marks and no line."""
        return {
            "linestyle": "none",
            "marker": self.marker,
            "markersize": self.size,
            "markerfacecolor": self.colour,
            "markeredgecolor": "black",
            "markeredgewidth": 0.8,
        }


KIND_STYLE: Mapping[str, KindStyle] = MappingProxyType(
    {
        "global minimum": KindStyle("#0B3C6F", "*", 12),
        "spurious minimum": KindStyle("#D55E00", "v", 8),
        "local minimum": KindStyle("#56B4E9", "s", 7),
        "strict saddle": KindStyle("#F0E442", "D", 6.5),
        "non-strict": KindStyle("#CC79A7", "P", 8),
        "undecided": KindStyle("#FFFFFF", "o", 7),
    }
)
"""Per kind, in the order of legends.  *local minimum*: not placed among the others."""


def kind_of(text: str) -> str:
    """The key of :data:`KIND_STYLE` for what a landscape calls a point.

    >>> kind_of("spurious local minimum (strict)"), kind_of("undecided: Hessian singular or too near to it")
    ('spurious minimum', 'undecided')
    """
    for start, key in (
        ("undecided", "undecided"),
        ("global minimum", "global minimum"),
        ("spurious", "spurious minimum"),
        ("local minimum", "local minimum"),
        ("strict saddle", "strict saddle"),
        ("non-strict", "non-strict"),
    ):
        if text.startswith(start):
            return key
    return "undecided"


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """A function that runs with matplotlib's defaults and :data:`SETTINGS`, whatever the user's are."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(SETTINGS)
            return function(*args, **kwargs)

    return run


@styled
def figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, laid out so that nothing is cut off; no pyplot.

    >>> figure(4, 3).get_size_inches().tolist()
    [4.0, 3.0]
    """
    return Figure(figsize=(width, height), layout="constrained")


@styled
def render(fig: Figure, format: str) -> bytes:
    """The figure as PNG, SVG or PDF: no dates, no versions, the same bytes every time."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format=format, metadata=dict(NO_METADATA[format]))
    return _numbered(buffer.getvalue()) if format == "svg" else buffer.getvalue()


def _numbered(svg: bytes) -> bytes:
    """Clip paths numbered in their order: matplotlib names them after the last bits of floats of the layout."""
    names = {name: b"clip%d" % n for n, name in enumerate(re.findall(rb'<clipPath id="(\w+)"', svg), start=1)}
    return re.sub(rb'(<clipPath id="|url\(#)(\w+)', lambda m: m[1] + names.get(m[2], m[2]), svg)


def save(fig: Figure, stem: Path, formats: Sequence[str]) -> list[Path]:
    """Writes ``stem.png``, ``stem.svg``, ... and returns the paths; the folder is made if it is missing.

    Raises:
        OSError: a file cannot be written.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for format in formats:
        path = stem.with_name(f"{stem.name}.{format}")
        path.write_bytes(render(fig, format))
        paths.append(path)
    return paths
