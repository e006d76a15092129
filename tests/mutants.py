"""Mutants of certificates, and an independent judge of the few that the checker accepts.

    python tests/mutants.py        rewrites tests/accepted_mutants.txt

Each leaf of a certificate is replaced by other values of its kind and of other kinds; each key and each entry of a list
is left out, and each entry stands twice.  An accepted mutant is listed with the reason why it is still true:

* *same theorem*: only the evidence is another one (another path, fewer free weights, ...);
* *weaker*: the statement of the original implies that of the mutant;
* *another theorem*: other masks, points or data, found to hold by code that shares nothing with the checker: the
  prover's rules for ``benign``, descents in floats for ``spurious-minimum`` and ``trap``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from symverify import checker
from symverify.certificate import decode_instance
from symverify.data import Data, DataClass
from symverify.exact import Weights
from symverify.loss import BatchedLoss, Floats, gradient, hessian, loss, vector_of
from symverify.network import LinearNetwork
from symverify.rules import prove_benign
from symverify.search import descend

TESTS = Path(__file__).parent
SOURCES = (
    *(
        path
        for path in sorted(TESTS.parent.glob("theorems/certificates/*/*.json"))
        if path.parent.name != "decreasing_path"  # another checker; tests/test_path_checker.py has its mutants
    ),
    *sorted(TESTS.glob("certificates/valid/*.json")),
)
LIST = TESTS / "accepted_mutants.txt"
FEW = 3
"""Certificates in a bundle whose leaves get every mutant."""
Json = dict[str, Any]
Place = tuple[str | int, ...]

WORDS = ("any", "orthogonal", "strict", "degenerate", "convex", "squared", "inputs", "outputs", "path", "edge")
KINDS = (
    *("critical-family", "critical-fibre", "ball", "lifted", "relax", "absorb"),
    *("benign", "benign-generic", "spurious-minimum", "trap", "not-attained-data"),
)


# -- mutants ----------------------------------------------------------------------------------------------


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place of a JSON value that holds no list and no object."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield place, value
        return
    for key, inner in items:
        yield from leaves(inner, (*place, key))


def containers(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every list and every object of a JSON value."""
    if isinstance(value, dict | list):
        yield place, value
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from containers(inner, (*place, key))


def other_values(leaf: Any) -> list[Any]:
    """What a leaf is replaced by: numbers nearby, other words, other types."""
    if isinstance(leaf, int):
        return [leaf + 1, leaf - 1, 1 - leaf, str(leaf), bool(leaf), None]
    try:
        x = Fraction(leaf)
    except ValueError:
        return [*(word for word in (*WORDS, *KINDS) if word != leaf), leaf + " ", 1, None]
    near = [x + 1, x - 1, -x, 2 * x, x / 2, x + Fraction(1, 10**12)]
    texts = [str(y) for y in dict.fromkeys(near) if y != x]
    return [*texts, int(x) if x.denominator == 1 else float(x), leaf + "/1", None]


def mutants(certificate: Json, full: bool = True) -> Iterator[tuple[Place, str, Json]]:
    """(place, what was done, mutant).  Not ``full``: one replacement per leaf, in turn."""
    for n, (place, leaf) in enumerate(leaves(certificate)):
        values = other_values(leaf)
        for value in values if full else [values[n % len(values)]]:
            yield place, f"{shown(leaf)} to {shown(value)}", replaced(certificate, place, value)
    for place, container in containers(certificate) if full else ():
        for key in container if isinstance(container, dict) else range(len(container)):
            yield (*place, key), "left out", without(certificate, (*place, key))
        for n in range(len(container)) if isinstance(container, list) else ():
            twice = [*container[: n + 1], *deepcopy(container[n:])]
            yield (*place, n), "twice", replaced(certificate, place, twice)


def shown(leaf: Any) -> str:
    return leaf if isinstance(leaf, str) else json.dumps(leaf)


def replaced(certificate: Json, place: Place, value: Any) -> Json:
    if not place:
        return value  # type: ignore[no-any-return]
    mutant = deepcopy(certificate)
    at(mutant, place[:-1])[place[-1]] = value
    return mutant


def without(certificate: Json, place: Place) -> Json:
    mutant = deepcopy(certificate)
    del at(mutant, place[:-1])[place[-1]]
    return mutant


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


# -- the judge --------------------------------------------------------------------------------------------


def reason(original: Json, mutant: Json) -> str | None:
    """Why an accepted mutant is true; None if that is not found."""
    if theorem(original) == theorem(mutant):
        return "same theorem"
    if original["kind"] == "benign" and mutant == original | {"data": {"class": "orthogonal"}}:
        return "weaker"
    judge = {
        "benign": holds_benign,
        "benign-generic": holds_generic,
        "spurious-minimum": holds_minimum,
        "not-attained-data": holds_unattained,
    }
    return "another theorem" if judge.get(mutant["kind"], holds_trap)(mutant) else None


def theorem(certificate: Json) -> Json:
    """The statement without its evidence."""
    return {
        key: value
        for key, value in certificate.items()
        if key not in ("steps", "minimum", "rule", "path", "refutation")
    }


def holds_benign(body: Json) -> bool:
    """The prover's own rules settle the structure and assume no more than is stated."""
    network = LinearNetwork.from_masks(body["masks"])
    data: Data | DataClass = (
        DataClass(body["data"]["class"])
        if "class" in body["data"]
        else Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    )
    proof = prove_benign(network, data)
    stated = body["statement"]
    return (
        proof is not None
        and set(proof.assumes) <= set(stated["assumes"])
        and (stated["loss"] == "convex") == (not stated["assumes"])
    )


def holds_generic(body: Json) -> bool:
    network = LinearNetwork.from_masks(body["masks"])
    return (
        network.depth == 2 and min(network.widths[0], network.widths[-1]) <= 2 and body["data"]["class"] == "orthogonal"
    )


def holds_minimum(body: Json) -> bool:
    """The stated losses, the gradient zero, no negative eigenvalue, no descent from nearby points, as many flat
    directions as the word says.  A ball holds its minimum only near its centre."""
    network, data, point, better = decode_instance(body)
    stated = body["statement"]
    low, high = Fraction(stated["loss_at_least"]), Fraction(stated["loss_at_most"])
    if loss(network, better, data) != Fraction(stated["better_loss"]) or not Fraction(stated["better_loss"]) < low:
        return False
    if not low <= loss(network, point, data) <= high:
        return False
    slack = Fraction(1, 10**4) if body["minimum"]["kind"] == "ball" else Fraction(0)
    if max(map(abs, gradient(network, point, data)), default=Fraction(0)) > slack:
        return False
    spectrum = np.linalg.eigvalsh(np.array(hessian(network, point, data), dtype=float))
    return bool(spectrum[0] > -1e-9) and stays_above(network, data, point, float(low) - 1e-11)


def stays_above(network: LinearNetwork, data: Data, point: Weights, bound: float) -> bool:
    """Gradient descent with short steps from 64 points very near never goes below the bound."""
    model = BatchedLoss(network)
    rng = np.random.default_rng(0)
    gram, cross = (np.array(m, dtype=float) for m in (data.gram, data.cross))
    start = np.array([float(x) for x in vector_of(network, point)])
    theta = start + rng.normal(size=(64, len(start))) * rng.choice([1e-4, 1e-3], size=(64, 1))
    return bool((lowest(model, theta, gram, cross) + float(data.constant) >= bound).all())


def lowest(model: BatchedLoss, theta: Floats, gram: Floats, cross: Floats, steps: int = 500) -> Floats:
    curvature = np.abs(model.hessian(theta, gram, cross)).sum(axis=-1).max()
    for _ in range(steps):
        theta = theta - model.gradient(theta, gram, cross) / (2 * curvature + 1)
    return np.asarray(model.loss(theta, gram, cross))


def holds_unattained(body: Json) -> bool:
    """The stated infimum is the least loss of any M on the covered pairs, by least squares; no descent attains it."""
    network = LinearNetwork.from_masks(body["masks"])
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    gram, cross = (np.array(m, dtype=float) for m in (data.gram, data.cross))
    least = float(data.constant)
    for o, row in enumerate(cross):
        inputs = [j for o_, j in sorted(network.covered) if o_ == o]
        solution = np.linalg.lstsq(gram[np.ix_(inputs, inputs)], row[inputs], rcond=None)[0]
        least -= float(row[inputs] @ solution) / 2
    if abs(least - float(Fraction(body["statement"]["infimum"]))) > 1e-9:
        return False
    model = BatchedLoss(network)
    theta = np.random.default_rng(0).normal(size=(64, network.parameters))
    found, value = descend(
        model, theta, np.broadcast_to(gram, (64, *gram.shape)), np.broadcast_to(cross, (64, *cross.shape))
    )
    gap = value + float(data.constant) - least
    near = gap < 1e-3  # on the way to infinity, where the gap is that of weights of finite size
    return bool(near.any() and (gap > 1e-12).all() and (np.abs(found[near]).max(axis=1) > 3).all())


def holds_trap(body: Json) -> bool:
    """The stated losses; descent from the start stays in the orthant, above the bound, without coming to rest."""
    network, data, start, better = decode_instance(body | {"point": body["start"]})
    stated = {key: Fraction(value) for key, value in body["statement"].items()}
    losses = loss(network, start, data), loss(network, better, data)
    if losses != (stated["start_loss"], stated["better_loss"]) or not losses[1] < stated["bound"] <= losses[0]:
        return False
    model = BatchedLoss(network)
    gram, cross = (np.array(m, dtype=float) for m in (data.gram, data.cross))
    theta = np.array([[float(x) for x in vector_of(network, start)]])
    return bool(lowest(model, theta, gram, cross, 20000)[0] + float(data.constant) > float(stated["bound"]))


# -- the list ---------------------------------------------------------------------------------------------


def certificates(path: Path) -> list[Json]:
    """The certificates of a file, a bundle or not."""
    body = json.loads(path.read_bytes())
    listed: list[Json] = body.get("certificates", [body])
    return listed


def accepted(path: Path) -> tuple[int, list[str]]:
    """(number of mutants, lines on the accepted ones: ``reason: place: what was done``).

    In a bundle of many certificates each leaf has one mutant, and a line counts the places that differ in numbers only.
    """
    listed = certificates(path)
    full = len(listed) <= FEW
    count, found = 0, dict[str, Counter[str]]()
    for n, certificate in enumerate(listed):
        for place, change, mutant in mutants(certificate, full):
            count += 1
            try:
                checker.check_certificate(mutant)
            except checker.InvalidCertificate:
                continue
            why = reason(certificate, mutant) or "NOT FOUND TO BE TRUE"
            keys = [str(n), *place] if full and len(listed) > 1 else place
            where = "/".join(str(key) if full or isinstance(key, str) else "*" for key in keys)
            found.setdefault(f"{why}: {where}", Counter())[change] += 1
    return count, [f"{line}: {summed(changes)}" for line, changes in sorted(found.items())]


def summed(changes: Counter[str]) -> str:
    return "; ".join(change if n == 1 else f"{change} ({n} times)" for change, n in changes.items())


def section(path: Path) -> tuple[int, str]:
    """(number of mutants of one file, what the list says of them)."""
    count, lines = accepted(path)
    name = path.relative_to(TESTS.parent).as_posix()
    return count, "\n".join([f"{name}: {count} mutants, accepted:", *(f"    {line}" for line in lines or ["none"]), ""])


def main() -> None:
    """Rewrites the list of accepted mutants."""
    sections = [section(path) for path in SOURCES]
    LIST.write_text("\n".join(text for _, text in sections))
    print(f"{sum(count for count, _ in sections)} mutants of {len(SOURCES)} files; the accepted ones: {LIST}")


if __name__ == "__main__":
    main()
