"""Training data, exactly: ``G = X X'``, ``C = Y X'``, ``c0 = |Y|^2 / 2``, all that the squared loss depends on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from symverify.exact import Matrix, as_matrix, quadratic_bound

__all__ = ["Data", "DataClass", "FloatsConvertedWarning", "rational"]


class FloatsConvertedWarning(UserWarning):
    """Floats were given where rationals are meant; each was converted exactly to the binary fraction that it is."""


class DataClass(StrEnum):
    """The classes of data that a universal claim may speak of.

    ``ANY``: all X, Y (G may be singular).  ``ORTHOGONAL``: G diagonal and positive.  For fixed masks orthogonal and
    whitened data (G = 1) have the same landscapes: absorb ``G^(1/2)`` into the columns of ``W_1``.
    """

    ANY = "any"
    ORTHOGONAL = "orthogonal"


def rational(value: Any, where: str = "number") -> Fraction:
    """An exact rational from an int, a Fraction, a string ``p/q``, or a float (exactly, with a warning).

    >>> rational("-3/2")
    Fraction(-3, 2)
    """
    if isinstance(value, Fraction):
        return value
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise ValueError(f"{where}: an integer or a string 'p/q' is expected, not {str(value)[:20]!r}")
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{where}: {value} is not a number; give an integer or a string 'p/q'")
        warnings.warn(
            f"{where}: floats are taken as the exact binary fractions that they are; pass strings such as '1/10'"
            " for other rationals",
            FloatsConvertedWarning,
            stacklevel=2,
        )
        return Fraction(value)
    if isinstance(value, str):
        if len(value) > 4000:
            raise ValueError(f"{where}: {value[:20]}... has more than 4000 digits; round it")
        digits = value.removeprefix("-").replace("/", "", 1)
        if not (value.isascii() and digits.isdigit()):
            raise ValueError(f"{where}: {value[:20]!r} is not a rational; write 'p' or 'p/q' with digits")
    try:
        return Fraction(value)
    except ZeroDivisionError:
        raise ValueError(f"{where}: {str(value)[:20]!r} has denominator zero; write 'p' or 'p/q' with q > 0") from None
    except ValueError:
        raise ValueError(f"{where}: {str(value)[:20]!r} is not a rational; write 'p' or 'p/q' with digits") from None


@dataclass(frozen=True)
class Data:
    """Exact data over Q.  ``gram`` = G is ``d_x x d_x``, ``cross`` = C is ``d_y x d_x``, ``constant`` = c0.

    The loss is ``L(theta) = 1/2 tr(M G M') - tr(M C') + c0 = 1/2 |M X - Y|^2``.

    Raises:
        ValueError: G not symmetric or not positive semidefinite, C not in the range of G, c0 smaller than the
            least value that ``1/2 |Y|^2`` can have for this C.

    Example:
        >>> data = Data.from_samples([["1", "0"], ["0", "2"]], [["1", "1"]])
        >>> data.cross
        ((Fraction(1, 1), Fraction(2, 1)),)
        >>> data.is_orthogonal
        True
    """

    gram: Matrix
    cross: Matrix
    constant: Fraction

    def __post_init__(self) -> None:
        _check_shapes(self.gram, self.cross)
        least = quadratic_bound(self.gram, self.cross)
        if self.constant < least:
            raise ValueError(
                f"data.c0: {self.constant} is below 1/2 tr(C G^+ C') = {least}, the least 1/2 |Y|^2 for this C"
            )

    @classmethod
    def from_samples(cls, x: Sequence[Any], y: Sequence[Any]) -> Data:
        """From ``X`` (``d_x x n``) and ``Y`` (``d_y x n``), samples in columns; X may be rank deficient."""
        left, right = as_rationals(x, "data.X"), as_rationals(y, "data.Y")
        if len(left[0]) != len(right[0]):
            raise ValueError(
                f"data: X has {len(left[0])} columns and Y has {len(right[0])}; they need one column per sample"
            )
        return cls(_gram(left, left), _gram(right, left), sum((v * v for row in right for v in row), Fraction(0)) / 2)

    @classmethod
    def from_moments(cls, gram: Any, cross: Any, constant: Any = None) -> Data:
        """From G, C and c0; without c0, the least possible one, so that ``L = 1/2 |(M - A) G^(1/2)|^2``, C = A G."""
        g, c = as_rationals(gram, "data.G"), as_rationals(cross, "data.C")
        if constant is None:
            _check_shapes(g, c)
            constant = quadratic_bound(g, c)
        return cls(g, c, rational(constant, "data.c0"))

    @classmethod
    def whitened(cls, target: Any) -> Data:
        """G = 1, C = A, c0 = 1/2 |A|^2: the loss is ``1/2 |M - A|^2``."""
        a = as_rationals(target, "target")
        n = len(a[0])
        return cls.from_moments([[int(i == j) for j in range(n)] for i in range(n)], a)

    @property
    def is_orthogonal(self) -> bool:
        """G is diagonal and positive."""
        n = range(len(self.gram))
        return all(self.gram[i][i] > 0 and not any(self.gram[i][j] for j in n if j != i) for i in n)

    def restricted(self, inputs: Sequence[int], outputs: Sequence[int]) -> Data:
        """The data of the inputs and outputs that are kept, with the same constant."""
        gram = tuple(tuple(self.gram[i][j] for j in inputs) for i in inputs)
        return Data(gram, tuple(tuple(self.cross[o][j] for j in inputs) for o in outputs), self.constant)


def as_rationals(value: Any, where: str) -> Matrix:
    """A rational matrix from nested sequences or a numpy array; ValueError names the first bad place."""
    rows = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(rows, list | tuple) or not rows or not all(isinstance(r, list | tuple) and r for r in rows):
        raise ValueError(f"{where}: a non-empty list of non-empty rows is expected")
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{where}[{i}]: {len(row)} entries, but the first row has {len(rows[0])}; make the rows equally long"
            )
    return as_matrix([[rational(x, f"{where}[{i}][{j}]") for j, x in enumerate(row)] for i, row in enumerate(rows)])


def _check_shapes(gram: Matrix, cross: Matrix) -> None:
    n = len(gram)
    if any(len(row) != n for row in gram):
        raise ValueError(f"data.G: not square ({n} rows of {len(gram[0])} entries); give a row and a column per input")
    for o, row in enumerate(cross):
        if len(row) != n:
            raise ValueError(f"data.C[{o}]: {len(row)} entries, but G has {n} rows; C needs a column per input")
    for i in range(n):
        for j in range(i):
            if gram[i][j] != gram[j][i]:
                raise ValueError(
                    f"data.G[{i}][{j}]: differs from G[{j}][{i}]; G = X X' is symmetric; correct one of them"
                )


def _gram(left: Matrix, right: Matrix) -> Matrix:
    return as_matrix([[sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0)) for v in right] for u in left])
