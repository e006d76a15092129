"""What a picture of a landscape is drawn from: the loss in floats, and the real critical points with what is known of
each.  :func:`points_of` and :func:`from_json` are the only places that know how a landscape is stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symverify.data import Data, rational
from symverify.loss import BatchedLoss, Floats
from symverify.network import LinearNetwork

if TYPE_CHECKING:
    from symverify.landscape.survey import Landscape
    from symverify.problem import Problem

CHUNK = 8192
"""Points of a grid that are evaluated at once."""
Inertia = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A real critical point: ``number`` from 1 on, ``weights`` over ``network.edges`` in floats, ``shape (p,)``.

    ``loss`` is the middle of the interval that encloses it; ``points`` counts the sign orbit that it stands for;
    ``inertia`` is ``(n+, n0, n-)`` of the Hessian, None if open; ``kind`` is the landscape's word.
    """

    number: int
    weights: Floats
    loss: float
    kind: str
    points: int = 1
    inertia: Inertia | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One loss ``L(w) = 1/2 tr(M G M') - tr(M C') + c0 + sum_e lambda_e w_e^2`` and critical points of it.

    ``ridge`` are the ``lambda_e`` over ``network.edges``, all zero without regularisation.  ``complete``: the
    landscape says that no real point is missing.

    Raises:
        ValueError: no point, or one whose number of weights is not that of the network.
    """

    network: LinearNetwork
    data: Data
    ridge: Floats
    marks: tuple[Mark, ...]
    complete: bool

    def __post_init__(self) -> None:
        if not self.marks:
            raise ValueError("points: there is none to draw")
        for mark in self.marks:
            if mark.weights.shape != (self.network.parameters,):
                n = len(mark.weights)
                raise ValueError(f"point {mark.number}: {n} weights for {self.network.parameters} free weights")

    @property
    def regularised(self) -> bool:
        """Some ``lambda_e`` is not zero."""
        return bool(np.any(self.ridge))

    def loss(self, theta: Floats) -> Floats:
        """L in floats at a batch of points, ``(B, p) -> (B,)``; no error bounds.

        >>> import numpy as np
        >>> zero = Mark(1, np.zeros(2), 4.5, "strict saddle")
        >>> subject = Subject(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), np.array([0.5, 0.5]), (zero,), True)
        >>> subject.loss(np.array([[0.0, 0.0], [1.0, 1.0]])).tolist()
        [4.5, 3.0]
        """
        model = BatchedLoss(self.network)
        gram, cross = (np.array([[float(x) for x in row] for row in m]) for m in (self.data.gram, self.data.cross))
        parts = [
            model.loss(part, gram, cross, float(self.data.constant)) + part**2 @ self.ridge
            for part in np.split(theta, range(CHUNK, len(theta), CHUNK))
        ]
        return np.concatenate(parts)


def _middle(low: Fraction, high: Fraction) -> float:
    return float((low + high) / 2)


def points_of(landscape: Landscape) -> Subject:
    """What is drawn of a landscape: its real points in its order, lowest loss first."""
    instance, marks = landscape.instance, []
    for n, point in enumerate(landscape.points, start=1):
        found = point.found
        weights = np.array([_middle(*pair) for pair in found.weights])
        marks.append(Mark(n, weights, _middle(*found.loss), str(point.kind), found.orbit, found.inertia))
    ridge = np.array([float(x) for x in instance.ridge])
    return Subject(instance.network, instance.data, ridge, tuple(marks), landscape.complete)


# -- from a file ------------------------------------------------------------------------------------------


def from_json(path: str | Path, problem: Problem) -> Subject:
    """The points that ``symverify landscape --json`` printed, read back without computing them again.

    Raises:
        ValueError: the file cannot be read, is no ``symverify-landscape/1``, or is not about this problem: the loss
            of a point, evaluated in floats, is not the one that is printed.
    """
    from symverify.landscape.survey import FORMAT

    try:
        # "seconds" is the only float of the format; kept as text, any other is refused where a rational is expected
        value = json.loads(Path(path).read_text(encoding="utf-8"), parse_float=str, parse_constant=str)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON ({str(error)[:80]})") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"format: {FORMAT!r} is expected, as `symverify landscape --json` prints it")
    rows = value.get("points")
    if not isinstance(rows, list):
        raise ValueError("points: a list is expected")
    data, network = problem.data, problem.network
    if not isinstance(data, Data):
        raise ValueError("the problem has a class of data; give the one with numbers that the landscape is of")
    marks = tuple(_mark(n, row) for n, row in enumerate(rows))
    ridge = np.zeros(network.parameters)
    if problem.regularisation is not None:
        ridge = np.array([float(x) for x in problem.regularisation])
    subject = Subject(network, data, ridge, marks, value.get("complete") is True)
    evaluated = subject.loss(np.array([mark.weights for mark in marks]))
    for mark, here in zip(marks, evaluated, strict=True):
        if not abs(here - mark.loss) <= 1e-6 * (1 + abs(mark.loss)):
            raise ValueError(
                f"points[{mark.number - 1}]: the problem has loss {here:.6g} there, not {mark.loss:.6g};"
                " give the problem file that the landscape is of"
            )
    return subject


def _mark(n: int, row: Any) -> Mark:
    where = f"points[{n}]"
    if not isinstance(row, dict) or not isinstance(row.get("weights"), list) or not isinstance(row.get("kind"), str):
        raise ValueError(f"{where}: an object with weights and kind is expected")
    weights = [_interval(pair, f"{where}.weights[{e}]") for e, pair in enumerate(row["weights"])]
    loss = _interval(row.get("loss"), f"{where}.loss")
    inertia, orbit = row.get("inertia"), row.get("orbit", 1)
    if inertia is not None and not (isinstance(inertia, list) and len(inertia) == 3 and all(map(_count, inertia))):
        raise ValueError(f"{where}.inertia: three counts or null are expected")
    if not (_count(orbit) and orbit > 0):
        raise ValueError(f"{where}.orbit: a positive number is expected")
    signs = None if inertia is None else (inertia[0], inertia[1], inertia[2])
    return Mark(n + 1, np.array(weights), loss, row["kind"], orbit, signs)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _interval(value: Any, where: str) -> float:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"{where}: an interval [low, high] is expected")
    return _middle(rational(value[0], f"{where}[0]"), rational(value[1], f"{where}[1]"))
