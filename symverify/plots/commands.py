"""Pictures on the command line: the options of ``symverify landscape``, and ``symverify plot landscape``.

A fault that shows only after the computation (a wrong number of a point, a folder that cannot be written) is held back
until the result is printed: nothing that was computed is lost.  matplotlib is imported only where a picture is made.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify.plots import formats_of, require_matplotlib
from symverify.usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure

    from symverify.landscape.survey import Landscape
    from symverify.plots.points import Subject


def add_options(parser: argparse.ArgumentParser) -> None:
    """``--plot DIR`` and what belongs to it, for ``symverify landscape``."""
    parser.add_argument("--plot", metavar="DIR", help="write pictures there (needs matplotlib)")
    parser.add_argument("--plot-format", default="png", metavar="F,F", help="of png,svg,pdf (png)")
    _add_slices(parser)


def _add_slices(parser: argparse.ArgumentParser) -> None:
    lines, planes = "the loss along the line through these points", "contours on the plane through these points"
    parser.add_argument("--line", nargs=2, type=int, action="append", metavar=("I", "J"), help=lines)
    parser.add_argument("--plane", nargs=3, type=int, action="append", metavar=("I", "J", "K"), help=planes)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command ``plot``, which draws what was computed before."""
    plot = commands.add_parser("plot", help="pictures of a result that was kept")
    things = plot.add_subparsers(dest="thing", required=True, metavar="THING")
    landscape = things.add_parser("landscape", help="of a result of `symverify landscape --json`")
    landscape.add_argument("result", metavar="RESULT", help="what `symverify landscape --json` printed")
    landscape.add_argument("file", metavar="FILE", help="the problem file that it is of")
    landscape.add_argument("--out", required=True, metavar="DIR", help="write the pictures there")
    landscape.add_argument("--format", default="png", metavar="F,F", help="of png,svg,pdf (png)")
    _add_slices(landscape)


def main(options: argparse.Namespace) -> int:
    """``symverify plot landscape``: exit code 0."""
    from symverify.problem import ProblemError, load

    formats = _ready(options.out, options.format, "--out", "--format")
    from symverify.plots.points import from_json

    try:
        problem = load(options.file)
    except ProblemError as error:
        raise UsageError(str(error)) from None
    try:
        subject = from_json(options.result, problem)
    except ValueError as error:
        raise UsageError(f"{options.result}: {error}") from None
    drawing = Drawing(Path(options.out), formats, "--out")
    try:
        drawing.draw(subject, options.line, options.plane)
    finally:
        if drawing.paths:
            print("\n".join(map(str, drawing.paths)))
    return 0


def check(options: argparse.Namespace) -> None:
    """Everything that can be said before the computation; raises :class:`UsageError`."""
    if options.plot is not None:
        _ready(options.plot, options.plot_format, "--plot", "--plot-format")
    elif options.line or options.plane:
        raise UsageError("--line and --plane are about pictures: add --plot DIR")


def _ready(folder: str, formats: str, option: str, format_option: str) -> tuple[str, ...]:
    require_matplotlib(option)
    names = formats_of(formats, format_option)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} {folder}: cannot be made ({error.strerror}); choose another folder") from None
    return names


@dataclass
class Drawing:
    """The pictures of one landscape, written to a folder one after the other; ``paths`` are those that are done."""

    folder: Path
    formats: tuple[str, ...]
    option: str

    def __post_init__(self) -> None:
        self.paths: list[Path] = []

    def draw(self, subject: Subject, lines: list[list[int]] | None, planes: list[list[int]] | None) -> None:
        """Values, lines, planes, sheet.

        Raises:
            UsageError: a number of no point, or a file that cannot be written.
        """
        from symverify.plots.style import save

        try:
            for name, picture in _pictures(subject, lines, planes):
                self.paths += save(picture(), self.folder / name, self.formats)
        except ValueError as error:
            raise UsageError(str(error)) from None
        except OSError as error:
            raise UsageError(
                f"{self.option} {self.folder}: cannot be written ({error.strerror}); choose another folder"
            ) from None


def _pictures(
    subject: Subject, lines: list[list[int]] | None, planes: list[list[int]] | None
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Names and makers, those that always succeed first."""
    from symverify.plots.lines import line_through
    from symverify.plots.planes import plane_through
    from symverify.plots.sheet import default_line, default_plane, sheet
    from symverify.plots.values import critical_values

    yield "values", partial(critical_values, subject)
    yield "sheet", partial(sheet, subject)
    for a, b in default_line(subject) if lines is None else lines:
        yield f"line-{a}-{b}", partial(line_through, subject, a, b)
    for a, b, c in default_plane(subject) if planes is None else planes:
        yield f"plane-{a}-{b}-{c}", partial(plane_through, subject, a, b, c)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of the pictures: the files, and a fault that is raised once the result is printed.

    ``paths`` is None if none were asked for.
    """

    paths: tuple[Path, ...] | None = None
    fault: UsageError | KeyboardInterrupt | None = None

    def to_json(self) -> dict[str, Any]:
        """The key ``plots``, to be added to the object of the landscape."""
        return {} if self.paths is None else {"plots": [str(path) for path in self.paths]}

    def text(self) -> str:
        """A line per file."""
        return "".join(f"\nplot: {path}" for path in self.paths or ())

    def finish(self) -> None:
        """Raises the fault, if there is one."""
        if self.fault is not None:
            raise self.fault


def draw(options: argparse.Namespace, landscape: Landscape) -> Drawn:
    """The pictures that ``symverify landscape`` was asked for."""
    if options.plot is None:
        return Drawn()
    from symverify.plots.points import points_of

    if not landscape.points:
        print("symverify: --plot: no point was found, so that there is nothing to draw", file=sys.stderr)
        return Drawn(())
    drawing = Drawing(Path(options.plot), formats_of(options.plot_format), "--plot")
    fault: UsageError | KeyboardInterrupt | None = None
    try:
        drawing.draw(points_of(landscape), options.line, options.plane)
    except (UsageError, KeyboardInterrupt) as stop:
        fault = stop
    return Drawn(tuple(drawing.paths), fault)


def report(options: argparse.Namespace, landscape: Landscape) -> None:
    """Prints the landscape, then names the pictures; raises what went wrong with them only then."""
    drawn = draw(options, landscape)
    if options.json:
        print(json.dumps(landscape.to_json() | drawn.to_json(), indent=1))
    else:
        print(landscape.text() + drawn.text())
    drawn.finish()
