"""What is known of a small structure: from the atlas by its canonical form, else by rule P or by a pinned minimum."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from symverify.atlas.closure import smaller_structures
from symverify.atlas.lookup import find_row, known_witness
from symverify.atlas.rows import Outcome
from symverify.certificate import SpuriousMinimum
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.rules import prove_benign

from .layers import SparseNetwork
from .pinned import find_pinned
from .rules import path_rule

SMALL = 40
"""Weights up to which all rules are tried."""


class Source(StrEnum):
    """What decided a structure."""

    ATLAS = "atlas"
    INDUCED = "induced"
    PINNED = "pinned"
    PATH = "path"
    RULES = "rules"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Known:
    """An answer for all data of a class: ``spurious`` and ``benign`` as in the atlas.

    ``pattern`` is the structure as the atlas names it, or the canonical form of one that is not in the atlas.
    """

    outcome: Outcome
    source: Source
    data_class: DataClass
    pattern: str


@dataclass(slots=True)
class Matcher:
    """Answers by canonical form; each is looked up once."""

    by_masks: dict[LinearNetwork, Known] = field(default_factory=dict)
    by_form: dict[LinearNetwork, Known] = field(default_factory=dict)

    def match(self, network: LinearNetwork) -> Known:
        """The answer for a pruned structure.

        >>> network = LinearNetwork.from_units(([1, 2], [1, 2]), ([1], [1]))
        >>> known = Matcher().match(network)
        >>> str(known.outcome), str(known.source), known.pattern
        ('spurious', 'atlas', '01 11 | 01 11')
        """
        known = self.by_masks.get(network)
        if known is None:
            form = network.canonical_form()
            known = self.by_form.get(form)
            if known is None:
                known = _known(form)
                if known.outcome is Outcome.OPEN:
                    known = self._smaller(form) or known
                self.by_form[form] = known
            self.by_masks[network] = known
        return known

    def _smaller(self, form: LinearNetwork) -> Known | None:
        """Spurious because a sub-structure without one of the inputs or outputs is (lemma `lifted`)."""
        for part in smaller_structures(form):
            known = self.match(part)
            if known.outcome is Outcome.SPURIOUS:
                return replace(known, source=Source.INDUCED if known.source is Source.ATLAS else known.source)
        return None


def _known(form: LinearNetwork) -> Known:
    for data_class in (DataClass.ORTHOGONAL, DataClass.ANY):
        row = find_row(form, data_class)
        if row is None:
            break
        outcome = row.all_data.verdict
        if outcome is Outcome.SPURIOUS or (outcome is Outcome.BENIGN and data_class is DataClass.ANY):
            return Known(outcome, Source.ATLAS, data_class, row.job.structure)
    name = " | ".join(" ".join("".join(map(str, row)) for row in mask) for mask in form.masks)
    sparse = SparseNetwork.from_network(form)
    if path_rule(sparse) is not None:
        return Known(Outcome.BENIGN, Source.PATH, DataClass.ANY, name)
    if form.parameters <= SMALL and prove_benign(form, DataClass.ANY) is not None:
        return Known(Outcome.BENIGN, Source.RULES, DataClass.ANY, name)
    if find_pinned(sparse) is not None:
        return Known(Outcome.SPURIOUS, Source.PINNED, DataClass.ORTHOGONAL, name)
    return Known(Outcome.OPEN, Source.NOTHING, DataClass.ANY, name)


def witness(network: LinearNetwork, known: Known) -> SpuriousMinimum | None:
    """The witness of the atlas in the labelling of the network; None if the answer is not from the atlas."""
    return known_witness(network, known.data_class) if known.source is Source.ATLAS else None
