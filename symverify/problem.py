"""Problem files: masks and data as JSON, read strictly; every fault is one line that says where and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symverify import strictjson
from symverify.data import Data, DataClass, rational
from symverify.exact import Vector
from symverify.network import LinearNetwork

FORMAT = "symverify-problem/1"
DATA_FORMS = '{"class": "any"}, {"class": "orthogonal"}, {"G", "C", "c0"} or {"X", "Y"}'


class ProblemError(ValueError):
    """A problem file that cannot be used: where, what, and the remedy, in one line."""


@dataclass(frozen=True)
class Problem:
    """A network and the data, or the class of data, that a question is about.

    ``regularisation``: the ``lambda_e`` of ``sum_e lambda_e w_e^2`` over ``network.edges``, None if the loss has no
    such term.
    """

    network: LinearNetwork
    data: Data | DataClass
    regularisation: Vector | None = None


def load(path: str | Path) -> Problem:
    """Read a problem file of format ``symverify-problem/1``.

    Raises:
        ProblemError: the file cannot be read, is no problem file, or its masks or data cannot be used.
    """
    try:
        return from_json(strictjson.read(path))
    except ValueError as error:
        raise ProblemError(f"{path}: {error}") from None


def from_json(value: Any) -> Problem:
    """The problem of a parsed file.

    >>> from_json({"format": FORMAT, "masks": [[[1, 1]], [[1]]], "data": {"class": "any"}}).data
    <DataClass.ANY: 'any'>
    """
    _keys(value, "problem", ("format", "masks", "data"), ("regularisation",))
    if value["format"] != FORMAT:
        raise ValueError(f"format: {str(value['format'])[:40]!r} is not known; write {FORMAT!r}")
    network = LinearNetwork.from_masks(value["masks"])
    if not network.covered:
        raise ValueError(
            "masks: no path joins any input to any output; M is zero for all weights; add the ones of a path"
        )
    data = _data(value["data"])
    if isinstance(data, Data):
        check_shapes(network, data)
    ridge = ridge_of(network, value["regularisation"]) if "regularisation" in value else None
    return Problem(network, data, ridge)


def check_shapes(network: LinearNetwork, data: Data) -> None:
    """Raises ValueError unless G is ``d_x x d_x`` and C is ``d_y x d_x``."""
    inputs, outputs = network.widths[0], network.widths[-1]
    if len(data.gram) != inputs:
        raise ValueError(f"data: {len(data.gram)} inputs, but masks[0] has {inputs} columns; they must agree")
    if len(data.cross) != outputs:
        raise ValueError(
            f"data: {len(data.cross)} outputs, but masks[{network.depth - 1}] has {outputs} rows; they must agree"
        )


def ridge_of(network: LinearNetwork, regularisation: Any) -> Vector:
    """The ``lambda_e`` from one matrix per layer, checked: shapes as the masks, rationals, zero off the mask."""
    if not isinstance(regularisation, list | tuple) or len(regularisation) != network.depth:
        raise ValueError(f"regularisation: a list of {network.depth} matrices is expected, one per mask")
    for l, (mask, matrix) in enumerate(zip(network.masks, regularisation, strict=True)):
        where = f"regularisation[{l}]"
        if not isinstance(matrix, list | tuple) or len(matrix) != len(mask):
            raise ValueError(f"{where}: {len(mask)} rows are expected, as in masks[{l}]")
        for i, (line, row) in enumerate(zip(mask, matrix, strict=True)):
            if not isinstance(row, list | tuple) or len(row) != len(line):
                raise ValueError(f"{where}[{i}]: {len(line)} entries are expected, as in masks[{l}]")
            for j, (free, x) in enumerate(zip(line, row, strict=True)):
                if not free and rational(x, f"{where}[{i}][{j}]"):
                    raise ValueError(f"{where}[{i}][{j}]: the mask is 0 there; write 0")
    return tuple(rational(regularisation[l][i][j], f"regularisation[{l}][{i}][{j}]") for l, i, j in network.edges)


def _keys(value: Any, where: str, keys: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: an object with the keys {', '.join(keys)} is expected")
    for key in value:
        if key not in keys + optional:
            raise ValueError(f"{where}: unknown key {key[:40]!r}; the keys are {', '.join(keys + optional)}")
    for key in keys:
        if key not in value:
            raise ValueError(f"{where}: key {key!r} is missing")


def _data(value: Any) -> Data | DataClass:
    if not isinstance(value, dict):
        raise ValueError(f"data: an object is expected: {DATA_FORMS}")
    if "class" in value:
        _keys(value, "data", ("class",))
        if value["class"] not in tuple(DataClass):
            raise ValueError(f"data.class: {str(value['class'])[:40]!r} is not known; write 'any' or 'orthogonal'")
        return DataClass(value["class"])
    if "X" in value or "Y" in value:
        _keys(value, "data", ("X", "Y"))
        return Data.from_samples(value["X"], value["Y"])
    if not value:
        raise ValueError(f"data: empty; give one of {DATA_FORMS}")
    _keys(value, "data", ("G", "C", "c0"))
    if value["c0"] is None:  # in Python that means the least one
        raise ValueError("data.c0: an integer or a string 'p/q' is expected, not 'None'")
    return Data.from_moments(value["G"], value["C"], value["c0"])
