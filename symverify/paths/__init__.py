"""Paths of decreasing loss, valleys and basins: the prover's side of ``path_checker.py`` (section 17)."""

from .certificates import Basin, Chart, DecreasingPath, Escape, Valley
from .charts import NoChart, basin, valley
from .escape import escape
from .repair import Repair, Repairs, dense_path, repairs
from .search import find_path

__all__ = [
    "Basin",
    "Chart",
    "DecreasingPath",
    "Escape",
    "NoChart",
    "Repair",
    "Repairs",
    "Valley",
    "basin",
    "dense_path",
    "escape",
    "find_path",
    "repairs",
    "valley",
]
