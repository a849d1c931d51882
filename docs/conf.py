"""How the site is built: `make docs` turns these Markdown files into build/docs. They read as well without it.

Nothing that a reader's browser loads comes from another host, and searching works on files, without a server.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import tomllib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent

# The reference is read from the code itself, so the code is imported, and Airflow with it, which wants a home.
sys.path[:0] = [str(DOCS), str(REPOSITORY), str(REPOSITORY / "plugins")]
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="nightshift-docs-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")

project = "Nightshift"
author = "Nightshift's authors"
project_copyright = "Nightshift's authors, Apache-2.0"
version = release = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "settings_table",
]
source_suffix = {".md": "markdown"}
root_doc = "index"
smartquotes = False  # `--json` is typed with two hyphens
highlight_language = "text"
default_role = "code"  # what docstrings put between backquotes

# Markdown: anchors are those of code hosts, so that the same links work in both places.
myst_heading_anchors = 4
myst_links_external_new_tab = False
myst_enable_extensions = ["attrs_inline"]

# The reference, from docstrings in Google's form.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# The pages.
html_theme = "furo"
html_title = "Nightshift"
html_static_path = ["_static"]
html_css_files = ["nightshift.css"]
html_favicon = "_static/nightshift.svg"
html_logo = "_static/nightshift.svg"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "tango"
pygments_dark_style = "github-dark"
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#2f4b9c", "color-brand-content": "#2f4b9c"},
    "dark_css_variables": {"color-brand-primary": "#9fb4ff", "color-brand-content": "#9fb4ff"},
}
copybutton_exclude = ".linenos, .gp, .go, .c1"  # a comment beside a command is for reading
copybutton_only_copy_prompt_lines = False


def draw_inline(app: Sphinx, tree: nodes.document, _: str) -> None:
    """Put our diagrams into the page itself, so that they are light or dark with it.

    A drawing that asks for this says so with `class="diagram"`; others stay pictures.
    """
    for image in list(tree.findall(nodes.image)):
        path = DOCS / image["uri"]
        if path.suffix != ".svg" or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        if 'class="diagram"' in text:
            figure = f'<figure class="diagram">{text[text.index("<svg") :]}</figure>'
            image.replace_self(nodes.raw("", figure, format="html"))


def link_readme(app: Sphinx, page: str, source: list[str]) -> None:
    """Lead links to the README to the page that includes it: on a code host they lead to the file itself."""
    source[0] = re.sub(r"\]\((?:\.\./)+README\.md", f"]({'../' * page.count('/')}overview.md", source[0])


def write_colons(app: Sphinx, tree: nodes.document, _: str) -> None:
    """Put a colon between a parameter and what is said of it, where Sphinx has two hyphens."""
    for text in list(tree.findall(nodes.Text)):
        if text.astext() == " -- " and isinstance(text.parent, nodes.paragraph):
            text.parent.replace(text, nodes.Text(": "))


def show_examples(app: Sphinx, context: object, lines: list[str]) -> None:
    """Show what a command's help sets line by line (click's \\b) as what it is: lines to be typed."""
    shown: list[str] = []
    for line in lines:
        begins = line.startswith("| ") and not (shown and shown[-1].startswith("   "))
        shown += (["::", ""] if begins else []) + ([f"   {line[2:]}"] if line.startswith("| ") else [line])
    lines[:] = shown


def setup(app: Sphinx) -> None:
    """Register what is our own."""
    app.connect("source-read", link_readme)
    app.connect("doctree-resolved", draw_inline)
    app.connect("doctree-resolved", write_colons)
    app.connect("sphinx-click-process-description", show_examples)
