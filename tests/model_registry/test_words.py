"""Names and keys that MLflow's searches, and the folders that are named by them, can be trusted with."""

import pytest

from model_registry import RegistryRefused
from model_registry.words import check_key, check_name

QUOTES = ["'", '"', "`", "\\", "\n", "\0", "x' OR name != '"]


@pytest.mark.parametrize("text", ["", "x" * 251, *QUOTES])
@pytest.mark.parametrize("check", [check_key, check_name])
def test_text_that_could_end_a_search_s_quotes_is_refused(check, text):
    with pytest.raises(RegistryRefused, match="is 1 to 250 characters without quotes"):
        check(text)


@pytest.mark.parametrize("name", [".", "..", "...", "../flights", "/flights", "flights/..", "file:flights"])
def test_name_that_could_lead_out_of_the_artifact_folder_is_refused(name):
    with pytest.raises(RegistryRefused, match="'/' and ':'"):
        check_name(name)


def test_ordinary_names_pass():
    assert check_name("flights.v2 (new)") == "flights.v2 (new)"
    assert check_key("flights/train/2013:11") == "flights/train/2013:11"
