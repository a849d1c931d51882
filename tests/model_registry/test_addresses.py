"""What may be shown of an address: everything but what opens it."""

import pytest

from model_registry.addresses import hidden, passwords_of, ui_base, without_credentials
from model_registry.mlflow_door import Store

SECRET = "zq7x0kv"
WITH_SECRET = [
    f"http://night:{SECRET}@mlflow.internal:5000",
    f"https://night:{SECRET}@mlflow.internal/path?x=1",
    f"https://{SECRET}@mlflow.internal",
    f"http://night:{SECRET}/9@mlflow.internal:5000",
    f"http://night:9@{SECRET}@mlflow.internal:5000",
    f"http://night:{SECRET}?#@mlflow.internal:5000",
    f"http://night:{SECRET}%2F9@mlflow.internal:5000/path",
    f"postgresql+psycopg2://night:{SECRET}@db.internal/mlflow",
    f"mysql://night:{SECRET}'x y@db.internal/mlflow",
    f"postgresql://night@db.internal/mlflow?password={SECRET}&application_name=night",
    f"http://mlflow.internal/?api_key={SECRET}",
]


@pytest.mark.parametrize("uri", WITH_SECRET)
def test_secret_of_an_address_is_not_shown_wherever_it_stands(uri):
    text = f"API request to {uri}/api/2.0/mlflow failed: '{uri}' was refused\nfor ({uri})"
    shown = hidden(text, uri)
    assert SECRET not in shown
    assert shown.startswith("API request to ")
    assert "internal" in shown
    assert SECRET not in ui_base(uri, None)
    assert SECRET not in ui_base("http://mlflow.internal", uri)
    assert SECRET not in repr(Store(uri, None))


@pytest.mark.parametrize("uri", WITH_SECRET[:8])
def test_password_alone_is_not_shown_either(uri):
    said = [f"FATAL: {password} is wrong" for password in passwords_of(uri)]
    assert said
    assert SECRET not in hidden(" ".join(said), uri)


@pytest.mark.parametrize("uri", WITH_SECRET[:2])
def test_address_of_somebody_else_is_shown_without_its_password(uri):
    assert SECRET not in without_credentials(f"see {uri} and {uri}.")


@pytest.mark.parametrize(
    "text",
    [
        "http://mlflow.internal:5000/#/models/flights",
        "sqlite:////home/night/mlflow.db",
        "models:/flights@champion is gone; ask night@db.internal",
    ],
)
def test_what_is_no_secret_stays(text):
    assert hidden(text, "http://night:mlflow-password@mlflow.internal") == text


def test_very_short_password_is_hidden_in_its_address_and_spoils_no_words():
    uri = "http://night:a@mlflow.internal"
    assert hidden(f"a server at {uri}", uri) == "a server at http://mlflow.internal"
