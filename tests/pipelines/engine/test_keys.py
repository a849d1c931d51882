"""The same work has the same key wherever it is asked for, and other work has another."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.keys import TaskKey, canonical_json, digest_of

texts = st.text(max_size=8)
numbers = st.integers(-(2**70), 2**70)
values = st.recursive(
    st.none() | st.booleans() | texts | numbers | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
mappings = st.dictionaries(texts, values, max_size=5)
# Values that Python's == tells apart exactly as JSON does (1, 1.0 and True are equal in Python).
plain_mappings = st.dictionaries(texts, texts | numbers | st.lists(texts, max_size=3), max_size=4)


def key_of(pipeline, step, partition, inputs, parameters, code):
    return TaskKey(pipeline=pipeline, step=step, partition=partition, inputs=inputs, parameters=parameters, code=code)


keys = st.builds(key_of, texts, texts, texts, plain_mappings, plain_mappings, texts)


def shuffled(value, seed):
    """The same value with the entries of every dict put in in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(inner, seed)) for name, inner in value.items()]
        random.Random(seed).shuffle(items)  # noqa: S311
        return dict(items)
    return [shuffled(inner, seed) for inner in value] if isinstance(value, list) else value


@given(inputs=mappings, parameters=mappings, seed=st.integers())
def test_order_of_entries_does_not_matter(inputs, parameters, seed):
    key = TaskKey(pipeline="flights", step="score", partition="2013-11-01", inputs=inputs, parameters=parameters)
    again = replace(key, inputs=shuffled(inputs, seed), parameters=shuffled(parameters, seed))
    assert key.digest == again.digest


@given(one=keys, other=keys)
def test_different_identities_have_different_digests(one, other):
    assert (one.identity == other.identity) == (one.digest == other.digest)


@given(key=keys, field=st.sampled_from(["pipeline", "step", "partition", "code"]), more=st.text(min_size=1, max_size=3))
def test_any_changed_word_changes_the_digest(key, field, more):
    assert replace(key, **{field: getattr(key, field) + more}).digest != key.digest


@given(key=keys, field=st.sampled_from(["inputs", "parameters"]), name=texts)
def test_any_changed_entry_changes_the_digest(key, field, name):
    before = getattr(key, field)
    changed = {**before, name: ["something else", before.get(name)]}
    assert replace(key, **{field: changed}).digest != key.digest


def test_entry_counts_where_it_stands():
    key = TaskKey(pipeline="flights", step="score", partition="2013-11-01")
    assert replace(key, inputs={"a": 1}).digest != replace(key, parameters={"a": 1}).digest
    assert replace(key, pipeline="a", step="b").digest != replace(key, pipeline="b", step="a").digest


def test_digest_is_the_same_in_every_process_and_year():
    key = TaskKey(pipeline="flights", step="score", partition="2013-11-01#0", inputs={"rows": "ab"}, code="c0de")
    assert key.digest == "1dedae760c711ec5219f24c1a870a46a5b1b983e7d54b947b8ea912ceb71649d"
    assert str(key) == f"flights/score/2013-11-01#0 [{key.digest[:12]}]"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_refused(number):
    key = TaskKey(pipeline="flights", step="train", partition="2013-11-01", parameters={"rate": [number]})
    with pytest.raises(ValueError, match="not JSON compliant"):
        _ = key.digest


def test_value_that_json_has_no_word_for_is_refused():
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        digest_of({"a": {1, 2}})


def test_canonical_json_has_one_way_to_write_a_value():
    assert canonical_json({"b": [1, 2.5, None, True], "a": "\N{LATIN SMALL LETTER E WITH ACUTE}"}) == (
        '{"a":"\N{LATIN SMALL LETTER E WITH ACUTE}","b":[1,2.5,null,true]}'
    )
