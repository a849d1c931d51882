"""Flame graphs are kept small: the import system is left out, and what is too narrow to be seen goes first."""

import re

from benchmarks.profiles import cropped, small, without_imports

FRAME = (
    '<g><title>{name} ({width} samples, {share:.2f}%)</title><rect x="0.1%" y="{y}" width="{share:.4f}%" height="15" fill="red" '
    'fg:x="{left}" fg:w="{width}"/><text x="0.3%" y="{y}.50">{name}</text></g>'
)
IMPORT = "_find_and_load (&lt;frozen importlib._bootstrap&gt;:1)"
STACK = [
    ("all", 0, 100, 36),
    ("main", 0, 90, 52),
    ("idle", 90, 1, 52),
    (IMPORT, 0, 40, 68),
    ("score", 40, 50, 68),
    (IMPORT, 0, 40, 84),
    ("predict", 40, 50, 84),
    ("pandas", 0, 40, 100),
]
FRAMES = "".join(
    FRAME.format(name=name, left=left, width=width, share=float(width), y=y) for name, left, width, y in STACK
)
PICTURE = f'<svg version="1.1" width="1200" height="150" viewBox="0 0 1200 150">{FRAMES}</svg>'


def heights(picture: str) -> dict[str, int]:
    return {name: int(y) for name, y in re.findall(r'<title>(\w+) .*?<rect x="[^"]*" y="(\d+)"', picture)}


def test_frames_of_the_import_system_go_and_what_lay_on_them_takes_their_place() -> None:
    picture = without_imports(PICTURE)
    assert heights(picture) == {"all": 36, "main": 52, "idle": 52, "score": 68, "predict": 84, "pandas": 68}
    assert 'y="68.50">pandas<' in picture


def test_picture_is_as_high_as_its_frames_need() -> None:
    picture = cropped(without_imports(PICTURE))
    assert 'height="132" viewBox="0 0 1200 132"' in picture


def test_picture_that_is_small_enough_stays_as_it_is() -> None:
    assert small(PICTURE, len(PICTURE)) == PICTURE


def test_narrow_frames_go_first_and_wide_ones_stay() -> None:
    assert "idle" not in small(PICTURE, len(PICTURE) - 1)
    assert "predict" in small(PICTURE, len(PICTURE) - 1)
    assert "all" in small(PICTURE, 1)
    assert small(PICTURE, 1).endswith("</svg>")
