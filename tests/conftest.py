"""What several test modules share: a small atlas, made by the command line, and a browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def small_atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run up to 2-2-2, both classes, seed 0, one process.  Not to be written to."""
    folder = tmp_path_factory.mktemp("atlas")
    command = [sys.executable, "-m", "symverify", "atlas", "run", "--max", "2,2,2", "--out", str(folder)]
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)


def program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no {names[0]}: the page is not tried in a browser")
    return found


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium; skips where it, chromedriver or selenium are missing."""
    chrome, driver = program("chromium", "chromium-browser", "google-chrome"), program("chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: the page is not tried in a browser")
    options = webdriver.ChromeOptions()
    options.binary_location = chrome
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()
