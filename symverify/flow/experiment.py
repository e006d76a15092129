"""One experiment: many starts of several initialisations, simulated in parts, with a report after each part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from symverify.certificate import data_json, masks_json
from symverify.data import Data
from symverify.flow.conserved import MAX_WEIGHTS, Conserved, conserved
from symverify.flow.report import CONFIDENCE, Group, Known, Share, shares, shown
from symverify.flow.simulate import Landscape, Limits, Path, Runs, descent, flow
from symverify.flow.starts import Initialisation, draw, imbalance
from symverify.loss import Floats
from symverify.network import LinearNetwork

FORMAT = "symverify-flow/1"
Method = Literal["flow", "descent"]
Json = dict[str, Any]
PART = 100
POINTS = 120
"""Points of each path that are kept for pictures."""


@dataclass(frozen=True, slots=True)
class Given:
    """One start that is given, not drawn."""

    name: str
    point: tuple[float, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Setting:
    """What is to be simulated.

    ``step``: the step of descent (None: chosen per run, see :func:`descent`).  ``better``: the losses of the better
    points of certificates (exact, but in general not of minima).
    """

    network: LinearNetwork
    data: Data
    initialisations: tuple[Initialisation | Given, ...]
    starts: int = 200
    seed: int = 0
    method: Method = "flow"
    known: tuple[Known, ...] = ()
    limits: Limits = field(default_factory=Limits)
    step: float | None = None
    better: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Runs of initialisation number ``initialisation``; their paths, thinned, and the drift along the full ones."""

    initialisation: int
    runs: Runs
    paths: tuple[Path, ...]
    drift: tuple[float, ...]
    imbalance: float


@dataclass
class Session:
    """A setting and what has been simulated of it so far.

    :meth:`run` goes through all starts; after each part it calls ``done``.  What was finished before an interrupt stays
    in ``parts``.  Equal settings give equal parts: the starts of initialisation k come from the generator of the seed
    ``(seed, k)``.
    """

    setting: Setting
    parts: list[Part] = field(default_factory=list)
    complete: bool = False
    landscape: Landscape = field(init=False)
    conserved: Conserved | None = field(init=False)

    def __post_init__(self) -> None:
        network = self.setting.network
        self.landscape = Landscape(network, self.setting.data)
        self.conserved = conserved(network) if network.parameters <= MAX_WEIGHTS else None

    def run(self, progress: Callable[[str], None] = lambda text: None, done: Callable[[], None] = lambda: None) -> None:
        """Simulate all starts that are not simulated yet."""
        size = max(1, min(PART, int(1e7 / self.setting.network.parameters**2)))
        for k, how in enumerate(self.setting.initialisations):
            starts = self._starts(k, how)
            for first in range(0, len(starts), size):
                progress(f"{self.setting.method}, {how}: {first} of {len(starts)} runs")
                self.parts.append(self._part(k, starts[first : first + size]))
                done()
        self.complete = True

    def _starts(self, k: int, how: Initialisation | Given) -> Floats:
        if isinstance(how, Given):
            return np.array([how.point])
        rng = np.random.default_rng([self.setting.seed, k])
        return draw(self.setting.network, how, self.setting.starts, rng)

    def simulate(self, starts: Floats) -> Runs:
        """Runs from other starts with the method of the setting."""
        if self.setting.method == "flow":
            return flow(self.landscape, starts, self.setting.limits)
        return descent(self.landscape, starts, self.setting.limits, self.setting.step)

    def _part(self, k: int, starts: Floats) -> Part:
        runs = self.simulate(starts)
        drift: tuple[float, ...] = ()
        if self.conserved is not None:
            drift = tuple(self.conserved.drift(path.points) for path in runs.paths)
        thin = tuple(map(_thinned, runs.paths))
        return Part(k, _without_paths(runs), thin, drift, float(imbalance(self.setting.network, starts).max()))

    # -- reports --------------------------------------------------------------------------------------------

    def groups(self) -> tuple[tuple[Group, ...], tuple[int, ...]]:
        """The ends of all runs so far, and the end of each run, in the order of ``parts``."""
        outcomes = [o for part in self.parts for o in part.runs.outcomes]
        if not outcomes:
            return (), ()
        ends = np.concatenate([part.runs.end for part in self.parts])
        losses = np.concatenate([part.runs.loss for part in self.parts])
        with np.errstate(over="ignore", invalid="ignore"):
            products = self.landscape.product(ends)
        return shares(outcomes, losses, products, self.setting.known, self.landscape.unit)

    def table(self) -> list[tuple[Initialisation | Given, Group, Share]]:
        """Per initialisation the share of each end, in the order of :meth:`groups`."""
        groups, place = self.groups()
        owner = [part.initialisation for part in self.parts for _ in part.runs.outcomes]
        rows = []
        for k, how in enumerate(self.setting.initialisations):
            mine = [g for g, o in zip(place, owner, strict=True) if o == k]
            rows += [(how, group, Share(mine.count(n), len(mine))) for n, group in enumerate(groups) if mine]
        return rows

    def worst_drift(self) -> float | None:
        """The largest drift of a conserved quantity along any run so far."""
        drifts = [d for part in self.parts for d in part.drift]
        return max(drifts) if drifts else None

    def text(self) -> str:
        """The table of shares, what is conserved, and what the words mean."""
        from tabulate import tabulate

        rows = []
        for how, group, share in self.table():
            low, high = share.interval
            interval = "" if isinstance(how, Given) else f"[{low:.3f}, {high:.3f}]"
            same = "" if group.same_product is None else f"{group.same_product}/{group.count}"
            span = _span(group, self.landscape.unit)
            row = [str(how), group.name, group.kind, span, f"{share.count}/{share.total}"]
            rows.append([*row, f"{share.value:.3f}", interval, same])
        headings = ["start", "end", "kind", "final loss", "runs", "share", "95% interval", "same M (all starts)"]
        lines = [str(tabulate(rows, headings, tablefmt="simple", disable_numparse=True)), ""]
        lines.append(
            "Shares are observed; intervals by Clopper and Pearson, one by one. 'certified': the loss is that of a"
            " minimum that the checker accepted. 'infinity', 'saddle', 'stopped' are no minima."
        )
        for value in self.setting.better:
            about = "" if value.denominator == 1 else f" = {float(value):.6g}"
            lines.append(f"better point of the certificate: loss {value}{about} (the point need not be a minimum)")
        if self.conserved is not None:
            drift = self.worst_drift()
            lines += ["", self.conserved.text()]
            lines.append(f"largest drift along a run, relative to |theta|^2: {drift if drift is not None else 0:.2g}")
            if self.setting.method == "descent":
                lines.append("(only the flow conserves them; descent changes them with its step)")
        return "\n".join(lines)

    def to_json(self) -> Json:
        """The format ``symverify-flow/1``, see docs/flow.md."""
        setting = self.setting
        groups, place = self.groups()
        names = [group.name for group in groups]
        return {
            "format": FORMAT,
            "complete": self.complete,
            "masks": masks_json(setting.network),
            "data": data_json(setting.data),
            "method": setting.method,
            "step": setting.step,
            "seed": setting.seed,
            "starts": setting.starts,
            "limits": {name: getattr(setting.limits, name) for name in Limits.__dataclass_fields__},
            "known": [
                {"name": k.name, "loss_at_least": str(k.low), "loss_at_most": str(k.high)} for k in setting.known
            ],
            "better_losses": [str(x) for x in setting.better],
            "conserved": self._conserved_json(),
            "ends": [
                {
                    "name": g.name,
                    "kind": g.kind,
                    "runs": g.count,
                    "loss_from": _finite(g.low),
                    "loss_to": _finite(g.high),
                    "same_product": g.same_product,
                }
                for g in groups
            ],
            "confidence": {"level": CONFIDENCE, "method": "Clopper-Pearson"},
            "shares": self._shares_json(),
            "runs": self._runs_json(names, place),
        }

    def _shares_json(self) -> list[Json]:
        result = []
        for how, group, share in self.table():
            low, high = (None, None) if isinstance(how, Given) else share.interval
            row = {"start": str(how), "end": group.name, "count": share.count, "of": share.total}
            result.append({**row, "share": share.value, "low": low, "high": high})
        return result

    def _conserved_json(self) -> Json | None:
        found = self.conserved
        if found is None:
            return None
        return {
            "dimension": found.dimension,
            "as_expected": found.as_expected,
            "quantities": [{"name": q.name, "text": q.text(), "latex": q.latex()} for q in found.quantities],
            "largest_drift": self.worst_drift(),
        }

    def _runs_json(self, names: Sequence[str], place: Sequence[int]) -> list[Json]:
        result: list[Json] = []
        for part in self.parts:
            runs = part.runs
            for n, outcome in enumerate(runs.outcomes):
                row: Json = {
                    "start": str(self.setting.initialisations[part.initialisation]),
                    "outcome": str(outcome),
                    "end": names[place[len(result)]],
                    "loss": _finite(runs.loss[n]),
                    "gradient": _finite(runs.gradient[n]),
                    "curvature": _finite(runs.curvature[n]),
                    "growth": _finite(runs.growth[n]),
                    "time": _finite(runs.time[n]),
                    "steps": int(runs.steps[n]),
                    "step": _finite(runs.step[n]),
                    "norm_at_start": float(np.linalg.norm(runs.start[n])),
                    "norm_at_end": _finite(np.linalg.norm(runs.end[n])),
                    "drift": _finite(part.drift[n]) if part.drift else None,
                }
                result.append(row)
        return result


def _finite(x: Any) -> float | None:
    return float(x) if np.isfinite(x) else None


def _span(group: Group, unit: float) -> str:
    if not group.count:
        return "-"
    low, high = (shown(x, unit) for x in (group.low, group.high))
    return low if group.kind in ("certified", "observed") or low == high else f"{low} .. {high}"


def _thinned(path: Path) -> Path:
    count = len(path.times)
    if count <= POINTS:
        return path
    index = np.unique(np.linspace(0, count - 1, POINTS).round().astype(int))
    return Path(path.times[index], path.points[index], path.losses[index])


def _without_paths(runs: Runs) -> Runs:
    return replace(runs, paths=())
