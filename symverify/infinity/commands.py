"""``symverify infinity``: data without a minimum, and traps, in all small structures of given widths."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from symverify.usage import UsageError

if TYPE_CHECKING:
    from symverify.infinity.survey import Found
    from symverify.network import LinearNetwork

MAX_WEIGHTS = 16


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of the command."""
    parser = commands.add_parser(
        "infinity",
        help="small structures whose infimum is not attained for some data, and traps at infinity",
        description="All structures of each size, up to isomorphism: certified data for which no point attains the"
        " infimum, and certified traps at infinity. A line per size (a table in Markdown). What is not found is not"
        " proved absent.",
    )
    parser.add_argument("sizes", nargs="+", metavar="WIDTHS", help="such as 2,2,2 or 2,2,2,2")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each search (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default: 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the certificates there")


def read_widths(text: str) -> tuple[int, ...]:
    """``2,2,2`` as a tuple.

    Raises:
        UsageError: no widths, or more than 16 possible weights.

    >>> read_widths("3,2,2")
    (3, 2, 2)
    """
    try:
        widths = tuple(int(x) for x in text.split(","))
    except ValueError:
        raise UsageError(f"widths {text!r}: write them as 2,2,2") from None
    if len(widths) < 2 or min(widths) < 1:
        raise UsageError(f"widths {text!r}: two and more positive widths, such as 2,2,2")
    size = sum(a * b for a, b in pairwise(widths))
    if size > MAX_WEIGHTS:
        raise UsageError(f"widths {text!r}: {size} possible weights; choose sizes with at most {MAX_WEIGHTS}")
    return widths


def main(arguments: argparse.Namespace) -> int:
    """Print the table, line by line; write the certificates as they are found."""
    from symverify.infinity.survey import HEADER, line, survey

    sizes = [read_widths(text) for text in arguments.sizes]
    if arguments.rounds < 1:
        raise UsageError("--rounds: at least 1 is expected")
    print(HEADER, flush=True)
    for widths in sizes:
        rows: list[Found] = []
        for found in survey(widths, seed=arguments.seed, rounds=arguments.rounds):
            rows.append(found)
            if arguments.out is not None:
                _write(arguments.out, found)
        print(line(widths, rows), flush=True)
    return 0


def _write(folder: Path, found: Found) -> None:
    from symverify.certificate import encode

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for word, certificate in (("not-attained", found.unattained), ("trap", found.trap)):
            if certificate is not None:
                (folder / f"{file_name(found.network)}-{word}.json").write_bytes(encode(certificate))
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}); choose another folder") from None


def file_name(network: LinearNetwork) -> str:
    """The structure as a file name.

    >>> from symverify.network import LinearNetwork
    >>> file_name(LinearNetwork.dense(2, 1, 2))
    '2-1-2_11_1-1'
    """
    return str(network).replace(" | ", "_").replace(" ", "_", 1).replace(" ", "-")
