"""Sphinx: the documentation site, from the pages in docs/ and the docstrings.  Built without network: `make site`.

The pages are plain Markdown that can be read without the site.  What is generated: the lists of pages that the first
page does not name, the gallery from docs/figures, and the reference from the modules that there are (docs/api, not kept
in git).
"""

from __future__ import annotations

import ast
import pkgutil
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import symverify  # noqa: E402  (the package of this tree, whatever is installed)


def name_types() -> None:
    """Give every module the names that it imports for type checkers only: then annotations become exact links."""
    found = [info.name for info in pkgutil.walk_packages(symverify.__path__, "symverify.")]
    modules = [import_module(name) for name in found if not name.endswith("__main__")]
    for module in modules:
        for node in ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                block = ast.Module(node.body, type_ignores=[])
                exec(compile(block, str(module.__file__), "exec"), module.__dict__)


name_types()

project = "symverify"
author = "The symverify developers"
copyright = author
version = release = symverify.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_static"]
smartquotes_action = "D"  # dashes only: a prime is a transpose
default_role = "code"  # `x` in the checkers, which are read as plain files
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!symverify).*"),  # other packages, and names of ours that the reference does not have
    (r"py:.*", r"symverify\..*\.(_.*|[A-Z])"),  # private names, type variables
]

# -- Markdown: headings of every level are anchors with the names that GitHub gives them ------------------------------
myst_heading_anchors = 4
myst_links_external_new_tab = False

# -- the reference ----------------------------------------------------------------------------------------------------
apidoc_modules = [
    {
        "path": str(HERE.parent / "symverify"),
        "destination": "api",
        "exclude_patterns": ["**/__main__.py"],
        "separate_modules": True,
        "module_first": True,
        "include_private": False,
        "automodule_options": {"members"},
    }
]
autodoc_default_options = {"ignore-module-all": True, "member-order": "bysource", "undoc-members": True}
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

# -- pages: no web fonts, no scripts or styles from elsewhere ---------------------------------------------------------
html_theme = "furo"
html_title = "symverify"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = r">>> |\.\.\. |\$ |> "
copybutton_prompt_is_regexp = True

FIGURES = HERE / "figures"
SHOWN = (".svg", ".png")
"""The formats of a picture that a page can show, the better one first; others of the same name become links."""


def unlisted(index: str, folder: str = "") -> str:
    """The pages of a folder that the first page does not list, such as that of a new command: one per line."""
    pages = sorted(folder + page.stem for page in (HERE / folder).glob("*.md"))
    return "\n".join(page for page in pages if page != "index" and page not in index.splitlines())


def shown_in() -> dict[str, tuple[str, str]]:
    """By the name of the picture, for those that a page shows: the page, and its words for those who do not see it."""
    image = re.compile(r"!\[([^]]+)]\(figures/([^)]+)\.\w+\)")
    pages = sorted(HERE.glob("*.md"), reverse=True)  # of several pages the first one counts
    return {name: (page.stem, alt) for page in pages for alt, name in image.findall(page.read_text(encoding="utf-8"))}


def captions() -> dict[str, str]:
    """By the name of the picture: from ``NAME.txt`` or ``captions.toml`` (``name = "caption"``), else from a page."""
    found = {name: alt for name, (_, alt) in shown_in().items()}
    table = FIGURES / "captions.toml"
    if table.exists():
        found |= tomllib.loads(table.read_text(encoding="utf-8"))
    for text in FIGURES.glob("*.txt"):
        found[text.stem] = text.read_text(encoding="utf-8")
    return {name: " ".join(caption.split()) for name, caption in found.items()}


def gallery() -> str:
    """Every picture of docs/figures as a figure with its caption.

    Raises:
        ExtensionError: a picture without a caption: it could not be understood, nor read aloud.
    """
    texts = captions()
    names = sorted({path.stem for path in FIGURES.glob("*") if path.suffix in SHOWN})
    if not names:
        return "There are no figures in this build."
    return "\n".join(figure(name, texts.get(name, "")) for name in names)


def figure(name: str, caption: str) -> str:
    """A picture as a figure in Markdown; its caption is also the text for readers who do not see it."""
    if not caption:
        raise ExtensionError(f"docs/figures: {name} has no caption; write it to {name}.txt or captions.toml")
    shown = next(name + suffix for suffix in SHOWN if (FIGURES / (name + suffix)).exists())
    others = sorted(
        path for path in FIGURES.glob(f"{name}.*") if path.suffix in (".png", ".pdf") and path.name != shown
    )
    links = [f"[{path.suffix[1:].upper()}](figures/{path.name})" for path in others]
    if name in shown_in():
        page = shown_in()[name][0]
        links.append(f"[More about it]({page}.md)")
    plain = re.sub(r"[*`]", "", caption)
    return f"```{{figure}} figures/{shown}\n:alt: {plain}\n\n{' '.join([caption, *links])}\n```\n"


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put what is generated in its place in the pages."""
    if docname == "index":
        more = {"MORE-HOWTO": unlisted(source[0], "howto/"), "TOPICS": unlisted(source[0])}
        for marker, pages in more.items():
            source[0] = source[0].replace(marker, pages)
    if docname == "gallery":
        source[0] = source[0].replace("FIGURES", gallery())


def as_written(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings are written for readers of the code: what they do not mean as markup is not read as markup.

    ``|`` is a norm or a separator, never a substitution.  A colon in the first line about an attribute or a property
    does not end its type, which napoleon would think without the empty line before it.
    """
    doctest = False
    for i, line in enumerate(lines):
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if not doctest:
            parts = re.split(r"(``.*?``)", line)
            lines[i] = "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in parts)
    if what not in ("module", "class", "exception", "function", "method"):
        lines.insert(0, "")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill)
    app.connect("autodoc-process-docstring", as_written, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
