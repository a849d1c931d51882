"""Rows that try a model: every split from both sides, and what odd data holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.encoding import Encoding
from pipelines.engine.models.compiled.machine_code import TINY

if TYPE_CHECKING:
    import numpy as np

ROWS = 8192
SEED = 20131119
MISSING = float("nan")
ODD = (MISSING, float("inf"), float("-inf"), 0.0, -0.0, -1.0, 1e300, -1e300, 2.0**31, 2.0**63)


def sample(file: Path, encoding: Encoding) -> np.ndarray:
    """Return rows for a LightGBM text file, float64, shape (`ROWS`, features); the same ones for the same file.

    A cell of a text feature is one of its codes, or missing. Any other is a threshold of its feature, a number right
    beside one, a small whole number, or something odd: no number, an infinity, the zeros, the largest. None is tiny: those
    are never given to machine code (`machine_code.holds_tiny`).
    """
    import numpy as np

    random = np.random.default_rng(SEED)
    matrix = np.empty((ROWS, len(encoding.features)), dtype=np.float64)
    thresholds = _thresholds(file.read_text(), len(encoding.features))
    for feature, name in enumerate(encoding.features):
        odd = random.random(ROWS) < 0.1  # so that most rows go deep into the trees
        if name in encoding.categories:
            codes = np.arange(max(1, len(encoding.categories[name])), dtype=np.float64)
            matrix[:, feature] = np.where(odd, MISSING, random.choice(codes, ROWS))
            continue
        edges = np.asarray(thresholds[feature], dtype=np.float64)
        beside = [np.nextafter(edges, direction) for direction in (-np.inf, np.inf)]
        usual = np.concatenate([edges, *beside, np.arange(20.0)])
        usual = usual[(usual == 0) | (np.abs(usual) >= TINY)]
        matrix[:, feature] = np.where(odd, random.choice(ODD, ROWS), random.choice(usual, ROWS))
    return matrix


def _thresholds(text: str, features: int) -> list[list[float]]:
    """Return the numbers that each feature is compared with; of splits by category those are indexes, and do no harm."""
    found: list[set[float]] = [{0.0} for _ in range(features)]
    columns = re.findall(r"^split_feature=(.*)$", text, re.MULTILINE)
    edges = re.findall(r"^threshold=(.*)$", text, re.MULTILINE)
    for names, numbers in zip(columns, edges, strict=True):
        for feature, edge in zip(names.split(), numbers.split(), strict=True):
            found[int(feature)].add(float(edge))
    return [sorted(numbers) for numbers in found]
