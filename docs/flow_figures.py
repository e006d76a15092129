"""The figures of docs/flow.md and the certificate that they are about: ``python docs/flow_figures.py``.

Example 2 of docs/mathematics.md, section 9 (a strict spurious minimum), and example 6 (a trap at infinity).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from symverify import cli
from symverify.certificate import CriticalFamily, SpuriousMinimum, encode
from symverify.data import Data
from symverify.exact import as_matrix
from symverify.loss import loss
from symverify.network import LinearNetwork
from symverify.witness import accepted

HERE = Path(__file__).parent
FOLDER = HERE / "figures"
TRAP = HERE.parent / "theorems" / "certificates" / "output_threshold" / "trap.json"


def example_2() -> SpuriousMinimum:
    """The certificate of example 2; the checker accepts it."""
    network = LinearNetwork.from_masks([[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
    data = Data.whitened([[1, 3, 0], [3, 1, 0], [0, 0, 4]])
    point = as_matrix([[1, 0, 0], [0, 0, 4]]), as_matrix([[1, 0], [0, 0], [0, 1]])
    better = as_matrix([[-8, 0, 0], [3, 1, 0]]), as_matrix([[1, 3], [0, 1], [0, 0]])
    here = loss(network, point, data)
    witness = SpuriousMinimum(network, data, point, CriticalFamily(), better, True, here, here)
    assert here == Fraction(19, 2) and accepted(witness) is not None
    return witness


def run(certificate: Path, folder: Path, *options: str) -> None:
    """``symverify flow``, with a stop if it fails."""
    code = cli.main(["flow", str(certificate), "--out", str(folder), *options])
    if code:
        sys.exit(code)


def figures(scratch: Path) -> Iterator[tuple[Path, Path]]:
    """The files made in ``scratch`` and where they go."""
    certificate = FOLDER / "flow-example-2.json"
    certificate.write_bytes(encode(example_2()))
    run(certificate, scratch / "example-2", "--starts", "400")
    run(TRAP, scratch / "trap", "--starts", "100", "--balanced", "no")
    for name in ("loss", "histogram", "trajectories", "slice"):
        yield scratch / "example-2" / f"flow-{name}.svg", FOLDER / f"flow-{name}.svg"
    yield scratch / "trap" / "flow-slice.svg", FOLDER / "flow-trap-slice.svg"


def main() -> None:
    """Make everything anew."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as scratch:
        for source, target in figures(Path(scratch)):
            target.write_bytes(source.read_bytes())
            print(target.relative_to(HERE.parent))


if __name__ == "__main__":
    main()
