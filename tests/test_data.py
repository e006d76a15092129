"""Data: what is accepted, what is refused and why, and that numbers stay exact."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symverify.data import Data, DataClass, FloatsConvertedWarning, as_rationals, rational
from symverify.exact import inertia, quadratic_bound

QUICK = settings(max_examples=40, deadline=None)
ENTRY = st.integers(-3, 3)


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    """X and Y; often fewer samples than inputs, so that G is singular."""
    inputs, outputs, count = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    row = st.lists(ENTRY, min_size=count, max_size=count)
    return (
        draw(st.lists(row, min_size=inputs, max_size=inputs)),
        draw(st.lists(row, min_size=outputs, max_size=outputs)),
    )


# -- numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (3, Fraction(3)),
        (Fraction(-1, 3), Fraction(-1, 3)),
        ("-3/2", Fraction(-3, 2)),
        ("2/4", Fraction(1, 2)),
        ("0", Fraction(0)),
        (np.int64(7), Fraction(7)),
        (10**50, Fraction(10**50)),
    ],
)
def test_rational_takes(given_: Any, expected: Fraction) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = rational(given_)
    assert value == expected
    assert type(value) is Fraction


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "-",
        "1/",
        "/2",
        "1/2/3",
        "--1",
        "+1",
        "1.5",
        "1e3",
        " 1",
        "1 ",
        "1_000",
        "0x10",
        "nan",
        "inf",
        "1/-2",
        "\u0663",
    ],
)
def test_rational_refuses_text_that_is_not_p_over_q(bad: str) -> None:
    with pytest.raises(ValueError, match=r"here: .*write 'p' or 'p/q'"):
        rational(bad, "here")


@pytest.mark.parametrize("bad", [None, True, False, [1], (1, 2), 1j, b"1", {"p": 1}, np.bool_(True)])
def test_rational_refuses_other_types(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"here: an integer or a string 'p/q' is expected"):
        rational(bad, "here")


def test_rational_refuses_denominator_zero_and_endless_text() -> None:
    with pytest.raises(ValueError, match=r"here: '1/0' has denominator zero"):
        rational("1/0", "here")
    with pytest.raises(ValueError, match="more than 4000 digits; round it"):
        rational("1" * 5000)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_rational_refuses_floats_that_are_no_numbers(bad: float) -> None:
    with pytest.raises(ValueError, match=r"here: .* is not a number"):
        rational(bad, "here")


@pytest.mark.parametrize("value", [0.1, -2.5, 1e-300, 3.0, np.float64(0.1), np.float32(0.1)])
def test_floats_convert_exactly_and_warn(value: float) -> None:
    with pytest.warns(FloatsConvertedWarning, match="here: floats are taken as the exact binary fractions"):
        exact = rational(value, "here")
    assert exact == Fraction(float(value))
    assert float(exact) == float(value)


def test_a_tenth_as_a_float_is_not_a_tenth() -> None:
    with pytest.warns(FloatsConvertedWarning):
        assert rational(0.1) != Fraction(1, 10)


def test_floats_in_data_warn_and_stay_exact() -> None:
    with pytest.warns(FloatsConvertedWarning, match=r"data\.X\[0\]\[1\]"):
        data = Data.from_samples([[1, 0.1]], [[1, 0]])
    assert data.gram == ((1 + Fraction(0.1) ** 2,),)
    with pytest.warns(FloatsConvertedWarning):
        assert Data.whitened(np.array([[0.5]])).cross == ((Fraction(1, 2),),)


# -- matrices ---------------------------------------------------------------------------------------------


def test_matrices_from_numpy_and_lists_agree() -> None:
    rows = [[1, -2], [0, 5]]
    assert as_rationals(np.array(rows), "A") == as_rationals(rows, "A") == as_rationals([tuple(r) for r in rows], "A")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "A: a non-empty list"),
        ([[]], "A: a non-empty list"),
        ([[1], []], "A: a non-empty list"),
        (5, "A: a non-empty list"),
        ([1, 2], "A: a non-empty list"),
        ("12", "A: a non-empty list"),
        ([[1, 2], [3]], r"A\[1\]: 1 entries, but the first row has 2"),
        ([[1, 2], [3, "x"]], r"A\[1\]\[1\]: 'x' is not a rational"),
        ([[1, [2]]], r"A\[0\]\[1\]: an integer"),
        ([[1, float("nan")]], r"A\[0\]\[1\]: nan is not a number"),
    ],
)
def test_bad_matrices_are_refused_with_the_place(bad: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_rationals(bad, "A")


# -- data -------------------------------------------------------------------------------------------------


@QUICK
@given(samples())
def test_samples_always_make_valid_data(pair: tuple[list[list[int]], list[list[int]]]) -> None:
    x, y = pair
    data = Data.from_samples(x, y)
    assert np.array_equal(np.array(data.gram, dtype=float), np.array(x) @ np.array(x).T)
    assert np.array_equal(np.array(data.cross, dtype=float), np.array(y) @ np.array(x).T)
    assert data.constant == Fraction(sum(v * v for row in y for v in row), 2)
    assert inertia(data.gram)[2] == 0
    assert data.constant >= quadratic_bound(data.gram, data.cross)
    assert Data.from_moments(data.gram, data.cross, data.constant) == data


@QUICK
@given(samples())
def test_the_least_constant_is_taken_and_nothing_below_it(pair: tuple[list[list[int]], list[list[int]]]) -> None:
    data = Data.from_samples(*pair)
    least = Data.from_moments(data.gram, data.cross)
    assert least.constant == quadratic_bound(data.gram, data.cross)
    with pytest.raises(ValueError, match=r"data\.c0: .* is below"):
        Data.from_moments(data.gram, data.cross, least.constant - Fraction(1, 10**30))


@pytest.mark.parametrize(
    ("gram", "cross", "constant", "message"),
    [
        ([[1, 0]], [[1, 0]], None, r"data\.G: not square"),
        ([[1, 0]], [[1, 0]], 1, r"data\.G: not square"),
        ([[1, 2], [0, 1]], [[1, 0]], None, r"data\.G\[1\]\[0\]: differs from G\[0\]\[1\]"),
        ([[1, 2], [0, 1]], [[1, 0]], 9, r"data\.G\[1\]\[0\]: differs from G\[0\]\[1\]"),
        ([[1, 2], [2, 1]], [[1, 0]], 9, r"data\.G: not positive semidefinite"),
        ([[-1]], [[0]], None, r"data\.G: not positive semidefinite"),
        ([[0, 1], [1, 0]], [[0, 0]], None, r"data\.G: not positive semidefinite"),
        ([[1, 0], [0, 0]], [[1, 1]], 9, r"data\.C: not in the range of G"),
        ([[1, 1], [1, 1]], [[1, 2]], None, r"data\.C: not in the range of G"),
        ([[1, 0], [0, 1]], [[1, 0, 1]], None, r"data\.C\[0\]: 3 entries, but G has 2 rows"),
        ([[1, 0], [0, 1]], [[1]], None, r"data\.C\[0\]: 1 entries, but G has 2 rows"),
        ([[2]], [[2]], "1/2", r"data\.c0: 1/2 is below 1/2 tr\(C G\^\+ C'\) = 1"),
        ([[2]], [[2]], -1, r"data\.c0: -1 is below"),
        ([[1]], [[1]], "x", r"data\.c0: 'x' is not a rational"),
        ([[1], [0, 1]], [[1]], None, r"data\.G\[1\]: 2 entries"),
    ],
)
def test_moments_that_no_data_have_are_refused(gram: Any, cross: Any, constant: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Data.from_moments(gram, cross, constant)


def test_the_constructor_itself_checks() -> None:
    one, zero = Fraction(1), Fraction(0)
    with pytest.raises(ValueError, match="below"):
        Data(((one,),), ((one,),), zero)
    with pytest.raises(ValueError, match="not square"):
        Data(((one, zero),), ((one, zero),), one)


def test_samples_need_one_column_each() -> None:
    with pytest.raises(ValueError, match="X has 2 columns and Y has 1"):
        Data.from_samples([[1, 2]], [[1]])
    with pytest.raises(ValueError, match=r"data\.Y\[1\]: 1 entries"):
        Data.from_samples([[1, 2]], [[1, 2], [1]])


def test_whitened_data() -> None:
    data = Data.whitened([[1, 2], [0, "1/2"]])
    assert data.gram == ((1, 0), (0, 1))
    assert data.constant == Fraction(21, 8)
    assert data.is_orthogonal


@pytest.mark.parametrize(
    ("gram", "orthogonal"),
    [([[2, 0], [0, 3]], True), ([[2, 0], [0, 0]], False), ([[2, 1], [1, 2]], False), ([[5]], True)],
)
def test_orthogonal_means_diagonal_and_positive(gram: Any, orthogonal: bool) -> None:
    assert Data.from_moments(gram, [[0] * len(gram)]).is_orthogonal is orthogonal


def test_restricted_keeps_the_chosen_rows_and_columns() -> None:
    data = Data.from_moments([[2, 1, 0], [1, 2, 0], [0, 0, 1]], [[1, 2, 3], [4, 5, 6]], 100)
    part = data.restricted([2, 0], [1])
    assert part.gram == ((1, 0), (0, 2))
    assert part.cross == ((6, 4),)
    assert part.constant == 100


def test_data_are_values() -> None:
    data = Data.whitened([[1, 2]])
    assert data == Data.whitened([["1", "2"]])
    assert len({data, Data.whitened([["1", "2"]])}) == 1
    with pytest.raises(AttributeError):
        data.constant = Fraction(0)  # type: ignore[misc]


def test_names_of_the_classes() -> None:
    assert DataClass("any") is DataClass.ANY
    assert str(DataClass.ORTHOGONAL) == "orthogonal"
    with pytest.raises(ValueError, match="white"):
        DataClass("white")
