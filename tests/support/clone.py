"""A copy of the repository with the pipeline that the guides tell a newcomer to write."""

import re
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    "docs/by-hand.md",
    "docs/authoring.md",
    "docs/spark.md",
    "docs/tutorial.md",
    "docs/how-to/write-an-operator.md",
)
BLOCK = re.compile(r"```python\n# (\S+\.py)\n(.*?)```", re.DOTALL)


def make_clone(root: Path) -> Path:
    """Copy the code to `root` and write the documents' files into it."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("dags", "data_checks", "model_registry", "pipelines", "plugins"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=ignore)
    shutil.copy(REPOSITORY / "routes.toml", root)
    for document in DOCUMENTS:
        for path, code in BLOCK.findall((REPOSITORY / document).read_text()):
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(code)
    return root
