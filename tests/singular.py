"""Counts of complex critical points and critical values by Singular, over a prime field: a second opinion for tests.

Nothing is shared with :mod:`symverify.landscape`: Singular multiplies the matrices, differentiates the loss, and
computes the standard bases.  Its program is called with a time limit and killed with all that it started.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import flint

from symverify.data import Data
from symverify.network import LinearNetwork, Node

PROGRAM = shutil.which("Singular")
WHY_NOT = "no program `Singular` on the PATH (Debian: apt-get install singular-ui)"
PRIME = 2147483629
"""The largest prime but one below 2^31.  Primes of symverify are random; this one is fixed."""

POINTS = """
int d = dim(G); int all = -1;
if (d == 0) { all = vdim(G); }
print("ANSWER " + string(d) + " " + string(all));
if (d == 0 and WANTED)
{
  poly form = FORM; ideal B = kbase(G);
  for (j = 1; j <= size(B); j++) { print("BASIS " + string(B[j])); print("IMAGE " + string(reduce(form * B[j], G))); }
}
"""

VALUES = """
list rows; list relations; poly f = reduce(poly(1), G); poly t = 1; poly h; poly c; poly w; poly m; int found; int k;
int many = 0;
while (many <= MOST)
{
  h = f; w = t; found = 1;
  while (h != 0 and found)
  {
    found = 0;
    for (k = 1; k <= size(rows); k++)
    {
      if (leadmonom(rows[k]) == leadmonom(h))
      { c = leadcoef(h) / leadcoef(rows[k]); h = h - c * rows[k]; w = w - c * relations[k]; found = 1; break; }
    }
  }
  if (h == 0) { break; }
  rows[size(rows) + 1] = h; relations[size(relations) + 1] = w;
  many++; f = reduce(f * L, G); t = t * v;
}
if (many > MOST) { print("ANSWER -1 -1"); }
else { m = w / gcd(w, diff(w, v)); print("ANSWER " + string(deg(w)) + " " + string(deg(m))); }
"""
"""The generator of (gradient ideal + (v - L)) ∩ F_p[v] is the first relation between the normal forms of 1, L, L^2, ...
modulo the gradient ideal: v -> L embeds F_p[v] modulo that intersection in the quotient.  It needs no elimination, and
no finiteness of the critical points."""

ELIMINATE = """
ideal E = eliminate(G + ideal(v - L), PRODUCT); poly w = E[1]; poly m;
if (w == 0) { print("ANSWER -1 -1"); }
else { m = w / gcd(w, diff(w, v)); print("ANSWER " + string(deg(w)) + " " + string(deg(m))); }
"""


@dataclass(frozen=True)
class Points:
    """``dimension`` of the critical set, and, if it is 0, the number of points with multiplicity (else -1).

    ``multiplicities`` has the number of distinct points of each multiplicity, if that was asked for.
    """

    dimension: int
    all: int
    multiplicities: dict[int, int] = field(default_factory=dict)

    @property
    def distinct(self) -> int:
        """The number of distinct points."""
        return sum(self.multiplicities.values())


def kept_edges(network: LinearNetwork, live: Collection[Node] | None) -> list[tuple[int, int, int]]:
    """The edges between inputs, outputs and the units of ``live`` (None: all)."""

    def counts(l: int, v: int) -> bool:
        return live is None or l in (0, network.depth) or (l, v) in live

    return [(l, i, j) for l, i, j in network.edges if counts(l, j) and counts(l + 1, i)]


def singular_points(
    network: LinearNetwork,
    data: Data,
    ridge: Sequence[Fraction] | None = None,
    live: Collection[Node] | None = None,
    prime: int = PRIME,
    *,
    multiplicities: bool = False,
    seconds: float = 300,
) -> Points:
    """Critical points of the loss modulo ``prime``; ``live``: of the sub-network of these hidden units only.

    ``multiplicities``: those of the roots of the characteristic polynomial of the multiplication with a random linear
    form in the quotient ring.  The form takes different values at different points, but for a few forms.
    """
    if not kept_edges(network, live):
        return Points(0, 1, {1: 1})  # the only point of a space without coordinates: no ring in Singular
    text = _ideal(network, data, ridge, live, prime)
    rng, n = random.Random(0), len(kept_edges(network, live))
    form = "+".join(f"{rng.randrange(1, prime)}*x({k + 1})" for k in range(n))
    said = _run(text + POINTS.replace("WANTED", str(int(multiplicities))).replace("FORM", form), seconds)
    dimension, all = _answer(said)
    if dimension or not multiplicities:
        return Points(dimension, all)
    basis, images = (re.findall(rf"^{word} (.*)$", said, re.MULTILINE) for word in ("BASIS", "IMAGE"))
    assert len(basis) == len(images) == all
    index = {monomial: k for k, monomial in enumerate(basis)}
    matrix = flint.nmod_mat(all, all, prime)
    for row, image in enumerate(images):
        for monomial, coefficient in _terms(image):
            matrix[row, index[monomial]] = coefficient % prime
    counts: dict[int, int] = {}
    for factor, power in flint.nmod_poly(matrix.charpoly().coeffs(), prime).factor_squarefree()[1]:
        counts[power] = counts.get(power, 0) + factor.degree()
    return Points(dimension, all, counts)


def _terms(polynomial: str) -> Iterator[tuple[str, int]]:
    """The terms that Singular prints, with their coefficients; the monomial one is "1"."""
    for sign, term in re.findall(r"([+-]?)([^+-]+)", polynomial):
        coefficient, _, monomial = term.partition("*") if term[0].isdigit() else ("1", "", term)
        yield monomial or "1", int(sign + coefficient)


def singular_critical_values(
    network: LinearNetwork,
    data: Data,
    prime: int = PRIME,
    ridge: Sequence[Fraction] | None = None,
    *,
    most: int = 400,
    by_elimination: bool = False,
    seconds: float = 300,
) -> int:
    """The number of distinct complex critical values of the loss, modulo ``prime``; any critical set.

    The degree of the squarefree part of the generator of ``(gradient ideal + (v - L)) ∩ F_p[v]``.

    Raises:
        RuntimeError: more than ``most`` values, or Singular failed.
    """
    tail = ELIMINATE if by_elimination else VALUES
    product = "*".join(f"x({n + 1})" for n in range(network.parameters)) or "1"
    text = _ideal(network, data, ridge, None, prime, "v") + tail.replace("MOST", str(most)).replace("PRODUCT", product)
    _, distinct = _answer(_run(text, seconds))
    if distinct < 0:
        raise RuntimeError(f"singular_critical_values: no generator of degree <= {most}")
    return distinct


def _ideal(
    network: LinearNetwork,
    data: Data,
    ridge: Sequence[Fraction] | None,
    live: Collection[Node] | None,
    prime: int,
    value: str = "",
) -> str:
    """A ring with the free weights (and ``value``), the loss L, and G, a standard basis of its gradient ideal."""

    def number(x: Fraction | int) -> str:
        x = Fraction(x)
        if x.denominator % prime == 0:
            raise ValueError(f"{prime} divides a denominator")
        return str(x.numerator * pow(x.denominator, -1, prime) % prime)

    def matrix(name: str, rows: Sequence[Sequence[str]]) -> str:
        return f"matrix {name}[{len(rows)}][{len(rows[0])}] = {', '.join(x for row in rows for x in row)};"

    edges = kept_edges(network, live)
    position = {edge: f"x({n + 1})" for n, edge in enumerate(edges)}
    names = [f"x({n + 1})" for n in range(len(edges))] + [value] * bool(value)
    lines = [f"ring r = {prime}, ({', '.join(names)}), dp; option(redSB); short = 0; int j;"]
    for l, mask in enumerate(network.masks):
        rows = [[position.get((l, i, j), "0") for j in range(len(row))] for i, row in enumerate(mask)]
        lines.append(matrix(f"W{l}", rows))
    lines.append("matrix M = " + " * ".join(f"W{l}" for l in reversed(range(network.depth))) + ";")
    lines.append(matrix("Q", [[number(x) for x in row] for row in data.gram]))
    lines.append(matrix("C", [[number(x) for x in row] for row in data.cross]))
    lines.append(f"poly L = {number(data.constant)} + {number(Fraction(1, 2))} * trace(M * Q * transpose(M))")
    lines[-1] += " - trace(M * transpose(C))"
    if ridge is not None:
        weighted = dict(zip(network.edges, ridge, strict=True))
        lines[-1] += "".join(f" + {number(weighted[edge])} * {x}^2" for edge, x in position.items())
    lines[-1] += ";"
    lines.append(f"ideal D; for (j = 1; j <= {len(edges)}; j++) {{ D[j] = diff(L, x(j)); }} ideal G = std(D);")
    return "\n".join(lines) + "\n"


def _run(text: str, seconds: float) -> str:
    """What Singular says to a program."""
    assert PROGRAM is not None
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [PROGRAM, "-q", "--no-rc"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            process.communicate(text + "\nquit;\n", timeout=seconds)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        said = output.read()
    if "? " in said:
        raise RuntimeError(f"Singular said: {said.strip()[:500]}")
    return said


def _answer(said: str) -> list[int]:
    """The numbers after ANSWER."""
    found = re.findall(r"^ANSWER ([-\d ]+)$", said, re.MULTILINE)
    if len(found) != 1:
        raise RuntimeError(f"Singular said: {said.strip()[:500]}")
    return [int(x) for x in found[0].split()]
