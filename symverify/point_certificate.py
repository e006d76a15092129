"""Critical points of one instance as types, and their JSON form (kind ``critical-point``, section 16 of the
mathematics).  Names are shared with the tags in the file and the functions of ``point_checker.py``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symverify.certificate import FORMAT, data_json, flags_json, masks_json, weights_json
from symverify.data import Data
from symverify.exact import Matrix, Vector, Weights, rank
from symverify.loss import residual, weights_of
from symverify.network import Edge, LinearNetwork

Json = dict[str, Any]


# -- existence --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exact:
    """The given point is critical, exactly."""

    def to_json(self, network: LinearNetwork) -> Json:
        return {"kind": "exact"}


@dataclass(frozen=True, slots=True)
class Box:
    """Exactly one critical point has ``|w_e - c_e| <= radius``, the centre's values at the ``frozen`` weights, and 0 at
    those of ``zero``, each of which starts or ends off all paths through the others.

    ``inverse`` is an approximate inverse of the Hessian over the remaining weights, ``n x n``.
    """

    frozen: frozenset[Edge]
    radius: Fraction
    inverse: Matrix
    zero: frozenset[Edge] = frozenset()

    def to_json(self, network: LinearNetwork) -> Json:
        return {
            "kind": "box",
            "zero": flags_json(network, self.zero),
            "frozen": flags_json(network, self.frozen),
            "radius": str(self.radius),
            "inverse": [[str(x) for x in row] for row in self.inverse],
        }


# -- nature -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StrictMinimum:
    """A local minimum: no negative eigenvalue, and the kernel of the Hessian is spanned by the symmetries."""

    def to_json(self) -> Json:
        return {"kind": "strict-minimum"}


@dataclass(frozen=True, slots=True)
class Saddle:
    """The Hessian has a negative eigenvalue."""

    def to_json(self) -> Json:
        return {"kind": "saddle"}


@dataclass(frozen=True, slots=True)
class HigherSaddle:
    """The loss falls along ``point + sum t^k curve[k-1]``, for small t > 0 or small t < 0 (in a box: a line)."""

    curve: tuple[Weights, ...]

    def to_json(self) -> Json:
        return {"kind": "higher-saddle", "curve": [weights_json(d) for d in self.curve]}


@dataclass(frozen=True, slots=True)
class Least:
    """A global minimum: residual zero at all covered pairs, and all regularised weights zero (exact points only)."""

    def to_json(self) -> Json:
        return {"kind": "least"}


@dataclass(frozen=True, slots=True)
class Semidefinite:
    """The Hessian is positive semidefinite, and no more is said (exact points only)."""

    def to_json(self) -> Json:
        return {"kind": "semidefinite"}


Nature = StrictMinimum | Saddle | HigherSaddle | Least | Semidefinite


@dataclass(frozen=True)
class CriticalPoint:
    """A critical point of ``L + sum_e ridge_e w_e^2``, at ``point`` or in a box about it.

    The loss lies in ``loss`` = (low, high), equal for an exact point; ``inertia`` = (n+, n0, n-) is that of the Hessian
    over all weights but those of the ``zero`` of a box.

    Example:
        >>> from symverify import point_checker
        >>> from symverify.certificate import encode
        >>> network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[3]])
        >>> origin = weights_of(network, [0, 0])
        >>> half, loss = (Fraction(1, 2),) * 2, (Fraction(9, 2),) * 2
        >>> found = CriticalPoint(network, data, half, origin, Exact(), Saddle(), loss, (1, 0, 1))
        >>> point_checker.check_bytes(encode(found))[1][0]["proved"]  # doctest: +ELLIPSIS
        'the 1-1-1 network with 2 weights has, for these data and this regularisation, a strict saddle with loss 9/2...
    """

    network: LinearNetwork
    data: Data
    ridge: Vector
    point: Weights
    existence: Exact | Box
    nature: Nature
    loss: tuple[Fraction, Fraction]
    inertia: tuple[int, int, int]

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "critical-point",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "regularisation": weights_json(weights_of(self.network, self.ridge)),
            "point": weights_json(self.point),
            "existence": self.existence.to_json(self.network),
            "nature": self.nature.to_json(),
            "statement": {
                "loss_at_least": str(self.loss[0]),
                "loss_at_most": str(self.loss[1]),
                "inertia": list(self.inertia),
                "ranks": self._ranks() if isinstance(self.existence, Exact) else {},
            },
        }

    def _ranks(self) -> Json:
        """The ranks of R and of ``W[m+k] ... W[m]``."""
        products = []
        for m in range(self.network.depth):
            row, product = [], self.point[m]
            for k in range(self.network.depth - m):
                if k:
                    product = _times(self.point[m + k], product)
                row.append(rank(product))
            products.append(row)
        return {"residual": rank(residual(self.network, self.point, self.data)), "products": products}


def _times(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    return tuple(
        tuple(sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in columns) for row in a
    )
