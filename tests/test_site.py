"""The documentation site: built without a warning, complete, all links lead somewhere, nothing comes from the network,
and it can be read: wide and narrow, light and dark, by screen readers."""

from __future__ import annotations

import importlib.util
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

import symverify

pytestmark = pytest.mark.xdist_group("site")  # one worker builds it
DOCS = Path(__file__).parent.parent / "docs"
LOADED = {
    "script": "src",
    "img": "src",
    "source": "src",
    "iframe": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
"""Attributes whose addresses a browser requests by itself; those of ``link`` too."""
SHAPES = [(1600, "light"), (1300, "dark"), (375, "light"), (800, "dark")]


@dataclass
class Page(HTMLParser):
    """What the tests look at in one page."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    styles: list[str] = field(default_factory=list)
    alts: list[str | None] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    headings: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.update(value for value in (found.get("id"), found.get("name")) if value)
        self.headings += tag == "h1"
        if tag == "html":
            self.languages.append(found.get("lang"))
        if tag == "img":
            self.alts.append(found.get("alt"))
        if tag == "a" and (address := found.get("href")) is not None:
            self.links.add(address)
        if tag == "link" and found.get("rel") not in ("index", "search", "next", "prev", "canonical"):
            self.loads.add(found["href"] or "")
        if address := found.get(LOADED.get(tag, "")):
            self.loads.add(address)
        self.styles.append(found.get("style") or "")


def build(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command of ``make site``."""
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]
    return subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(source), str(folder / "site")],
        env=os.environ | {"HTTP_PROXY": "http://localhost:1", "HTTPS_PROXY": "http://localhost:1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site.  Its sources are copied, with a page and a picture that nobody has announced."""
    folder = tmp_path_factory.mktemp("site")
    source = folder / "docs"
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("api"))
    shutil.copy(DOCS.parent / "CHANGELOG.md", folder)
    (folder / "symverify").symlink_to(Path(symverify.__file__).parent)
    (source / "unannounced.md").write_text("# A new command\n\n[Rule](mathematics.md#path)\n", encoding="utf-8")
    (source / "howto" / "unannounced.md").write_text("# Do something new\n", encoding="utf-8")
    figures = source / "figures"
    figures.mkdir(exist_ok=True)
    square = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    (figures / "unannounced.svg").write_text(square, encoding="utf-8")
    (figures / "unannounced.pdf").write_bytes(b"%PDF-1.4\n")
    (figures / "unannounced.txt").write_text('A *square*, |R| "small",\nand black.\n', encoding="utf-8")
    done = build(source, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def modules() -> Iterator[str]:
    yield "symverify"
    for module in pkgutil.walk_packages(symverify.__path__, "symverify."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def test_every_module_is_in_the_reference(site: Path, pages: dict[Path, Page]) -> None:
    wanted = {site / "api" / f"{name}.html" for name in modules()}
    assert len(wanted) > 40
    assert wanted == set(site.glob("api/symverify*.html"))
    listed = {path for path in wanted if any(path.name in link for link in pages[site / "index.html"].links)}
    assert wanted == listed
    network = (site / "api" / "symverify.network.html").read_text(encoding="utf-8")
    assert 'id="symverify.network.LinearNetwork.canonical_form"' in network


def test_every_page_is_in_the_navigation(site: Path, pages: dict[Path, Page]) -> None:
    sources = [*DOCS.glob("*.md"), *DOCS.glob("howto/*.md"), DOCS / "unannounced.md", DOCS / "howto" / "unannounced.md"]
    names = {str(path.relative_to(DOCS).with_suffix(".html")) for path in sources} - {"index.html"}
    assert names <= pages[site / "index.html"].links


def test_links_lead_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links | page.loads:
            address = urlsplit(urljoin(path.as_uri(), link))
            if address.scheme != "file":
                continue
            target = Path(unquote(address.path))
            known = pages[target].ids if target in pages else set()
            if not target.exists() or (address.fragment and unquote(address.fragment) not in known):
                broken.append((str(path.relative_to(site)), link))
    assert not broken
    assert {"path", "10-claim-2-at-depth--3", "benign-two-units"} <= pages[site / "mathematics.html"].ids


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    loads = {address for page in pages.values() for address in page.loads}
    assert any(address.endswith(".css") or ".css?" in address for address in loads)
    assert [address for address in loads if re.match(r"(?i)\s*([a-z]+:)?//", address)] == []
    styles = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    styles += "\n".join(style for page in pages.values() for style in page.styles)
    assert re.findall(r"""(?i)(?:url\(|@import)\s*["']?\s*(?:https?:)?//[^)]*""", styles) == []
    assert list(site.rglob("*.woff*")) == []


def test_pages_can_be_read_aloud(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert page.languages == ["en"], path
        assert all(page.alts), path
        assert page.headings == 1 or path.name == "search.html", path


def test_the_gallery_shows_what_is_there(site: Path) -> None:
    text = (site / "gallery.html").read_text(encoding="utf-8")
    figure = re.search(r"(?s)<figure[^>]*>(?:(?!</figure>).)*unannounced\.svg.*?</figure>", text)
    assert figure is not None
    assert 'alt="A square, |R| &quot;small&quot;, and black."' in figure[0]
    assert "A <em>square</em>, |R|" in figure[0]
    assert re.search(r'href="[^"]*unannounced\.pdf"', figure[0])


def configuration(folder: Path) -> ModuleType:
    """conf.py, as if it stood in a folder."""
    spec = importlib.util.spec_from_file_location("conf", DOCS / "conf.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__.update(HERE=folder, FIGURES=folder / "figures")
    return module


def test_captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    conf = configuration(tmp_path)
    assert conf.gallery() == "There are no figures in this build."
    figures = tmp_path / "figures"
    figures.mkdir()
    for name in ("b.png", "b.svg", "a.png"):
        (figures / name).touch()
    (figures / "captions.toml").write_text('b = "From the\\n table."\n', encoding="utf-8")
    with pytest.raises(
        conf.ExtensionError, match=r"docs/figures: a has no caption; write it to a\.txt or captions\.toml"
    ):
        conf.gallery()
    (tmp_path / "page.md").write_text("![From the page](figures/a.png) ![Not this](figures/b.svg)", encoding="utf-8")
    assert ":alt: From the page\n" in conf.gallery()
    assert "[More about it](page.md)" in conf.gallery()
    (figures / "a.txt").write_text("From the text.\n", encoding="utf-8")
    shown = conf.gallery()
    assert re.findall(r"\{figure\} (\S+)\n:alt: (.*)", shown) == [
        ("figures/a.png", "From the text."),
        ("figures/b.svg", "From the table."),
    ]
    assert "[PNG](figures/b.png)" in shown and "[PNG](figures/a.png)" not in shown


@pytest.mark.slow
def test_a_link_to_nowhere_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("api"))
    shutil.copy(DOCS.parent / "CHANGELOG.md", tmp_path)
    (tmp_path / "symverify").symlink_to(Path(symverify.__file__).parent)
    with (tmp_path / "docs" / "atlas.md").open("a", encoding="utf-8") as file:
        file.write("\n[nowhere](mathematics.md#no-such-lemma)\n")
    done = build(tmp_path / "docs", tmp_path)
    assert done.returncode == 1
    assert "no-such-lemma" in done.stderr


# -- in a browser ------------------------------------------------------------------------------------------------------

CUT = """
const cut = [];
if (document.documentElement.scrollWidth > innerWidth) cut.push('the page: ' + document.documentElement.scrollWidth);
for (const part of document.querySelectorAll('article pre, article table, article img, article p')) {
  let box = part;
  while (box.parentElement && !['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) box = box.parentElement;
  const clips = box.parentElement && box.scrollWidth > box.clientWidth;
  if (!clips && part.getBoundingClientRect().right > innerWidth + 1) cut.push(part.outerHTML.slice(0, 80));
}
return cut;
"""
PALE = """
const parse = (c) => { const n = c.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const over = ([r, g, b, a], below) => [r, g, b].map((x, i) => a * x + (1 - a) * below[i]);
function background(e) {
  const below = e.parentElement ? background(e.parentElement) : [255, 255, 255];
  return over(parse(getComputedStyle(e).backgroundColor), below);
}
const linear = (x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const pale = {};
for (const e of document.querySelectorAll('body *')) {
  const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join('');
  if (!text || !e.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
  const below = background(e), style = getComputedStyle(e);
  const [a, b] = [light(over(parse(style.color), below)), light(below)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < (large ? 3 : 4.5)) pale[`${e.tagName}.${e.className} ${contrast.toFixed(2)}`] = text.slice(0, 40);
}
return pale;
"""


def shape(browser: Any, width: int, scheme: str) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_nothing_is_cut_off_or_pale(site: Path, chromium: Any, width: int, scheme: str) -> None:
    shape(chromium, width, scheme)
    faults = {}
    for path in [*site.glob("*.html"), *site.glob("howto/*.html"), site / "api" / "symverify.network.html"]:
        chromium.get(path.as_uri())
        found = [chromium.execute_script(CUT), chromium.execute_script(PALE)]
        if any(found):
            faults[str(path.relative_to(site))] = found
        names = chromium.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
        assert [name for name in names if not name.startswith("file:")] == []
    assert not faults, json.dumps(faults, indent=1, ensure_ascii=False)


def test_what_is_cut_off_or_pale_is_seen(site: Path, chromium: Any) -> None:
    shape(chromium, 800, "light")
    chromium.get((site / "gallery.html").as_uri())
    assert not chromium.execute_script(CUT) and not chromium.execute_script(PALE)
    pale = "<p style='color: #aaa; background: #fff'>Pale</p>"
    wide = "<div style='overflow: hidden'><p style='width: 3000px'>Wide</p></div>"
    chromium.execute_script("document.querySelector('article').innerHTML += arguments[0]", pale + wide)
    assert list(chromium.execute_script(PALE).values()) == ["Pale"]
    assert ["Wide" in part for part in chromium.execute_script(CUT)] == [True]


def test_the_search_works_without_network(site: Path, chromium: Any) -> None:
    shape(chromium, 1300, "light")
    chromium.get((site / "search.html").as_uri() + "?q=bottleneck")
    chromium.implicitly_wait(10)
    found = chromium.find_elements("css selector", "#search-results li a")
    assert any("mathematics.html" in link.get_attribute("href") for link in found)
    chromium.implicitly_wait(0)
