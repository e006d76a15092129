"""Pictures are written the same way every time, in formats that can be read; kinds can be told apart."""

from __future__ import annotations

import itertools
import struct
import sys
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import matplotlib
import pytest

from symverify import plots
from symverify.landscape.survey import Kind
from symverify.plots import style
from symverify.usage import UsageError


def check_png(data: bytes) -> tuple[int, int]:
    """Width and height; every chunk has its checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, names = 8, []
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        body = data[place + 4 : place + 8 + length]
        assert zlib.crc32(body) == struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0]
        names.append(body[:4])
        place += 12 + length
    assert (names[0], names[-1]) == (b"IHDR", b"IEND")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def check_picture(path: Path) -> None:
    data = path.read_bytes()
    if path.suffix == ".png":
        width, height = check_png(data)
        assert width > 100 and height > 100
    elif path.suffix == ".svg":
        assert ET.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"
    else:
        assert data.startswith(b"%PDF-1.") and data.rstrip().endswith(b"%%EOF")
        start = int(data.rsplit(b"startxref", 1)[1].split()[0])
        assert data[start : start + 4] == b"xref" and b"/Type /Page" in data


@style.styled
def _small() -> style.Figure:
    fig = style.figure(3, 2)
    axes = fig.add_subplot()
    for n, look in enumerate(style.KIND_STYLE.values()):
        axes.plot([n], [n], **look.marks())
    axes.set_title("title")
    return fig


def test_the_same_bytes_whatever_the_settings_of_the_user(tmp_path: Path) -> None:
    first = style.save(_small(), tmp_path / "a" / "x", plots.FORMATS)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "figure.dpi": 30, "axes.grid": True}):
        second = style.save(_small(), tmp_path / "b" / "x", plots.FORMATS)
    assert [p.name for p in first] == ["x.png", "x.svg", "x.pdf"]
    for one, other in zip(first, second, strict=True):
        check_picture(one)
        assert one.read_bytes() == other.read_bytes()
        assert not any(stamp in one.read_bytes() for stamp in (b"CreationDate", b"<dc:date>", b"Software"))


def test_clip_paths_have_names_that_do_not_depend_on_last_bits() -> None:
    fig = _small()
    svg = style.render(fig, "svg")
    fig.set_layout_engine("none")
    box = fig.axes[0].get_position()
    fig.axes[0].set_position((box.x0, box.y0, box.width * (1 + 1e-15), box.height))
    assert style.render(fig, "svg") == svg
    assert svg.count(b'<clipPath id="clip1"') == 1 and b"url(#clip1)" in svg


def test_a_dot_in_the_name_stays(tmp_path: Path) -> None:
    (path,) = style.save(_small(), tmp_path / "lambda-0.1", ("svg",))
    assert path.name == "lambda-0.1.svg"


def _lightness(colour: str) -> float:
    """L* of CIELAB, from 0 to 100."""
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in (red, green, blue)]
    return 116 * (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]) ** (1 / 3) - 16


def test_kinds_differ_in_shape_and_in_grey() -> None:
    looks = list(style.KIND_STYLE.values())
    assert len({look.marker for look in looks}) == len(looks)
    for one, other in itertools.combinations(looks, 2):
        assert abs(_lightness(one.colour) - _lightness(other.colour)) > 5, (one, other)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_a_landscape_has_a_style(kind: Kind) -> None:
    assert (style.kind_of(kind) == "undecided") == kind.startswith("undecided")


def test_an_unknown_kind_is_never_shown_as_decided() -> None:
    assert style.kind_of("something new") == "undecided"


def test_bad_format_and_missing_matplotlib_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"^--plot-format png,jpg: 'jpg' is not known; choose from png, svg, pdf$"):
        plots.formats_of("png,jpg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"^--plot needs matplotlib: pip install 'symverify\[plot\]'$"):
        plots.require_matplotlib("--plot")
