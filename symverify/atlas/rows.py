"""The types of the atlas: two questions about a structure and a data class, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from symverify.data import DataClass
from symverify.network import LinearNetwork


class Question(StrEnum):
    """``ALL_DATA``: is every local minimum global for all data of the class?  ``ALMOST_ALL_DATA``: the same outside a
    set of measure zero."""

    ALL_DATA = "all_data"
    ALMOST_ALL_DATA = "almost_all_data"


class Outcome(StrEnum):
    """``BENIGN`` and ``SPURIOUS`` rest on a certificate; ``OPEN``: neither was proved."""

    BENIGN = "benign"
    SPURIOUS = "spurious"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one question, as the deciding code gives it.

    ``kind`` is ``strict`` or ``degenerate`` iff the verdict is ``spurious``; ``rule`` names the rule or the evidence
    (a label, nothing rests on it); ``certificate`` are canonical bytes (:func:`symverify.certificate.encode`);
    ``assumes`` are the theorems of the literature that the certificate rests on.

    Raises:
        ValueError: a certificate without a verdict or the converse, or a kind that does not fit the verdict.

    Example:
        >>> Decision(Outcome.OPEN).certificate is None
        True
    """

    verdict: Outcome
    kind: str | None = None
    rule: str | None = None
    certificate: bytes | None = None
    assumes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _consistent(self.verdict, self.kind, self.certificate, self.assumes)


@dataclass(frozen=True, slots=True)
class Entry:
    """The answer to one question, as it is stored: ``certificate`` is the sha256 of the certificate's bytes."""

    verdict: Outcome
    kind: str | None = None
    rule: str | None = None
    certificate: str | None = None
    assumes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _consistent(self.verdict, self.kind, self.certificate, self.assumes)


def _consistent(verdict: Outcome, kind: str | None, certificate: object, assumes: tuple[str, ...]) -> None:
    if (verdict is Outcome.OPEN) != (certificate is None):
        raise ValueError(f"verdict {verdict}: a certificate belongs to every verdict but open, and to none that is")
    if kind not in (("strict", "degenerate") if verdict is Outcome.SPURIOUS else (None,)):
        raise ValueError(f"verdict {verdict}: kind {kind!r} does not fit it")
    if assumes and verdict is not Outcome.BENIGN:
        raise ValueError(f"verdict {verdict}: only benign may rest on assumptions")


@dataclass(frozen=True, slots=True)
class Job:
    """The unit of work: one structure and one data class."""

    network: LinearNetwork
    data_class: DataClass

    @property
    def structure(self) -> str:
        """The masks, rows as bits: ``110 101 | 11 10 01``.

        >>> Job(LinearNetwork.dense(2, 1, 2), DataClass.ANY).structure
        '11 | 1 1'
        """
        return bits(self.network)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the atlas."""

    job: Job
    all_data: Entry
    almost_all_data: Entry

    def entry(self, question: Question) -> Entry:
        """The answer to one of the two questions."""
        return self.all_data if question is Question.ALL_DATA else self.almost_all_data

    def to_json(self, certificates: Mapping[str, bytes]) -> dict[str, Any]:
        """The row as ``atlas export --format json`` writes it; ``certificates`` supplies the witnesses."""
        from symverify.certificate import masks_json

        return {
            "structure": self.job.structure,
            "widths": list(self.job.network.widths),
            "masks": masks_json(self.job.network),
            "class": str(self.job.data_class),
            **{str(question): _entry_json(self.entry(question), certificates) for question in Question},
        }


def _entry_json(entry: Entry, certificates: Mapping[str, bytes]) -> dict[str, Any]:
    witness = None
    if entry.verdict is Outcome.SPURIOUS and entry.certificate is not None:
        witness = witness_json(certificates[entry.certificate])
    return {
        "verdict": str(entry.verdict),
        "kind": entry.kind,
        "rule": entry.rule,
        "assumes": list(entry.assumes),
        "witness": witness,
        "certificate": entry.certificate,
    }


def witness_json(certificate: bytes) -> dict[str, Any]:
    """The witness of a certificate of a spurious minimum, as ``analyze --json`` shows it."""
    import json

    body = json.loads(certificate)
    statement = body["statement"]
    return {
        **body["data"],
        "weights": body["point"],
        "better": body["better"],
        "loss": statement["loss_at_most"],
        "better_loss": statement["better_loss"],
        "exact": statement["loss_at_least"] == statement["loss_at_most"],
    }


def bits(network: LinearNetwork) -> str:
    """The masks of a network, rows as bits, layers separated by ``|``; the widths can be read off.

    >>> bits(LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3])))
    '110 101 | 11 10 01'
    """
    return str(network).partition(" ")[2]


def units(network: LinearNetwork) -> str:
    """A two-layer network by its hidden units, inputs x outputs, counted from 1; other depths as :func:`bits`.

    >>> units(LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3])))
    '{12}x{12}, {13}x{13}'
    """
    if network.depth != 2 or max(network.widths) > 9:
        return bits(network)
    return ", ".join(
        f"{{{_set(network.inputs_of(1, v))}}}x{{{_set(network.outputs_of(1, v))}}}" for v in range(network.widths[1])
    )


def _set(members: frozenset[int]) -> str:
    return "".join(str(v + 1) for v in sorted(members))
