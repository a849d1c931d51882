from __future__ import annotations

import pytest

from tests.data_checks.frames import make_labels, make_rows


@pytest.fixture
def rows():
    return make_rows()


@pytest.fixture
def labels():
    return make_labels()
