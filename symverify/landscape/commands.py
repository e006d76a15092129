"""``symverify landscape FILE``: all critical points of one instance, certificates and pictures of them.

Exit codes: 0 complete (which rests on degrees modulo primes), 3 something is missing, 2 bad input, 130 interrupted.  A
fault that shows only after the computation is raised once the result is printed.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from symverify.console import Keeper, Status, check_limits, load_problem
from symverify.plots import commands as plots
from symverify.usage import UsageError

if TYPE_CHECKING:
    from symverify.certificate import Encodable
    from symverify.data import Data
    from symverify.landscape import AnyLandscape, AnyPoint
    from symverify.problem import Problem


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command ``landscape``."""
    landscape = commands.add_parser("landscape", help="all critical points of one instance")
    landscape.add_argument("file", metavar="FILE", help="a problem file with numbers for data")
    landscape.add_argument("--json", action="store_true", help="print one JSON object (symverify-landscape/1)")
    landscape.add_argument("--seed", type=int, default=0, metavar="N", help="seed of primes and paths (0)")
    landscape.add_argument("--budget", type=float, default=300.0, metavar="SECONDS", help="time (300)")
    landscape.add_argument("--out", metavar="DIR", help="write a certificate of each real point there")
    plots.add_options(landscape)


def main(options: argparse.Namespace) -> int:
    """Compute, certify, draw, print."""
    from symverify.data import DataClass

    check_limits(options)
    plots.check(options)
    problem = load_problem(options.file)
    if isinstance(problem.data, DataClass):
        raise UsageError(f"{options.file}: data: landscape is about one instance; give numbers, not a class")
    keeper = None if options.out is None else Keeper(options.out)
    if keeper is not None:
        keeper.open()
    found = _survey(options, problem, problem.data)
    certified: list[tuple[str, str | None]] | None = None
    try:
        if keeper is not None:
            certified = _certify(found, keeper)
    finally:  # also where a certificate cannot be written, or after an interrupt: the answer is there
        drawn = plots.draw(options, found)
        if options.json:
            paths = None if certified is None else [path for _, path in certified]
            print(json.dumps(found.to_json(paths) | drawn.to_json(), indent=1))
        else:
            print(found.text() + _certificate_lines(found, certified or []) + drawn.text())
    drawn.finish()
    return 130 if found.interrupted else 0 if found.complete else 3


def _survey(options: argparse.Namespace, problem: Problem, data: Data) -> AnyLandscape:
    limits: dict[str, Any] = {"seed": options.seed, "budget": options.budget}
    try:
        with Status() as status:
            if problem.regularisation is None:
                from symverify.landscape.quotient import survey_quotient

                return survey_quotient(problem.network, data, progress=status, **limits)
            from symverify.landscape.instance import (
                Instance,
            )  # each imports only what it needs: small systems are quick
            from symverify.landscape.survey import survey

            instance = Instance(problem.network, data, problem.regularisation)
            return survey(instance, progress=status, **limits)
    except ValueError as error:
        raise UsageError(f"{options.file}: {error}") from None


def _certify(found: AnyLandscape, keeper: Keeper) -> list[tuple[str, str | None]]:
    """What is certified of each real point, and where; no path where the prover has nothing."""
    kept: list[tuple[str, str | None]] = []
    for point in found.points:
        certificate = _certificate(found, point)
        path = None if certificate is None else str(keeper.keep(certificate))
        kept.append((_name(certificate), path))
    return kept


def _certificate(found: AnyLandscape, point: AnyPoint) -> Encodable | None:
    """That of a spurious minimum where there is one, also of a family at the point, else that of a critical point."""
    from symverify.landscape.evidence import critical_point_certificate

    if point.certificate is not None:
        return point.certificate
    return critical_point_certificate(found.network, found.data, found.ridge, point.weights)


def _name(certificate: Encodable | None) -> str:
    """The nature of a critical point, else the kind of certificate."""
    value = {} if certificate is None else certificate.to_json()
    return str(value["nature"]["kind"] if "nature" in value else value.get("kind", ""))


def _certificate_lines(found: AnyLandscape, certified: list[tuple[str, str | None]]) -> str:
    lines = []
    for point, (name, path) in zip(found.points, certified, strict=False):
        loss = float(sum(point.loss) / 2)
        lines.append(f"\nloss {loss:.10g}: " + (f"{name}, certificate {path}" if path else "no certificate"))
    return "".join(lines)
