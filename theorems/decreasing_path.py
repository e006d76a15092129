"""Sparsity cuts out the decreasing path of the fully connected network.

Statement.   From a spurious local minimum of a sparse network a path leads, in the dense network of the same widths,
             to a point whose loss is below that of a better point of the sparse network; on it the loss strictly
             decreases.
Hypotheses.  The spurious minima are those that the other claims rest on, and all witnesses of the table of the atlas.
Source.      Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks, the last sentence.
Method.      Piecewise polynomial paths with rational coefficients; the loss along a piece is a polynomial in one
             variable, and that it decreases is proved by Bernstein coefficients (lemma *decreasing-path*). For every
             single masked weight: such a path with this weight alone, or a proof that the point is a local minimum
             with it, too. Strict minima: valleys and basins; degenerate ones: escapes at constant loss.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from symverify.certificate import Encodable, SpuriousMinimum, decode_witness
from symverify.claims import (
    PAPER,
    Bench,
    Claim,
    RefusedCertificate,
    Report,
    certificates_in,
    data_of,
    main,
    theorems_folder,
)
from symverify.network import LinearNetwork
from symverify.paths import NoChart, Repairs, basin, dense_path, escape, repairs, valley
from symverify.paths.about import (
    AboutMinima,
    AboutSingleWeights,
    key_of,
    minima_of_the_atlas,
    single_weights,
)
from symverify.paths.repair import masked_weights

CLAIM = Claim(
    "decreasing_path",
    "Sparsity cuts out the decreasing path",
    "From a spurious local minimum of a sparse network a path of strictly decreasing loss leads, in the dense network"
    " of the same widths, to a loss below that of a better point of the sparse network.",
    ("the spurious minima on which the other claims rest, and all witnesses of the table of the atlas",),
    f"{PAPER}, the last sentence",
    "piecewise polynomial paths with rational coefficients, monotone by Bernstein coefficients; single masked weights;"
    " valleys, basins and escapes in the sparse network itself",
)
OTHER_CLAIMS = ("nonintersecting_first_layer", "sparse_first_layer", "three_outputs", "output_threshold")
COUNTS = {"single-opens": 38, "single-closed": 86, "valley": 4, "basin": 4, "escape": 14}
"""How many certificates of each kind the claim rests on besides the paths in the dense network."""
ATTEMPTS = 4
Body = dict[str, Any]


def minima_of_the_claims() -> tuple[Body, ...]:
    """The spurious minima in the certificates of the other claims, each once; the checker accepted them there."""
    found = {}
    for name in OTHER_CLAIMS:
        for path in sorted((theorems_folder() / "certificates" / name).glob("*.json")):
            for body in certificates_in(path.read_bytes()):
                if body["kind"] == "spurious-minimum":
                    found[key_of(body)] = body
    return tuple(found.values())


def dense(bench: Bench, slot: str, minima: tuple[Body, ...]) -> list[Body]:
    """A path in the dense network from each of the minima."""

    def make() -> list[Encodable]:
        return [found_path(decode_witness(body)) for body in minima]

    about = AboutMinima("decreasing-path", "", (), minima=minima, count=len(minima))
    bench.prove(slot, make, f"dense network, {slot}", f"{len(minima)} minima", about=about)
    return certificates_in(bench.kept(slot))


def found_path(witness: SpuriousMinimum) -> Encodable:
    """A path in the dense network.

    Raises:
        RefusedCertificate: none is found.
    """
    path = dense_path(witness)
    if path is None:
        raise RefusedCertificate(f"no decreasing path is found from the minimum of {witness.network}")
    return path


def single(bench: Bench, minima: tuple[Body, ...]) -> dict[str, dict[str, str]]:
    """For every minimum (its key) and every masked weight by name: opens or closed; a weight that is neither is left
    out."""
    table: dict[str, dict[str, str]] = {key_of(body): {} for body in minima}
    made: list[Any] = []
    for body in minima if bench.remake else ():
        bench.progress(f"single weights: {LinearNetwork.from_masks(body['masks'])}")
        made += repairs(decode_witness(body), attempts=ATTEMPTS)
    for answer, kind in ((Repairs.OPENS, "decreasing-path"), (Repairs.CLOSED, "spurious-minimum")):
        slot = f"single-{answer}"

        def make(answer: Repairs = answer) -> list[Encodable]:
            return [repair.certificate for repair in made if repair.answer is answer]

        about = AboutSingleWeights(kind, "", (), minima=minima, count=COUNTS[slot])
        bench.prove(slot, make, f"one masked weight: {answer}", f"{COUNTS[slot]} pairs", about=about)
        for key, edge in single_weights(certificates_in(bench.kept(slot)), minima):
            table[key][LinearNetwork.weight_name(edge)] = str(answer)
    return table


def around(
    bench: Bench, kind: str, minima: Sequence[Body], make_one: Callable[[SpuriousMinimum], Encodable | None]
) -> list[Body]:
    """Certificates of one kind at those of the minima for which there is one."""

    def make() -> list[Encodable]:
        return [x for x in map(make_one, map(decode_witness, minima)) if x is not None]

    about = AboutMinima(kind, "", (), minima=tuple(minima), count=COUNTS[kind])
    bench.prove(kind, make, f"sparse network: {kind}", f"{COUNTS[kind]} minima", about=about)
    return certificates_in(bench.kept(kind))


def or_none(make: Callable[..., Encodable]) -> Callable[[SpuriousMinimum], Encodable | None]:
    """A valley or basin at a witness, or None if there is no chart."""

    def made(witness: SpuriousMinimum) -> Encodable | None:
        try:
            return make(witness.network, witness.data, witness.point)
        except NoChart:
            return None

    return made


def lines_of(minima: Sequence[Body], table: dict[str, dict[str, str]]) -> list[str]:
    """A line for every minimum: which single weights open a decreasing path, and how many do not."""
    lines = []
    for body in minima:
        network, answers = LinearNetwork.from_masks(body["masks"]), table[key_of(body)]
        opens = sorted(name for name, answer in answers.items() if answer == "opens")
        count = Counter(answers.values())
        total = len(masked_weights(network))
        names = f" ({', '.join(opens)})" if opens else ""
        lines.append(
            f"{body['statement']['minimum']} minimum of {network}, {data_of(body)} data, loss"
            f" {body['statement']['loss_at_least']}: of {total} masked weights {count['opens']} alone"
            f" {'opens' if count['opens'] == 1 else 'open'} a decreasing path{names}, {count['closed']}"
            f" do not, {total - len(answers)} undecided"
        )
    return lines


def settle(bench: Bench) -> Report:
    """Confirm the claim for all these minima; say what single weights do, and what the sparse network itself allows."""
    claims, atlas = minima_of_the_claims(), minima_of_the_atlas()
    paths = dense(bench, "claims", claims) + dense(bench, "atlas", atlas)
    table = single(bench, claims)
    strict = [body for body in claims if body["statement"]["minimum"] == "strict"]
    degenerate = [body for body in claims if body["statement"]["minimum"] == "degenerate"]
    valleys = around(bench, "valley", strict, or_none(valley))
    basins = around(bench, "basin", strict, or_none(basin))
    escapes = around(bench, "escape", degenerate, lambda w: escape(w.network, w.data, w.point))
    answers = Counter(answer for row in table.values() for answer in row.values())
    weights = sum(len(masked_weights(LinearNetwork.from_masks(body["masks"]))) for body in claims)
    undecided = weights - sum(answers.values())
    repaired = sum("opens" in row.values() for row in table.values())
    pieces = Counter(len(body["path"]) for body in paths)
    return bench.report(
        "confirmed",
        f"It holds for all {len(claims)} spurious minima of the other claims and all {len(atlas)} of the atlas. One"
        f" masked weight is enough at {repaired} of the {len(claims)}.",
        proved=(
            f"dense network: a path of strictly decreasing loss from each of {len(claims)} + {len(atlas)} minima, of"
            f" {min(pieces)} to {max(pieces)} pieces",
            f"one masked weight: of {weights} pairs of a minimum of the claims and a weight, {answers['opens']} open"
            f" a decreasing path; at {answers['closed']} the point is a local minimum with this weight, too",
            *lines_of(claims, table),
            f"sparse network: {len(valleys)} of the {len(strict)} strict minima of the claims are valleys with a"
            f" certified barrier, {len(basins)} have a certified basin of gradient flow",
            f"sparse network: at {len(escapes)} of the {len(degenerate)} degenerate minima of the claims a path leads"
            " at constant loss to a point that is no local minimum, and down from there",
        ),
        observed=(
            f"not settled: {undecided} pairs of a minimum and a weight, {ATTEMPTS * undecided} candidates of paths"
            f" (descents that start at the point) refused; whether {len(strict) - len(valleys)} strict and"
            f" {len(degenerate) - len(escapes)} degenerate minima of the claims are valleys",
        ),
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
