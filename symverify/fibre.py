"""Benign for all data and every convex loss by the fibre rules: a SAT solver finds the proof, the checker replays it.

If no facts at a rank-stable point satisfy all lemmas of section 13 of ``docs/mathematics.md`` together with "R is not
zero", there is no local minimum that is not global.  The certificate names the lemma instances of an unsatisfiable core
that is minimal (leaving one out makes it satisfiable), and a short list of clauses, each of which follows from the ones
before by unit propagation, down to the empty clause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pysat.solvers import Solver

from symverify.certificate import BenignBottleneck, BenignFibre, FibreLemma, FibreLiteral, FibreStep
from symverify.data import DataClass
from symverify.fibre_lemmas import FACTS, PARAMETERS, SETS, Clause, Encoding, Fact, Instance, bits, encode_lemmas
from symverify.network import LinearNetwork

SOLVER = "glucose4"
MAX_WIDTH = 4
"""Widths up to which the lemmas are instantiated; their number is exponential in the widths."""


@lru_cache(maxsize=4)  # it is asked for each class of data, one after the other
def prove_fibre(network: LinearNetwork) -> BenignFibre | None:
    """A proof by the fibre rules that every local minimum is global, for all data and every convex differentiable loss.

    None: the rules do not prove it, or the network has not two layers, or a width is above ``MAX_WIDTH``.  That is no
    statement about the structure.  The answer, and the certificate, depend on the masks only.

    >>> proof = prove_fibre(LinearNetwork.from_units(([1], [1, 2]), ([1, 2], [1])))
    >>> len(proof.lemmas) > 0 and proof.steps[-1].clause == ()
    True
    >>> prove_fibre(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2]))) is None
    True
    """
    trace = _trace(network, None)
    return None if trace is None else BenignFibre(network, *trace)


def prove_bottleneck(network: LinearNetwork, data_class: DataClass) -> BenignBottleneck | None:
    """The same for the squared loss and all data of a class, with the lemma ``bottleneck`` besides.

    It covers structures with a rank constraint, where R need not vanish: a single unit alone covers some pairs, and M
    is a best approximation of rank one there.

    >>> net = LinearNetwork.from_units(([1, 2], [3]), ([1, 2], [1, 2]))
    >>> prove_bottleneck(net, DataClass.ANY) is None, prove_fibre(net) is None
    (False, True)
    """
    trace = _trace(network, data_class)
    return None if trace is None else BenignBottleneck(network, data_class, *trace)


def _trace(
    network: LinearNetwork, data_class: DataClass | None
) -> tuple[tuple[FibreLemma, ...], tuple[FibreStep, ...]] | None:
    if network.depth != 2 or max(network.widths) > MAX_WIDTH:
        return None
    encoding = encode_lemmas(network, data_class)
    core = minimal_core(encoding.clauses)
    if core is None:
        return None
    steps = refutation([encoding.clauses[n] for n in core])
    lemmas = tuple(named_lemma(encoding.instances[n]) for n in core)
    return lemmas, tuple(named_step(encoding, step) for step in steps)


def minimal_core(clauses: Sequence[Clause]) -> list[int] | None:
    """Positions of clauses that are unsatisfiable, none of them superfluous; None if all are satisfiable.

    >>> minimal_core([(1,), (2, 3), (-1, 2), (-2,), (-3, 1)])
    [0, 2, 3]
    """
    with Solver(SOLVER, bootstrap_with=clauses) as solver:
        if solver.solve():
            return None
    core = list(range(len(clauses)))
    while True:
        smaller = _core(clauses, core)
        if len(smaller) == len(core):
            break
        core = smaller
    for n in sorted(core, reverse=True):  # the later clauses are those of the more special lemmas
        if n in core:
            rest = [m for m in core if m != n]
            with Solver(SOLVER, bootstrap_with=[clauses[m] for m in rest]) as solver:
                if not solver.solve():
                    core = rest
    return core


def _core(clauses: Sequence[Clause], chosen: list[int]) -> list[int]:
    """The clauses among ``chosen`` that one refutation uses; each is guarded by a selector of its own."""
    top = max((abs(x) for n in chosen for x in clauses[n]), default=0)
    selectors = {top + 1 + place: n for place, n in enumerate(chosen)}
    with Solver(SOLVER, bootstrap_with=[(*clauses[n], -s) for s, n in selectors.items()]) as solver:
        satisfiable = solver.solve(assumptions=list(selectors))
        assert not satisfiable
        return sorted(selectors[s] for s in solver.get_core())


@dataclass(frozen=True, slots=True)
class _Step:
    """A clause, and the numbers of the clauses from which unit propagation derives it, in this order."""

    clause: Clause
    by: tuple[int, ...]


def refutation(clauses: list[Clause]) -> list[_Step]:
    """Steps down to the empty clause: the solver's proof, trimmed backwards to what is needed.

    Step n has the number ``len(clauses) + n``.

    >>> [step.by for step in refutation([(1, 2), (-1, 2), (1, -2), (-1, -2)])]
    [(0, 1), (4, 2, 3)]
    """
    with Solver(SOLVER, bootstrap_with=clauses, with_proof=True) as solver:
        satisfiable = solver.solve()
        assert not satisfiable
        lines = [line.split() for line in solver.get_proof()]
    learnt = [tuple(int(x) for x in line[:-1]) for line in lines if line and line[0] != "d"]
    derived = [*(clause for clause in learnt if clause), ()]
    known = [*clauses, *derived]
    first, needed, reasons = len(clauses), {len(known) - 1}, {}
    for n in range(len(known) - 1, first - 1, -1):
        if n in needed:
            reasons[n] = propagate(known[:n], known[n])
            needed.update(m for m in reasons[n] if m >= first)
    number = {n: n for n in range(first)} | {n: first + place for place, n in enumerate(sorted(reasons))}
    return [_Step(known[n], tuple(number[m] for m in reasons[n])) for n in sorted(reasons)]


def propagate(clauses: Sequence[Clause], goal: Clause) -> tuple[int, ...]:
    """Numbers of clauses that, in this order, derive ``goal`` by unit propagation from its negation.

    Each but the last has one literal left, which then holds; the last has none.

    Raises:
        ValueError: unit propagation ends without a conflict.
    """
    reason: dict[int, int | None] = {-x: None for x in goal}
    conflict = None
    changed = True
    while changed and conflict is None:
        changed = False
        for n, clause in enumerate(clauses):
            if any(x in reason for x in clause):
                continue
            left = [x for x in clause if -x not in reason]
            if len(left) == 1:
                reason[left[0]] = n
                changed = True
            elif not left:
                conflict = n
                break
    if conflict is None:
        raise ValueError("no conflict")
    wanted = {-x for x in clauses[conflict]}
    used = [conflict]
    for literal, source in reversed(reason.items()):
        if literal in wanted and source is not None:
            used.append(source)
            wanted.update(-x for x in clauses[source] if x != literal)
    return tuple(reversed(used))


# -- names ------------------------------------------------------------------------------------------------


def named_lemma(instance: Instance) -> FibreLemma:
    named = zip(PARAMETERS[instance.lemma], instance.values, strict=True)
    side = (("side", instance.side),) if instance.side else ()
    return FibreLemma(instance.lemma, (*side, *((key, bits(x) if key in SETS else x) for key, x in named)))  # type: ignore


def named_literal(fact: Fact, holds: bool) -> FibreLiteral:
    name, *values = fact
    return FibreLiteral(str(name), tuple(zip(FACTS[str(name)], values, strict=True)), holds)


def named_step(encoding: Encoding, step: _Step) -> FibreStep:
    return FibreStep(tuple(named_literal(encoding.facts[abs(x) - 1], x > 0) for x in step.clause), step.by)
