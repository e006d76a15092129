"""Problem files: every form of data is read, and every fault is one line that names the place and the remedy."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symverify.data import Data, DataClass
from symverify.network import LinearNetwork
from symverify.problem import FORMAT, Problem, ProblemError, from_json, load
from symverify.strictjson import parse

MASKS = [[[1, 1]], [[1]]]
ANY = {"class": "any"}
UNIT = [[1, 0], [0, 1]]
MISSING = object()


def problem(**changes: Any) -> dict[str, Any]:
    """A good problem file with two inputs, one unit and one output, but for the changes."""
    body = {"format": FORMAT, "masks": MASKS, "data": ANY} | changes
    return {key: value for key, value in body.items() if value is not MISSING}


def moments(**changes: Any) -> dict[str, Any]:
    """Good data for it, but for the changes."""
    body = {"G": UNIT, "C": [[1, 1]], "c0": 1} | changes
    return {key: value for key, value in body.items() if value is not MISSING}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "problem.json"


def read(path: Path, content: Any) -> Problem:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return load(path)


def fault(path: Path, content: Any) -> str:
    """What is said of a bad file, without its name in front; checks that it is one short line."""
    with pytest.raises(ProblemError) as caught:
        read(path, content)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert text.startswith(f"{path}: ")
    assert len(text) < len(str(path)) + 200
    return text.removeprefix(f"{path}: ")


# -- what is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["any", "orthogonal"])
def test_class_of_data(path: Path, name: str) -> None:
    read_ = read(path, problem(data={"class": name}))
    assert read_ == Problem(LinearNetwork.from_masks(MASKS), DataClass(name))


@pytest.mark.parametrize(
    "data",
    [
        moments(C=[["1/2", "-3"]], c0="37/8"),
        moments(G=[["1", "0"], ["0", "1"]], C=[["2/4", "-3"]], c0="37/8"),
        moments(C=[["1/2", -3]], c0="74/16"),
    ],
)
def test_moments(path: Path, data: dict[str, Any]) -> None:
    expected = Data(
        ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1))), ((Fraction(1, 2), Fraction(-3)),), Fraction(37, 8)
    )
    assert read(path, problem(data=data)).data == expected


def test_moments_may_be_singular_and_c0_larger_than_needed(path: Path) -> None:
    data = read(path, problem(data={"G": [[1, 1], [1, 1]], "C": [[2, 2]], "c0": 7})).data
    assert data == Data(((Fraction(1),) * 2,) * 2, ((Fraction(2),) * 2,), Fraction(7))


def test_samples(path: Path) -> None:
    data = read(path, problem(data={"X": [[1, "1/2", 0], [0, 1, 2]], "Y": [["-1", 0, 3]]})).data
    assert isinstance(data, Data)
    assert data.gram == ((Fraction(5, 4), Fraction(1, 2)), (Fraction(1, 2), Fraction(5)))
    assert data.cross == ((Fraction(-1), Fraction(6)),)
    assert data.constant == 5


def test_one_sample_is_enough(path: Path) -> None:
    data = read(path, problem(data={"X": [[1], [2]], "Y": [[3]]})).data
    assert data == Data(
        ((Fraction(1), Fraction(2)), (Fraction(2), Fraction(4))), ((Fraction(3), Fraction(6)),), Fraction(9, 2)
    )


def test_integers_stay_exact(path: Path) -> None:
    large = 10**3000 + 1
    data = read(path, problem(data=moments(C=[[0, 0]], c0=large))).data
    assert isinstance(data, Data) and data.constant == large


@pytest.mark.parametrize("masks", [[[[1, 1]]], [[[1, 0], [1, 1]], [[1, 1]]], [[[1]], [[1], [1]], [[1, 0], [0, 1]]]])
def test_masks(path: Path, masks: list[list[list[int]]]) -> None:
    """One layer is a network too; so is one with unused inputs."""
    assert read(path, problem(masks=masks)).network.masks == tuple(tuple(map(tuple, mask)) for mask in masks)


def test_example_of_the_readme(path: Path) -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    start = text.index('{"format": "symverify-problem/1"')
    found = read(path, text[start : text.index("```", start)].encode())
    assert str(found.network) == "3-2-3 100 111 | 11 01 01"
    assert found.data is DataClass.ORTHOGONAL


def test_path_may_be_a_string(path: Path) -> None:
    read(path, problem())
    assert load(str(path)) == load(path)


def test_spaces_and_order_of_keys_do_not_matter(path: Path) -> None:
    text = b'\n {"data" : {"class":"any"},\r\n\t"masks": [[[1,1]],[[1]]], "format":"symverify-problem/1"}\n\n'
    assert read(path, text) == read(path, problem())


# -- what is refused: where, and what to do ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("masks", "place", "remedy"),
    [
        ([[[1, 0], [1]], [[1, 1]]], "masks[0][1]", "make the rows equally long"),
        ([[[1, 1]], [[1], [1, 1]]], "masks[1][1]", "make the rows equally long"),
        ([[[1, 2]], [[1]]], "masks[0][0][1]", "entries are 0 or 1, not '2'"),
        ([[[1, -1]], [[1]]], "masks[0][0][1]", "entries are 0 or 1, not '-1'"),
        ([[[1, True]], [[1]]], "masks[0][0][1]", "entries are 0 or 1"),
        ([[[False, 1]], [[1]]], "masks[0][0][0]", "entries are 0 or 1"),
        ([[[1, "1"]], [[1]]], "masks[0][0][1]", "entries are 0 or 1"),
        ([[[1, None]], [[1]]], "masks[0][0][1]", "entries are 0 or 1"),
        ([[[1, [1]]], [[1]]], "masks[0][0][1]", "entries are 0 or 1"),
        ([[[1, {}]], [[1]]], "masks[0][0][1]", "entries are 0 or 1"),
        ([[[1, 10**30]], [[1]]], "masks[0][0][1]", "entries are 0 or 1"),
        ([[["a\nb", 1]], [[1]]], "masks[0][0][0]", "entries are 0 or 1"),
        ([[[1, 1]], [[1, 1]]], "masks[1]", "the layers must chain"),
        ([[[1, 1]], [[1]], [[1, 1]]], "masks[2]", "the layers must chain"),
        ([[[0, 0]], [[1]]], "masks", "no path joins any input to any output"),
        ([[[1, 0], [0, 0]], [[0, 1]]], "masks", "no path joins any input to any output"),
        ([], "masks", "at least one layer"),
        ([[]], "masks[0]", "non-empty list of rows"),
        ([[[]]], "masks[0]", "at least one column"),
        ([[[1, 1]], []], "masks[1]", "non-empty list of rows"),
        ([[[1, 1]], [[]]], "masks[1]", "at least one column"),
        ([[1, 1], [1]], "masks[0][0]", "a row is a list of 0 and 1"),
        (["11", "1"], "masks[0]", "non-empty list of rows"),
        ([["11"], ["1"]], "masks[0][0]", "a row is a list of 0 and 1"),
        ([{}], "masks[0]", "non-empty list of rows"),
        ({}, "masks", "a list with one 0/1 matrix per layer"),
        ("11", "masks", "a list with one 0/1 matrix per layer"),
        (None, "masks", "a list with one 0/1 matrix per layer"),
        (1, "masks", "a list with one 0/1 matrix per layer"),
    ],
    ids=lambda value: str(value)[:40].replace("\n", " "),
)
def test_bad_masks(path: Path, masks: Any, place: str, remedy: str) -> None:
    text = fault(path, problem(masks=masks))
    assert text.startswith(f"{place}: ")
    assert remedy in text


@pytest.mark.parametrize(
    ("data", "place", "remedy"),
    [
        (moments(G=[[1, 2], [0, 9]]), "data.G[1][0]", "G = X X' is symmetric"),
        (moments(G=[[1, 2], [2, 1]]), "data.G", "no negative eigenvalue"),
        (moments(G=[[-1, 0], [0, 1]]), "data.G", "no negative eigenvalue"),
        (moments(G=[[1, 0], [0, 0]]), "data.C", "vanishes on the kernel of G"),
        (moments(c0=0), "data.c0", "the least 1/2 |Y|^2 for this C"),
        (moments(c0="999/1000"), "data.c0", "999/1000 is below"),
        (moments(c0=-1), "data.c0", "-1 is below"),
        (moments(G=[[1]], C=[[1]]), "data", "masks[0] has 2 columns"),
        (moments(G=[[1, 0, 0], [0, 1, 0], [0, 0, 1]], C=[[0, 0, 0]]), "data", "masks[0] has 2 columns"),
        (moments(G=[[1, 0]]), "data.G", "not square"),
        (moments(G=[[1, 0], [0]]), "data.G[1]", "the first row has 2"),
        (moments(C=[[1]]), "data.C[0]", "C needs a column per input"),
        (moments(C=[[1, 0], [0, 1]]), "data", "masks[1] has 1 rows"),
        (moments(C=[]), "data.C", "a non-empty list of non-empty rows is expected"),
        (moments(C=[1, 1]), "data.C", "a non-empty list of non-empty rows is expected"),
        (moments(G="1"), "data.G", "a non-empty list of non-empty rows is expected"),
        (moments(G=None), "data.G", "a non-empty list of non-empty rows is expected"),
        (moments(G={"a": 1}), "data.G", "a non-empty list of non-empty rows is expected"),
        (moments(c0=None), "data.c0", "an integer or a string 'p/q' is expected"),
        (moments(c0=True), "data.c0", "an integer or a string 'p/q' is expected"),
        (moments(c0=[1]), "data.c0", "an integer or a string 'p/q' is expected"),
        (moments(c0={}), "data.c0", "an integer or a string 'p/q' is expected"),
        (moments(C=[[1, None]]), "data.C[0][1]", "an integer or a string 'p/q' is expected"),
        (moments(C=[[1, False]]), "data.C[0][1]", "an integer or a string 'p/q' is expected"),
        (moments(c0=MISSING), "data", "key 'c0' is missing"),
        (moments(C=MISSING), "data", "key 'C' is missing"),
        (moments(G=MISSING), "data", "key 'G' is missing"),
        (moments(d0=1), "data", "unknown key 'd0'; the keys are G, C, c0"),
        (moments(**{"c\n0": 1}), "data", "unknown key"),
        ({"X": [[1, 0], [0, 1]], "Y": [[1]]}, "data", "one column per sample"),
        ({"X": [[1], [2]], "Y": [[1, 1]]}, "data", "one column per sample"),
        ({"X": [[1], [2], [3]], "Y": [[1]]}, "data", "masks[0] has 2 columns"),
        ({"X": [[1], [2]], "Y": [[1], [1]]}, "data", "masks[1] has 1 rows"),
        ({"X": [[1, 2], [3]], "Y": [[1, 2]]}, "data.X[1]", "the first row has 2"),
        ({"X": [[1, 2], [3, 4]], "Y": [[1, "x"]]}, "data.Y[0][1]", "write 'p' or 'p/q'"),
        ({"X": [], "Y": []}, "data.X", "a non-empty list of non-empty rows is expected"),
        ({"X": [[], []], "Y": [[]]}, "data.X", "a non-empty list of non-empty rows is expected"),
        ({"X": [[1], [2]]}, "data", "key 'Y' is missing"),
        ({"Y": [[1]]}, "data", "key 'X' is missing"),
        ({"X": [[1], [2]], "Y": [[1]], "G": UNIT}, "data", "the keys are X, Y"),
        ({"class": "any", "c0": 1}, "data", "unknown key 'c0'; the keys are class"),
        ({"class": "all"}, "data.class", "write 'any' or 'orthogonal'"),
        ({"class": "ANY"}, "data.class", "write 'any' or 'orthogonal'"),
        ({"class": ["any"]}, "data.class", "write 'any' or 'orthogonal'"),
        ({"class": {"any": 1}}, "data.class", "write 'any' or 'orthogonal'"),
        ({"class": None}, "data.class", "write 'any' or 'orthogonal'"),
        ({"class": 1}, "data.class", "write 'any' or 'orthogonal'"),
        ({"class": "x\ny"}, "data.class", "write 'any' or 'orthogonal'"),
        ({}, "data", "give one of"),
        ([], "data", "an object is expected"),
        ("any", "data", "an object is expected"),
        (None, "data", "an object is expected"),
        (1, "data", "an object is expected"),
    ],
    ids=lambda value: str(value)[:60].replace("\n", " "),
)
def test_bad_data(path: Path, data: Any, place: str, remedy: str) -> None:
    text = fault(path, problem(data=data))
    assert text.startswith(f"{place}: ")
    assert remedy in text


@pytest.mark.parametrize(
    "bad", ["1.5", "", " 1", "1 ", "1e3", "+1", "1_0", "--1", "1/-2", "1/2/3", "/2", "x", "१", "²", "1\n", "\ud800"]
)
def test_bad_rational(path: Path, bad: str) -> None:
    text = fault(path, problem(data=moments(C=[[1, bad]])))
    assert text == f"data.C[0][1]: {bad!r} is not a rational; write 'p' or 'p/q' with digits"


def test_denominator_zero(path: Path) -> None:
    assert (
        fault(path, problem(data=moments(c0="1/0")))
        == "data.c0: '1/0' has denominator zero; write 'p' or 'p/q' with q > 0"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (problem(extra=1), "problem: unknown key 'extra'; the keys are format, masks, data, regularisation"),
        (
            problem(**{"x" * 500: 1}),
            f"problem: unknown key '{'x' * 40}'; the keys are format, masks, data, regularisation",
        ),
        (problem(format=MISSING), "problem: key 'format' is missing"),
        (problem(masks=MISSING), "problem: key 'masks' is missing"),
        (problem(data=MISSING), "problem: key 'data' is missing"),
        (problem(format="symverify-problem/2"), f"format: 'symverify-problem/2' is not known; write {FORMAT!r}"),
        (
            problem(format="symverify-certificate/1"),
            f"format: 'symverify-certificate/1' is not known; write {FORMAT!r}",
        ),
        (problem(format=None), f"format: 'None' is not known; write {FORMAT!r}"),
        (problem(format=[FORMAT]), f"format: \"['symverify-problem/1']\" is not known; write {FORMAT!r}"),
        ({}, "problem: key 'format' is missing"),
        ([], "problem: an object with the keys format, masks, data is expected"),
        ([problem()], "problem: an object with the keys format, masks, data is expected"),
        (None, "problem: an object with the keys format, masks, data is expected"),
        (17, "problem: an object with the keys format, masks, data is expected"),
        ("text", "problem: an object with the keys format, masks, data is expected"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_problem(path: Path, body: Any, expected: str) -> None:
    assert fault(path, body) == expected


GOOD = json.dumps(problem())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty; a problem looks like"),
        (b" \n\t\r\n ", "empty; a problem looks like"),
        (b"{", "line 1, column 2: not JSON"),
        (b"hello", "line 1, column 1: not JSON"),
        (b"\0", "line 1, column 1: not JSON"),
        (GOOD.encode() + b"\nx", "line 2, column 1: not JSON"),
        (GOOD.replace('"data"', "data").encode(), "not JSON"),
        (GOOD[:-3].encode(), "not JSON"),
        (b'{"format": "\xff"}', "byte 12: not UTF-8; save the file as UTF-8"),
        (GOOD.encode("utf-16"), "byte 0: not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "a byte order mark stands first; save the file as UTF-8 without one"),
        (b"[" * 10**6, "brackets nested too deeply; masks are lists of lists of lists"),
        (b'{"a":' * 10**6, "brackets nested too deeply; masks are lists of lists of lists"),
        (GOOD.replace("[1, 1]", f"[1, {'[' * 10**5}{']' * 10**5}]").encode(), "brackets nested too deeply"),
        (
            GOOD.replace("[1, 1]", "[1, 1.0]").encode(),
            "masks[0][0][1]: number 1.0: floats are not exact; write an integer",
        ),
        (
            GOOD.replace("[1, 1]", "[1, 1e0]").encode(),
            "masks[0][0][1]: number 1e0: floats are not exact; write an integer",
        ),
        (GOOD.replace("[1, 1]", "[1, NaN]").encode(), "masks[0][0][1]: number NaN: floats are not exact"),
        (GOOD.replace("[1, 1]", "[1, Infinity]").encode(), "masks[0][0][1]: number Infinity: floats are not exact"),
        (GOOD.replace("[1, 1]", "[1, -Infinity]").encode(), "masks[0][0][1]: number -Infinity: floats are not exact"),
        (
            GOOD.replace("[1, 1]", f"[1, {'9' * 4001}]").encode(),
            "masks[0][0][1]: number 99999999999999999999...: more than 4000 digits",
        ),
        (
            GOOD.replace('"any"', '["x", {"a b": 0.5}, 0.25]').encode(),
            "data.class[1].'a b': number 0.5: floats are not",
        ),
        (b"0.5", "number 0.5: floats are not exact"),
        (b"1" * 10**6, "number 11111111111111111111...: more than 4000 digits"),
        (b'{"format": 1, "format": 1}', "key 'format' occurs twice; keep one of them"),
        (GOOD.replace('"class"', '"class": "any", "class"').encode(), "key 'class' occurs twice; keep one of them"),
        (b'{"a\\nb": 1, "a\\nb": 2}', r"key 'a\nb' occurs twice"),
    ],
    ids=lambda value: str(value[:30]) if isinstance(value, bytes) else None,
)
def test_bad_file(path: Path, content: bytes, expected: str) -> None:
    assert expected in fault(path, content)


def test_long_rational_is_refused_for_its_length(path: Path) -> None:
    """It is a rational all right: the line has to say what is wrong with it, as it does for an integer."""
    text = fault(path, problem(data=moments(c0="9" * 4001)))
    assert text.startswith("data.c0: ")
    assert "4000" in text


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (moments(G=[[1]], C=[[1]]), "they must agree"),
        ({"X": [[1], [2]], "Y": [[1], [1]]}, "they must agree"),
        (moments(G=[[1, 0], [0]]), "make the rows equally long"),
    ],
    ids=["inputs", "outputs", "ragged"],
)
def test_the_same_fault_has_the_same_remedy_everywhere(path: Path, data: Any, remedy: str) -> None:
    """As the masks have it: "make the rows equally long"; as the inputs have it: "they must agree"."""
    assert remedy in fault(path, problem(data=data))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        load(tmp_path / "none.json")
    assert str(caught.value) == f"{tmp_path / 'none.json'}: cannot be read (No such file or directory)"


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read (Is a directory)"


def test_file_used_as_a_directory(path: Path) -> None:
    path.write_text("{}")
    with pytest.raises(ProblemError, match="cannot be read"):
        load(path / "more.json")


def test_file_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a smaller limit: 64 MB of disk would prove no more."""
    monkeypatch.setattr("symverify.strictjson.MAX_BYTES", len(GOOD))
    assert read(path, GOOD.encode()) == read(path, problem())
    assert fault(path, GOOD.encode() + b" ") == f"larger than {len(GOOD)} bytes; give a smaller file"


# -- whatever is in the file ------------------------------------------------------------------------------

LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.integers() | st.floats() | st.text(max_size=8)
NESTED = st.recursive(
    LEAF | st.sampled_from(["any", "orthogonal", FORMAT, "1/2", "1/0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["format", "masks", "data", "class", "G", "C", "c0", "X", "Y", "z"]), inner)
    ),
    max_leaves=20,
)
BIT = st.sampled_from([0, 1])
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def loads_or_refuses(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found = load(path)
    except ProblemError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert isinstance(found.network, LinearNetwork)
        assert isinstance(found.data, Data | DataClass)


@FEW
@given(NESTED)
def test_any_json_loads_or_is_refused(path: Path, value: Any) -> None:
    loads_or_refuses(path, json.dumps(value).encode())


@FEW
@given(masks=NESTED, data=NESTED)
def test_any_masks_and_data_load_or_are_refused(path: Path, masks: Any, data: Any) -> None:
    loads_or_refuses(path, json.dumps(problem(masks=masks, data=data)).encode())
    loads_or_refuses(path, json.dumps(problem(data=data)).encode())
    loads_or_refuses(path, json.dumps(problem(masks=masks)).encode())


@FEW
@given(gram=NESTED, cross=NESTED, constant=NESTED)
def test_any_moments_load_or_are_refused(path: Path, gram: Any, cross: Any, constant: Any) -> None:
    for data in (moments(G=gram), moments(C=cross), moments(c0=constant), {"X": gram, "Y": cross}):
        loads_or_refuses(path, json.dumps(problem(data=data)).encode())


@FEW
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(path: Path, content: bytes) -> None:
    loads_or_refuses(path, content)


@FEW
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=2))
def test_any_damage_loads_or_is_refused(path: Path, place: int, damage: bytes) -> None:
    loads_or_refuses(path, GOOD.encode()[:place] + damage + GOOD.encode()[place + len(damage) :])


@FEW
@given(st.lists(st.lists(st.lists(BIT, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3))
def test_masks_that_load_come_back(masks: list[list[list[int]]]) -> None:
    try:
        network = from_json(problem(masks=masks)).network
    except ValueError:
        return
    assert [[list(row) for row in mask] for mask in network.masks] == masks


def test_parse_returns_plain_json() -> None:
    assert parse(GOOD.encode()) == problem()
