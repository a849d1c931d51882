"""The directive `nightshift-settings`: a table of all variables, read from the settings themselves.

Their names come from the source of `read_settings`, their meanings from the docstring of `Settings`, and the defaults from
reading an empty environment, so the page cannot be older than the code.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from pipelines.engine import settings
from pipelines.engine.settings import Settings, read_settings

if TYPE_CHECKING:
    from sphinx.application import Sphinx

VARIABLE = re.compile(r"NIGHTSHIFT_[A-Z_]+")


def variables() -> dict[str, list[str]]:
    """Return the variables behind each attribute of the settings, in their order."""
    body = ast.parse(inspect.getsource(read_settings)).body[0]
    nodes_of = list(ast.walk(body))
    earlier = {
        node.targets[0].id: _named(node.value)
        for node in nodes_of
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    made = next(node.value for node in nodes_of if isinstance(node, ast.Return) and isinstance(node.value, ast.Call))
    return {
        str(keyword.arg): names
        for keyword in made.keywords
        if (names := _named(keyword.value) or earlier.get(_alone(keyword.value), []))
    }


def _named(node: ast.AST) -> list[str]:
    """The variables in an expression, as they stand there or by the name of a constant."""
    parts = [*ast.walk(node)]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    texts += [str(getattr(settings, part.id, "")) for part in parts if isinstance(part, ast.Name)]
    return list(dict.fromkeys(text for text in texts if VARIABLE.fullmatch(text)))


def _alone(node: ast.AST) -> str:
    """The name of a variable that was read before; an expression's first name, where it says `tracking or ...`."""
    if isinstance(node, ast.BoolOp):
        node = node.values[0]
    return node.id if isinstance(node, ast.Name) else ""


def meanings() -> dict[str, str]:
    """Return what the docstring of `Settings` says of each attribute."""
    said = inspect.cleandoc(Settings.__doc__ or "").partition("Attributes:")[2]
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", said, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def default_of(name: str) -> str:
    """Return what an attribute is if nobody says anything, as a reader would write it."""
    bare = read_settings({})
    value: Any = getattr(bare, name)
    if value is None or value == {}:
        return ""  # the meaning says what happens then
    if isinstance(value, (bool, float)):
        return f"{value:g}"
    text = str(value) if name == "home" else str(value).replace(str(bare.home), "$NIGHTSHIFT_HOME")
    return text.replace(f"{bare.home.parent}/", "")


class SettingsTable(SphinxDirective):
    """Puts the table where it stands."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        said = meanings()
        lines = ["| variable | meaning |", "| --- | --- |"]
        for name, names in variables().items():
            default = default_of(name)
            meaning = f"{said[name]} By default `{default}`." if default else said[name]
            # One that ends so is the beginning of many: what follows is a name of the reader's.
            lines += [f"| `{variable}{'...' * variable.endswith('_')}` | {meaning} |" for variable in names]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("nightshift-settings", SettingsTable)
    return {"parallel_read_safe": True}
