"""The tutorial and the how-to pages say what really happens: their commands are run, and their output is compared.

In a page, a block ``console`` has commands after ``$ `` (continued after ``> ``) and what they print, on stdout and
stderr; a block right after a line that ends in "`NAME`:" is the file NAME; a block ``python`` with ``>>>`` is a
doctest.  The blocks of a page run one after the other in one empty folder.  As in doctest, ``...`` stands for anything,
and white space does not matter, so that pages may break long lines."""

from __future__ import annotations

import doctest
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))]
RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w.-]+)`:\s*\Z")
END = "=== end of a command ==="


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that the page claims.

    >>> commands("$ cat <<E\\n> x\\n> E\\nx\\n$ true\\n")
    [('cat <<E\\nx\\nE\\n', 'x\\n'), ('true\\n', '')]
    """
    found: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (found[-1][0] + line[2:], "")
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def run(block: str, folder: Path) -> list[tuple[str, str, str]]:
    """(command, output claimed, output), all in one shell; what it leaves behind is ended."""
    claimed = commands(block)
    marked = [f"{command}status=$?; echo; echo '{END}'; (exit $status)\n" for command, _ in claimed]
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["bash", "-c", "".join(marked)],
        cwd=folder,
        env=os.environ | {"PATH": here, "COLUMNS": "100"},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed = shell.communicate(timeout=300)[0].split(f"{END}\n")
    finally:
        with suppress(ProcessLookupError):  # nothing was left
            os.killpg(shell.pid, signal.SIGKILL)
    assert len(printed) == len(claimed) + 1, f"the shell ended before its last command:\n{printed[-1]}"
    return [(command, want, got) for (command, want), got in zip(claimed, printed[:-1], strict=True)]


def differences(page: Path, folder: Path) -> list[str]:
    """What a page claims that is not so."""
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    wrong: list[str] = []
    for block in BLOCK.finditer(text):
        language, content = block.groups()
        if name := FILE.search(text, 0, block.start()):
            (folder / name[1]).write_text(content, encoding="utf-8")
        elif language == "console":
            for command, want, got in run(content, folder):
                if not doctest.OutputChecker().check_output(want.strip() + "\n", got.strip() + "\n", RULES):
                    wrong.append(f"$ {command}--- the page says\n{want}--- it is\n{got}")
        elif language == "python" and ">>>" in content:
            line = text.count("\n", 0, block.start())
            test = doctest.DocTestParser().get_doctest(content, names, page.name, page.name, line)
            doctest.DocTestRunner(optionflags=RULES).run(test, out=wrong.append, clear_globs=False)
            names = test.globs
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_page_says_is_what_happens(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = differences(page, tmp_path)
    assert not wrong, "\n".join([f"{page}:", *wrong])


def test_a_page_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    blocks = {
        "console": "$ cat greeting.txt\ngood\n$ cat nothing.txt\n$ (exit 3)\n$ echo $?\n0\n",
        "python": ">>> 1 + 1\n3\n",
    }
    text = "Write `greeting.txt`:\n\n```text\nhello\n```\n" + "".join(f"\n```{k}\n{v}```\n" for k, v in blocks.items())
    page.write_text(text, encoding="utf-8")
    wrong = differences(page, tmp_path)
    assert ["greeting.txt" in wrong[0], "nothing.txt" in wrong[1], "echo $?" in wrong[2], "1 + 1" in wrong[3]] == [
        True
    ] * 4
    page.write_text(text.replace("\ngood", "\nhel...").replace("$ cat nothing.txt\n", "").replace("\n0\n", "\n3\n"))
    assert ["1 + 1" in text for text in differences(page, tmp_path)] == [True]
