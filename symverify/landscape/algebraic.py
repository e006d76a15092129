"""Exact linear algebra over a number field Q[t]/(f), f irreducible; elements are polynomials of low degree.

For f of degree one this is Q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from symverify.exact import nullspace

Element = Any
"""``flint.fmpq_poly``, reduced modulo f."""


@dataclass(frozen=True)
class Field:
    """The field Q[t]/(``modulus``).

    Example:
        >>> field = Field(flint.fmpq_poly([-2, 0, 1]))
        >>> t = flint.fmpq_poly([0, 1])
        >>> field.product(t, t), field.product(field.inverse(t), t)
        (2, 1)
        >>> field.rank([[t, flint.fmpq_poly([2])], [flint.fmpq_poly([1]), t]])
        1
    """

    modulus: Any

    @property
    def degree(self) -> int:
        """``[K : Q]``."""
        return int(self.modulus.degree())

    def reduce(self, x: Element) -> Element:
        """The representative of lowest degree."""
        return x % self.modulus

    def product(self, x: Element, y: Element) -> Element:
        """x y."""
        return (x * y) % self.modulus

    def inverse(self, x: Element) -> Element:
        """1 / x.

        Raises:
            ZeroDivisionError: x is zero.
        """
        if x.is_zero():
            raise ZeroDivisionError("inverse of zero")
        return x.xgcd(self.modulus)[1] % self.modulus

    def roots(self) -> list[Any]:
        """The roots of the modulus as disjoint complex balls, at the precision that is set; real ones are exact so."""
        return [root for root, _ in self.modulus.complex_roots()]

    def matrix_product(self, a: Sequence[Sequence[Element]], b: Sequence[Sequence[Element]]) -> list[list[Element]]:
        """a b, for b with at least one row."""
        columns = list(zip(*b, strict=True))
        return [[self.reduce(_sum(x * y for x, y in zip(row, c, strict=True))) for c in columns] for row in a]

    def echelon(self, rows: Sequence[Sequence[Element]]) -> tuple[list[list[Element]], list[int]]:
        """The reduced row echelon form without zero rows, and its pivot columns."""
        rest, pivots = [list(row) for row in rows], []
        done: list[list[Element]] = []
        for column in range(len(rest[0]) if rest else 0):
            row = next((r for r in rest if not r[column].is_zero()), None)
            if row is None:
                continue
            rest = [r for r in rest if r is not row]
            factor = self.inverse(row[column])
            row = [self.product(factor, x) for x in row]

            def cleared(r: list[Element], row: list[Element] = row, column: int = column) -> list[Element]:
                c = r[column]
                return r if c.is_zero() else [self.reduce(x - c * y) for x, y in zip(r, row, strict=True)]

            done, rest = [*map(cleared, done), row], list(map(cleared, rest))
            pivots.append(column)
        return done, pivots

    def rank(self, rows: Sequence[Sequence[Element]]) -> int:
        """The rank of a matrix."""
        return len(self.echelon(rows)[1])

    def minimal_polynomial(self, x: Element) -> list[Fraction]:
        """The monic polynomial over Q of lowest degree with root x, its coefficients from the constant one.

        >>> Field(flint.fmpq_poly([-2, 0, 1])).minimal_polynomial(flint.fmpq_poly([1, 1]))
        [Fraction(-1, 1), Fraction(-2, 1), Fraction(1, 1)]
        """
        powers, power = [], element(1)
        for count in range(self.degree + 1):
            powers.append([_fraction(power[n]) for n in range(self.degree)])
            relation = nullspace(list(zip(*powers, strict=True)), count + 1)
            if relation:
                return [c / relation[0][-1] for c in relation[0]]
            power = self.product(power, x)
        raise AssertionError("the powers of an element of a field of finite degree are dependent")

    def nullspace(self, rows: Sequence[Sequence[Element]], columns: int) -> list[list[Element]]:
        """A basis of ``{x : rows x = 0}``."""
        form, pivots = self.echelon(rows)
        basis = []
        for free in (n for n in range(columns) if n not in pivots):
            x = [element(int(n == free)) for n in range(columns)]
            for row, pivot in zip(form, pivots, strict=True):
                x[pivot] = -row[free]
            basis.append(x)
        return basis


def _fraction(x: Any) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def element(x: Fraction | int) -> Element:
    """A rational as an element of any field."""
    x = Fraction(x)
    return flint.fmpq_poly([flint.fmpq(x.numerator, x.denominator)])


def value(x: Element, root: Any) -> Any:
    """The ball of the element where t is the ball ``root``."""
    total = flint.acb(0)
    for c in reversed(x.coeffs()):
        total = total * root + flint.acb(c)
    return total


def _sum(terms: Any) -> Element:
    total = flint.fmpq_poly([0])
    for x in terms:
        total += x
    return total
