"""The decision procedures: is every local minimum global, for all data of a class, for almost all, or for given data?

Rules first; then the table of the atlas; then a search for a spurious minimum, in the network itself and in small
sub-networks (lifting).  Every certificate goes through the checker before it is returned: a certificate that the
checker refuses is no answer.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import combinations, islice
from typing import Any

import numpy as np

from symverify.atlas.evidence import proved
from symverify.atlas.lookup import MAX_WIDTH, find_row, known_witness
from symverify.atlas.rows import Outcome, Question
from symverify.certificate import Benign, Certificate, SpuriousMinimum, data_json, encode
from symverify.certify import SymverifyError, ball_certificate, exact_certificates, exact_point
from symverify.data import Data, DataClass
from symverify.decide import Proof, prove_almost_everywhere, prove_everywhere, rule_of, two_units_witness
from symverify.exact import Weights
from symverify.loss import BatchedLoss, loss
from symverify.network import LinearNetwork, SubNetwork
from symverify.problem import check_shapes
from symverify.refute import MAX_SEARCHED, refute
from symverify.rules import prove_benign
from symverify.search import (
    Candidate,
    descend,
    designed_candidates,
    fewer,
    first_minimum,
    random_starts,
    rationalise,
)
from symverify.witness import accepted, extend

Progress = Callable[[str], None]
Found = Callable[[Certificate], None]
DESCENTS = 128
"""Descents at once, in networks with up to 100 weights; fewer in larger ones, so that the budget is kept."""
ENOUGH = 4
"""Times DESCENTS before the best point found is taken for the better point of a certificate."""
SEARCHABLE = 300
"""Weights up to which there is a search: exact Hessians of larger networks take minutes."""
PATIENCE = (3.0, 16)
"""Seconds and rounds (both) that the search for a strict minimum goes on after a degenerate one.  The rounds alone
would be over at once in a small network; the seconds alone would let a busy machine change the answer."""
SYSTEMATIC, SYSTEMATIC_SECONDS = 4, 10
"""Hidden units up to which the systematic search of the atlas is tried, and the budget from which on: where it finds
nothing it takes up to that long, and cannot be cut short."""
ATTEMPTS = 6
"""Points of one loss value that are tried to certify."""


class Verdict(StrEnum):
    """What is known of "every local minimum is global"."""

    BENIGN = "benign"
    SPURIOUS = "spurious"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """*proved*: the checker accepted a certificate; *assumed*: it rests on a named theorem of the literature;
    *observed*: searched so much, found nothing."""

    PROVED = "proved"
    ASSUMED = "assumed"
    OBSERVED = "observed"


@dataclass(frozen=True)
class AlmostAllData:
    """The verdict for all data of a class outside a set of measure zero; ``spurious`` means for an open set of data.

    ``rule`` is a label: the rules of the proof, or the kind of evidence of the witness, which is strict.
    """

    verdict: Verdict
    basis: Basis
    reason: str
    rule: str | None = None
    certificate: Certificate | None = None

    @property
    def kind(self) -> str | None:
        """``strict`` for a spurious minimum, else None."""
        return "strict" if self.verdict is Verdict.SPURIOUS else None

    @property
    def assumes(self) -> tuple[str, ...]:
        """The theorems of the literature that the certificate rests on."""
        return self.certificate.assumes if isinstance(self.certificate, Benign) else ()

    def to_json(self, path: str | None = None) -> dict[str, Any]:
        """The value of ``almost_all_data`` in ``symverify-answer/1``; ``path`` is where the certificate was written."""
        return {
            "verdict": str(self.verdict),
            "kind": self.kind,
            "basis": str(self.basis),
            "rule": self.rule,
            "assumes": list(self.assumes),
            "certificate": path,
        }


@dataclass(frozen=True)
class Answer:
    """The verdict on a network, with its certificate (None iff the verdict is unknown).

    ``almost_all_data`` is the second answer for a class of data, None for given data.
    """

    verdict: Verdict
    basis: Basis
    reason: str
    certificate: Certificate | None
    seconds: float
    facts: dict[str, Any] = field(default_factory=dict, compare=False)
    almost_all_data: AlmostAllData | None = None

    @property
    def kind(self) -> str | None:
        """``strict`` or ``degenerate`` for a spurious minimum, else None."""
        if not isinstance(self.certificate, SpuriousMinimum):
            return None
        return "strict" if self.certificate.strict else "degenerate"

    @property
    def assumes(self) -> tuple[str, ...]:
        """The theorems of the literature that the certificate rests on."""
        return self.certificate.assumes if isinstance(self.certificate, Benign) else ()

    def to_json(self, path: str | None = None, almost_path: str | None = None) -> dict[str, Any]:
        """The object of format ``symverify-answer/1``; the paths are where the certificates were written."""
        return {
            "format": "symverify-answer/1",
            "verdict": str(self.verdict),
            "kind": self.kind,
            "basis": str(self.basis),
            "assumes": list(self.assumes),
            "witness": witness_json(self.certificate) if isinstance(self.certificate, SpuriousMinimum) else None,
            "certificate": path,
            "reason": self.reason,
            "almost_all_data": None if self.almost_all_data is None else self.almost_all_data.to_json(almost_path),
            "seconds": round(self.seconds, 3),
        }

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><b>{self.verdict}</b> ({self.basis}): {escape(self.reason)}</p>"

    def _repr_latex_(self) -> str:
        return rf"\textbf{{{self.verdict}}} ({self.basis})"


def witness_json(found: SpuriousMinimum) -> dict[str, Any]:
    """A spurious minimum as ``analyze --json`` shows it; ``loss`` is an upper bound unless ``exact``."""
    body = found.to_json()
    return {
        **data_json(found.data),
        "weights": body["point"],
        "better": body["better"],
        "loss": str(found.loss_at_most),
        "better_loss": str(found.better_loss),
        "exact": found.loss_at_least == found.loss_at_most,
    }


def analyze(
    network: LinearNetwork,
    data: Data | DataClass,
    *,
    seed: int = 0,
    budget: float = 60.0,
    progress: Progress | None = None,
    found: Found | None = None,
) -> Answer:
    """Decide whether every local minimum of the squared loss is global, for all data of a class or for given data.

    For a class the second question is answered too: the same for almost all data of the class.

    Args:
        network: the structure; dead units and unused inputs are allowed.
        data: a :class:`DataClass` ("for all such data") or :class:`Data` ("for these").
        seed: the search is reproducible for a given seed, except for where the budget cuts it.
        budget: seconds of search, after the rules and the table.
        progress: called with a line of text now and then.
        found: called at once with every certificate about ``network`` that the checker accepted (to keep it when
            interrupted): what is returned, and a degenerate witness met before a strict one.

    Returns:
        ``benign`` or ``spurious`` come with a certificate that the checker accepted.  ``unknown`` says how much was
        searched; it does not say that the structure is benign.

    Raises:
        ValueError: no path joins any input to any output, or the shapes of data and masks differ.

    Example:
        >>> analyze(LinearNetwork.dense(2, 2, 1), DataClass.ANY).verdict
        <Verdict.BENIGN: 'benign'>
        >>> net = LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3]))
        >>> answer = analyze(net, DataClass.ORTHOGONAL, budget=20)
        >>> answer.verdict, answer.kind
        (<Verdict.SPURIOUS: 'spurious'>, 'strict')
        >>> answer = analyze(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), DataClass.ANY)
        >>> answer.verdict, answer.kind, answer.almost_all_data.verdict
        (<Verdict.SPURIOUS: 'spurious'>, 'degenerate', <Verdict.BENIGN: 'benign'>)
    """
    run = _Run(seed, budget, progress, found)
    if isinstance(data, Data):
        check_shapes(network, data)
        return _analyze_data(network, data, run)
    return _analyze_class(network, DataClass(data), run)  # its text will do as well; ValueError for anything else


def _analyze_data(network: LinearNetwork, data: Data, run: _Run) -> Answer:
    part = network.pruned()
    proof = prove_benign(network, data)
    if proof is not None and accepted(proof) is not None:
        return run.answer(data, proof)
    if part.network.parameters > SEARCHABLE:
        return run.answer(data, None, _too_large(part))
    return run.answer(data, run.search_instance(network, part, data))


def _analyze_class(network: LinearNetwork, data_class: DataClass, run: _Run) -> Answer:
    part = network.pruned()
    proof = prove_everywhere(network, data_class)
    almost = prove_almost_everywhere(network, data_class) or proof
    for certificate in (proof, almost):
        if certificate is not None:
            run.found(certificate)
    if proof is not None:
        return run.answer(data_class, proof, almost=almost)
    run.begin(strict_excluded=almost is not None and not _assumed(almost))
    reason = None
    witness = run.known_witness(network, part, data_class)
    if witness is None and part.network.parameters > SEARCHABLE:
        reason = _too_large(part)
    elif witness is None:
        witness = run.search_class(network, part, data_class)
    return run.answer(data_class, witness, reason, almost=almost)


def _assumed(certificate: Certificate) -> bool:
    return isinstance(certificate, Benign) and bool(certificate.assumes)


def _too_large(part: SubNetwork) -> str:
    return (
        f"no rule applies, and there is no search in networks with more than {SEARCHABLE} weights (this one has"
        f" {part.network.parameters}): analyze a sub-network between some inputs and outputs"
    )


def _almost_all_data(data_class: DataClass, proof: Proof | None, witness: Certificate | None) -> AlmostAllData:
    """The second answer.  A strict minimum with G positive definite persists under small changes of the data."""
    strict = False
    if isinstance(witness, SpuriousMinimum) and witness.strict:
        strict = (data_class, Question.ALMOST_ALL_DATA, Outcome.SPURIOUS, "strict") in proved(encode(witness)).answers
    if proof is not None and (facts := accepted(proof)) is not None:
        if strict and not _assumed(proof):
            raise AssertionError("a proof and a strict minimum contradict each other: the checker is wrong")
        basis = Basis.ASSUMED if _assumed(proof) else Basis.PROVED
        return AlmostAllData(Verdict.BENIGN, basis, facts["proved"], rule_of(proof), proof)
    if isinstance(witness, SpuriousMinimum) and strict:
        reason = "a strict spurious local minimum persists for an open set of data"
        return AlmostAllData(Verdict.SPURIOUS, Basis.PROVED, reason, rule_of(witness), witness)
    reason = "no rule applies and no strict spurious minimum was found"
    return AlmostAllData(Verdict.UNKNOWN, Basis.OBSERVED, reason)


def certified_point(
    network: LinearNetwork, data: Data, point: Weights, *, starts: int = 128, seed: int = 0
) -> SpuriousMinimum | None:
    """A certificate that ``point`` is a spurious local minimum for these data, or None if none was found.

    A better point is searched for from ``starts`` random starts.  None proves nothing.
    """
    rng = np.random.default_rng(seed)
    model = BatchedLoss(network)
    gram, cross = _moments(data)
    theta, value = descend(
        model,
        random_starts(model, rng, starts),
        np.repeat(gram[None], starts, 0),
        np.repeat(cross[None], starts, 0),
        200,
    )
    better = rationalise(network, data, theta[first_minimum(value)], loss(network, point, data))
    if better is None:
        return None
    certificates = exact_certificates(Candidate(network, data, point, better))
    return next((c for c in certificates if accepted(c) is not None), None)


class _Run:
    """One search: its random numbers, its deadline, and the account of what it did."""

    def __init__(self, seed: int, budget: float, progress: Progress | None, found: Found | None) -> None:
        start = time.monotonic()
        self.seed, self.rng, self.start, self.budget = seed, np.random.default_rng(seed), start, budget
        self.progress, self.found = progress or (lambda text: None), found or (lambda certificate: None)
        self.deadline, self.patience = start + budget, PATIENCE
        self.rounds = self.candidates = self.starts = self.parts = 0

    def begin(self, strict_excluded: bool) -> None:
        """The budget counts from now; where no strict minimum exists, any other one ends the search."""
        self.deadline = time.monotonic() + self.budget
        if strict_excluded:
            self.patience = (0.0, 0)

    def answer(
        self,
        data: Data | DataClass,
        certificate: Proof | SpuriousMinimum | None,
        reason: str | None = None,
        almost: Proof | None = None,
    ) -> Answer:
        """What the certificate proves, and for a class the second answer; without one, what was searched."""
        second = _almost_all_data(data, almost, certificate) if isinstance(data, DataClass) else None
        facts = None if certificate is None else accepted(certificate)
        elapsed = time.monotonic() - self.start
        if certificate is None or facts is None:
            reason = reason or f"no rule applies and no spurious minimum was found: {self.account(data)}"
            return Answer(Verdict.UNKNOWN, Basis.OBSERVED, reason, None, elapsed, almost_all_data=second)
        self.found(certificate)
        verdict = Verdict.SPURIOUS if isinstance(certificate, SpuriousMinimum) else Verdict.BENIGN
        basis = Basis.ASSUMED if _assumed(certificate) else Basis.PROVED
        return Answer(verdict, basis, facts["proved"], certificate, elapsed, facts, second)

    def account(self, data: Data | DataClass) -> str:
        if isinstance(data, Data):
            return f"{self.starts} descents from random starts"
        text = f"{self.rounds} rounds of inverse design, {self.candidates} candidates refused"
        return text + (f", {self.parts} sub-networks" if self.parts else "")

    def left(self) -> float:
        return self.deadline - time.monotonic()

    # -- all data of a class ------------------------------------------------------------------------------

    def known_witness(self, network: LinearNetwork, part: SubNetwork, data_class: DataClass) -> SpuriousMinimum | None:
        """From the table of the atlas, from the theorem on two hidden units, or by the systematic search of the atlas
        where it takes seconds only."""
        known = known_witness(part.network, data_class)
        if known is not None:
            return extend(network, part, known)
        strict = two_units_witness(network)
        if strict is not None or not (_is_systematic(part.network) and self.budget >= SYSTEMATIC_SECONDS):
            return strict
        self.progress(f"{network}: all residuals")
        return refute(network, data_class, seed=self.seed)

    def search_class(self, network: LinearNetwork, part: SubNetwork, data_class: DataClass) -> SpuriousMinimum | None:
        """In the pruned network and in its small sub-networks, the cheaper first."""
        total = self.left()
        small = part.network.parameters <= 30
        direct, lifted = (0.6, 1.0) if small else (1.0, 0.6)
        for method in ("direct", "lifted") if small else ("lifted", "direct"):
            share = direct if method == "direct" else lifted
            until = min(self.deadline, self.deadline - total + share * total)
            parts = iter([part]) if method == "direct" else self.small_parts(part, data_class, until)
            for sub in parts:
                witness = self.search_part(network, sub, data_class, until, whole=sub is part)
                if witness is not None:
                    return witness
        return None

    def search_part(
        self, network: LinearNetwork, part: SubNetwork, data_class: DataClass, until: float, whole: bool
    ) -> SpuriousMinimum | None:
        """The last witness of a part that extends to the network; a small part is left after some seconds."""
        patience = self.patience if whole else (0.5, 0)
        end = until if whole else min(until, time.monotonic() + 4.0)
        known = None if whole else known_witness(part.network, data_class)
        best = None
        for witness in self.design(part.network, data_class, end, patience) if known is None else [known]:
            extended = extend(network, part, witness)
            if extended is not None:
                self.found(extended)
                best = extended
        return best

    def design(
        self, network: LinearNetwork, data_class: DataClass, until: float, patience: tuple[float, int]
    ) -> Iterator[SpuriousMinimum]:
        """A strict witness; before it a degenerate one, and only that if none is strict for as long as `patience`."""
        degenerate = False
        enough, rounds = until, self.rounds
        while time.monotonic() < until and (time.monotonic() < enough or self.rounds < rounds):
            for fibre in (False, True):
                self.rounds += 1
                self.progress(f"{network}: round {self.rounds}")
                for candidate in designed_candidates(network, data_class, self.rng, fibre):
                    witness = self.certified(candidate, only_strict=degenerate)
                    if witness is None:
                        continue
                    yield witness
                    if witness.strict:
                        return
                    if not degenerate:
                        enough, rounds = time.monotonic() + patience[0], self.rounds + patience[1]
                    degenerate = True

    def certified(self, candidate: Candidate, only_strict: bool = False) -> SpuriousMinimum | None:
        self.candidates += 1
        for certificate in exact_certificates(candidate):
            if only_strict and not certificate.strict:
                return None
            if accepted(certificate) is not None:
                self.candidates -= 1
                return certificate
        return None

    def small_parts(self, part: SubNetwork, data_class: DataClass, until: float) -> Iterator[SubNetwork]:
        """Induced sub-networks on up to three inputs and outputs, up to isomorphism, that no rule proves benign."""
        seen: set[LinearNetwork] = set()
        network = part.network
        for inputs, outputs in islice(_small_choices(network), 20000):
            if time.monotonic() >= until:
                return
            try:
                sub = network.induced(inputs, outputs)
            except ValueError:  # no path joins them
                continue
            if sub.network == network or sub.network.parameters > 40:
                continue
            form = sub.network.canonical_form()
            if form in seen:
                continue
            seen.add(form)
            if not _known_benign(sub.network, data_class):
                self.parts += 1
                nodes = tuple(tuple(part.nodes[l][v] for v in layer) for l, layer in enumerate(sub.nodes))
                yield SubNetwork(sub.network, nodes)

    # -- given data ---------------------------------------------------------------------------------------

    def search_instance(self, network: LinearNetwork, part: SubNetwork, data: Data) -> SpuriousMinimum | None:
        """Minimise over random sub-networks; a critical point that is not the best goes to the checker."""
        small = data.restricted(part.nodes[0], part.nodes[-1])
        model = BatchedLoss(part.network)
        gram, cross = _moments(small)
        best_value, best = np.inf, None
        count = fewer(DESCENTS, part.network, 100)
        waiting: dict[float, list[Any]] = {}
        tried: Counter[float] = Counter()
        while self.left() > 0:
            theta, value = self.descents(model, gram, cross, count)
            self.progress(f"{network}: {self.starts} descents")
            n = first_minimum(value)
            if value[n] < best_value:
                best_value, best = float(value[n]), theta[n]
            for k in np.flatnonzero(local_minima(model, theta, gram, cross)):
                waiting.setdefault(round(float(value[k]), 5), []).append(theta[k])
            if self.starts < ENOUGH * count:
                continue
            for level in sorted(waiting):
                points = waiting.pop(level)
                if level < best_value + 1e-4 * (1 + abs(best_value)):
                    continue
                points = points[: max(0, ATTEMPTS - tried[level])]
                tried[level] += len(points)
                for certify in (self.certify_exactly, self.certify_ball):
                    for point in points if self.left() > 0 else ():
                        witness = certify(part.network, small, point, best)
                        whole = witness and extend(network, part, witness, data)
                        if whole is not None:
                            self.found(whole)
                            return whole
        return None

    def descents(self, model: BatchedLoss, gram: Any, cross: Any, count: int) -> tuple[Any, Any]:
        """Points where descents end; in half of them random weights stay zero (minima of sub-networks)."""
        start = random_starts(model, self.rng, count)
        share = self.rng.choice([0.15, 0.3, 0.5], size=(count, 1))
        active = self.rng.random(start.shape) > share
        active[: count // 2] = True
        start[~active] = 0.0
        self.starts += count
        grams, crosses = np.repeat(gram[None], count, axis=0), np.repeat(cross[None], count, axis=0)
        return descend(model, start, grams, crosses, 300, active)

    def certify_exactly(self, network: LinearNetwork, data: Data, theta: Any, best: Any) -> SpuriousMinimum | None:
        """If there is an exactly critical rational point near ``theta``."""
        point = exact_point(network, data, theta)
        better = None if point is None else rationalise(network, data, best, loss(network, point, data))
        if point is None or better is None:
            return None
        return self.certified(Candidate(network, data, point, better))

    def certify_ball(self, network: LinearNetwork, data: Data, theta: Any, best: Any) -> SpuriousMinimum | None:
        """By a ball around the polished point; its loss is known up to the radius only, hence the margin."""
        here = Fraction(float(BatchedLoss(network).loss(theta[None], *_moments(data))[0])) + data.constant
        better = rationalise(network, data, best, here - Fraction(1, 10**5))
        if better is None:
            return None
        try:
            certificate = ball_certificate(network, data, theta, better)
        except SymverifyError:
            return None
        return certificate if accepted(certificate) is not None else None


def _is_systematic(network: LinearNetwork) -> bool:
    """Two layers small enough for :func:`symverify.refute.refute`, and not in the table."""
    small = network.depth == 2 and max(network.widths[0], network.widths[-1]) <= MAX_SEARCHED
    return small and MAX_WIDTH < network.widths[1] <= SYSTEMATIC


def _known_benign(network: LinearNetwork, data_class: DataClass) -> bool:
    """Whether a search in a sub-network is in vain: by the table, or by the rules."""
    row = find_row(network, data_class)
    if row is not None and row.all_data.verdict is not Outcome.OPEN:
        return row.all_data.verdict is Outcome.BENIGN
    return prove_benign(network, data_class) is not None


def _moments(data: Data) -> tuple[Any, Any]:
    return (
        np.array([[float(x) for x in row] for row in data.gram]),
        np.array([[float(x) for x in row] for row in data.cross]),
    )


def local_minima(model: BatchedLoss, theta: Any, gram: Any, cross: Any) -> Any:
    """Which points look like local minima in floats: gradient zero, no negative eigenvalue of the Hessian."""
    flat = np.abs(model.gradient(theta, gram, cross)).max(axis=1, initial=0.0) < 1e-5
    flat &= np.abs(theta).max(axis=1, initial=0.0) < 1e6
    index = np.flatnonzero(flat)
    if len(index):
        spectrum = np.linalg.eigvalsh(model.hessian(theta[index], gram, cross))
        flat[index] = spectrum[:, 0] > -1e-5 * (1 + np.abs(spectrum).max(axis=1))
    return flat


def _small_choices(network: LinearNetwork) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Sets of up to three inputs and outputs, small ones first."""
    sizes = sorted(((a, b) for a in (1, 2, 3) for b in (1, 2, 3)), key=lambda s: (s[0] * s[1], s))
    for a, b in sizes:
        for inputs in combinations(range(network.widths[0]), a):
            for outputs in combinations(range(network.widths[-1]), b):
                yield inputs, outputs
