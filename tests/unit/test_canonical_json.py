"""Canonical JSON: one content, one byte string, as RFC 8785 writes it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.ledger.canonical import FLOAT_DECIMALS, canonical

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e12, 1e12, allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcxyz_09", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


def rounded(value):
    if isinstance(value, float):
        return round(value, FLOAT_DECIMALS)
    if isinstance(value, list):
        return [rounded(part) for part in value]
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return value


@given(JSON_VALUES)
def test_what_is_read_back_is_what_was_written_and_writes_the_same_bytes(value):
    content = canonical(value)
    read = json.loads(content)
    assert read == rounded(value)
    assert canonical(read) == content


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        (1.0, "1"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (0.000001, "0.000001"),
        (-0.0000125, "-0.000013"),
        (1e15, "1000000000000000"),
        ("қағаз\n", '"қағаз\\n"'),
    ],
)
def test_numbers_and_text_are_written_as_ecmascript_writes_them(value, text):
    assert canonical(value).decode() == text


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1, {1: 2}, {"ключ": 1}, b"x"])
def test_what_has_no_exact_form_is_refused(value):
    with pytest.raises(ValueError, match=r"JSON|canonical"):
        canonical(value)
