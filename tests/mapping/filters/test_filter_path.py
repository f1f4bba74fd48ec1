"""How a pattern finds its values: keys, dots, `$or`, arrays of objects, and what AWS writes itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.mapping.filters import Source, compile_pattern, parse
from penstock.mapping.filters.selection import Selection


def passes(pattern: dict[str, Any] | str, record: Any, source: Source = "event-bus") -> bool:
    """Ask a pattern about a record."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return compile_pattern(text, source=source)(record)


@pytest.mark.parametrize(
    "pattern", [{"a": {"b": {"c": ["1"]}}}, {"a.b": {"c": ["1"]}}, {"a": {"b.c": ["1"]}}, {"a.b.c": ["1"]}]
)
@pytest.mark.parametrize("record", [{"a": {"b": {"c": "1"}}}, {"a.b": {"c": "1"}}, {"a": {"b.c": "1"}}, {"a.b.c": "1"}])
def test_dotted_name_equals_the_nested_spelling(pattern: dict[str, Any], record: dict[str, Any]) -> None:
    """Pattern and record are compared by their flattened paths."""
    assert passes(pattern, record) is True
    assert passes(pattern, {"a": {"b": {"c": "2"}}, **record}) is True
    assert passes(pattern, {"z": record}) is False


@pytest.mark.parametrize("record", [{"a": {"b": "1"}}, {"a.b": "1"}, {"a.b": {"c": 1}, "a": {"b": "1"}}])
def test_exists_false_looks_at_every_spelling(record: dict[str, Any]) -> None:
    """A value under a dotted name is there as well."""
    assert passes({"a": {"b": [{"exists": False}]}}, record) is False
    assert passes({"a": {"b": [{"exists": False}], "z": [{"exists": False}]}}, record) is False
    assert passes({"a": {"b": [{"exists": False}]}}, {"a.b": {"c": "1"}, "a": "x"}) is True


def test_exists_false_on_an_object_of_other_needs() -> None:
    """Beside a condition that needs a value, the object must be there."""
    pattern = {"a": {"b": [{"exists": False}], "c": ["1"]}}

    assert [passes(pattern, {"a": value}) for value in ({"c": "1"}, {"b": 1, "c": "1"}, "x", None, {})] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert passes(pattern, {"a.c": "1"}) is True


def test_conditions_below_an_array_hold_for_one_element() -> None:
    """Two conditions may not take their values from two elements."""
    pattern = {"a": {"b": ["1"], "c": {"d": ["2"]}}}

    assert passes(pattern, {"a": [{"b": "1"}, {"c": {"d": "2"}}]}) is False
    assert passes(pattern, {"a": [{"b": "1"}, {"b": "1", "c": [{"d": "3"}, {"d": "2"}]}]}) is True
    assert passes(pattern, {"a": [["x", [{"b": "1", "c": {"d": ["2"]}}]], 7]}) is True
    assert passes(pattern, {"a": [{"b": "1", "c": {"d": "3"}, "c.d": "2"}]}) is True
    assert passes(pattern, {"a": "x"}) is False
    assert passes(pattern, {"a": []}) is False


def test_conditions_below_two_arrays_are_free_of_one_another() -> None:
    """An element of the one array may stand anywhere, whichever of the other was picked."""
    pattern = {"a": {"x": ["1"]}, "b": {"y": ["2"]}}
    record = {"a": [{"x": "1"}, {"x": "0"}], "b": [{"y": "0"}, {"y": "2"}]}

    assert passes(pattern, record) is True
    assert passes(pattern, {**record, "b": [{"y": "0"}]}) is False
    assert Selection(parse(json.dumps(pattern)).rules).passes(record) is True


def test_exists_false_below_an_array_looks_at_the_element_picked_before() -> None:
    """Conditions are asked in the order of their paths: absence counts in the element that an earlier one picked."""
    record = {"a": [{"x": 1, "b": "2"}, {"b": "1"}]}

    assert passes({"a": {"b": ["1"], "x": [{"exists": False}]}}, record) is True
    assert passes({"a": {"a": [{"exists": False}], "b": ["1"], "x": ["1"]}}, record) is False
    assert passes({"a": {"x": [{"exists": False}], "y": ["1"]}}, {"a": [{"x": 1, "y": "2"}, {"y": "1"}]}) is False


def test_leaf_above_another_leaf_finds_both_in_one_array() -> None:
    """One array can hold a scalar for the one and an object for the other."""
    pattern = {"a": ["s"], "a.b": ["1"]}

    assert passes(pattern, {"a": ["s", {"b": "1"}]}) is True
    assert passes(pattern, {"a": ["s", {"b": "2"}]}) is False
    assert passes(pattern, {"a": "s"}) is False


def test_name_of_an_operator_is_a_field_beside_or() -> None:
    """Below `$or` such a name makes it a field of its own; what stands after it is none of its affair."""
    pattern = {"$or": [{"a": ["1"]}, {"b": ["1"]}], "suffix": {"c": ["1"]}}

    assert passes(pattern, {"b": "1", "suffix": {"c": "1"}}) is True
    assert passes(pattern, {"b": "1"}) is False


def test_or_combines_with_what_stands_beside_it() -> None:
    """Each alternative makes a rule of its own with the siblings."""
    pattern = {"k": ["1"], "o": {"$or": [{"a": ["1"]}, {"b": ["1"], "c": ["1"]}], "d": ["1"]}}

    assert len(parse(json.dumps(pattern)).rules) == 2
    assert passes(pattern, {"k": "1", "o": {"a": "1", "d": "1"}}) is True
    assert passes(pattern, {"k": "1", "o": {"b": "1", "c": "1", "d": "1"}}) is True
    assert passes(pattern, {"k": "1", "o": {"b": "1", "d": "1"}}) is False
    assert passes(pattern, {"k": "1", "o": {"a": "1"}}) is False
    assert passes(pattern, {"k": "1", "o": [{"a": "1", "d": "1"}]}) is True
    assert passes(pattern, {"k": "1", "o": "x"}) is False
    assert passes(pattern, {"k": "1", "o.a": "1", "o": {"d": "1"}}) is True


def test_or_shares_what_several_alternatives_go_through() -> None:
    """Alternatives deep below the same objects are looked up once and answer the same."""
    pattern = {"a": {"b": {"$or": [{"c": {"x": ["1"]}}, {"c": {"y": ["1"]}}, {"d": [{"exists": False}]}]}}}

    records = [{"a": {"b": below}} for below in ({"c": {"y": "1"}, "d": 1}, {"c": {"x": "2"}, "d": 1}, {"c": 1}, 5)]
    assert [passes(pattern, record) for record in [*records, {"a": 5}, {}]] == [True, False, True, True, True, True]


def test_later_spelling_of_a_leaf_replaces_the_earlier() -> None:
    """Of one path the last leaf counts, in and out of `$or`, in the order of the text."""
    assert passes('{"a":{"b":["1"]},"a.b":["2"]}', {"a": {"b": "2"}}) is True
    assert passes('{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]}', {"a": "2"}) is True
    assert passes('{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]}', {"a": "1"}) is False
    assert passes('{"$or":[{"a":["2"]},{"b":["3"]}],"a":["1"]}', {"a": "2"}) is False
    assert passes('{"$or":[{"a":["2"]},{"b":["3"]}],"a":["1"]}', {"a": "1"}) is True


@pytest.mark.parametrize(
    ("pattern", "record"),
    [
        ({"$or": ["x"]}, {"$or": "x"}),
        ({"$or": {"a": ["x"]}}, {"$or": {"a": "x"}}),
        ({"$or": [{"prefix": "x"}, {"suffix": "y"}]}, {"$or": "ay"}),
        ({"a": {"$or": [{"numeric": ["<", 1]}]}}, {"a": {"$or": 0}}),
    ],
)
def test_or_that_is_no_alternative_is_a_field(pattern: dict[str, Any], record: dict[str, Any]) -> None:
    """Anything but two objects without operators' names makes `$or` a name like others."""
    assert passes(pattern, record) is True
    assert passes(pattern, {"x": "x"}) is False


def test_stream_record_is_walked_by_its_own_names() -> None:
    """The names that AWS writes are found however the pattern spells them; those of the table may have dots."""
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": {"a.b": {"S": "1"}, "c": {"L": [{"S": "2"}]}}}}

    assert passes({"dynamodb.NewImage.a.b.S": ["1"]}, record, "dynamodb") is True
    assert passes({"dynamodb.NewImage": {"a": {"b": {"S": ["1"]}}}}, record, "dynamodb") is True
    assert passes({"dynamodb": {"NewImage": {"c": {"L": {"S": ["2"]}}}}}, record, "dynamodb") is True
    assert passes({"userIdentity.type": [{"exists": False}], "eventName": ["INSERT"]}, record, "dynamodb") is True
    assert passes({"dynamodb": {"NewImage": {"c": {"M": {"S": ["2"]}}}}}, record, "dynamodb") is False
    assert passes({"dynamodb": {"OldImage": {"c": {"S": ["2"]}}}}, record, "dynamodb") is False
    assert (
        passes({"dynamodb": {"NewImage": {"c": {"S": ["2"]}}}}, {"dynamodb": {"NewImage": ["c"]}}, "dynamodb") is False
    )


def test_pattern_can_be_walked() -> None:
    """A pattern shows its rules, their conditions in the written order, and the path of each."""
    pattern = parse('{"b":{"c":["1",{"exists":true}]},"a":[{"prefix":"x"}]}')

    (rule,) = pattern.rules
    assert [(condition.path, condition.keys) for condition in rule.conditions] == [("b.c", ("b", "c")), ("a", ("a",))]
    assert all(matcher.accepts("1") for matcher in rule.conditions[0].matchers)
    assert [matcher.accepts("xy") for matcher in rule.conditions[1].matchers] == [True]
