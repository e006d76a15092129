"""The command line.  Results go to stdout; progress and diagnostics to stderr.

Exit codes: ``verify`` 0 all settled (confirmed or refuted), 1 not; ``analyze`` 0 benign, 1 spurious, 3 unknown or
benign under assumptions; ``check`` 0 valid, 1 invalid, 3 valid with assumptions; ``landscape`` 0 complete (which rests
on degrees modulo primes), 3 something is missing; ``scan`` 0 benign, 1 spurious, 3 unknown, of a folder 0; ``flow``
and ``infinity`` 0 done; ``atlas`` 0 done, 1 a contradiction, a difference or a run that failed.  All: 2 usage or
malformed input, 130 interrupted.  Heavy imports happen inside the commands, so that ``--help`` and ``check`` start at
once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify.atlas import commands as atlas_commands
from symverify.console import Keeper, Status, check_limits, load_problem
from symverify.flow import commands as flow_commands
from symverify.infinity import commands as infinity_commands
from symverify.landscape import commands as landscape_commands
from symverify.plots import commands as plot_commands
from symverify.scan import commands as scan_commands
from symverify.usage import UsageError

if TYPE_CHECKING:
    from symverify.claims import Report
    from symverify.verify import AlmostAllData, Answer

DEFAULT_OUT = "symverify-out"


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="symverify", description="Prove what the loss landscape of a sparse linear network looks like."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    verify = commands.add_parser("verify", help="settle the paper's claims and print the table")
    verify.add_argument("names", nargs="*", metavar="NAME", help="claims (default: all)")
    verify.add_argument("--format", default="text", choices=("text", "markdown", "latex", "csv", "json", "html"))
    verify.add_argument("--out", metavar="DIR", help="write the tables and the certificates there")
    verify.add_argument("--remake", action="store_true", help="search again instead of reading the certificates kept")

    analyze = commands.add_parser("analyze", help="is every local minimum of a network global?")
    analyze.add_argument("file", metavar="FILE", help="a problem file (symverify-problem/1)")
    analyze.add_argument("--json", action="store_true", help="print one JSON object (symverify-answer/1)")
    analyze.add_argument("--out", metavar="DIR", default=DEFAULT_OUT, help=f"where certificates go ({DEFAULT_OUT})")
    analyze.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the search (0)")
    analyze.add_argument("--budget", type=float, default=60.0, metavar="SECONDS", help="time for the search (60)")

    check = commands.add_parser("check", help="check certificates")
    check.add_argument("files", nargs="+", metavar="FILE")

    derive = commands.add_parser("derive", help="print critical-point equations and rank conditions")
    derive.add_argument("file", metavar="FILE", help="a problem file (symverify-problem/1)")
    derive.add_argument("--latex", action="store_true", help="LaTeX instead of text")
    derive.add_argument("--document", action="store_true", help="a complete LaTeX document")

    landscape_commands.add_parser(commands)
    atlas_commands.add_parser(commands)
    flow_commands.add_parser(commands)
    infinity_commands.add_parser(commands)
    plot_commands.add_parser(commands)
    scan_commands.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"symverify: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("symverify: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of stdout has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a shell has it; never 0, which `check` means as valid


def _check(options: argparse.Namespace) -> int:
    from symverify import checking

    return checking.main(options.files)


def _load_unregularised(path: str) -> Any:
    problem = load_problem(path)
    if problem.regularisation is not None:
        raise UsageError(f"{path}: this command is about the loss without 'regularisation'; use `symverify landscape`")
    return problem


# -- analyze ----------------------------------------------------------------------------------------------


def _analyze(options: argparse.Namespace) -> int:
    from symverify.atlas.table import TableError
    from symverify.verify import Basis, Verdict, analyze

    check_limits(options)
    problem = _load_unregularised(options.file)
    keeper = Keeper(options.out)
    try:
        with Status() as status:
            answer = analyze(
                problem.network,
                problem.data,
                seed=options.seed,
                budget=options.budget,
                progress=status,
                found=keeper.found,
            )
        almost = answer.almost_all_data
        path, almost_path = (
            None if said is None or said.certificate is None else str(keeper.keep(said.certificate))
            for said in (answer, almost)
        )
    except KeyboardInterrupt:
        return keeper.interrupted()
    except TableError as error:
        raise UsageError(f"the table of the package: {error}") from None
    if options.json:
        print(json.dumps(answer.to_json(path, almost_path), indent=1))
    else:
        print(("" if almost is None else "all data: ") + _said(answer))
        if almost is not None:
            print(f"almost all data: {_said(almost)}")
        for theorem in answer.assumes:
            print(f"assumes: {theorem}")
        for kept in dict.fromkeys(filter(None, (path, almost_path))):
            print(f"certificate: {kept}")
    if answer.verdict is Verdict.BENIGN:
        return 0 if answer.basis is Basis.PROVED else 3
    return 1 if answer.verdict is Verdict.SPURIOUS else 3


def _said(answer: Answer | AlmostAllData) -> str:
    kind = f" ({answer.kind})" if answer.kind else ""
    return f"{answer.verdict}{kind}, {answer.basis}: {answer.reason}"


# -- verify -----------------------------------------------------------------------------------------------


def _verify(options: argparse.Namespace) -> int:
    from symverify.claims import NAMES, RefusedCertificate, settle

    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        raise UsageError(f"claim {unknown[0]!r} is not known; choose from {', '.join(NAMES)}")
    names = options.names or list(NAMES)
    reports, refused = [], []
    with Status(len(names)) as status:
        for name in names:
            try:
                reports.append(settle(name, options.remake, status))
            except RefusedCertificate as error:
                refused.append(f"{name}: not settled: {error}")
            except KeyboardInterrupt:
                from symverify.claims import theorems_folder

                done = ", ".join(r.claim.name for r in reports) or "none"
                kept = theorems_folder() / "certificates"
                print(f"symverify: interrupted; settled so far: {done}; certificates are in {kept}", file=sys.stderr)
                return 130
            status.advance()
    _print_reports(reports, options.format, options.out)
    for line in refused:
        print(f"symverify: {line}", file=sys.stderr)
    return 1 if refused else 0


def _print_reports(reports: list[Report], format: str, out: str | None) -> None:
    from symverify import tables

    rows = [row for report in reports for row in report.rows]
    table = tables.render(rows, format)
    if format == "text":
        print("\n\n\n".join(report.text() for report in reports))
        print("\n\n" + tables.summary(reports))
    elif format == "html":
        table = tables.html_document(reports, table)
        print(table, end="")
    else:
        print(table)
    if out is not None:
        _write_tables(Path(out), reports, format, table)


def _write_tables(folder: Path, reports: list[Report], format: str, table: str) -> None:
    import shutil

    from symverify import tables
    from symverify.claims import theorems_folder

    files = {f"claims.{tables.FORMATS[format]}": table}
    if format == "latex":
        files = {"claims-table.tex": table, "claims.tex": tables.latex_document(reports, table)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        for report in reports:
            source = theorems_folder() / "certificates" / report.claim.name
            shutil.copytree(source, folder / "certificates" / report.claim.name, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}); choose another folder") from None
    print(f"symverify: written to {folder}: {', '.join(files)} and certificates/", file=sys.stderr)


# -- derive -----------------------------------------------------------------------------------------------


def _derive(options: argparse.Namespace) -> int:
    from symverify.critical import derive

    problem = _load_unregularised(options.file)
    try:
        system = derive(problem.network, problem.data)
    except ValueError as error:
        raise UsageError(f"{options.file}: {error}") from None
    print(system.latex(document=options.document) if options.latex or options.document else system.text())
    return 0


# -- landscape --------------------------------------------------------------------------------------------


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "verify": _verify,
    "analyze": _analyze,
    "check": _check,
    "derive": _derive,
    "landscape": landscape_commands.main,
    "atlas": atlas_commands.main,
    "flow": flow_commands.main,
    "infinity": infinity_commands.main,
    "plot": plot_commands.main,
    "scan": scan_commands.main,
}

if __name__ == "__main__":
    sys.exit(main())
