"""What several test modules share: a small atlas, made by the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def small_atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run up to 2-2-2, both classes, seed 0, one process.  Not to be written to."""
    folder = tmp_path_factory.mktemp("atlas")
    command = [sys.executable, "-m", "symverify", "atlas", "run", "--max", "2,2,2", "--out", str(folder)]
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder
