"""A package family for the tests: coefficients in a JSON file."""

import json
from pathlib import Path


class Linear:
    def __init__(self, coefficients):
        self.coefficients = coefficients

    def predict_frame(self, frame):
        total = sum(frame[name].to_numpy(dtype=float) * weight for name, weight in self.coefficients.items())
        return total + (frame["carrier"] == "UA").to_numpy(dtype=float)


class Square(Linear):
    def predict_frame(self, frame):
        return super().predict_frame(frame).reshape(1, -1)


def load(path):
    return Linear(json.loads((Path(path) / "model.json").read_text()))


def load_square(path):
    return Square(json.loads((Path(path) / "model.json").read_text()))
