"""What a certificate proves about a row of the atlas.

That a certificate is valid does not make it the one that is needed.  Here the accepted certificate is turned into the
answers that it proves, about exactly its masks, and a row is compared with them.  The implications used:

* *benign* for all data of class ``any`` holds for all ``orthogonal`` data (a subclass), and for almost all data of
  either class; ``benign-generic`` speaks of its own class only, as a null set of one class is no null set of the other;
  ``benign-almost-everywhere`` for class ``any`` speaks of every positive definite G, so of the diagonal ones too;
* a spurious minimum for one G belongs to class ``any``, and to ``orthogonal`` iff G is diagonal and positive;
* a *strict* one with G positive definite gives spurious minima for an open set of data, within ``any`` and, if G is
  diagonal, within ``orthogonal`` (Proposition 5.2 of ``docs/mathematics.md``).

A certificate about an isomorphic relabelling proves nothing here, and neither does one for numeric data that is benign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symverify import checker, checking
from symverify.certificate import digest
from symverify.data import DataClass
from symverify.network import LinearNetwork, Masks

from .rows import Decision, Entry, Job, Outcome, Question

Answer = tuple[DataClass, Question, Outcome, str | None]
"""Data class, question, verdict, kind."""


class RefusedDecision(Exception):
    """A verdict whose certificate the checker refuses, or which does not prove it."""


@dataclass(frozen=True, slots=True)
class Proved:
    """The answers that an accepted certificate proves about the network with these masks, and what it assumes."""

    masks: Masks
    answers: frozenset[Answer]
    assumes: tuple[str, ...]


def proved(certificate: bytes) -> Proved:
    """Run the checker, and read off what it accepted.

    Raises:
        RefusedDecision: the checker refuses it; several certificates in one; a kind that says nothing of this kind.

    Example:
        >>> from symverify import DataClass, LinearNetwork, encode, prove_benign
        >>> found = proved(encode(prove_benign(LinearNetwork.dense(2, 2, 1), DataClass.ANY)))
        >>> len(found.answers), found.assumes
        (4, ())
    """
    outcome, result = checking.check_bytes(certificate)
    if outcome not in ("valid", "assumes"):
        raise RefusedDecision(f"the checker calls it {outcome}: {result}")
    body = checker.parse(certificate)
    read = KINDS.get(body.get("kind"))
    if read is None:
        raise RefusedDecision(f"a certificate of kind {body.get('kind')!r} answers no question of the atlas")
    masks = LinearNetwork.from_masks(body["masks"]).masks
    return Proved(masks, frozenset(read(body, result[0])), tuple(result[0]["assumes"]))


def _benign(body: dict[str, Any], facts: dict[str, Any]) -> list[Answer]:
    if "class" not in body["data"]:
        return []
    stated = DataClass(body["data"]["class"])
    classes = list(DataClass) if stated is DataClass.ANY else [stated]
    return [(data_class, question, Outcome.BENIGN, None) for data_class in classes for question in Question]


def _benign_fibre(body: dict[str, Any], facts: dict[str, Any]) -> list[Answer]:
    return [(data_class, question, Outcome.BENIGN, None) for data_class in DataClass for question in Question]


def _benign_almost_everywhere(body: dict[str, Any], facts: dict[str, Any]) -> list[Answer]:
    return [answer for answer in _benign(body, facts) if answer[1] is Question.ALMOST_ALL_DATA]


def _benign_generic(body: dict[str, Any], facts: dict[str, Any]) -> list[Answer]:
    return [(DataClass(body["data"]["class"]), Question.ALMOST_ALL_DATA, Outcome.BENIGN, None)]


def _spurious_minimum(body: dict[str, Any], facts: dict[str, Any]) -> list[Answer]:
    gram = [[Fraction(x) for x in row] for row in body["data"]["G"]]
    size = range(len(gram))
    definite = checker.eliminate(gram, len(gram))[0] == len(gram)
    diagonal = not any(gram[i][j] for i in size for j in size if i != j)
    classes = list(DataClass) if definite and diagonal else [DataClass.ANY]
    kind = "strict" if facts["strict"] else "degenerate"
    answers: list[Answer] = [(data_class, Question.ALL_DATA, Outcome.SPURIOUS, kind) for data_class in classes]
    if definite and kind == "strict":
        answers += [(data_class, Question.ALMOST_ALL_DATA, Outcome.SPURIOUS, kind) for data_class in classes]
    return answers


KINDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], list[Answer]]] = {
    "benign": _benign,
    "benign-fibre": _benign_fibre,
    "benign-bottleneck": _benign,
    "benign-almost-everywhere": _benign_almost_everywhere,
    "benign-generic": _benign_generic,
    "benign-two-units": _benign_generic,
    "spurious-minimum": _spurious_minimum,
}


def contradiction(job: Job, question: Question, entry: Entry, found: Proved) -> str | None:
    """Why what was proved is not what the row says; None if it is."""
    if found.masks != job.network.masks:
        return "the certificate is about other masks"
    if (job.data_class, question, entry.verdict, entry.kind) not in found.answers:
        kind = f" ({entry.kind})" if entry.kind else ""
        return f"the certificate does not prove {entry.verdict}{kind}"
    if entry.assumes != found.assumes:
        return f"the certificate assumes {list(found.assumes)}, the row says {list(entry.assumes)}"
    return None


def confirmed(job: Job, decisions: tuple[Decision, Decision]) -> tuple[tuple[Entry, Entry], dict[str, bytes]]:
    """The two entries of a row, and their certificates by hash, after the checker accepted each as proof of it.

    Raises:
        RefusedDecision: a certificate is refused, or it proves something else.
    """
    entries: list[Entry] = []
    certificates: dict[str, bytes] = {}
    known: dict[str, Proved] = {}
    for question, decision in zip(Question, decisions, strict=True):
        name = None if decision.certificate is None else digest(decision.certificate)
        entry = Entry(decision.verdict, decision.kind, decision.rule, name, decision.assumes)
        entries.append(entry)
        if name is None or decision.certificate is None:
            continue
        certificates[name] = decision.certificate
        try:
            known[name] = known.get(name) or proved(decision.certificate)
            wrong = contradiction(job, question, entry, known[name])
        except RefusedDecision as error:
            wrong = str(error)
        if wrong is not None:
            raise RefusedDecision(f"{job.structure}, {job.data_class}, {question}: {wrong}")
    return (entries[0], entries[1]), certificates
