"""The gradient system of a regularised instance as exact polynomials (python-flint)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint

from symverify.landscape.instance import Moments
from symverify.network import LinearNetwork

Polynomial = dict[tuple[int, ...], Fraction]
"""Exponents over the free weights, in the order of ``network.edges``, with their coefficients."""


def gradient_system(
    network: LinearNetwork, moments: Moments, ridge: Sequence[Fraction | int] | None
) -> list[Polynomial]:
    """``d/dw_e (1/2 tr(M G M') - tr(M C') + sum_f lambda_f w_f^2)``, one polynomial per free weight.

    Args:
        network: any depth; with ``p`` free weights the polynomials have ``p`` variables and degree ``2L - 1``.
        moments: G and C.
        ridge: the ``lambda_e``, ``(p,)``; None without.

    Example:
        >>> one = ((Fraction(1),),)
        >>> system = gradient_system(LinearNetwork.dense(1, 1, 1), Moments(one, ((Fraction(3),),)), [1, 2])
        >>> [{e: str(c) for e, c in sorted(f.items())} for f in system]
        [{(0, 1): '-3', (1, 0): '2', (1, 2): '1'}, {(0, 1): '4', (1, 0): '-3', (2, 1): '1'}]
    """
    if not network.edges:
        return []
    ring = flint.fmpq_mpoly_ctx.get([f"x{n}" for n in range(network.parameters)], "degrevlex")
    variables, zero = ring.gens(), ring.from_dict({})
    product = matrix_of(network, dict(zip(network.edges, variables, strict=True)), zero)
    total = zero
    for o, row in enumerate(product):
        for j, entry in enumerate(row):
            if entry == zero:
                continue
            weighted = zero
            for k, other in enumerate(row):
                weighted += other * _rational(moments.gram_of(o)[k][j] / 2)
            total += entry * (weighted - _rational(moments.cross[o][j]))
    for x, value in zip(variables, ridge or [], strict=ridge is not None):
        total += x * x * _rational(Fraction(value))
    return [
        {tuple(map(int, e)): Fraction(int(c.p), int(c.q)) for e, c in total.derivative(n).to_dict().items()}
        for n in range(network.parameters)
    ]


def modulo(polynomials: Sequence[Polynomial], prime: int) -> list[dict[tuple[int, ...], int]] | None:
    """The polynomials modulo a prime, or None if it divides a denominator.

    >>> modulo([{(1,): Fraction(1, 2), (0,): Fraction(7)}], 7), modulo([{(1,): Fraction(1, 7)}], 7)
    ([{(1,): 4}], None)
    """
    result = []
    for polynomial in polynomials:
        if any(c.denominator % prime == 0 for c in polynomial.values()):
            return None
        reduced = {e: c.numerator * pow(c.denominator, -1, prime) % prime for e, c in polynomial.items()}
        result.append({e: c for e, c in reduced.items() if c})
    return result


def matrix_of(network: LinearNetwork, values: dict[tuple[int, int, int], Any], zero: Any) -> list[list[Any]]:
    """``W_L ... W_1`` with polynomials as entries."""
    rows: list[list[Any]] | None = None
    for l, mask in enumerate(network.masks):
        layer = [[values.get((l, i, j), zero) for j in range(len(row))] for i, row in enumerate(mask)]
        if rows is None:
            rows = layer
            continue
        below, columns = rows, len(rows[0])
        rows = []
        for line in layer:
            entries = [zero] * columns
            for w, row in zip(line, below, strict=True):
                if w != zero:
                    entries = [e + w * x for e, x in zip(entries, row, strict=True)]
            rows.append(entries)
    assert rows is not None
    return rows


def _rational(x: Fraction) -> Any:
    return flint.fmpq(x.numerator, x.denominator)
