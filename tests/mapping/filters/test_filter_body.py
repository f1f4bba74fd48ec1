"""How the body of a message is filtered: as text, as JSON, or not at all."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from penstock.mapping.filters import compile_filters, compile_pattern


def message(body: Any, **others: Any) -> dict[str, Any]:
    """Make a record of a queue."""
    return {"messageId": "1", "body": body, "attributes": {"ApproximateReceiveCount": "1"}, **others}


def passes(pattern: dict[str, Any], record: Any) -> bool:
    """Ask a pattern about a message."""
    return compile_pattern(json.dumps(pattern), source="sqs")(record)


@pytest.mark.parametrize("body", ["plain", "", " ", "{", '{"a":"x"} x', "NaN", "[NaN]", "[1,", "\ufeff{}", "tru", "-"])
def test_body_that_is_no_json_is_filtered_as_text_alone(body: str) -> None:
    """A pattern for the text sees it; a pattern that looks inside drops the message."""
    assert passes({"body": [body]}, message(body)) is True
    assert passes({"body": ["other"]}, message(body)) is False
    assert passes({"body": {"a": [{"exists": False}]}}, message(body)) is False


@pytest.mark.parametrize("body", ['{"a":"x"}', ' \n{"a":"x"}', '{"a":"x"} ', '{"a":["y","x"]}', '[{"a":"x"}]'])
def test_body_that_is_json_is_looked_into_alone(body: str) -> None:
    """A pattern that looks inside decides; a pattern for the text drops the message."""
    assert passes({"body": {"a": ["x"]}}, message(body)) is True
    assert passes({"body.a": ["x"]}, message(body)) is True
    assert passes({"body": {"a": ["z"]}}, message(body)) is False
    assert passes({"body": [body]}, message(body)) is False


@pytest.mark.parametrize("body", ["1", "true", "null", '"x"', "[]", "{}"])
def test_json_without_members_has_nothing_inside(body: str) -> None:
    """A lone value is JSON: there is no text to filter, and nothing is found in it."""
    assert passes({"body": [body]}, message(body)) is False
    assert passes({"body": {"a": [{"exists": True}]}}, message(body)) is False
    assert passes({"body": {"a": [{"exists": False}]}}, message(body)) is True


def test_without_a_pattern_for_the_body_other_keys_decide() -> None:
    """Attributes are filtered whatever the body is."""
    pattern = {"attributes": {"ApproximateReceiveCount": ["1"]}}

    assert [passes(pattern, message(body)) for body in ("plain", '{"a":1}', None, 7)] == [True] * 4
    assert passes({"attributes.ApproximateReceiveCount": ["2"]}, message("plain")) is False


def test_each_filter_has_its_own_view_of_the_body() -> None:
    """A filter on the text, one inside and one beside it take their messages side by side."""
    filters = ['{"body":["plain"]}', '{"body":{"a":["x"]}}', '{"messageId":["2"]}']
    test = compile_filters(filters, source="sqs")

    assert test(message("plain")) is True
    assert test(message('{"a":"x"}')) is True
    assert test(message('{"a":"y"}')) is False
    assert test(message('{"a":"y"}', messageId="2")) is True
    assert test(message("other", messageId="2")) is True
    assert test(message("other")) is False


def test_dotted_names_in_a_body_and_beside_it_are_found() -> None:
    """The body is part of the record to flatten."""
    assert passes({"body": {"a": {"b": ["x"]}}}, message('{"a.b":"x"}')) is True
    assert passes({"body": {"a.b": ["x"]}}, message('{"a":{"b":"x"}}')) is True
    assert passes({"body": {"a": ["x"]}, "messageId": ["1"]}, message('{"a":"x"}')) is True


def test_pattern_that_wants_text_and_json_at_once_takes_nothing() -> None:
    """No body is both."""
    pattern = {"body": ["plain"], "body.a": ["x"]}

    assert [passes(pattern, message(body)) for body in ("plain", '{"a":"x"}')] == [False, False]


def test_record_that_is_no_message_does_not_pass() -> None:
    """Whatever comes, there is an answer."""
    pattern = {"body": {"a": ["x"]}}

    records: list[Any] = [[], None, "x", {}, {"body": {"a": "x"}}, {"body": 7}]
    assert [passes(pattern, record) for record in records] == [False] * 6
    assert passes(pattern, MappingProxyType(message('{"a":"x"}'))) is True
    assert passes(pattern, MappingProxyType(message('{"a":{"b":"x"},"c":[1]}'))) is False


def test_body_nested_too_deep_to_decode_is_no_json() -> None:
    """A hostile body is dropped, not raised about."""
    assert passes({"body": {"a": [{"exists": False}]}}, message("[" * 100_000)) is False
    assert passes({"body": {"a": ["x"]}}, message('{"a":' * 100_000)) is False
