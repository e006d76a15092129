"""Evidence as types, and its JSON form.  One word names four things: the class here, the tag in the file, the
function ``check_...`` of the checker, and the lemma of that name in ``docs/mathematics.md``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from symverify.data import Data, DataClass, as_rationals
from symverify.exact import Weights
from symverify.loss import loss
from symverify.network import Edge, LinearNetwork

FORMAT = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
Json = dict[str, Any]


def _number(x: Fraction) -> str:
    return str(x)


def weights_json(weights: Weights) -> list[list[list[str]]]:
    """Weights as certificates write them: one matrix per layer, rationals as strings."""
    return [[[_number(x) for x in row] for row in matrix] for matrix in weights]


def flags_json(network: LinearNetwork, edges: frozenset[Edge]) -> list[list[list[int]]]:
    """A set of edges as certificates write it."""
    return [
        [[int((l, i, j) in edges) for j in range(len(row))] for i, row in enumerate(mask)]
        for l, mask in enumerate(network.masks)
    ]


# -- evidence that a point is a local minimum -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CriticalFamily:
    """``theta(t) = point + sum t^powers direction`` is a family of critical points that, with the gauge, explains the
    kernel of a positive semidefinite Hessian (Theorem A).  No terms: the gauge alone does, the minimum is strict."""

    parameters: int = 0
    terms: tuple[tuple[tuple[int, ...], Weights], ...] = ()

    def to_json(self, network: LinearNetwork) -> Json:
        terms = [{"powers": list(powers), "direction": weights_json(d)} for powers, d in self.terms]
        return {"kind": "critical-family", "parameters": self.parameters, "terms": terms}


@dataclass(frozen=True, slots=True)
class CriticalFibre:
    """The fibre of M through the point, with only the edges of ``free`` moving, is a manifold of critical points that,
    with the gauge, explains the kernel of a positive semidefinite Hessian."""

    free: frozenset[Edge]

    def to_json(self, network: LinearNetwork) -> Json:
        return {"kind": "critical-fibre", "free": flags_json(network, self.free)}


@dataclass(frozen=True, slots=True)
class Ball:
    """Some point within ``radius`` of the centre is a local minimum, strict modulo gauge (Theorem B)."""

    frozen: frozenset[Edge]
    radius: Fraction
    curvature: Fraction

    def to_json(self, network: LinearNetwork) -> Json:
        return {
            "kind": "ball",
            "frozen": flags_json(network, self.frozen),
            "radius": _number(self.radius),
            "curvature": _number(self.curvature),
        }


@dataclass(frozen=True, slots=True)
class Lifted:
    """The minimum of the sub-network ``network`` between ``inputs`` and ``outputs``, extended by zeros (lifting)."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    network: LinearNetwork
    minimum: CriticalFamily | CriticalFibre | Relax | Absorb

    def to_json(self, network: LinearNetwork) -> Json:
        return {
            "kind": "lifted",
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "minimum": self.minimum.to_json(self.network),
        }


@dataclass(frozen=True, slots=True)
class Relax:
    """``L >= f``, equal at the point, where f leaves the entries ``pairs`` of M free, and ``minimum`` is evidence for a
    minimum of f in ``network``, without the edges that lead to these pairs only (Theorem C)."""

    pairs: tuple[tuple[int, int], ...]
    network: LinearNetwork
    minimum: CriticalFamily | CriticalFibre | Absorb

    def to_json(self, network: LinearNetwork) -> Json:
        return {
            "kind": "relax",
            "pairs": [list(pair) for pair in self.pairs],
            "minimum": self.minimum.to_json(self.network),
        }


@dataclass(frozen=True, slots=True)
class AbsorbStep:
    """Hidden unit ``unit`` of layer ``layer`` is near the point a combination of the units ``by``: of their incoming
    weights (``side`` inputs) or outgoing ones (outputs)."""

    layer: int
    unit: int
    by: tuple[int, ...]
    side: str

    def to_json(self) -> Json:
        return {"layer": self.layer, "unit": self.unit, "by": list(self.by), "side": self.side}


@dataclass(frozen=True, slots=True)
class Absorb:
    """Units are absorbed by others, one step after the other; ``minimum`` is evidence for ``network``, which has them
    no more (Theorem C)."""

    steps: tuple[AbsorbStep, ...]
    network: LinearNetwork
    minimum: CriticalFamily | CriticalFibre | Relax

    def to_json(self, network: LinearNetwork) -> Json:
        return {
            "kind": "absorb",
            "steps": [step.to_json() for step in self.steps],
            "minimum": self.minimum.to_json(self.network),
        }


Minimum = CriticalFamily | CriticalFibre | Ball | Lifted | Relax | Absorb


# -- steps of a proof that a structure is benign ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Path:
    """Rule P: all hidden nodes of a path have one input, or one output, in common with nothing else."""

    path: tuple[int, ...]

    def to_json(self) -> Json:
        return {"rule": "path", "path": list(self.path)}


@dataclass(frozen=True, slots=True)
class WideBlock:
    """Rule K (two layers): at least |S| units with the same ``side`` S."""

    units: tuple[int, ...]
    side: str

    def to_json(self) -> Json:
        return {"rule": "wide-block", "units": list(self.units), "side": self.side}


@dataclass(frozen=True, slots=True)
class DenseBlock:
    """Rule D: a dense network inside, whose part of the loss shares no weight with the rest."""

    nodes: tuple[tuple[int, ...], ...]

    def to_json(self) -> Json:
        return {"rule": "dense-block", "nodes": [list(layer) for layer in self.nodes]}


@dataclass(frozen=True, slots=True)
class Contract:
    """Hidden layer ``layer`` is multiplied away; the steps that follow speak of the contracted network."""

    layer: int

    def to_json(self) -> Json:
        return {"rule": "contract", "layer": self.layer}


Step = Contract | Path | WideBlock | DenseBlock


# -- what a certificate states ----------------------------------------------------------------------------


def data_json(data: Data | DataClass) -> Json:
    """Data as certificates and problem files write them."""
    if isinstance(data, DataClass):
        return {"class": str(data)}
    return {
        "G": [[_number(x) for x in row] for row in data.gram],
        "C": [[_number(x) for x in row] for row in data.cross],
        "c0": _number(data.constant),
    }


@dataclass(frozen=True)
class SpuriousMinimum:
    """A local minimum of L at ``point`` (or, for a :class:`Ball`, near it) and a ``better`` point.

    ``strict``: the kernel of the Hessian is the gauge.  The loss lies in ``[loss_at_least, loss_at_most]``; the two are
    equal unless the minimum is enclosed in a ball.
    """

    network: LinearNetwork
    data: Data
    point: Weights
    minimum: Minimum
    better: Weights
    strict: bool
    loss_at_least: Fraction
    loss_at_most: Fraction

    @property
    def better_loss(self) -> Fraction:
        return loss(self.network, self.better, self.data)

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "spurious-minimum",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "point": weights_json(self.point),
            "minimum": self.minimum.to_json(self.network),
            "better": weights_json(self.better),
            "statement": {
                "minimum": "strict" if self.strict else "degenerate",
                "loss_at_least": _number(self.loss_at_least),
                "loss_at_most": _number(self.loss_at_most),
                "better_loss": _number(self.better_loss),
            },
        }


@dataclass(frozen=True)
class Benign:
    """Every local minimum is global, for all data of a class or for the given data, by the steps of a trace."""

    network: LinearNetwork
    data: Data | DataClass
    steps: tuple[Step, ...]
    assumes: tuple[str, ...]

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "benign",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "steps": [step.to_json() for step in self.steps],
            "statement": {"loss": "squared" if self.assumes else "convex", "assumes": list(self.assumes)},
        }


@dataclass(frozen=True, slots=True)
class EdgeEquation:
    """At a critical point ``sum R[o, j] b_o a_j = 0`` for an edge; one unsettled term is left, and must vanish."""

    edge: Edge

    def to_json(self) -> Json:
        return {"rule": "edge", "edge": list(self.edge)}


@dataclass(frozen=True)
class Trap:
    """An orthant of some weights that no path of non-increasing loss leaves, with no local minimum in it."""

    network: LinearNetwork
    data: Data
    signs: Weights
    start: Weights
    better: Weights
    bound: Fraction
    steps: tuple[Path | EdgeEquation, ...]

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "trap",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "signs": weights_json(self.signs),
            "start": weights_json(self.start),
            "better": weights_json(self.better),
            "steps": [step.to_json() for step in self.steps],
            "statement": {
                "start_loss": _number(loss(self.network, self.start, self.data)),
                "bound": _number(self.bound),
                "better_loss": _number(loss(self.network, self.better, self.data)),
            },
        }


@dataclass(frozen=True, slots=True)
class Identity:
    """A leaf of a refutation: ``prod(factors) = sum coefficient prod(edges) R[pair]`` with the zero weights put to 0,
    where the ``factors`` are not zero; terms are ``(pair, coefficient, edges)``."""

    factors: tuple[Edge, ...]
    terms: tuple[tuple[tuple[int, int], Fraction, tuple[Edge, ...]], ...]

    def to_json(self) -> Json:
        terms = [
            {"pair": list(pair), "coefficient": _number(x), "edges": [list(edge) for edge in edges]}
            for pair, x, edges in self.terms
        ]
        return {"factors": [list(edge) for edge in self.factors], "terms": terms}


@dataclass(frozen=True, slots=True)
class Split:
    """Two cases: the weight ``edge`` is zero, or it is not."""

    edge: Edge
    zero: Identity | Split
    nonzero: Identity | Split

    def to_json(self) -> Json:
        return {"split": list(self.edge), "zero": self.zero.to_json(), "nonzero": self.nonzero.to_json()}


Refutation = Identity | Split


@dataclass(frozen=True)
class NotAttainedData:
    """The loss tends to its infimum along ``sum t^power weights`` for t to infinity, and no point has that loss."""

    network: LinearNetwork
    data: Data
    path: tuple[tuple[int, Weights], ...]
    refutation: Refutation
    infimum: Fraction

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "not-attained-data",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
            "path": [{"power": power, "weights": weights_json(weights)} for power, weights in self.path],
            "refutation": self.refutation.to_json(),
            "statement": {"infimum": _number(self.infimum)},
        }


@dataclass(frozen=True)
class BenignGeneric:
    """For all orthogonal data outside a null set every local minimum is global, by a ``rule`` on the structure."""

    network: LinearNetwork
    rule: str

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "benign-generic",
            "masks": masks_json(self.network),
            "data": data_json(DataClass.ORTHOGONAL),
            "rule": self.rule,
        }


# -- proofs by the fibre rules ----------------------------------------------------------------------------

Vector = tuple[str, int]
"""``("unit", l)``: the vector w_l; ``("node", j)``: the unit vector e_j."""
Fields = tuple[tuple[str, str | int | tuple[int, ...] | Vector], ...]


def _fields(fields: Fields) -> Json:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields}


@dataclass(frozen=True, slots=True)
class FibreLemma:
    """An instance of a lemma of section 13 of the mathematics: its name and its parameters, never the clause."""

    lemma: str
    parameters: Fields

    def to_json(self) -> Json:
        return {"lemma": self.lemma, **_fields(self.parameters)}


@dataclass(frozen=True, slots=True)
class FibreLiteral:
    """That a fact at a rank-stable point ``holds``, or does not."""

    fact: str
    parameters: Fields
    holds: bool

    def to_json(self) -> Json:
        return {"fact": self.fact, **_fields(self.parameters), "holds": int(self.holds)}


@dataclass(frozen=True, slots=True)
class FibreStep:
    """One of the literals holds: unit propagation through the clauses numbered ``by`` shows it.

    The lemmas have the first numbers, then come the steps.
    """

    clause: tuple[FibreLiteral, ...]
    by: tuple[int, ...]

    def to_json(self) -> Json:
        return {"clause": [literal.to_json() for literal in self.clause], "by": list(self.by)}


@dataclass(frozen=True)
class BenignFibre:
    """Every local minimum is global, for all data and every convex differentiable loss: the lemmas contradict each
    other at a rank-stable point of the fibre of any other local minimum."""

    network: LinearNetwork
    lemmas: tuple[FibreLemma, ...]
    steps: tuple[FibreStep, ...]

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "benign-fibre",
            "masks": masks_json(self.network),
            "lemmas": [lemma.to_json() for lemma in self.lemmas],
            "steps": [step.to_json() for step in self.steps],
        }


@dataclass(frozen=True)
class BenignBottleneck:
    """Every local minimum is global, for all data of a class and the squared loss: as :class:`BenignFibre`, with the
    lemma ``bottleneck``, which needs this class."""

    network: LinearNetwork
    data: DataClass
    lemmas: tuple[FibreLemma, ...]
    steps: tuple[FibreStep, ...]

    def to_json(self) -> Json:
        fibre = BenignFibre(self.network, self.lemmas, self.steps).to_json()
        return fibre | {"kind": "benign-bottleneck", "data": data_json(self.data)}


# -- almost all data --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BenignAlmostEverywhere:
    """For almost all data of a class every local minimum is global: each type of a nonzero residual is excluded, or a
    bottleneck.  The checker lists the types itself."""

    network: LinearNetwork
    data: DataClass

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "benign-almost-everywhere",
            "masks": masks_json(self.network),
            "data": data_json(self.data),
        }


# -- two hidden units -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BenignTwoUnits:
    """Two hidden units, orthogonal data: for almost all of them every local minimum is global, by the numbers of
    outputs and inputs that the units have alone and in common."""

    network: LinearNetwork

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "benign-two-units",
            "masks": masks_json(self.network),
            "data": data_json(DataClass.ORTHOGONAL),
        }


@dataclass(frozen=True, slots=True)
class Attained:
    """Two hidden units: the set of all M is closed, so L attains its infimum if G is positive definite."""

    network: LinearNetwork

    def to_json(self) -> Json:
        return {"format": FORMAT, "kind": "attained", "masks": masks_json(self.network)}


@dataclass(frozen=True, slots=True)
class NotAttained:
    """The set of all M is not closed: four pairs (``corner``) or six (``parallel``) between ``ends`` and ``nodes``.

    On the side ``inputs`` nodes are inputs and ends are outputs; on the side ``outputs`` the converse."""

    network: LinearNetwork
    rule: str
    side: str
    units: tuple[int, int]
    ends: tuple[int, int]
    nodes: tuple[int, ...]

    def to_json(self) -> Json:
        return {
            "format": FORMAT,
            "kind": "not-attained",
            "masks": masks_json(self.network),
            "rule": self.rule,
            "side": self.side,
            "units": list(self.units),
            "ends": list(self.ends),
            "nodes": list(self.nodes),
        }


Certificate = (
    SpuriousMinimum
    | Benign
    | BenignFibre
    | BenignBottleneck
    | BenignAlmostEverywhere
    | BenignGeneric
    | BenignTwoUnits
    | Attained
    | NotAttained
    | NotAttainedData
    | Trap
)


def masks_json(network: LinearNetwork) -> list[list[list[int]]]:
    """The masks as nested lists."""
    return [[list(row) for row in mask] for mask in network.masks]


def decode_instance(body: Json) -> tuple[LinearNetwork, Data, Weights, Weights]:
    """Network, data, point (or start) and better point of a certificate about numeric data, checked before."""
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    point, better = (
        tuple(as_rationals(layer, "weights") for layer in body[key])
        for key in ("start" if body["kind"] == "trap" else "point", "better")
    )
    return LinearNetwork.from_masks(body["masks"]), data, point, better


def decode_witness(body: Json) -> SpuriousMinimum:
    """The spurious minimum whose :meth:`SpuriousMinimum.to_json` is ``body``, checked before.

    Raises:
        ValueError: its evidence is a ball.

    >>> from symverify.refute import refute
    >>> witness = refute(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), DataClass.ANY)
    >>> decode_witness(witness.to_json()) == witness
    True
    """
    network, data, point, better = decode_instance(body)
    statement = body["statement"]
    strict = statement["minimum"] == "strict"
    bounds = Fraction(statement["loss_at_least"]), Fraction(statement["loss_at_most"])
    return SpuriousMinimum(network, data, point, _decode_minimum(body["minimum"], network), better, strict, *bounds)


def _decode_minimum(body: Json, network: LinearNetwork) -> CriticalFamily | CriticalFibre | Lifted | Relax | Absorb:
    if body["kind"] == "critical-family":
        terms = (
            (tuple(term["powers"]), tuple(as_rationals(layer, "direction") for layer in term["direction"]))
            for term in body["terms"]
        )
        return CriticalFamily(body["parameters"], tuple(terms))
    if body["kind"] == "critical-fibre":
        return CriticalFibre(frozenset((l, i, j) for l, i, j in network.edges if body["free"][l][i][j]))
    if body["kind"] == "relax":
        pairs = tuple((o, j) for o, j in body["pairs"])
        smaller = relaxed_network(network, pairs)
        inside = _decode_minimum(body["minimum"], smaller)
        assert not isinstance(inside, Lifted | Relax)
        return Relax(pairs, smaller, inside)
    if body["kind"] == "absorb":
        steps = tuple(AbsorbStep(s["layer"], s["unit"], tuple(s["by"]), s["side"]) for s in body["steps"])
        smaller = network
        for step in steps:
            smaller = without_unit(smaller, step.layer, step.unit)
        below = _decode_minimum(body["minimum"], smaller)
        assert not isinstance(below, Lifted | Absorb)
        return Absorb(steps, smaller, below)
    if body["kind"] != "lifted":
        raise ValueError(
            f"evidence {body['kind']!r}: critical-family, critical-fibre, lifted, relax or absorb expected"
        )
    part = network.induced(body["inputs"], body["outputs"]).network
    inner = _decode_minimum(body["minimum"], part)
    assert not isinstance(inner, Lifted)
    return Lifted(tuple(body["inputs"]), tuple(body["outputs"]), part, inner)


def relaxed_network(network: LinearNetwork, pairs: Collection[tuple[int, int]]) -> LinearNetwork:
    """The network without the edges that lie only on paths between ``pairs`` (output, input).

    >>> relaxed_network(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), [(1, 1)]).parameters
    6
    >>> relaxed_network(LinearNetwork.from_units(([1], [1]), ([2], [2])), [(1, 1)]).parameters
    2
    """
    free = set(pairs)
    masks = [[list(row) for row in mask] for mask in network.masks]
    for l, i, j in network.edges:
        joined = {(o, s) for o in network.outputs_of(l + 1, i) for s in network.inputs_of(l, j)}
        masks[l][i][j] = int(not joined <= free)
    return LinearNetwork.from_masks(masks)


def without_unit(network: LinearNetwork, layer: int, unit: int) -> LinearNetwork:
    """The network without one hidden unit.

    >>> without_unit(LinearNetwork.dense(2, 3, 1), 1, 0) == LinearNetwork.dense(2, 2, 1)
    True
    """
    masks = [[list(row) for row in mask] for mask in network.masks]
    del masks[layer - 1][unit]
    for row in masks[layer]:
        del row[unit]
    return LinearNetwork.from_masks(masks)


class Encodable(Protocol):
    """What :func:`encode` takes: the classes of this module and of :mod:`symverify.point_certificate`."""

    def to_json(self) -> Json: ...


def encode(value: Encodable | Sequence[Encodable]) -> bytes:
    """The canonical bytes of a certificate, or of a bundle of them: sorted keys, so that the sha256 is a name."""
    if isinstance(value, Sequence):
        body: Json = {"format": BUNDLE, "certificates": [certificate.to_json() for certificate in value]}
    else:
        body = value.to_json()
    return (json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n").encode()


def digest(data: bytes) -> str:
    """The name of a certificate: the sha256 of its canonical bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
