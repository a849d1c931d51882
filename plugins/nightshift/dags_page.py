"""One page about all DAGs, made of their files' own text: what Airflow shows, for those who read documents.

python -m nightshift.dags_page [PAGE]    writes docs/dags.md; `make dags-doc` does
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.errors import NightshiftError
from pipelines.engine.promises.declare import said

if TYPE_CHECKING:
    from pipelines.engine.promises.values import Declaration

PAGE = "docs/dags.md"
HEAD = """\
# The DAGs

`make dags-doc` wrote this page from the text at the top of each file in `dags/`, which is also the page of its DAGs in
Airflow. Edit that text, never this page; a test fails when the two differ.
"""
UNSAID = "*Its file says nothing about it. Write a text at the top, and pass it on as `doc_md=__doc__`.*"


class DagsNotShown(NightshiftError):
    """A DAG file cannot be read, so the page would be wrong."""


def make_page(folder: Path, page: Path) -> str:
    """Return the page about the DAG files of a folder.

    Args:
        folder: The DAGs folder.
        page: Where the page will lie; links are relative to it.

    Raises:
        DagsNotShown: A file cannot be imported, with what Airflow says about it.
    """
    from nightshift.declarations import read_declarations

    read = read_declarations(folder)
    if read.problems:
        listed = "\n".join(f"  - {file}: {problem}" for file, problem in sorted(read.problems.items()))
        raise DagsNotShown(f"these DAG files cannot be read, so there is no page about them:\n{listed}")
    parts = [HEAD]
    for file in sorted({declaration.file for declaration in read.declarations}):
        made = [declaration for declaration in read.declarations if declaration.file == file]
        link = Path(os.path.relpath(folder / file, page.parent)).as_posix()
        parts.append(section(file, link, (folder / file).read_text(encoding="utf-8"), made))
    return "\n".join(parts)


def refresh(root: Path) -> tuple[str, ...]:
    """Bring the page of a repository up to its DAG files, and return its name below the root if it was changed.

    A repository without the page gets none, and one whose DAG files cannot all be read keeps what it has.
    """
    page = root / PAGE
    if not page.exists():
        return ()
    try:
        text = make_page(root / "dags", page)
    except NightshiftError:  # it is said by whoever looks at those files
        return ()
    return (PAGE,) if _write(page, text) else ()


def _write(page: Path, text: str) -> bool:
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return False
    page.write_text(text, encoding="utf-8")
    return True


def section(file: str, link: str, text: str, made: Sequence[Declaration]) -> str:
    """Return what is said of one file: its own text, then a table of its DAGs.

    Args:
        file: Its path below the DAGs folder.
        link: How the page leads to it.
        text: Its source.
        made: The DAGs that it makes.
    """
    doc = ast.get_docstring(ast.parse(text)) or ""
    title, body = _title_and_body(doc, file)
    rows = [_row(declaration) for declaration in sorted(made, key=lambda each: each.dag_id)]
    table = ["| DAG | owner | when | promises | tasks |", "| --- | --- | --- | --- | --- |", *rows]
    return "\n".join([f"## {title}", "", f"[`dags/{file}`]({link})", "", body or UNSAID, "", *table, ""])


def _title_and_body(doc: str, file: str) -> tuple[str, str]:
    first, _, rest = doc.strip().partition("\n")
    if first.startswith("# "):
        return first.removeprefix("# ").strip(), _one_deeper(rest.strip())
    return Path(file).stem, _one_deeper(doc.strip())


def _one_deeper(text: str) -> str:
    """Headings of a DAG's own page stand one level below its title here."""
    return re.sub(r"^(#+ )", r"#\1", text, flags=re.MULTILINE)


def _row(declaration: Declaration) -> str:
    cells = [
        f"`{declaration.dag_id}`",
        declaration.owner,
        _when(declaration),
        "; ".join(said(promise) for promise in declaration.promises if promise.kind != "succeed") or "nothing",
        ", ".join(_tasks(declaration)),
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _when(declaration: Declaration) -> str:
    if declaration.schedule is None:
        return "by no single clock: assets, by hand, or a timetable of its own"
    paused = "; created paused" if declaration.starts_paused else ""
    return f"`{declaration.schedule}` {declaration.timezone}{paused}"


def _tasks(declaration: Declaration) -> Iterator[str]:
    """The tasks in an order in which they can run; those of one moment as their file has them."""
    waiting = {task.task_id: (set(task.upstream), task.mapped) for task in declaration.tasks}
    while waiting:
        ready = [name for name, (upstream, _) in waiting.items() if not upstream & waiting.keys()]
        for name in ready:
            yield f"{name} (each)" if waiting.pop(name)[1] else name


def main(arguments: Sequence[str]) -> None:
    """Write the page, if it is another than the one that is there."""
    from nightshift.declarations import dags_folder

    folder = dags_folder()
    page = Path(arguments[0]).resolve() if arguments else folder.parent / PAGE
    try:
        text = make_page(folder, page)
    except NightshiftError as error:
        sys.exit(f"Error: {error}")
    changed = _write(page, text)
    sys.stdout.write(f"wrote {page}\n" if changed else f"{page} is as the DAG files say\n")


if __name__ == "__main__":
    main(sys.argv[1:])
