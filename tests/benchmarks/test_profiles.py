"""Flame graphs are kept small: what is too narrow to be seen goes first."""

from benchmarks.profiles import small

FRAME = '<g><title>{} (file.py) ({} samples, {}%)</title><rect x="0"/><text>name</text></g>'
PICTURE = (
    "<svg>"
    + "".join(FRAME.format(*frame) for frame in [("all", 1000, "100.00"), ("read", 15, "1.50"), ("blink", 1, "0.10")])
    + "</svg>"
)


def test_picture_that_is_small_enough_stays_as_it_is() -> None:
    assert small(PICTURE, len(PICTURE)) == PICTURE


def test_narrow_frames_go_first_and_wide_ones_stay() -> None:
    assert "blink" not in small(PICTURE, len(PICTURE) - 1)
    assert "read" in small(PICTURE, len(PICTURE) - 1)
    assert "all" in small(PICTURE, 1)
    assert small(PICTURE, 1).endswith("</svg>")
