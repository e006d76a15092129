"""The command ``symverify flow FILE --out DIR``: where gradient flow or descent ends, from random starts.

Exit codes: 0 done, 2 bad input, 130 interrupted (what was simulated is written).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify.usage import UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from symverify.data import Data
    from symverify.flow.experiment import Session, Setting
    from symverify.flow.report import Known
    from symverify.network import LinearNetwork

MAX_WEIGHTS = 400
MAX_STARTS = 100_000
SCALES = "0.1,1,3"
CERTIFICATES = ("symverify-certificate/1", "symverify-bundle/1")
"""Formats that are not problems; of a bundle nothing can be taken."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command ``flow``."""
    flow = commands.add_parser("flow", help="where gradient flow or descent ends, from random starts (observed)")
    flow.add_argument("file", metavar="FILE", help="a problem with numbers for data, or a certificate of a point")
    flow.add_argument("--out", required=True, metavar="DIR", help="results.json, results.txt and the pictures go there")
    flow.add_argument("--starts", type=int, default=200, metavar="N", help="runs of each kind of start (200)")
    flow.add_argument("--scales", default=SCALES, metavar="S,...", help=f"standard deviations of weights ({SCALES})")
    flow.add_argument("--balanced", default="both", choices=("both", "yes", "no"), help="balanced starts (both)")
    flow.add_argument("--method", default="flow", choices=("flow", "descent"), help="gradient flow, or descent (flow)")
    flow.add_argument("--step", type=float, metavar="ETA", help="step of descent (default: chosen for each run)")
    flow.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the starts (0)")
    flow.add_argument("--bound", type=float, default=100.0, metavar="R", help="a norm that counts as infinity (100)")
    flow.add_argument("--certificate", action="append", default=[], metavar="FILE", help="of another known minimum")
    flow.add_argument("--no-pictures", action="store_true", help="only results.json and results.txt")
    flow.add_argument("--json", action="store_true", help="print results.json instead of the table")


def main(options: argparse.Namespace) -> int:
    """Simulate, and write what was simulated after every hundred runs."""
    from symverify.flow.experiment import Session

    session = Session(_setting(options))
    folder = Path(options.out)
    _write(folder, session)  # a folder that cannot be written is found out before the work
    try:
        session.run(_progress(), lambda: _write(folder, session))
        _write(folder, session)
        if not options.no_pictures:
            _draw(folder, session)
    except KeyboardInterrupt:
        _write(folder, session)
        count = sum(len(part.runs.outcomes) for part in session.parts)
        print(f"symverify: interrupted; {count} runs are kept in {folder / 'results.json'}", file=sys.stderr)
        return 130
    print(json.dumps(session.to_json(), indent=1) if options.json else session.text())
    return 0


def _progress() -> Any:
    """One line on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda text: None
    return lambda text: print(f"\r{text[:90]:<90}", end="", file=sys.stderr, flush=True)


def _write(folder: Path, session: Session) -> None:
    texts = {"results.json": json.dumps(session.to_json(), indent=1), "results.txt": session.text()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            temporary = folder / f"{name}.tmp"
            temporary.write_text(text + "\n", encoding="utf-8")
            temporary.replace(folder / name)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}); choose another folder") from None


def _draw(folder: Path, session: Session) -> None:
    from symverify.plots import require_matplotlib

    try:
        require_matplotlib("pictures")
    except UsageError as error:  # the results are written: what is missing is only the pictures
        print(f"symverify: {error}", file=sys.stderr)
        return
    from symverify.flow import pictures

    try:
        for line in pictures.draw_all(session, folder):
            print(f"symverify: {line}", file=sys.stderr)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}); choose another folder") from None


# -- reading ----------------------------------------------------------------------------------------------


def _setting(options: argparse.Namespace) -> Setting:
    from symverify.flow.experiment import Given, Setting
    from symverify.flow.simulate import Limits
    from symverify.flow.starts import Initialisation

    scales = _scales(options.scales)
    _check(options)
    source = _read(options.file)
    network, data, known, better = source.network, source.data, source.known, source.better
    for path in options.certificate:
        other = _read(path)
        if not other.better:
            raise UsageError(f"--certificate {path}: it is a problem; give the certificate of a minimum")
        if other.network != network or other.data != data:
            raise UsageError(f"--certificate {path}: it is about other masks or other data than {options.file}")
        known, better = known + other.known, better + other.better
    if network.parameters > MAX_WEIGHTS:
        raise UsageError(f"{options.file}: {network.parameters} weights; at most {MAX_WEIGHTS} can be simulated")
    kinds = {"both": (False, True), "yes": (True,), "no": (False,)}[options.balanced]
    drawn = tuple(Initialisation(scale, balanced) for scale in scales for balanced in kinds)
    starts: tuple[Initialisation | Given, ...] = drawn
    if source.start is not None:
        starts = (Given("start of the trap", source.start), *drawn)
    return Setting(
        network,
        data,
        starts,
        options.starts,
        options.seed,
        options.method,
        _named(known),
        Limits(bound=options.bound),
        options.step,
        tuple(dict.fromkeys(better)),
    )


def _named(known: tuple[Known, ...]) -> tuple[Known, ...]:
    """Each interval of losses once: runs are matched by loss."""
    return tuple({(k.low, k.high): k for k in reversed(known)}.values())[::-1]


def _scales(text: str) -> list[float]:
    try:
        scales = [float(part) for part in text.split(",")]
    except ValueError:
        scales = []
    if not scales or not all(1e-3 <= s <= 100 for s in scales):
        raise UsageError(f"--scales {text}: give numbers from 0.001 to 100 such as {SCALES}")
    return list(dict.fromkeys(scales))


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.starts <= MAX_STARTS:
        raise UsageError(f"--starts {options.starts}: give a number from 1 to {MAX_STARTS}")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: give a number from 0 on")
    if not (options.bound > 0 and math.isfinite(options.bound)):
        raise UsageError(f"--bound {options.bound}: give a positive number")
    if options.step is not None:
        if options.method != "descent":
            raise UsageError("--step: only descent has a fixed step; add --method descent")
        if not (options.step > 0 and math.isfinite(options.step)):
            raise UsageError(f"--step {options.step}: give a positive number")


@dataclass(frozen=True, slots=True)
class _Source:
    """What a file gives: ``start`` of a trap, ``better`` losses, ``known`` minima."""

    network: LinearNetwork
    data: Data
    known: tuple[Known, ...] = ()
    better: tuple[Fraction, ...] = ()
    start: tuple[float, ...] | None = None


def _read(path: str) -> _Source:
    """A problem or a certificate."""
    from symverify import strictjson
    from symverify.data import DataClass
    from symverify.problem import ProblemError, load

    try:
        value = strictjson.read(path)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    if isinstance(value, dict) and value.get("format") in CERTIFICATES:
        return _certificate(path, value)
    try:
        problem = load(path)
    except ProblemError as error:
        raise UsageError(str(error)) from None
    if problem.regularisation is not None:
        raise UsageError(f"{path}: this command is about the loss without 'regularisation'; take it out")
    if isinstance(problem.data, DataClass):
        raise UsageError(f"{path}: data: the flow needs numbers, not a class; give G, C, c0 or X, Y")
    _range(path, problem.data)
    return _Source(problem.network, problem.data)


def _certificate(path: str, value: dict[str, Any]) -> _Source:
    """A certificate that the checker accepts: only then are its losses called certified."""
    from fractions import Fraction

    import numpy as np

    from symverify import checking
    from symverify.certificate import decode_instance
    from symverify.flow.report import Known
    from symverify.loss import loss, product, vector_of

    kind = value.get("kind")
    if kind not in ("spurious-minimum", "trap"):
        raise UsageError(f"{path}: a certificate of a spurious minimum or of a trap is expected, or a problem")
    outcome, reason = checking.check_bytes(json.dumps(value).encode())
    if outcome != "valid":
        raise UsageError(f"{path}: the certificate is {outcome}: {reason}")
    network, data, point, better = decode_instance(value)
    _range(path, data)
    losses = (loss(network, better, data),)
    if kind == "trap":
        return _Source(network, data, (), losses, tuple(map(float, vector_of(network, point))))
    said = value["statement"]
    low, high = Fraction(said["loss_at_least"]), Fraction(said["loss_at_most"])
    there = np.array([[float(x) for x in row] for row in product(network, point)])
    label = str(low) if low == high else f"{float(low):.6g}"
    known = Known(f"spurious minimum, loss {label}", low, high, tuple(map(tuple, there.tolist())))
    return _Source(network, data, (known,), losses)


def _range(path: str, data: Data) -> None:
    """Floats have to hold the data, with room for products."""
    numbers = [abs(x) for matrix in (data.gram, data.cross) for row in matrix for x in row] + [data.constant]
    if max(numbers) > 10**12:
        raise UsageError(f"{path}: data: a number is larger than 10^12; rescale the data")
