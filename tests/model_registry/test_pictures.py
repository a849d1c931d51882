import numpy as np
import pytest

from model_registry.pictures import (
    calibration_points,
    confusion_shares,
    draw_calibration,
    draw_confusion,
    draw_importance,
    draw_observed,
    draw_roc,
    roc_points,
)

Y = np.array([0, 1, 0, 1, 1, 0, 0, 1])
SCORE = np.array([0.1, 0.9, 0.4, 0.4, 0.8, 0.3, 0.6, 0.7])

DRAWINGS = {
    "roc": lambda path: draw_roc(Y, SCORE, path),
    "roc of one class": lambda path: draw_roc([1, 1], [0.1, 0.2], path),
    "calibration": lambda path: draw_calibration(Y, SCORE, path, bins=4),
    "calibration of no rows": lambda path: draw_calibration([], [], path),
    "observed": lambda path: draw_observed(Y * 10.0, SCORE * 10, path),
    "confusion": lambda path: draw_confusion([0, 1, 2, 2, -1], [0, 1, 2, 0, 1], ["a", "b", "c"], path),
    "confusion of many": lambda path: draw_confusion(range(50), range(50), [str(i) for i in range(50)], path),
    "importance": lambda path: draw_importance(["distance", "carrier"], [1.0, 3.0], path),
    "importance of nothing": lambda path: draw_importance([], [], path),
    "importance of many": lambda path: draw_importance([f"feature {i}" for i in range(50)], range(50), path),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_same_values_give_the_same_bytes(tmp_path, name):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        DRAWINGS[name](path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"Matplotlib" not in first


def test_area_under_the_curve_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    false, true = roc_points(Y, SCORE)
    assert np.trapezoid(true, false) == pytest.approx(roc_auc_score(Y, SCORE))


def test_calibration_bins_hold_equal_counts():
    mean, share, count = calibration_points(Y, SCORE, bins=4)
    assert count.tolist() == [2, 2, 2, 2]
    assert np.all(np.diff(mean) > 0)
    assert share.tolist() == [0.0, 0.5, 0.5, 1.0]


def test_confusion_says_which_share_of_a_class_was_taken_for_which():
    shares = confusion_shares([0, 0, 0, 0, 1, -1], [0, 0, 0, 1, 1, 0], 3)
    assert shares.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]], "a class that was never seen is left out"


def test_drawing_leaves_pyplot_alone(tmp_path):
    import matplotlib.pyplot as plt

    draw_roc(Y, SCORE, tmp_path / "roc.png")
    assert plt.get_fignums() == []
