"""The command line of the atlas: ``symverify atlas run | check | show | query | export | minimal | ...``.

Exit codes: 0 done, and ``check`` and ``compare`` found nothing wrong; 1 a contradiction, a difference, or a run that
failed; 2 usage; 130 interrupted.  Heavy imports happen inside the commands.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify.usage import UsageError

if TYPE_CHECKING:
    from symverify.data import DataClass
    from symverify.network import LinearNetwork

    from .rows import Entry, Job, Row
    from .store import Finished, Store
    from .table import Table

SHOWN = 10
"""Contradictions and differences that are printed; the rest is counted."""
CLASSES = ("any", "orthogonal")
QUESTIONS = ("all_data", "almost_all_data")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command ``atlas`` and its own commands."""
    atlas = commands.add_parser("atlas", help="all structures up to a size, decided")
    actions = atlas.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_run(actions)
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument("folder", nargs="?", metavar="DIR", help="of a run (default: the table of the package)")
    filters = _filters()

    check = actions.add_parser("check", parents=[folder], help="check every certificate, every row, and the closure")
    check.add_argument("--workers", type=int, metavar="N", help="processes (all cores)")
    show = actions.add_parser("show", help="the rows of one structure")
    show.add_argument("structure", metavar="STRUCTURE", help="'110 101 | 11 10 01' or '{12}x{12}, {13}x{13}'")
    show.add_argument("folder", nargs="?", metavar="DIR", help="of a run (default: the table of the package)")
    show.add_argument("--json", action="store_true", help="print the rows as JSON")
    show.add_argument("--out", metavar="FOLDER", help="write the picture and the certificates there")
    actions.add_parser("query", parents=[folder, filters], help="the rows that match")
    export = actions.add_parser("export", parents=[folder, filters], help="the rows that match, for other programs")
    export.add_argument("--format", required=True, choices=("csv", "json", "latex", "parquet"))
    export.add_argument("--out", metavar="FILE", help="write there instead of to stdout")
    html = actions.add_parser("html", help="one self-contained page: summary, table, graphs, certificates")
    html.add_argument("out", metavar="OUT", help="the file to write, such as atlas.html")
    html.add_argument("folder", nargs="?", metavar="DIR", help="of a run (default: the table of the package)")
    minimal = actions.add_parser("minimal", parents=[folder], help="minimal forbidden structures of each column")
    minimal.add_argument("--class", dest="classes", metavar="CLASS,...", default=",".join(CLASSES))
    minimal.add_argument("--question", choices=QUESTIONS, help="one column only")
    minimal.add_argument("--out", metavar="FOLDER", help="write a picture (SVG) of each there")
    dump = actions.add_parser("dump", parents=[folder], help="the content in canonical form, without times")
    dump.add_argument("--digest", action="store_true", help="print its sha256 only")
    compare = actions.add_parser("compare", help="has a run the content of the table of the package?")
    compare.add_argument("folder", metavar="DIR")
    pack = actions.add_parser("pack", help="write a run in compact form, as the table of the package")
    pack.add_argument("folder", metavar="DIR")
    pack.add_argument("--out", metavar="FOLDER", help="write there instead of into the package")


def _add_run(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = actions.add_parser("run", help="decide all structures up to a size; goes on where it was stopped")
    run.add_argument("--max", metavar="N,N,N", help="the largest widths, inputs first")
    run.add_argument("--depth", type=int, metavar="L", help="layers; with --max N all widths are at most N")
    run.add_argument("--structure", action="append", default=[], metavar="S", help="this one (may be repeated)")
    run.add_argument("--class", dest="classes", metavar="CLASS,...", default=",".join(CLASSES), help="data classes")
    run.add_argument("--out", required=True, metavar="DIR", help="the folder of the database")
    run.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the searches (0)")
    where = run.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes (all cores)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://HOST:8786")
    run.add_argument("--retry-open", action="store_true", help="decide again what was left open")


def _filters() -> argparse.ArgumentParser:
    filters = argparse.ArgumentParser(add_help=False)
    filters.add_argument("--size", metavar="N,N,N", help="exactly these widths, inputs first")
    filters.add_argument("--class", dest="data_class", choices=CLASSES)
    filters.add_argument("--question", choices=QUESTIONS, help="which answer the next filters speak of (either)")
    filters.add_argument("--verdict", choices=("benign", "spurious", "open"))
    filters.add_argument("--kind", choices=("strict", "degenerate"))
    filters.add_argument("--rule", metavar="TEXT", help="the name of the rule or evidence, or a part of it")
    return filters


def main(options: argparse.Namespace) -> int:
    """Run one of the commands; errors of the user become :class:`UsageError`."""
    from .export import ExportError
    from .run import ClusterError
    from .store import StoreError
    from .table import TableError

    try:
        return ACTIONS[options.action](options)
    except (ClusterError, ExportError, StoreError, TableError) as error:
        raise UsageError(str(error)) from None


# -- reading options --------------------------------------------------------------------------------------


def _widths(text: str, option: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and 0 < int(part) < 100 for part in parts):
        raise UsageError(f"{option} {text}: give positive widths such as 3,3,3")
    return tuple(map(int, parts))


def _classes(text: str) -> list[DataClass]:
    from symverify.data import DataClass

    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in CLASSES:
            raise UsageError(f"--class {text}: {name!r} is not known; choose from {', '.join(CLASSES)}")
    return [data_class for data_class in DataClass if data_class in names]


def _maximum(options: argparse.Namespace) -> tuple[int, ...]:
    widths = _widths(options.max, "--max")
    if options.depth is None or len(widths) == options.depth + 1:
        maximum = widths
    elif len(widths) == 1 and options.depth > 0:
        maximum = widths * (options.depth + 1)
    else:
        raise UsageError(f"--max {options.max} --depth {options.depth}: give one width, or depth + 1 of them")
    from .structures import check_size

    try:
        check_size(maximum)
    except ValueError as error:
        raise UsageError(f"--max {options.max}: {error}") from None
    return maximum


def _jobs(options: argparse.Namespace) -> list[Job]:
    from .rows import Job
    from .structures import jobs, representative

    classes = _classes(options.classes)
    if options.max is None and not options.structure:
        raise UsageError("run: give --max N,N,N or --structure S")
    found = list(jobs(_maximum(options), classes)) if options.max is not None else []
    known = {(job.structure, job.data_class) for job in found}
    for text in options.structure:
        network = representative(_structure(text))
        if not network.is_pruned():
            raise UsageError(f"structure {text!r}: it has dead units, unused inputs or unused outputs; leave them out")
        single = [Job(network, data_class) for data_class in classes]
        found += [job for job in single if (job.structure, job.data_class) not in known]
        known |= {(job.structure, job.data_class) for job in single}
    return found


def _structure(text: str) -> Any:
    from .structures import parse_structure

    try:
        return parse_structure(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _workers(count: int | None) -> int:
    if count is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 1:
        raise UsageError(f"--workers {count}: give a positive number")
    return count


def _load(options: argparse.Namespace) -> Table:
    from .table import load

    return load(None if options.folder is None else Path(options.folder))


def _chosen(options: argparse.Namespace, table: Table) -> list[Row]:
    """The rows that match the filters of :func:`_filters`."""
    from .rows import Question

    widths = None if options.size is None else _widths(options.size, "--size")
    questions = [question for question in Question if options.question in (None, question)]

    def fits(entry: Entry) -> bool:
        return (
            options.verdict in (None, entry.verdict)
            and options.kind in (None, entry.kind)
            and (options.rule is None or options.rule in (entry.rule or ""))
        )

    return [
        row
        for row in table.rows
        if widths in (None, row.job.network.widths)
        and options.data_class in (None, row.job.data_class)
        and any(fits(row.entry(question)) for question in questions)
    ]


@contextmanager
def _writing(place: str, option: str = "--out") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{option} {place}: cannot be written ({error.strerror}); choose another place") from None


# -- run --------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    from .run import RunError
    from .store import create
    from .table import load

    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: give a number from 0 on")
    workers, jobs, folder = _workers(options.workers), _jobs(options), Path(options.out)
    with create(folder, options.seed) as store:
        if options.retry_open:
            print(f"symverify: {store.forget_open()} rows with an open answer are decided again", file=sys.stderr)
        try:
            _execute(options, store, jobs, workers)
        except (KeyboardInterrupt, RunError) as error:
            done = store.finished()
            kept = sum((job.structure, job.data_class) in done for job in jobs)
            why = f"failed: {error}" if isinstance(error, RunError) else "interrupted"
            print(
                f"symverify: {why}; {kept} of {len(jobs)} rows are kept in {folder}; the same command goes on",
                file=sys.stderr,
            )
            return 1 if isinstance(error, RunError) else 130
    print(_summary(load(folder)))
    return 0


def _execute(options: argparse.Namespace, store: Store, jobs: Sequence[Job], workers: int) -> None:
    from tqdm import tqdm

    from .run import dask_executor, execute, local_executor

    done = store.finished()
    left = [job for job in jobs if (job.structure, job.data_class) not in done]
    if not left:
        return
    quiet = not sys.stderr.isatty()
    with ExitStack() as stack:
        if options.scheduler is not None:
            executor, workers = stack.enter_context(dask_executor(options.scheduler))
        else:
            executor = stack.enter_context(local_executor(min(workers, len(left))))
        bar = stack.enter_context(
            tqdm(total=len(jobs), initial=len(jobs) - len(left), unit="row", disable=quiet, smoothing=0.05)
        )

        def finished(result: Finished) -> None:
            bar.update(1)
            bar.set_postfix_str(result.row.job.structure, refresh=False)

        execute(store, left, executor, workers, options.seed, finished)


def _summary(table: Table) -> str:
    """How many structures of each class have which answers."""
    from tabulate import tabulate

    from .rows import Outcome, Question

    lines = []
    for data_class in CLASSES:
        rows = [row for row in table.rows if row.job.data_class == data_class]
        for question in Question if rows else ():
            entries = [row.entry(question) for row in rows]
            benign, spurious, left_open = ([e for e in entries if e.verdict is verdict] for verdict in Outcome)
            strict = sum(entry.kind == "strict" for entry in spurious)
            assumed = sum(bool(entry.assumes) for entry in benign)
            line = [len(rows), len(benign), assumed, len(spurious), strict, len(left_open)]
            lines.append([data_class, question.replace("_", " "), *line])
    headings = ("data", "question", "structures", "benign", "of these assumed", "spurious", "of these strict", "open")
    return tabulate(lines, headings)


# -- check, compare, pack, dump ---------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from .checking import check_table
    from .run import local_executor

    table, workers = _load(options), _workers(options.workers)
    total = len(table.certificates)
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=total, unit="certificate", disable=not sys.stderr.isatty(), leave=False))
        executor = stack.enter_context(local_executor(workers)) if workers > 1 and total > 1 else None
        found = check_table(table, executor, lambda: _advance(bar))
    print(f"{found.rows} rows, {found.certificates} certificates: {len(found.contradictions)} contradictions")
    if found.gaps:
        print(f"{len(found.gaps)} open answers follow from other rows, for example: {found.gaps[0]}")
    _print_some(found.contradictions)
    return 1 if found.contradictions else 0


def _advance(bar: Any) -> None:
    bar.update(1)


def _print_some(lines: Sequence[str]) -> None:
    for line in lines[:SHOWN]:
        print(line)
    if len(lines) > SHOWN:
        print(f"... and {len(lines) - SHOWN} more")


def _compare(options: argparse.Namespace) -> int:
    from .table import load

    made, kept = _load(options), load(None)
    different, otherwise = kept.difference(made)
    print(f"{len(kept.rows)} rows in the table of the package, {len(made.rows)} in {options.folder}")
    print(f"{len(different)} answers differ, {otherwise} are the same by other rules or certificates")
    if not different and not otherwise:
        print(f"the same content, sha256 {kept.digest()}")
    _print_some(different)
    return 1 if different else 0


def _pack(options: argparse.Namespace) -> int:
    from .table import DATA, pack

    place = Path(options.out or DATA)
    with _writing(str(place)):
        for path in pack(_load(options), place):
            print(f"{path}: {path.stat().st_size} bytes")
    return 0


def _dump(options: argparse.Namespace) -> int:
    table = _load(options)
    print(table.digest() if options.digest else table.dump(), end="\n" if options.digest else "")
    return 0


# -- show, query, export, minimal -------------------------------------------------------------------------


def _show(options: argparse.Namespace) -> int:
    from .export import to_json

    network = _structure(options.structure)
    table = _load(options)
    rows = table.find(network)
    if not rows:
        raise UsageError(f"{options.structure}: is not in this atlas; run it with `atlas run --structure` or `analyze`")
    if options.out is not None:
        _write_structure(Path(options.out), rows, table)
    print(to_json(table, rows) if options.json else _described(network, rows, table), end="")
    return 0


def _described(asked: LinearNetwork, rows: Sequence[Row], table: Table) -> str:
    from .rows import Question, units, witness_json

    network, shown = rows[0].job.network, set[str]()
    lines = [f"{network}    {units(network)}"]
    if network != asked:
        lines.append("the structure asked for, relabelled; masks, weights and data are in this labelling")
    for row in rows:
        lines.append(f"{row.job.data_class} data")
        for question in Question:
            entry = row.entry(question)
            lines.append(f"  {question.replace('_', ' ')}: {_short(entry)}")
            lines += [f"    assumes: {theorem}" for theorem in entry.assumes]
            if entry.certificate is not None:
                lines.append(f"    certificate: {entry.certificate}")
            if entry.verdict == "spurious" and entry.certificate is not None and entry.certificate not in shown:
                shown.add(entry.certificate)
                witness = witness_json(table.certificates[entry.certificate])
                lines += [f"    {name}: {json.dumps(value)}" for name, value in witness.items()]
    return "\n".join(lines) + "\n"


def _write_structure(folder: Path, rows: Sequence[Row], table: Table) -> None:
    from .pictures import svg
    from .rows import Question

    names = {row.entry(question).certificate for row in rows for question in Question} - {None}
    with _writing(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{file_name(rows[0])}.svg").write_text(svg(rows[0].job.network), encoding="utf-8")
        for name in filter(None, names):
            (folder / f"{name}.json").write_bytes(table.certificates[name])
    print(f"symverify: written to {folder}: a picture and {len(names)} certificates", file=sys.stderr)


def file_name(row: Row) -> str:
    """The structure as a name of a file: ``110-101_11-10-01``."""
    return row.job.structure.replace(" | ", "_").replace(" ", "-")


def _query(options: argparse.Namespace) -> int:
    from tabulate import tabulate

    from .rows import units

    table = _load(options)
    rows = _chosen(options, table)
    lines = [
        [
            row.job.structure,
            units(row.job.network),
            row.job.data_class,
            _short(row.all_data),
            _short(row.almost_all_data),
        ]
        for row in rows
    ]
    if lines:
        print(tabulate(lines, ("structure", "units", "data", "all data", "almost all data"), disable_numparse=True))
    print(f"{len(rows)} of {len(table.rows)} rows", file=sys.stderr)
    return 0


def _short(entry: Entry) -> str:
    """An answer in a few words; what rests on a theorem of the literature says so."""
    details = ", ".join(filter(None, (entry.kind, entry.rule, "assumed" if entry.assumes else None)))
    return f"{entry.verdict} ({details})" if details else str(entry.verdict)


def _export(options: argparse.Namespace) -> int:
    from .export import render, write_parquet

    table = _load(options)
    rows = _chosen(options, table)
    if options.format == "parquet":
        if options.out is None:
            raise UsageError("--format parquet: name a file with --out, as it is not text")
        with _writing(options.out):
            write_parquet(rows, Path(options.out))
        return 0
    text = render(table, rows, options.format)
    if options.out is None:
        print(text, end="")
    else:
        with _writing(options.out):
            Path(options.out).write_text(text, encoding="utf-8")
    return 0


def _html(options: argparse.Namespace) -> int:
    from .html import page

    text = page(_load(options))
    with _writing(options.out, "OUT"):
        Path(options.out).write_text(text, encoding="utf-8", newline="\n")
    return 0


def _minimal(options: argparse.Namespace) -> int:
    from .minimal import minimal_forbidden
    from .rows import Question, units

    table, lines = _load(options), []
    for data_class in _classes(options.classes):
        for question in Question:
            if options.question not in (None, question):
                continue
            found = minimal_forbidden(table, data_class, question)
            lines.append(f"{data_class} data, {question.replace('_', ' ')}: {len(found)} minimal forbidden structures")
            for item in found:
                doubt = "" if item.sure else "  (a smaller one is open or not in the table)"
                network = item.row.job.network
                lines.append(f"  {network}    {units(network)}    {_short(item.row.entry(question))}{doubt}")
            if options.out is not None:
                folder = Path(options.out) / f"{data_class}-{question.replace('_', '-')}"
                _write_pictures(folder, [item.row for item in found])
    print("\n".join(lines))
    return 0


def _write_pictures(folder: Path, rows: Sequence[Row]) -> None:
    from .pictures import svg

    with _writing(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        for row in rows:
            (folder / f"{file_name(row)}.svg").write_text(svg(row.job.network), encoding="utf-8")


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "check": _check,
    "show": _show,
    "query": _query,
    "export": _export,
    "html": _html,
    "minimal": _minimal,
    "dump": _dump,
    "compare": _compare,
    "pack": _pack,
}
