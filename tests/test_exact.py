"""Exact linear algebra against numpy, sympy and the definitions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symverify.exact import (
    Matrix,
    as_matrix,
    from_flint,
    inertia,
    nullspace,
    quadratic_bound,
    rank,
    solve_right,
    to_flint,
)

QUICK = settings(max_examples=40, deadline=None)
SMALL = st.integers(-3, 3)
RATIONAL = st.builds(Fraction, SMALL, st.integers(1, 4))


@st.composite
def matrices(draw: st.DrawFn, rows: int | None = None, columns: int | None = None) -> Matrix:
    n = rows or draw(st.integers(1, 4))
    m = columns or draw(st.integers(1, 4))
    return as_matrix(draw(st.lists(st.lists(RATIONAL, min_size=m, max_size=m), min_size=n, max_size=n)))


def times(a: Matrix, b: Matrix) -> Matrix:
    return as_matrix(
        [
            [sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*b, strict=True)]
            for row in a
        ]
    )


def transpose(a: Matrix) -> Matrix:
    return as_matrix(zip(*a, strict=True))


def positive_semidefinite(x: Matrix) -> Matrix:
    return times(x, transpose(x))


@QUICK
@given(matrices())
def test_flint_round_trip(matrix: Matrix) -> None:
    assert from_flint(to_flint(matrix)) == matrix


def test_flint_matrix_without_rows_or_columns() -> None:
    assert (to_flint([], 3).nrows(), to_flint([], 3).ncols()) == (0, 3)
    assert from_flint(to_flint([], 3)) == ()


def test_numbers_beyond_machine_words_survive() -> None:
    big = Fraction(10**60 + 7, 3**80)
    assert from_flint(to_flint([[big, -big]])) == ((big, -big),)


@QUICK
@given(matrices())
def test_rank_is_that_of_sympy(matrix: Matrix) -> None:
    assert (
        rank(matrix) == sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in r] for r in matrix]).rank()
    )


@QUICK
@given(matrices(columns=2), matrices(rows=2))
def test_a_product_over_two_has_rank_at_most_two(left: Matrix, right: Matrix) -> None:
    assert rank(times(left, right)) <= min(2, rank(left), rank(right))


def test_rank_of_nothing() -> None:
    assert rank([]) == rank([[]]) == 0


@QUICK
@given(matrices())
def test_nullspace_is_a_basis_of_the_kernel(matrix: Matrix) -> None:
    columns = len(matrix[0])
    basis = nullspace(matrix, columns)
    assert len(basis) == columns - rank(matrix)
    assert rank(basis) == len(basis)
    assert not any(x for z in basis for row in times(matrix, transpose((z,))) for x in row)


def test_nullspace_without_equations_is_everything() -> None:
    assert nullspace([], 2) == [(1, 0), (0, 1)]
    assert nullspace([[]], 0) == []


@QUICK
@given(matrices(rows=4, columns=4))
def test_inertia_is_that_of_numpy(matrix: Matrix) -> None:
    symmetric = as_matrix([[matrix[i][j] + matrix[j][i] for j in range(4)] for i in range(4)])
    values = np.linalg.eigvalsh(np.array(symmetric, dtype=float))
    # The entries have denominators that divide 12 and are at most 6: a nonzero eigenvalue is at least 1e-9.
    counts = (int((values > 1e-10).sum()), int((abs(values) <= 1e-10).sum()), int((values < -1e-10).sum()))
    assert inertia(symmetric) == counts


@QUICK
@given(st.lists(st.sampled_from([-2, -1, 0, 0, 1, 3]), min_size=1, max_size=5), st.data())
def test_inertia_survives_congruence(signs: list[int], data: st.DataObject) -> None:
    """Sylvester's law: P D P' has the signs of D for an invertible P (here unit triangular)."""
    n = len(signs)
    below = data.draw(matrices(rows=n, columns=n))
    p = as_matrix([[1 if i == j else below[i][j] if j < i else 0 for j in range(n)] for i in range(n)])
    d = as_matrix([[signs[i] if i == j else 0 for j in range(n)] for i in range(n)])
    expected = (sum(s > 0 for s in signs), sum(s == 0 for s in signs), sum(s < 0 for s in signs))
    assert inertia(times(times(p, d), transpose(p))) == expected


def test_inertia_sees_an_eigenvalue_that_floats_do_not() -> None:
    tiny = Fraction(1, 10**40)
    assert inertia(as_matrix([[1, 1], [1, 1 - tiny]])) == (1, 0, 1)
    assert inertia(as_matrix([[1, 1], [1, 1 + tiny]])) == (2, 0, 0)
    assert inertia(as_matrix([[1, 1], [1, 1]])) == (1, 1, 0)


def test_inertia_of_the_extremes() -> None:
    assert inertia([]) == (0, 0, 0)
    assert inertia(as_matrix([[0, 0], [0, 0]])) == (0, 2, 0)


@QUICK
@given(matrices(rows=3), matrices(columns=3))
def test_solve_right_solves(x: Matrix, a: Matrix) -> None:
    gram = positive_semidefinite(x)
    rows = times(a, gram)
    solution = solve_right(gram, rows)
    assert solution is not None
    assert times(solution, gram) == rows


def test_solve_right_reports_that_there_is_no_solution() -> None:
    gram = as_matrix([[1, 1], [1, 1]])
    assert solve_right(gram, as_matrix([[1, 0]])) is None
    assert solve_right(gram, as_matrix([[1, 1], [1, 0]])) is None
    assert solve_right(gram, as_matrix([[2, 2]])) is not None


@QUICK
@given(matrices(rows=3, columns=3), matrices(columns=3))
def test_quadratic_bound_is_that_of_the_pseudo_inverse(x: Matrix, a: Matrix) -> None:
    gram = positive_semidefinite(x)
    cross = times(a, gram)
    expected = sum(v * w for r, s in zip(times(a, gram), a, strict=True) for v, w in zip(r, s, strict=True)) / 2
    assert quadratic_bound(gram, cross) == expected
    g = np.array(gram, dtype=float)
    if rank(gram) == 3 and np.linalg.cond(g) < 1e6:
        c = np.array(cross, dtype=float)
        assert float(expected) == pytest.approx(np.trace(c @ np.linalg.inv(g) @ c.T) / 2, rel=1e-6, abs=1e-6)


def test_quadratic_bound_refuses_what_no_data_have() -> None:
    with pytest.raises(ValueError, match=r"data\.G: not positive semidefinite"):
        quadratic_bound(as_matrix([[1, 2], [2, 1]]), as_matrix([[0, 0]]))
    with pytest.raises(ValueError, match=r"data\.C: not in the range of G"):
        quadratic_bound(as_matrix([[1, 0], [0, 0]]), as_matrix([[0, 1]]))
