"""The command line.  Results go to stdout; progress and diagnostics to stderr.

Exit codes: ``verify`` 0 all settled (confirmed or refuted), 1 not; ``analyze`` 0 benign, 1 spurious, 3 unknown or
benign under assumptions; ``check`` 0 valid, 1 invalid, 3 valid with assumptions; ``landscape`` 0 complete (which rests
on degrees modulo primes), 3 something is missing; ``scan`` 0 benign, 1 spurious, 3 unknown, of a folder 0; ``atlas`` 0
done, 1 a contradiction, a difference or a run that failed.  All: 2 usage or malformed input, 130 interrupted.  Heavy
imports happen inside the commands, so that ``--help`` and ``check`` start at once.
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
from symverify.scan import commands as scan_commands
from symverify.usage import UsageError

if TYPE_CHECKING:
    from symverify.certificate import Certificate
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

    landscape = commands.add_parser("landscape", help="all critical points of a regularised instance")
    landscape.add_argument("file", metavar="FILE", help="a problem file with numbers for data and 'regularisation'")
    landscape.add_argument("--json", action="store_true", help="print one JSON object (symverify-landscape/1)")
    landscape.add_argument("--seed", type=int, default=0, metavar="N", help="seed of primes and paths (0)")
    landscape.add_argument("--budget", type=float, default=300.0, metavar="SECONDS", help="time (300)")

    atlas_commands.add_parser(commands)
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


def _load(path: str) -> Any:
    from symverify.problem import ProblemError, load

    try:
        return load(path)
    except ProblemError as error:
        raise UsageError(str(error)) from None


def _load_unregularised(path: str) -> Any:
    problem = _load(path)
    if problem.regularisation is not None:
        raise UsageError(f"{path}: this command is about the loss without 'regularisation'; use `symverify landscape`")
    return problem


def _check_limits(options: argparse.Namespace) -> None:
    if not options.budget > 0:
        raise UsageError(f"--budget {options.budget}: give a positive number of seconds")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: give a number from 0 on")


# -- analyze ----------------------------------------------------------------------------------------------


class Keeper:
    """Writes each certificate as soon as it is found, under the hash of its content."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.paths: list[Path] = []

    def keep(self, certificate: Certificate) -> Path:
        from symverify.certificate import digest, encode

        data = encode(certificate)
        path = self.folder / f"{digest(data)[:16]}.json"
        if path in self.paths:
            return path
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(data)
            self.paths.append(path)  # first, so that an interrupt just after the next line names it
            temporary.replace(path)
        except OSError as error:
            raise UsageError(
                f"--out {self.folder}: cannot be written ({error.strerror}); choose another folder"
            ) from None
        return path

    def found(self, certificate: Certificate) -> None:
        """What the search calls for each certificate that the checker accepted."""
        self.keep(certificate)

    def interrupted(self) -> int:
        kept = ", ".join(str(path) for path in self.paths if path.exists())
        where = f"certificates kept: {kept}" if kept else "no certificate was found so far"
        print(f"symverify: interrupted; {where}", file=sys.stderr)
        return 130


def _analyze(options: argparse.Namespace) -> int:
    from symverify.atlas.table import TableError
    from symverify.verify import Basis, Verdict, analyze

    _check_limits(options)
    problem = _load_unregularised(options.file)
    keeper = Keeper(options.out)
    try:
        with _status() as status:
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


class _Status:
    """A tqdm line on stderr, only on a terminal."""

    def __init__(self, total: int | None = None) -> None:
        from tqdm import tqdm

        self.bar = tqdm(total=total, leave=False, disable=not sys.stderr.isatty(), bar_format="{desc} [{elapsed}]")
        if total is not None:
            self.bar.bar_format = "{percentage:3.0f}% |{bar:20}| {desc} [{elapsed}]"

    def __call__(self, text: str) -> None:
        self.bar.set_description_str(text[:90])

    def __enter__(self) -> _Status:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()


_status: Callable[..., _Status] = _Status


# -- verify -----------------------------------------------------------------------------------------------


def _verify(options: argparse.Namespace) -> int:
    from symverify.claims import NAMES, RefusedCertificate, settle

    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        raise UsageError(f"claim {unknown[0]!r} is not known; choose from {', '.join(NAMES)}")
    names = options.names or list(NAMES)
    reports, refused = [], []
    with _status(len(names)) as status:
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
            status.bar.update(1)
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


def _landscape(options: argparse.Namespace) -> int:
    from symverify.data import DataClass
    from symverify.landscape.instance import Instance
    from symverify.landscape.survey import survey

    _check_limits(options)
    problem = _load(options.file)
    if isinstance(problem.data, DataClass):
        raise UsageError(f"{options.file}: data: landscape is about one instance; give numbers, not a class")
    if problem.regularisation is None:
        raise UsageError(f"{options.file}: only regularised instances are supported so far; add 'regularisation'")
    try:
        instance = Instance(problem.network, problem.data, problem.regularisation)
    except ValueError as error:
        raise UsageError(f"{options.file}: {error}") from None
    with _status() as status:
        found = survey(instance, seed=options.seed, budget=options.budget, progress=status)
    print(json.dumps(found.to_json(), indent=1) if options.json else found.text())
    return 0 if found.complete else 3


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "verify": _verify,
    "analyze": _analyze,
    "check": _check,
    "derive": _derive,
    "landscape": _landscape,
    "atlas": atlas_commands.main,
    "scan": scan_commands.main,
}

if __name__ == "__main__":
    sys.exit(main())
