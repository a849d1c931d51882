"""What the DAG files promise, read in a process of its own: Airflow is heavy, and a DAG file may do anything.

python -m nightshift.declarations FOLDER    prints them as JSON
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import NightshiftError
from pipelines.engine.promises.values import Declaration
from pipelines.engine.replay import file_of
from pipelines.engine.settings import REPOSITORY, read_settings

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.settings import Settings

READ_SECONDS = 180.0
HEARTBEAT = "declarations"
"""Under this name the ledger remembers which files were read last."""
MARK = "nightshift-declarations:"
"""Begins the line that is ours: a DAG file, or Airflow, may print whatever it likes."""


class DagsUnreadable(NightshiftError):
    """The process that reads the DAG files ended without an answer, or took too long."""


@dataclass(frozen=True)
class Read:
    """What was found in a DAGs folder.

    Attributes:
        declarations: Each DAG, with what it promises.
        documented: DAGs that have a page (`doc_md`).
        owners: By DAG: the owners of its tasks.
        problems: By file: why it, or a DAG in it, cannot be read.
        lines: By file: where in it the problem is, if that is known.
    """

    declarations: tuple[Declaration, ...] = ()
    documented: frozenset[str] = frozenset()
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)


def read_declarations(folder: Path, *, airflow_home: Path | None = None) -> Read:
    """Read what the DAG files of a folder declare.

    Args:
        folder: The DAGs folder.
        airflow_home: Of an Airflow whose settings, connections and variables the files may need; none to read them bare.

    Raises:
        DagsUnreadable: The process ended without an answer.
    """
    with tempfile.TemporaryDirectory(prefix="nightshift-dags-") as bare:
        home = airflow_home if airflow_home is not None and (airflow_home / "airflow.cfg").exists() else Path(bare)
        command = [sys.executable, "-W", "ignore", "-m", "nightshift.declarations", str(folder)]
        environment = {**process_environment(os.environ), "AIRFLOW_HOME": os.environ.get("AIRFLOW_HOME") or str(home)}
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                command, env=environment, capture_output=True, text=True, check=False, timeout=READ_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise DagsUnreadable(f"the DAG files in {folder} were not read within {READ_SECONDS:g} seconds") from None
    ours = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not ours:
        last = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-5:])
        raise DagsUnreadable(f"the DAG files in {folder} cannot be read; the process said:\n{last}")
    return _read_json(json.loads(ours[-1].removeprefix(MARK)))


def refresh_declarations(
    settings: Settings, observations: Observations, *, folder: Path | None = None, always: bool = False
) -> list[str]:
    """Bring what the ledger knows of promises up to the DAG files, if they changed since they were read last.

    A file that cannot be read keeps what it promised before: a typing mistake at noon must not silence the night.

    Args:
        settings: Whose home the Airflow lives in that the files may need.
        observations: Where it is written down.
        folder: The DAGs folder; this repository's by default.
        always: Read them even if no file changed.

    Returns:
        The DAGs whose declaration is new, changed, or gone.

    Raises:
        DagsUnreadable: The files cannot be read at all.
        LedgerError: The ledger cannot be written.
    """
    dags = folder or dags_folder()
    digest = digest_of(dags, file_of(settings))
    before = observations.heartbeat(HEARTBEAT)
    if not always and before is not None and before[1].get("digest") == digest:
        return []
    read = read_declarations(dags, airflow_home=settings.home / "airflow")
    known = {seen.content.get("file", "") for seen in observations.declarations()}
    found = [declaration.to_json() for declaration in read.declarations]
    files = ({declaration.file for declaration in read.declarations} | known) - set(read.problems)
    changed = observations.declare(found, files=sorted(files))
    observations.beat(HEARTBEAT, {"digest": digest, "problems": dict(read.problems)})
    return changed


def dags_folder() -> Path:
    """Return the folder of the DAG files: this repository's, unless NIGHTSHIFT_DAGS says another."""
    return read_settings().dags


def digest_of(folder: Path, *others: Path) -> str:
    """Return a digest of the names, sizes and times of the DAG files and of the pipelines and operators that they import.

    Args:
        folder: The DAGs folder.
        *others: Files that say something to DAG files, too.
    """
    roots = (folder, REPOSITORY / "pipelines", REPOSITORY / "plugins")
    seen = [line for root in roots for line in _stats(sorted(root.rglob("*.py")))]
    seen += _stats(others)
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _stats(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # it is not there, or went away while we looked
            continue
        yield f"{path} {status.st_size} {status.st_mtime_ns}"


def process_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that reads DAG files: quiet, and with this repository's packages."""
    package = Path(__file__).resolve().parents[1]
    given = base.get("PYTHONPATH", "").split(os.pathsep)
    path = os.pathsep.join(dict.fromkeys([str(package.parent), str(package), *filter(None, given)]))
    quiet = {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    return {**quiet, **base, "PYTHONPATH": path}


def _read_json(value: Mapping[str, Any]) -> Read:
    return Read(
        tuple(Declaration.from_json(each) for each in value["declarations"]),
        frozenset(value["documented"]),
        {dag_id: tuple(owners) for dag_id, owners in value["owners"].items()},
        dict(value["problems"]),
        dict(value["lines"]),
    )


def read_here(folder: Path) -> Read:
    """Read the DAG files of a folder in this process; see `read_declarations`."""
    from airflow.dag_processing.dagbag import DagBag

    sys.path.insert(0, str(folder))  # as Airflow has it: DAG files may share modules
    bag = DagBag(dag_folder=str(folder), bundle_path=folder, safe_mode=False)
    problems = {file: _last_words(trace) for file, trace in bag.import_errors.items()}
    declarations: list[Declaration] = []
    for dag in sorted(bag.dags.values(), key=lambda dag: dag.dag_id):
        _declare(dag, folder, declarations, problems)
    kept = {declaration.dag_id for declaration in declarations}
    return Read(
        tuple(declarations),
        frozenset(dag_id for dag_id in kept if (bag.dags[dag_id].doc_md or "").strip()),
        {dag_id: tuple(sorted({task.owner for task in bag.dags[dag_id].tasks})) for dag_id in kept},
        problems,
        {file: line for file, trace in bag.import_errors.items() if (line := _line_in(trace, file)) is not None},
    )


def _declare(dag: DAG, folder: Path, declarations: list[Declaration], problems: dict[str, str]) -> None:
    from nightshift.declared import declaration_of
    from pipelines.engine.errors import DeclarationError
    from pipelines.engine.promises.declare import check, complete

    try:
        declaration = declaration_of(dag, folder)
        check(declaration)
    except DeclarationError as error:
        path = Path(dag.fileloc)
        file = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        problems[file] = "\n".join(filter(None, (problems.get(file), str(error))))
    else:
        declarations.append(complete(declaration))


def _line_in(trace: str, file: str) -> int | None:
    """The line of a DAG file that a traceback came through last, or None."""
    passed = re.findall(rf'{re.escape(file)}", line (\d+)', trace)
    return int(passed[-1]) if passed else None


def _last_words(trace: str) -> str:
    """The sentence of a traceback: from the line that names the exception on."""
    lines = trace.strip().splitlines()
    inside = [number for number, line in enumerate(lines) if line.startswith(("  File", "Traceback", "    "))]
    said = lines[max(inside, default=-1) + 1 :] or lines[-1:]
    return "\n".join(said)


def main(arguments: Sequence[str]) -> None:
    """Print what a folder's DAG files declare, as one line of JSON behind the mark."""
    read = read_here(Path(arguments[0]).resolve())
    value = {
        "declarations": [declaration.to_json() for declaration in read.declarations],
        "documented": sorted(read.documented),
        "owners": read.owners,
        "problems": read.problems,
        "lines": read.lines,
    }
    sys.stdout.write(f"{MARK}{json.dumps(value)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
