"""Paths of decreasing loss, valleys and basins: the prover's side of ``path_checker.py`` (section 17)."""

from .certificates import Basin, Chart, DecreasingPath, Escape, Valley


from .repair import Repair, dense_path, repairs
from .search import find_path

__all__ = [
    "Basin",
    "Chart",
    "DecreasingPath",
    "Escape",
    "Repair",
    "Valley",

    "dense_path",

    "find_path",
    "repairs",

]
