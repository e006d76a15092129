"""The page of the atlas: its bytes, and in headless Chromium what a reader does with it: search, filter, sort, open a
structure, download its certificate.  Without Chromium and chromedriver the second part is skipped."""

from __future__ import annotations

import json
import random
import re
import time
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from symverify.atlas.evidence import proved
from symverify.atlas.html import page
from symverify.atlas.rows import Entry, Job, Outcome, Question, Row, units
from symverify.atlas.structures import jobs, parse_structure, representative
from symverify.atlas.table import Table, TableError, load
from symverify.certificate import encode
from symverify.checking import check_bytes
from symverify.cli import main
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.rules import prove_benign

VALID = Path(__file__).parent / "certificates" / "valid"
FLAT = "01 11 | 01 11"  # degenerate for all data
HOSTILE = '<img src=x onerror="window.hacked=1">&amp;</script><script>window.hacked=1</script>\'\u2028{{ROWS}}'
OPEN = Entry(Outcome.OPEN)


def canonical(name: str) -> bytes:
    body = json.loads((VALID / f"{name}.json").read_bytes())
    return (json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n").encode()


def proved_row(certificate: bytes, data_class: DataClass, kind: str, rule: str) -> Row:
    """A row that a certificate of a spurious minimum answers on both questions."""
    found = proved(certificate)
    assert {(data_class, question, Outcome.SPURIOUS, kind) for question in Question} <= found.answers
    entry = Entry(Outcome.SPURIOUS, kind, rule, sha256(certificate).hexdigest())
    return Row(Job(LinearNetwork.from_masks(found.masks), data_class), entry, entry)


@pytest.fixture(scope="module")
def table(small_atlas: Path) -> Table:
    """The run up to 2-2-2, with an answer taken away and one that rests on an assumption; a structure with an exact
    strict minimum for one class and a ball for the other; and a row whose texts are markup."""
    small = load(small_atlas)
    dense = prove_benign(LinearNetwork.dense(2, 1, 2), DataClass.ANY)
    assert dense is not None and dense.assumes
    assumed = encode(dense)
    answer = Entry(Outcome.BENIGN, None, "dense-block", sha256(assumed).hexdigest(), dense.assumes)
    ours = {"11 | 1 1": answer, "1 1 | 11": OPEN}
    kept = [row for row in small.rows if row.job.structure not in ours or row.job.data_class is not DataClass.ANY]
    kept += [Row(Job(parse_structure(name), DataClass.ANY), entry, entry) for name, entry in ours.items()]
    strict, ball = canonical("strict"), canonical("ball")
    path = next(row for row in small.rows if row.job.structure == "1 | 1").all_data.certificate
    markup = Entry(Outcome.BENIGN, None, HOSTILE, path, (HOSTILE,))
    rows = (
        proved_row(strict, DataClass.ANY, "strict", "critical-family"),
        proved_row(ball, DataClass.ORTHOGONAL, "strict", "ball"),
        Row(Job(parse_structure("1 1 1 | 111"), DataClass.ANY), markup, OPEN),
    )
    certificates = {sha256(data).hexdigest(): data for data in (strict, ball, assumed)}
    return Table((*kept, *rows), {**small.certificates, **certificates}, small.facts)


@pytest.fixture(scope="module")
def written(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "atlas.html"
    path.write_text(page(table), encoding="utf-8")
    return path


# -- the bytes --------------------------------------------------------------------------------------------


def test_equal_tables_give_equal_pages(table: Table) -> None:
    rows = list(table.rows)
    random.Random(0).shuffle(rows)
    other = Table(tuple(rows), dict(reversed(table.certificates.items())), table.facts)
    assert page(other) == page(table)
    assert page(Table(table.rows[1:], table.certificates, table.facts)) != page(table)


def test_the_page_holds_every_certificate_that_a_row_names(table: Table) -> None:
    blob = re.search(r'id="certificates">(.*?)</script>', page(table), re.DOTALL)
    assert blob is not None
    lines = zlib.decompress(b64decode(blob[1])).splitlines(keepends=True)
    named = {row.entry(question).certificate for row in table.rows for question in Question} - {None}
    assert [sha256(line).hexdigest() for line in lines] == sorted(filter(None, named))


def test_data_is_never_markup(table: Table) -> None:
    text = page(table)
    assert "<img" not in text
    assert text.count("<script") == text.count("</script>") == 3
    assert text.count('"facts":') == 1  # a placeholder in the data is not filled in
    rows = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert rows is not None
    assert json.loads(rows[1])["assumptions"][0] == HOSTILE


def test_the_page_names_no_other_place(table: Table) -> None:
    assert set(re.findall(r"[a-z]+://[^\"\s]*", page(table))) == {"http://www.w3.org/2000/svg"}


def test_a_changed_certificate_is_refused(table: Table) -> None:
    name, data = next(iter(table.certificates.items()))
    for changed in (data.replace(b"1", b"2", 1), data.rstrip(b"\n"), data + data):
        with pytest.raises(TableError, match=f"certificate {name} is missing or changed"):
            page(Table(table.rows, {**table.certificates, name: changed}, table.facts))


def test_the_command_writes_the_page(small_atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "atlas.html"
    assert main(["atlas", "html", str(out), str(small_atlas)]) == 0
    assert out.read_bytes() == page(load(small_atlas)).encode()
    assert main(["atlas", "html", str(tmp_path / "none" / "x.html"), str(small_atlas)]) == 2
    assert re.fullmatch(r"symverify: OUT .*x\.html: cannot be written .*\n", capsys.readouterr().err)


# -- in a browser -----------------------------------------------------------------------------------------


class Reader:
    """What a reader sees and does."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        self.address = address

    def run(self, script: str, *arguments: object) -> Any:
        return self.browser.execute_script(script, *arguments)

    def open(self, fragment: str = "") -> None:
        self.browser.get("about:blank")
        self.browser.get(self.address + fragment)

    def find(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return list(self.browser.find_elements("css selector", selector))

    def wait(self, script: str, *arguments: object) -> Any:
        """The value of a script, as soon as it is one."""
        for _ in range(200):
            if value := self.run(f"return {script}", *arguments):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def names(self) -> list[str]:
        return list(self.run("return [...document.querySelectorAll('#rows .name')].map((a) => a.textContent)"))

    def search(self, text: str) -> list[str]:
        box = self.find("#search")
        box.clear()
        box.send_keys(text)
        return self.names()

    def choose(self, **filters: str) -> list[str]:
        for name, value in filters.items():
            self.find(f"#{name} option[value='{value}']").click()
        return self.names()

    def size(self, width: int, height: int = 900, scheme: str = "light") -> None:
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def reader(chromium: Any, written: Path) -> Iterator[Reader]:
    """The page, wide and light; whatever is done with it, the console stays empty and nothing is requested."""
    reader = Reader(chromium, written.as_uri())
    reader.size(1400)
    reader.open()
    yield reader
    assert reader.run("return performance.getEntriesByType('resource').map((e) => e.name)") == []
    assert reader.run("return window.hacked") is None
    assert reader.errors() == []


def test_errors_would_be_seen(chromium: Any, written: Path) -> None:
    reader = Reader(chromium, written.as_uri())
    reader.open()
    reader.run("console.error('seen')")
    reader.run("document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))")
    messages = reader.errors()
    assert any("seen" in message for message in messages)
    assert any("Content Security Policy" in message for message in messages)  # nothing can be requested


def test_all_rows_are_there_small_first(reader: Reader, table: Table) -> None:
    names = {row.job.structure: row.job.network for row in table.rows}
    assert set(reader.names()) == set(names)
    assert [sum(names[name].widths) for name in reader.names()] == sorted(sum(n.widths) for n in names.values())
    cells = "[...document.querySelectorAll('#rows td.structure')]"
    for structure, units_text in reader.run(f"return {cells}.map((td) => [...td.children].map((e) => e.textContent))"):
        assert units_text == units(names[structure])
    markup = reader.find("#rows a[href='#1-1-1_111']").find_element("xpath", "ancestor::tr").text
    assert "<img src=x" in markup


COUNTS = """
const pairs = (cell) => [...cell.children].map((span) => [span.title, span.innerText]);
return [...document.querySelectorAll('#counts tbody tr, #counts tfoot tr')].map(
  (tr) => [tr.cells[0].innerText, ...[...tr.querySelectorAll('.four')].map(pairs)]);
"""


def test_the_summary_counts_the_rows(reader: Reader, table: Table) -> None:
    expected: Counter[tuple[str, str, Question, str]] = Counter()
    for row in table.rows:
        for question in Question:
            entry = row.entry(question)
            key = (str(row.job.data_class), question, entry.kind or str(entry.verdict))
            for size in ("-".join(map(str, row.job.network.widths)), "All"):
                expected[size, *key] += 1
    lines = reader.run(COUNTS)
    columns = [(str(data_class), question) for data_class in DataClass for question in Question]
    found = {
        (size, *column, state): int(number)
        for size, *cells in lines
        for column, cell in zip(columns, cells, strict=True)
        for state, number in cell
    }
    assert {key: number for key, number in found.items() if number} == expected
    assert {size for size, *_ in found} == {size for size, *_ in expected}


def test_a_size_of_the_summary_chooses_its_structures(reader: Reader) -> None:
    next(button for button in reader.all("#counts button") if button.text == "1-2-2").click()
    assert reader.names() == ["1 1 | 01 10", "1 1 | 01 11", "1 1 | 11 11"]


@pytest.mark.parametrize("text", [FLAT, "2-2-2 11 10 | 10 11", "{12}x{12}, {1}x{1}", " {2}×{2},{12} x {12} "])
def test_search_finds_a_structure_in_any_order_of_its_nodes(text: str, reader: Reader) -> None:
    assert FLAT in reader.search(text)
    assert reader.find("#notice").text == ""


def test_search_finds_parts(reader: Reader, table: Table) -> None:
    named = {row.job.structure: units(row.job.network) for row in table.rows}
    assert set(reader.search("| 01 11")) == {name for name in named if "| 01 11" in name}
    found = reader.search("{12}x{1}, {12}x{1}")  # as often as it is asked for
    assert set(found) == {name for name, text in named.items() if text.count("{12}x{1}") >= 2}
    assert 0 < len(found) < len(reader.search("{12}x{1}"))
    assert set(reader.search("2-2-1")) == {name for name in named if parse_structure(name).widths == (2, 2, 1)}
    assert reader.search("no such text") == []
    assert reader.find("#found").text.startswith(f"0 of {len(named)} structures")
    assert reader.search("1111 | 1") == []
    assert reader.find("#notice").text == "This whole structure is not in the atlas."


def test_the_page_relabels_as_the_atlas_does(reader: Reader) -> None:
    choice = random.Random(1)
    for _ in range(40):
        widths = [choice.randint(1, 3) for _ in range(choice.choice([3, 3, 4]))]
        masks = [
            [[choice.randint(0, 1) for _ in range(below)] for _ in range(above)] for below, above in pairwise(widths)
        ]
        expected = representative(LinearNetwork.from_masks(masks))
        assert reader.run("return representative(arguments[0])", masks) == str(expected).partition(" ")[2]


FILTERS: list[dict[str, str]] = [
    {"verdict": "spurious"},
    {"verdict": "open", "question": "almost_all_data"},
    {"verdict": "spurious", "kind": "strict", "question": "almost_all_data"},
    {"class": "orthogonal", "kind": "degenerate"},
    {"basis": "assumed", "size": "2-1-2"},
    {"basis": "proved", "verdict": "open"},
    {"rule": "residual-types", "class": "orthogonal"},
    {"rule": "residual-types", "class": "any"},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filters_speak_of_one_answer(filters: dict[str, str], reader: Reader, table: Table) -> None:
    def fits(row: Row, question: Question) -> bool:
        entry = row.entry(question)
        basis = "" if entry.certificate is None else "assumed" if entry.assumes else "proved"
        facts = {"size": "-".join(map(str, row.job.network.widths)), "class": str(row.job.data_class), "basis": basis}
        facts |= {
            "question": str(question),
            "verdict": str(entry.verdict),
            "kind": entry.kind or "",
            "rule": entry.rule or "",
        }
        return all(facts[name] == value for name, value in filters.items())

    answers = [row.job.structure for row in table.rows for question in Question if fits(row, question)]
    assert set(reader.choose(**filters)) == set(answers)
    assert f"{len(set(answers))} of " in reader.find("#found").text
    assert reader.find("#found").text.endswith(f", {len(answers)} answer{'s' * (len(answers) != 1)} that match")
    reader.find("#reset").click()
    assert len(reader.names()) == len({row.job.structure for row in table.rows})


def test_a_heading_sorts_and_sorts_back(reader: Reader, table: Table) -> None:
    weights = {row.job.structure: row.job.network.parameters for row in table.rows}
    for sort, order in (("ascending", 1), ("descending", -1)):
        reader.find("#rows thead button[data-order='2']").click()
        found = [order * weights[name] for name in reader.names()]
        assert found == sorted(found)
        assert len(set(found)) > 3
        assert reader.find("#rows th[aria-sort]").get_attribute("aria-sort") == sort
        assert reader.run("return document.activeElement.dataset.order") == "2"  # the keyboard stays where it was
    reader.find("#rows thead button[data-order='3']").click()
    badges = reader.run(
        "return [...document.querySelectorAll('#rows tr > :nth-child(5) .badge')].map((b) => b.classList[1])"
    )
    order_of = ["benign", "strict", "degenerate", "open"].index
    assert badges == sorted(badges, key=order_of)
    assert len(set(badges)) == 4


def test_a_narrow_screen_has_controls_for_the_order(reader: Reader, table: Table) -> None:
    weights = {row.job.structure: row.job.network.parameters for row in table.rows}
    assert not reader.find("#sort").is_displayed()
    reader.size(400)
    assert not reader.find("#rows thead").is_displayed()
    found = [weights[name] for name in reader.choose(sort="2")]
    assert found == sorted(found)
    reader.find("#direction").click()
    found = [weights[name] for name in reader.names()]
    assert found == sorted(found, reverse=True)


def test_the_back_button_closes_and_the_link_has_the_focus(reader: Reader) -> None:
    reader.find("#rows a[href='#01-11_01-11']").click()
    reader.wait("document.getElementById('detail').open")
    reader.browser.back()
    reader.wait("!document.getElementById('detail').open")
    reader.browser.forward()
    reader.wait("document.getElementById('detail').open")
    reader.find("#close").click()
    reader.wait("location.hash === '' && document.activeElement.getAttribute('href') === '#01-11_01-11'")


def open_with_the_keyboard(reader: Reader) -> None:
    reader.search(FLAT)
    reader.run("document.querySelector('#rows .name').focus()")
    reader.browser.switch_to.active_element.send_keys("\ue007")


OPENINGS = {
    "click": lambda reader: reader.find("#rows a[href='#01-11_01-11']").click(),
    "click on the row": lambda reader: reader.find("#rows tr:has([href='#01-11_01-11']) .result").click(),
    "keyboard": open_with_the_keyboard,
    "address": lambda reader: reader.open("#01-11_01-11"),
    "address with spaces": lambda reader: reader.open("#01%2011%20%7C%2001%2011"),
    "address with units": lambda reader: reader.open("#{12}x{12},{1}x{1}"),
}


@pytest.mark.parametrize("way", OPENINGS)
def test_a_structure_is_opened_and_closed(way: str, reader: Reader) -> None:
    OPENINGS[way](reader)
    reader.wait("document.getElementById('detail').open")
    assert reader.find("#title").text == FLAT
    assert len(reader.all("#inside svg circle")) == 6
    assert len(reader.all("#inside svg line")) == 6
    reader.browser.switch_to.active_element.send_keys("\ue00c")  # escape
    reader.wait("!document.getElementById('detail').open && location.hash === ''")


def test_an_unknown_address_says_so(reader: Reader) -> None:
    for fragment in ("#<b>x</b>", "#11-11_11-1", "#%E0%A4%A"):
        reader.open(fragment)
        assert reader.find("#notice").text.startswith("No structure “")
        assert not reader.run("return document.getElementById('detail').open")


def test_previous_and_next_follow_the_table(reader: Reader) -> None:
    names = reader.names()
    reader.open("#" + names[1].replace(" | ", "_").replace(" ", "-"))
    reader.find("#after").click()
    assert reader.find("#title").text == names[2]
    assert reader.run("return location.hash") == "#" + names[2].replace(" | ", "_").replace(" ", "-")
    reader.find("#before").click()
    reader.find("#before").click()
    assert reader.find("#title").text == names[0]
    assert not reader.find("#before").is_enabled()


def matrices(reader: Reader) -> list[Any]:
    return list(
        reader.wait(
            "((tables) => tables.length && tables.map((table) => [...table.rows].map((row) => [...row.cells].map("
            "(cell) => cell.innerText.replace('−', '-')))))([...document.querySelectorAll('.witness table')])"
        )
    )


def test_the_witness_is_that_of_the_certificate(reader: Reader, table: Table) -> None:
    row = next(row for row in table.rows if row.job.structure == FLAT and row.job.data_class is DataClass.ORTHOGONAL)
    witness = row.to_json(table.certificates)["all_data"]["witness"]
    reader.open("#01-11_01-11")
    found = matrices(reader)[-6:]  # the class orthogonal comes last
    assert found[:2] == [witness["G"], witness["C"]]
    for shown, weights in ((found[2:4], witness["weights"]), (found[4:], witness["better"])):
        for matrix, mask, values in zip(shown, row.job.network.masks, weights, strict=True):
            expected = [
                [v if m else "·" for m, v in zip(ms, vs, strict=True)] for ms, vs in zip(mask, values, strict=True)
            ]
            assert matrix == expected
    text = reader.all(".witness")[-1].text
    assert f"Minimum loss {witness['loss']}" in text
    assert f"Better point loss {witness['better_loss']}" in text
    assert f"c₀ = {witness['c0']}" in text


def test_long_rationals_are_rounded_and_kept(reader: Reader, table: Table) -> None:
    name = next(row.job.structure for row in table.rows if row.all_data.rule == "ball")
    reader.open("#" + name.replace(" | ", "_").replace(" ", "-"))
    matrices(reader)
    statement = json.loads(canonical("ball"))["statement"]
    shown = {e.get_attribute("title"): e.text for e in reader.all(".witness span[title]")}
    for bound in (statement["loss_at_least"], statement["loss_at_most"]):
        assert shown[bound].startswith("≈ 9.45")
    decimals = {
        "1/3": "0.333333",
        "-" + "7" * 400 + "/" + "7" * 399 + "8": None,
        "1/" + "9" * 30: "1e-30",
        "12345678901234567": None,
    }
    for value, expected in decimals.items():
        found = float(reader.run("return decimal(arguments[0])", value))
        p, _, q = value.partition("/")
        assert found == pytest.approx(int(p) / int(q or 1), rel=1e-5)
        assert expected is None or found == float(expected)


def test_a_certificate_is_downloaded_and_accepted(reader: Reader, table: Table, tmp_path: Path) -> None:
    allow = {"behavior": "allow", "downloadPath": str(tmp_path)}
    reader.browser.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
    for fragment, outcome in (("#01-11_01-11", "valid"), ("#11_1-1", "assumes")):
        reader.open(fragment)
        button = reader.all(".download")[0]
        name = button.get_attribute("data-certificate")
        button.click()
        path = tmp_path / f"{name}.json"
        for _ in range(200):
            if path.exists():
                break
            time.sleep(0.05)
        data = path.read_bytes()
        assert data == table.certificates[name]
        assert sha256(data).hexdigest() == name
        assert check_bytes(data)[0] == outcome
        assert main(["check", str(path)]) == {"valid": 0, "assumes": 3}[outcome]


def test_assumptions_are_named_and_the_certificate_is_shown(reader: Reader, table: Table) -> None:
    reader.open("#11_1-1")
    assert "Assumed by rule dense-block, given:\nBaldi-Hornik 1989" in reader.find(".answer").text
    reader.find(".answer summary").click()
    shown = json.loads(reader.wait("document.querySelector('.answer pre').textContent"))
    name = reader.find(".download").get_attribute("data-certificate")
    assert shown == json.loads(table.certificates[name])
    reader.open("#1-1-1_111")
    assert HOSTILE.replace("\u2028", " ").split()[0] in reader.find(".answer").text
    assert reader.all("#inside img, #inside script") == []


@pytest.mark.parametrize("width", [320, 400, 820, 1400])
def test_nothing_is_wider_than_the_screen(width: int, reader: Reader) -> None:
    reader.size(width)
    wide = "[document.documentElement, document.getElementById('detail')].map((e) => e.scrollWidth - e.clientWidth)"
    assert reader.run(f"return {wide}") == [0, 0]
    reader.open("#01-11_01-11")
    matrices(reader)
    assert reader.run(f"return {wide}") == [0, 0]


CONTRAST = """
const light = (text) => {
  const parts = text.match(/[0-9.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const behind = (e) => {
  const colour = getComputedStyle(e).backgroundColor;
  return colour === 'rgba(0, 0, 0, 0)' ? behind(e.parentElement) : colour;
};
const kinds = '.badge; .rule; .units; .name; #counts .zero; #hint; #counts button; dt; #rows th button'.split('; ');
return kinds.flatMap((selector) => [...document.querySelectorAll(selector)].map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return [selector + ' ' + e.className, (a + 0.05) / (b + 0.05)];
  }));
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_colour_schemes(scheme: str, reader: Reader) -> None:
    reader.size(1400, scheme=scheme)
    ground = reader.run("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    ratios = dict(reader.run(CONTRAST))
    assert len(ratios) > 9
    for what, ratio in ratios.items():
        assert ratio >= (3.5 if "zero" in what else 4.5), what  # zeros are quiet on purpose


def test_a_full_table_is_shown_in_pages(chromium: Any, tmp_path: Path) -> None:
    rows = tuple(Row(job, OPEN, OPEN) for job in jobs((3, 3, 3), list(DataClass)))
    path = tmp_path / "large.html"
    path.write_text(page(Table(rows, {}, {"seed": "0", "version": "0"})), encoding="utf-8")
    reader = Reader(chromium, path.as_uri())
    reader.size(1400)
    reader.open()
    structures = list(dict.fromkeys(row.job.structure for row in rows))
    assert len(structures) == 1135
    seen = []
    while True:
        seen += reader.names()
        if not reader.find("#next").is_enabled():
            break
        reader.find("#next").click()
    assert reader.find("#page").text == "Page 23 of 23"
    assert len(seen) == 1135
    assert set(seen) == set(structures)
    both = [n for n in structures if {"{12}x{12}", "{13}x{13}"} <= set(units(parse_structure(n)).split(", "))]
    assert reader.search("{12}x{12}, {13}x{13}") == ["011 101 | 01 10 11", *both]
    reader.find("#reset").click()
    assert len(reader.choose(length="500")) == 500
    assert reader.errors() == []
