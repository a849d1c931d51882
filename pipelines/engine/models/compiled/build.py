"""Compile a package's model in a process of its own, and prove it there.

Whatever the compiler does (run for hours, take all memory, crash), it does not do it to a training or a night.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from pipelines.engine.encoding import Encoding
from pipelines.engine.models.compiled.machine_code import CODE_MODEL, ENTRY, MachineCode
from pipelines.engine.models.compiled.sample import sample

MODEL = "model.txt"
SEVERAL = "a model that gives several numbers for each row is scored by its own library"
REFUSED = 3
"""Exit status of the child when it says in its last line why the model cannot be compiled."""


class CannotCompile(Exception):
    """The model cannot be compiled, or not so that it gives the same scores; the plain path scores it."""


def compile_package(package: Path, output: Path, *, longest_seconds: float) -> None:
    """Compile the model of a package for this machine's processor.

    Args:
        package: The folder, verified.
        output: The object file to write; it is there only if it gives the plain model's scores bit for bit.
        longest_seconds: After that the compiler is stopped.

    Raises:
        CannotCompile: Why not, in words.
    """
    if not (package / MODEL).is_file():
        raise CannotCompile("only LightGBM's trees are compiled")
    if json.loads((package / "package.json").read_text()).get("kind") == "multiclass":
        raise CannotCompile(SEVERAL)
    words = [sys.executable, "-m", __name__, str(package), str(output)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    output.unlink(missing_ok=True)
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module
            words,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=longest_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        output.unlink(missing_ok=True)
        raise CannotCompile(f"the compiler was stopped after {longest_seconds:.0f} s") from None
    if ended.returncode:
        output.unlink(missing_ok=True)
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotCompile(
            last if ended.returncode == REFUSED else f"the compiler ended with {ended.returncode}: {last}"
        )


def build(package: Path, output: Path) -> None:
    """Compile a package's booster, load what came out, and hold it against the booster; runs in the child.

    Raises:
        CannotCompile: It is none that the compiler knows, or a score differs.
    """
    import lleaves
    import numpy as np

    from pipelines.engine.models.booster import Booster

    file = package / MODEL
    booster, encoding = Booster(file), Encoding.from_json(json.loads((package / "encoding.json").read_text()))
    if booster.outputs != 1:
        raise CannotCompile(SEVERAL)
    model = lleaves.Model(model_file=str(file))
    try:
        # All trees in one block: the sum of a row is then made tree by tree, as the booster makes it, and is the same
        # to the last bit. Smaller blocks are up to twice as fast, and differ in the sixteenth digit.
        model.compile(
            cache=str(output), fblocksize=max(1, model.num_trees()), fcodemodel=CODE_MODEL, froot_func_name=ENTRY
        )
    except Exception as error:
        raise CannotCompile(
            f"the compiler knows no such model: {type(error).__name__}: {error}".splitlines()[0]
        ) from error
    rows = sample(file, encoding)
    scores = np.zeros(len(rows))
    MachineCode(output, booster.features).predict(rows, scores)
    differing = int((scores != booster.predict(rows)).sum())
    if differing:
        raise CannotCompile(f"compiled, it gave other scores for {differing} of {len(rows)} rows that were tried")


def main() -> int:
    """Build what the arguments name: a package, and the object file to write."""
    try:
        build(Path(sys.argv[1]), Path(sys.argv[2]))
    except CannotCompile as reason:
        sys.stderr.write(f"{reason}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
