"""The input gate: what a body must be before any field is read (contract §0)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from staff.wire.gate import DEEPEST, LARGEST_BODY, BadJson, EmptyBody, parse_json, parse_object
from staff.wire.refusals import BadRequest, TooLarge
from staff.wire.text import LONGEST_STRING, BadText, check_text


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"a": NaN}', "NaN is not a JSON number."),
        (b'{"a": Infinity}', "Infinity is not a JSON number."),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number."),
        (b'{"a": 1e999}', "The number 1e999 is too large."),
        (b'{"a": -1e999}', "The number -1e999 is too large."),
        (b'{"a": 9223372036854775808}', "The number 9223372036854775808 is too large; whole"),
        (b'{"a": -9223372036854775809}', "The number -9223372036854775809 is too large; whole"),
        (b'{"a": ' + b"9" * 5000 + b"}", "The number 9999999999999999999999999999999999999999 is too large"),
        (b'{"a": 1, "a": 1}', "The key 'a' stands twice in one object; send it once."),
        (b'{"a": 1, "\\u0061": 1}', "The key 'a' stands twice in one object; send it once."),
        (b'{"x": [{"a": 1, "b": 2, "a": 3}]}', "The key 'a' stands twice in one object; send it once."),
        (b'{"a": "\\u0000"}', "A text may not hold the character NUL"),
        (b'{"a\\u0000": 1}', "A text may not hold the character NUL"),
        (b'{"a": "\x00"}', "The body is not valid JSON"),
        (b'{"a": "\\ud800"}', "A text holds half a surrogate pair"),
        (b'{"a": "\\uDC00x"}', "A text holds half a surrogate pair"),
        (b'{"a": {"\\ud800": 1}}', "A text holds half a surrogate pair"),
        (b'{"a": "\xed\xa0\x80"}', "The body is not valid UTF-8 (at byte 7)."),
        (b'{"a": "\xff"}', "The body is not valid UTF-8 (at byte 7)."),
        (b'\xef\xbb\xbf{"a": 1}', "The body starts with a byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "The body starts with a byte order mark"),
        (b'{"a": "' + b"x" * 10_001 + b'"}', "A text may have at most 10000 characters; this one has 10001."),
        (b'{"' + b"x" * 10_001 + b'": 1}', "A text may have at most 10000 characters; this one has 10001."),
        (nested(33), "The body is nested more than 32 levels deep."),
        (nested(1000), "The body is nested more than 32 levels deep."),
        (b"[" * 100_000, "The body is nested more than 32 levels deep."),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, "The body is nested more than 32 levels deep."),
        (b"{'a': 1}", "The body is not valid JSON"),
        (b'{"a": 1} x', "The body is not valid JSON: Extra data (line 1, column 10)."),
        (b'{"a": 1,}', "The body is not valid JSON"),
        (b'{"a": 01}', "The body is not valid JSON"),
        (b'{"a": "\n"}', "The body is not valid JSON"),
        ('{"a": １}'.encode(), "The body is not valid JSON"),
        (b"not json", "The body is not valid JSON"),
        (b'{"a', "The body is not valid JSON"),
    ],
)
def test_what_the_gate_refuses_and_in_which_words(body: bytes, sentence: str) -> None:
    with pytest.raises(BadJson) as refused:
        parse_json(body)
    assert refused.value.message.startswith(sentence)
    assert (refused.value.http_status, refused.value.code) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
        (b'{"a": -9223372036854775808}', {"a": -(2**63)}),
        (b'{"a": 1e300}', {"a": 1e300}),
        (b'{"a": 1e-999}', {"a": 0.0}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "😀"}'.encode(), {"a": "😀"}),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', {"a": "[" * 42}),
        (b'{"a": "\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', {"a": '"' + "[" * 42}),
        (b"[" + b"[]," * 99 + b"[]]", [[] for _ in range(100)]),
        (b' \r\n\t{"a": null} ', {"a": None}),
        (b'{"a": "' + b"x" * 10_000 + b'"}', {"a": "x" * 10_000}),
        (b'{"x": {"a": 1}, "y": {"a": 2}}', {"x": {"a": 1}, "y": {"a": 2}}),
        (b'"text"', "text"),
    ],
)
def test_what_the_gate_lets_in(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


def test_depth_is_allowed_up_to_its_limit() -> None:
    assert parse_json(nested(DEEPEST)) is not None
    wide = b"[" + b",".join([b"[[]]"] * 50) + b"," + nested(DEEPEST - 1) + b"]"
    assert len(parse_json(wide)) == 51


def test_brackets_after_a_broken_string_do_not_count_as_depth() -> None:
    with pytest.raises(BadJson, match="not valid JSON"):
        parse_json(b'"' + b"[" * 5000)


def test_a_body_may_have_256_kb_and_no_more() -> None:
    body = b'{"a": 1' + b" " * (LARGEST_BODY - 8) + b"}"
    assert len(body) == LARGEST_BODY
    assert parse_json(body) == {"a": 1}
    with pytest.raises(TooLarge) as refused:
        parse_json(body + b" ")
    assert (refused.value.http_status, refused.value.code) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t "])
def test_an_empty_body_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(EmptyBody) as refused:
        parse_json(body)
    assert (refused.value.http_status, refused.value.code) == (400, "empty_body")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", "an array"),
        (b'["a"]', "an array"),
        (b'"a"', "a string"),
        (b"1", "a number"),
        (b"1.5", "a number"),
        (b"true", "a boolean"),
        (b"null", "null"),
    ],
)
def test_a_native_body_must_be_an_object(body: bytes, kind: str) -> None:
    with pytest.raises(BadJson) as refused:
        parse_object(body)
    assert refused.value.message == f"The body must be a JSON object {{...}}, not {kind}."


def test_a_deep_body_costs_no_recursion_and_little_time() -> None:
    for opening in (b"[", b'{"a":', b'[{"a":[', b'["[",'):
        with pytest.raises(BadRequest):
            parse_json((opening * LARGEST_BODY)[:LARGEST_BODY])


numbers = st.integers(min_value=-(2**63), max_value=2**63 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_whatever_is_allowed_comes_out_as_it_went_in(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


json_alphabet = st.sampled_from(
    [*'{}[]:,"\\/ \t\n0123456789-+.eE', "true", "false", "null", "NaN", "Infinity", "1e999", '"a"', '"a":',
     "\\u0000", "\\ud800", "\\udc00", "\\u0061", "\0", "😀",
     "\ufeff", "\u2028", "9" * 25]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(json_alphabet, max_size=40).map("".join).map(str.encode) | st.binary(max_size=60))
@example(b'{"a":"\\\\"[[[[')
@example(b'"\\')
def test_the_gate_refuses_or_agrees_with_the_standard_library(body: bytes) -> None:
    """Whatever comes: a refusal of ours, or the standard library's value with nothing forbidden in it."""
    try:
        value = parse_json(body)
    except BadRequest:
        return
    assert value == json.loads(body.decode())
    assert_nothing_forbidden(value)


def assert_nothing_forbidden(value: Any, depth: int = 0) -> None:
    assert depth <= DEEPEST
    if isinstance(value, dict):
        for key, inner in value.items():
            check_text(key)
            assert_nothing_forbidden(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            assert_nothing_forbidden(inner, depth + 1)
    elif isinstance(value, str):
        check_text(value)
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63


@pytest.mark.parametrize("text", ["", "Zoë 😀", "a\r\nb", "x" * LONGEST_STRING])
def test_check_text_returns_what_it_was_given(text: str) -> None:
    assert check_text(text) is text


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udfff", "x" * (LONGEST_STRING + 1)])
def test_check_text_refuses(text: str) -> None:
    with pytest.raises(BadText) as refused:
        check_text(text)
    assert (refused.value.http_status, refused.value.code) == (400, "invalid_text")
