"""``symverify scan``: one network, or a folder of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify.usage import UsageError

if TYPE_CHECKING:
    from .batch import Options, Outcome

OUT = "symverify-out"
CODES = {"benign": 0, "spurious": 1, "unknown": 3}
SHOWN = 5


def add_parser(commands: Any) -> None:
    """The command and its options."""
    parser = commands.add_parser("scan", help="scan the masks of real pruned networks")
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="FILE",
        help="masks (.npz, .npy, .mtx, .pt, .pth, .json); several files are the layers of one network, first layer "
        "first; a folder is scanned file by file",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object (symverify-scan/1)")
    parser.add_argument("--out", metavar="DIR", default=OUT, help=f"where certificates and answers go ({OUT})")
    parser.add_argument("--samples", type=int, default=500, metavar="N", help="sub-structures per scheme (500)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the samples (0)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes for a folder (default: all cores)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler that does the work for a folder")


def main(options: argparse.Namespace) -> int:
    """Exit codes: of one network 0 benign, 1 spurious, 3 unknown; of a folder 0, or 2 if a file could not be used."""
    from symverify.atlas.run import ClusterError
    from symverify.atlas.table import TableError

    from .batch import Options, is_network_folder
    from .layers import ScanError

    for name, low in (("samples", 0), ("seed", 0), ("workers", 1)):
        value = getattr(options, name)
        if value is not None and not low <= value <= 10**9:
            raise UsageError(f"--{name} {value}: give a number from {low} to 1000000000")
    wanted = Options(options.samples, options.seed)
    paths = [Path(path) for path in options.paths]
    try:
        if len(paths) == 1 and paths[0].is_dir() and not is_network_folder(paths[0]):
            return _folder(options, paths[0], wanted)
        return _file(options, paths, wanted)
    except (ScanError, ClusterError) as error:
        raise UsageError(str(error)) from None
    except TableError as error:
        raise UsageError(f"the table of the package: {error}") from None
    except OSError as error:
        place = error.filename or options.out
        raise UsageError(f"{place}: cannot be read or written ({error.strerror}); choose another place") from None


# -- one network ------------------------------------------------------------------------------------------


def _file(options: argparse.Namespace, paths: list[Path], wanted: Options) -> int:
    from tqdm import tqdm

    from .batch import keep_proof
    from .read import read
    from .scan import Proof, scan

    source, out, kept = read(paths), Path(options.out), []

    def found(proof: Proof) -> None:
        keep_proof(out, proof)
        kept.append(str(out / proof.name))

    with tqdm(disable=not sys.stderr.isatty(), leave=False, bar_format="{desc} [{elapsed}]") as bar:
        try:
            answer = scan(
                source.network,
                samples=wanted.samples,
                seed=wanted.seed,
                progress=lambda text: bar.set_description_str(text),
                found=found,
            )
        except KeyboardInterrupt:
            print(f"symverify: certificates kept: {', '.join(kept) or 'none so far'}", file=sys.stderr)
            raise
    body = answer.to_json()
    body["layers"] = list(source.names)
    print(json.dumps(body, indent=1) if options.json else _text(body, options.out))
    return CODES[answer.verdict]


def _text(body: dict[str, Any], out: str) -> str:
    widths = "-".join(map(str, body["widths"]))
    basis = "" if body["basis"] == "none" else ", proved"
    lines = [f"{widths}, {body['weights']} weights; {body['note']}", f"{body['verdict']}{basis}: {body['reason']}"]
    for proof in body["certificates"]:
        lines += [f"  {proof['proves']}", f"  certificate: {Path(out) / proof['file']}"]
    for found in body["samples"]:
        lines += _statistics(found)
    return "\n".join(lines)


def _statistics(found: dict[str, Any]) -> list[str]:
    low, high = found["interval_95"]
    lines = [
        f"samples '{found['scheme']}': {found['spurious']} of {found['samples']} proved spurious, "
        f"share {found['share_spurious']:.3f}, 95% interval {low:.3f} to {high:.3f}",
        f"  benign {found['benign']}, no path {found['no_path']}, open {found['open']}, too large {found['too_large']}",
    ]
    for line in found["patterns"][:SHOWN]:
        lines.append(f"  {line['count']:6} x {line['pattern'][:80]} ({line['source']})")
    if len(found["patterns"]) > SHOWN:
        lines.append(f"  ... and {len(found['patterns']) - SHOWN} more patterns")
    if found["edges"]:
        edges = ", ".join(f"{tuple(e['edge'])} {e['count']} times" for e in found["edges"][:3])
        lines.append(f"  weights (layer, unit, node below) that take part most: {edges}")
    return lines


# -- a folder ---------------------------------------------------------------------------------------------


def _folder(options: argparse.Namespace, folder: Path, wanted: Options) -> int:
    from tqdm import tqdm

    from symverify.atlas.run import AHEAD, dask_executor, local_executor

    from .batch import networks, run

    paths, out = networks(folder), Path(options.out)
    workers = options.workers or os.cpu_count() or 1
    with ExitStack() as stack:
        if options.scheduler is not None:
            executor, workers = stack.enter_context(dask_executor(options.scheduler))
        else:
            executor = stack.enter_context(local_executor(min(workers, len(paths))))
        bar = stack.enter_context(tqdm(total=len(paths), unit="network", disable=not sys.stderr.isatty()))
        try:
            outcomes = run(paths, out, wanted, executor, AHEAD * workers, lambda outcome: _advance(bar))
        except KeyboardInterrupt:
            print(f"symverify: interrupted; what is finished is in {out}; the same command goes on", file=sys.stderr)
            raise
    if options.json:
        print(json.dumps({"format": "symverify-scan-batch/1", "networks": list(map(_row_json, outcomes))}, indent=1))
    else:
        print(_table(outcomes))
    for outcome in outcomes:
        if outcome.error is not None:
            print(f"symverify: {outcome.error}", file=sys.stderr)
    return 2 if any(outcome.error is not None for outcome in outcomes) else 0


def _advance(bar: Any) -> None:
    bar.update(1)


def _row_json(outcome: Outcome) -> dict[str, Any]:
    body: dict[str, Any] = {"name": outcome.name}
    return body | ({"error": outcome.error} if outcome.answer is None else {"answer": outcome.answer})


def _table(outcomes: list[Outcome]) -> str:
    """One line per network; the shares are those of the second scheme, through a hidden unit."""
    from tabulate import tabulate

    lines = []
    for outcome in outcomes:
        if outcome.answer is None:
            lines.append([outcome.name, "", "", "not read", "", "", ""])
            continue
        body = outcome.answer
        evidence = ", ".join(proof["evidence"] for proof in body["certificates"])
        share = interval = ""
        for found in body["samples"]:
            if found["scheme"] == "unit" and found["samples"]:
                share = f"{found['share_spurious']:.3f}"
                interval = "{:.3f} to {:.3f}".format(*found["interval_95"])
        widths = "-".join(map(str, body["widths"]))
        lines.append([outcome.name, widths, body["weights"], body["verdict"], evidence, share, interval])
    headings = ("network", "widths", "weights", "verdict", "evidence", "share spurious", "95% interval")
    note = "the networks are treated as linear: activations and biases are left out, only the masks count"
    return tabulate(lines, headings, disable_numparse=True) + f"\n{note}"
