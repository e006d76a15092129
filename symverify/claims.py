"""Claims of papers as types, the reports that settle them, and the bench on which a theorem script works.

A theorem script (``theorems/NAME.py``) states a :class:`Claim` and settles it: it asks its :class:`Bench` for
certificates, which are read from ``theorems/certificates/NAME/`` (or made anew), and always checked.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from symverify import checking
from symverify.certificate import (
    Benign,
    Encodable,
    SpuriousMinimum,
    decode_instance,
    digest,
    encode,
    masks_json,
)
from symverify.certify import exact_certificates
from symverify.data import Data, DataClass
from symverify.exact import Weights, rank
from symverify.loss import jacobian, residual
from symverify.network import LinearNetwork
from symverify.rules import prove_benign
from symverify.search import designed_candidates
from symverify.witness import accepted, simplest_witness

PAPER = "Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks"
NAMES = (
    "scalar_output",
    "nonintersecting_first_layer",
    "sparse_first_layer",
    "three_outputs",
    "output_threshold",
    "dense_networks",
    "decreasing_path",
)
PATHS = ("decreasing-path", "escape", "valley", "basin")
"""The kinds of section 17 of the mathematics; they come in bundles."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of a paper, as it is to be settled."""

    name: str
    title: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    method: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a proof-support table; every number in it comes from an accepted certificate."""

    claim: str
    source: str
    case: str
    structure: str
    data: str
    loss: str
    better_loss: str
    inertia: str
    gauge: str
    jacobian_rank: str
    evidence: str
    status: str
    certificate: str


@dataclass(frozen=True)
class Report:
    """How a claim came out: ``confirmed`` or ``refuted`` as worded, with what was proved, observed and assumed."""

    claim: Claim
    verdict: str
    summary: str
    proved: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    def text(self) -> str:
        """Statement, hypotheses, source, method, what was proved / observed / assumed, the table, the verdict."""
        from symverify.tables import render

        claim = self.claim
        head = [("Statement", claim.statement), *(("Hypothesis", h) for h in claim.hypotheses)]
        head += [("Source", claim.source), ("Method", claim.method)]
        kinds = (("Proved", self.proved), ("Observed", self.observed), ("Assumed", self.assumed))
        body = [(name, item) for name, items in kinds for item in items]
        return "\n".join(
            [
                claim.title,
                "=" * len(claim.title),
                "",
                *map(_paragraph, head),
                "",
                *map(_paragraph, body),
                "",
                render(self.rows, "text"),
                "",
                _paragraph(("Verdict", f"{self.verdict}. {self.summary}")),
            ]
        )

    def _repr_html_(self) -> str:
        from symverify.tables import html_report

        return html_report(self)

    def _repr_latex_(self) -> str:
        from symverify.tables import render

        return render(self.rows, "latex")


def _paragraph(item: tuple[str, str]) -> str:
    """``name: text`` with a hanging indent."""
    return fill(item[1], 118, initial_indent=f"{item[0] + ':':<12}", subsequent_indent=" " * 12)


class RefusedCertificate(Exception):
    """The checker refused a certificate that a claim rests on: the claim is not settled."""


@dataclass(frozen=True)
class Theorem:
    """What a certificate, or every certificate of a bundle, has to state for a claim to rest on it.

    That a certificate is valid does not make it the one that is needed.  ``kind``: ``benign``, ``benign-generic``,
    ``strict``, ``degenerate``, ``trap`` or ``not-attained-data``; ``data``: the class, or what :func:`data_of` says of
    numbers; ``networks``:
    exactly these, in this order; ``assumes``: whether an assumption is allowed; ``minimises_support``: whether the
    minimum has to be a global one of the sub-network of its non-zero weights.
    """

    kind: str
    data: str
    networks: tuple[LinearNetwork, ...]
    assumes: bool = False
    minimises_support: bool = False

    def require(self, bodies: Sequence[dict[str, Any]], where: str) -> None:
        """Raises RefusedCertificate unless these accepted certificates state this theorem."""
        if [body["masks"] for body in bodies] != [masks_json(network) for network in self.networks]:
            raise RefusedCertificate(f"{where}: about other structures than the claim")
        for body in bodies:
            kind = body["statement"]["minimum"] if body["kind"] == "spurious-minimum" else body["kind"]
            universal = kind in ("benign", "benign-generic")
            if kind != self.kind or data_of(body) != self.data or universal != ("class" in body["data"]):
                raise RefusedCertificate(f"{where}: {kind}, {data_of(body)} data; the claim needs another theorem")
            if not self.assumes and body.get("statement", {}).get("assumes"):
                raise RefusedCertificate(f"{where}: rests on an assumption")
            if self.minimises_support and not minimises_support(*decode_instance(body)[:3]):
                raise RefusedCertificate(f"{where}: not a minimum of the sub-network of its weights")


@dataclass
class Bench:
    """Where a theorem script gets its certificates from.

    With ``remake`` they are made anew and written; else the committed ones are read.  Either way the checker decides.
    """

    claim: Claim
    folder: Path
    remake: bool = False
    progress: Callable[[str], None] = lambda text: None
    rows: list[Row] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def prove(
        self,
        name: str,
        make: Callable[[], Encodable | Sequence[Encodable]],
        case: str,
        structure: str | None = None,
        *,
        about: Theorem,
    ) -> list[dict[str, Any]]:
        """The facts of the certificate (or bundle) ``name``, and a row of the table for it.

        Raises:
            RefusedCertificate: the checker does not accept it, or it proves another theorem than ``about``.
        """
        self.progress(f"{self.claim.name}: {name}")
        data = encode(make()) if self.remake else self.kept(name)
        where = f"{self.folder / name}.json"
        outcome, facts = checking.check_bytes(data)
        if outcome in ("invalid", "malformed"):
            raise RefusedCertificate(f"{where}: {outcome}: {facts}")
        assert not isinstance(facts, str)
        checked: list[dict[str, Any]] = facts
        bodies = certificates_in(data)
        about.require(bodies, where)
        if self.remake:
            self.keep(name, data)
        assumed = sorted({a for f in checked for a in f["assumes"]})
        self.assumed += [a for a in assumed if a not in self.assumed]
        self.rows.append(row_of(self.claim, case, structure, bodies, facts, bool(assumed), digest(data)))
        return checked

    def kept(self, name: str) -> bytes:
        """The committed certificate (or bundle) ``name``.

        Raises:
            RefusedCertificate: it cannot be read.
        """
        try:
            return (self.folder / f"{name}.json").read_bytes()
        except OSError as error:
            raise RefusedCertificate(
                f"{error.filename}: {error.strerror}; `symverify verify --remake` makes it anew"
            ) from None

    def keep(self, name: str, data: bytes) -> None:
        """Write a certificate, all of it or nothing."""
        path = self.folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(data)
        temporary.replace(path)

    def benign(
        self, name: str, networks: Sequence[LinearNetwork], data_class: DataClass, *labels: str, assumes: bool = False
    ) -> None:
        """Prove by the rules that all these structures are benign; ``labels``: case and structures, for the table.

        Raises:
            RefusedCertificate: the rules do not settle one of them.
        """
        about = Theorem("benign", data_class.value, tuple(networks), assumes)
        self.prove(name, lambda: [self.trace(network, data_class) for network in networks], *labels, about=about)

    def trace(self, network: LinearNetwork, data_class: DataClass) -> Benign:
        """A trace that a structure is benign.

        Raises:
            RefusedCertificate: the rules do not settle it.
        """
        proof = prove_benign(network, data_class)
        if proof is None:
            raise RefusedCertificate(f"the rules do not settle {network} for {data_class} data")
        return proof

    def spurious(
        self,
        name: str,
        network: LinearNetwork,
        data_class: DataClass,
        rounds: int,
        case: str,
        *,
        strict: bool,
        minimises_support: bool = False,
    ) -> None:
        """Prove by the simplest witness that the search finds from the structure alone; class *any*: correlated data.

        Raises:
            RefusedCertificate: the search finds none.
        """
        about = Theorem(
            "strict" if strict else "degenerate",
            "orthogonal" if data_class is DataClass.ORTHOGONAL else "correlated",
            (network,),
            minimises_support=minimises_support,
        )
        self.prove(
            name, lambda: self.witness(network, data_class, rounds, strict, minimises_support), case, about=about
        )

    def witness(
        self, network: LinearNetwork, data_class: DataClass, rounds: int, strict: bool, of_support: bool = False
    ) -> SpuriousMinimum:
        """The simplest spurious minimum found; ``of_support``: a global minimum of the sub-network of its weights.

        Raises:
            RefusedCertificate: none is found.
        """

        def wanted(found: SpuriousMinimum) -> bool:
            return not of_support or minimises_support(found.network, found.data, found.point)

        found = simplest_witness(network, data_class, rounds=rounds, strict=strict, wanted=wanted)
        if found is None:
            raise RefusedCertificate(f"the search finds no spurious minimum of {network}")
        return found

    def first(self, name: str) -> dict[str, Any]:
        """The (first) committed certificate of ``name``, as a JSON object."""
        return certificates_in(self.kept(name))[0]

    def search(
        self, networks: Iterable[LinearNetwork], data_class: DataClass, rounds: int, strict: bool = False
    ) -> tuple[int, int]:
        """Look for what should not exist; returns how much was searched: (structures, candidates refused).

        Raises:
            RefusedCertificate: something was found that contradicts the claim.
        """
        rng = np.random.default_rng(2021)
        count = tried = 0
        for network in networks:
            count += 1
            self.progress(f"{self.claim.name}: searching {network}")
            for n in range(rounds):
                for candidate in designed_candidates(network, data_class, rng, bool(n % 2)):
                    tried += 1
                    for certificate in exact_certificates(candidate):
                        if (certificate.strict or not strict) and accepted(certificate) is not None:
                            raise RefusedCertificate(f"the search found a spurious minimum of {network}")
        return count, tried

    def report(self, verdict: str, summary: str, proved: Sequence[str] = (), observed: Sequence[str] = ()) -> Report:
        """The report with all rows so far."""
        return Report(
            self.claim, verdict, summary, tuple(proved), tuple(observed), tuple(self.assumed), tuple(self.rows)
        )


def row_of(
    claim: Claim,
    case: str,
    structure: str | None,
    bodies: list[dict[str, Any]],
    facts: list[dict[str, Any]],
    assumed: bool,
    name: str,
) -> Row:
    """The table row of one certificate, or of a bundle (counts instead of numbers)."""
    body, fact = bodies[0], facts[0]
    status = "assumed" if assumed else "proved"
    if len(bodies) > 1 or body["kind"] in ("benign", "benign-generic", *PATHS):
        shape = structure or (f"{len(bodies)} structures" if len(bodies) > 1 else str_of(body))
        data_name = ", ".join(sorted({data_of(b) for b in bodies}))
        evidence = ", ".join(sorted(set().union(*(evidence_of(b) for b in bodies))))
        return Row(claim.name, claim.source, case, shape, data_name, "", "", "", "", "", evidence, status, name[:12])
    low, high = fact["loss"]
    if body["kind"] == "not-attained-data":
        shape, loss = structure or str_of(body), f"inf {low}"
        ends = "", "", "", "", "not attained", status, name[:12]
        return Row(claim.name, claim.source, case, shape, data_of(body), loss, *ends)
    network, _, point, _ = decode_instance(body)
    loss = str(high) if low == high else f"{float(high):.9g}"
    if body["kind"] == "trap":
        kind, inertia, gauge, loss = "trap", "", "", f">= {low}"
    else:
        (kind,) = evidence_of(body)
        inertia, gauge = str(fact["inertia"]), str(fact["gauge"])
    data_name = data_of(body)
    jacobian_rank = str(rank(jacobian(network, point)))
    shape = structure or str(network)
    return Row(
        claim.name,
        claim.source,
        case,
        shape,
        data_name,
        loss,
        str(fact["better_loss"]),
        inertia,
        gauge,
        jacobian_rank,
        kind,
        status,
        name[:12],
    )


def certificates_in(data: bytes) -> list[dict[str, Any]]:
    """The certificates of a file, a bundle or not, as JSON objects."""
    body = json.loads(data)
    certificates: list[dict[str, Any]] = body.get("certificates", [body])
    return certificates


def data_of(body: dict[str, Any]) -> str:
    """The class of the data of a certificate, or what its numeric data are."""
    if "class" in body["data"]:
        return str(body["data"]["class"])
    return (
        "orthogonal"
        if Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"]).is_orthogonal
        else "correlated"
    )


def evidence_of(body: dict[str, Any]) -> set[str]:
    """The rules or the evidence that a certificate rests on."""
    if body["kind"] == "spurious-minimum":
        return {f"{body['statement']['minimum']}: {body['minimum']['kind']}"}
    if body["kind"] in PATHS:
        return {body["kind"]}
    return {step["rule"] for step in body.get("steps", ())} or {body["rule"]}


def str_of(body: dict[str, Any]) -> str:
    """The structure of a certificate as a line."""
    return str(LinearNetwork.from_masks(body["masks"]))


def support(network: LinearNetwork, point: Weights) -> LinearNetwork:
    """The sub-network of the weights that are not zero at the point."""
    return LinearNetwork.from_masks([[[int(x != 0) for x in row] for row in w] for w in point])


def minimises_support(network: LinearNetwork, data: Data, point: Weights) -> bool:
    """R vanishes at every entry of M that the non-zero weights reach: the point is a global minimum of that
    sub-network."""
    rest = residual(network, point, data)
    return all(not rest[o][j] for o, j in support(network, point).covered)


def mechanism(body: dict[str, Any]) -> str:
    """Which sub-network the point of a certificate is a global minimum of, in a sentence."""
    network, data, point, _ = decode_instance(body)
    rest = residual(network, point, data)
    alive = support(network, point)
    missed = ", ".join(f"M[{o + 1},{j + 1}]" for o, j in sorted(network.covered) if rest[o][j])
    name = name_of(alive)
    if any(rest[o][j] for o, j in alive.covered):
        return f"the weights alive form the sub-network {name}; the residual is not zero at {missed}"
    return f"the point is the global minimum of the sub-network {name}, which it fits exactly; left unfitted: {missed}"


def name_of(network: LinearNetwork) -> str:
    """A sub-network by its units as {inputs}x{outputs} if it has two layers, else by its weights; counted from 1."""
    if network.depth != 2:
        return ", ".join(network.weight_name(edge) for edge in network.edges)
    units = [(network.inputs_of(1, k), network.outputs_of(1, k)) for k in range(network.widths[1])]
    braces = [["{" + "".join(str(x + 1) for x in sorted(s)) + "}" for s in unit] for unit in units if all(unit)]
    return ", ".join("x".join(pair) for pair in braces)


# -- theorem scripts --------------------------------------------------------------------------------------

Settle = Callable[[Bench], Report]


def theorems_folder() -> Path:
    """The folder of the theorem scripts: in a checkout beside the package, in an installed wheel inside it."""
    here = Path(__file__).resolve().parent
    for folder in (here.parent / "theorems", here / "_theorems"):
        if (folder / f"{NAMES[0]}.py").exists():
            return folder
    raise FileNotFoundError("the theorem scripts are not installed with the package")


def load_script(name: str) -> tuple[Claim, Settle]:
    """The claim of a theorem script and the function that settles it."""
    path = theorems_folder() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"symverify_theorem_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CLAIM, module.settle


def settle(name: str, remake: bool = False, progress: Callable[[str], None] | None = None) -> Report:
    """Run one theorem script.

    Raises:
        RefusedCertificate: a certificate was refused, or a search contradicts the claim's proof.
    """
    claim, script = load_script(name)
    folder = theorems_folder() / "certificates" / name
    return script(Bench(claim, folder, remake, progress or (lambda text: None)))


def main(name: str) -> int:
    """What ``python theorems/NAME.py [--remake]`` does: print the report; 0 if the claim is settled, else 1."""
    try:
        print(settle(name, remake="--remake" in sys.argv[1:]).text())
    except RefusedCertificate as error:
        print(f"{name}: not settled: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted; certificates are in {theorems_folder() / 'certificates' / name}", file=sys.stderr)
        return 130
    return 0
