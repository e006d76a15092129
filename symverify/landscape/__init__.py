"""All critical points of one instance: counted, located, classified.

``L(w) = 1/2 tr(M G M') - tr(M C') + c0 (+ sum_e lambda_e w_e^2)`` with rational data.  Two methods.

*Plain*: exact, modulo gauge.  :mod:`.normal_forms` (cells of the gauge), :mod:`.strata` (the systems of all cells, and
their solutions), :mod:`.parametrise` (exact solutions of one system), :mod:`.algebraic` (number fields),
:mod:`.points` (ranks, inertia), :mod:`.families` (of dead units), :mod:`.higher` (saddles that the Hessian does not
show), :mod:`.attainment`, :mod:`.naming` (kinds), :mod:`.answer`, :mod:`.quotient` (all of it together).

*Regularised*, ``lambda_e > 0``: :mod:`.instance` (the loss), :mod:`.counts` (strata and their numbers of points),
:mod:`.track` and :mod:`.monodromy` (floats: finding the points), :mod:`.enclose` (ball arithmetic: proving them),
:mod:`.survey` (the answer).

Both: :mod:`.equations` (the gradient as polynomials), :mod:`.groebner` (leading ideals modulo primes), :mod:`.evidence`
(certificates for the checker), :mod:`.commands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from symverify.certificate import Encodable
    from symverify.data import Data
    from symverify.exact import Vector
    from symverify.network import LinearNetwork


class AnyPoint(Protocol):
    """What a real critical point of either kind of landscape has."""

    @property
    def weights(self) -> Sequence[tuple[Fraction, Fraction]]:
        """Over ``network.edges``, as ``(low, high)``."""

    @property
    def loss(self) -> tuple[Fraction, Fraction]:
        """``(low, high)``."""

    @property
    def kind(self) -> Any:
        """A string that says what it is."""

    @property
    def inertia(self) -> tuple[int, int, int] | None:
        """Of the Hessian, ``(n+, n0, n-)``; None: open."""

    @property
    def orbit(self) -> int:
        """How many points its sign orbit has."""

    @property
    def certificate(self) -> Encodable | None:
        """One that was made on the way."""


class AnyLandscape(Protocol):
    """What both kinds of landscape have."""

    @property
    def network(self) -> LinearNetwork:
        """The structure."""

    @property
    def data(self) -> Data:
        """G, C, c0."""

    @property
    def ridge(self) -> Vector:
        """The ``lambda_e`` over ``network.edges``; zeros without regularisation."""

    @property
    def points(self) -> Sequence[AnyPoint]:
        """Lowest loss first."""

    @property
    def complete(self) -> bool:
        """Nothing is missing."""

    @property
    def interrupted(self) -> bool:
        """Ctrl-C came; what was found until then is told."""

    def to_json(self, certificates: Sequence[str | None] | None = None) -> dict[str, Any]:
        """``symverify-landscape/1``; ``certificates``: a path per point."""

    def text(self) -> str:
        """For reading."""
