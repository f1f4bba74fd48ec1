"""Patterns that AWS refuses: the message says the place and the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.mapping.filters import InvalidPattern, compile_filters, compile_pattern


def refusal_of(pattern: Any) -> InvalidPattern:
    """Have a pattern refused."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    with pytest.raises(InvalidPattern) as caught:
        compile_pattern(text, source="event-bus")
    return caught.value


@pytest.mark.parametrize(
    ("pattern", "path", "reason"),
    [
        ("", "", "is not valid JSON: Expecting value"),
        ('{"a":["x"]} x', "", "is not valid JSON: Extra data"),
        ('{"a":[NaN]}', "", "NaN is no JSON value"),
        ('{"a":[-Infinity]}', "", "-Infinity is no JSON value"),
        ('{"a":[1e99999999999999999999]}', "", "is not valid JSON"),
        ("null", "", "is null, not a JSON object"),
        ("[]", "", "is an array, not a JSON object"),
        ("true", "", "is the bare value true, not a JSON object"),
        ('"x"', "", "is a bare text, not a JSON object"),
        ("1", "", "is a bare number, not a JSON object"),
        ({}, "", "is an empty object"),
        ({"a": {"b": {}}}, "a.b", "is an empty object"),
        ({"a": {"b": []}}, "a.b", "is an empty array"),
        ({"a": {"b": "x"}}, "a.b", "is a bare text where an array or an object must stand"),
        ({"a": None}, "a", "is null where"),
        ({"a": [["x"]]}, "a[0]", "is an array within an array"),
        ({"a": ["x", {}]}, "a[1]", "holds 0 keys where an operator stands alone"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "a[0]", "holds 2 keys"),
        ('{"a":[{"prefix":"x","prefix":"y"}]}', "a[0]", "holds 2 keys"),
        ({"a": [{"Prefix": "x"}]}, "a[0]", "names Prefix, which is not an operator; there are exactly, prefix"),
        ({"a": [{"exactly": 33}]}, "a[0].exactly", "takes one text and is a bare number"),
        ({"a": [{"prefix": ["x"]}]}, "a[0].prefix", "takes one text and is an array"),
        ({"a": [{"prefix": {"suffix": "x"}}]}, "a[0].prefix", "takes a text or equals-ignore-case, not suffix"),
        ({"a": [{"suffix": {"equals-ignore-case": 1}}]}, "a[0].suffix.equals-ignore-case", "takes one text"),
        ({"a": [{"suffix": {"equals-ignore-case": "x", "b": 1}}]}, "a[0].suffix", "holds 2 keys"),
        ({"a": [{"equals-ignore-case": {"prefix": "x"}}]}, "a[0].equals-ignore-case", "and is an object"),
        ({"a": [{"exists": "true"}]}, "a[0].exists", "takes true or false"),
        ({"a": [{"wildcard": "a**b"}]}, "a[0].wildcard", "two stars in a row at position 1"),
        ({"a": [{"wildcard": "a\\b"}]}, "a[0].wildcard", "backslash before neither * nor \\ at position 1"),
        ({"a": [{"wildcard": "a\\"}]}, "a[0].wildcard", "backslash"),
        ({"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}, "a", "is too complex"),
        ({"a": [{"wildcard": f"*/datasync/*.{end}"} for end in ("bif", "tif", "tiff", "svs")]}, "a", "is too complex"),
        ({"a": [{"anything-but": {"wildcard": ["*aaaaaaaaaaaa", "b*"]}}]}, "a", "is too complex"),
        ({"a": [{"wildcard": f"{letter}*"} for letter in "abcdefghijk"]}, "a", "is too complex"),
        ({"a": [{"cidr": "10.0.0.0"}]}, "a[0].cidr", "takes an address, a slash and a number of bits"),
        ({"a": [{"cidr": "10.0.0.0/+8"}]}, "a[0].cidr", "takes an address"),
        ({"a": [{"cidr": "10.0.0.0/255.0.0.0"}]}, "a[0].cidr", "takes an address"),
        ({"a": [{"cidr": "fe80::1%1/64"}]}, "a[0].cidr", "takes an address"),
        ({"a": [{"cidr": "10.0.0.0/33"}]}, "a[0].cidr", "is no address range"),
        ({"a": [{"cidr": "10.0.0/8"}]}, "a[0].cidr", "is no address range"),
        ({"a": [{"numeric": ">1"}]}, "a[0].numeric", "takes an array of comparisons and numbers"),
        ({"a": [{"numeric": []}]}, "a[0].numeric", "needs a number after each comparison"),
        ({"a": [{"numeric": ["<"]}]}, "a[0].numeric", "needs a number after each comparison"),
        ({"a": [{"numeric": ["<>", 1]}]}, "a[0].numeric", "takes the comparisons = < <= > >="),
        ({"a": [{"numeric": [[], 1]}]}, "a[0].numeric", "takes the comparisons"),
        ({"a": [{"numeric": ["=", "1"]}]}, "a[0].numeric", "compares with numbers only, not with a bare text"),
        ({"a": [{"numeric": ["=", True]}]}, "a[0].numeric", "compares with numbers only"),
        ('{"a":[{"numeric":["=",2.0e422]}]}', "a[0].numeric", "beyond the range of a double"),
        ('{"a":[{"numeric":["<",1e-325]}]}', "a[0].numeric", "beyond the range of a double"),
        ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "a[0].numeric", "a lower bound and then an upper bound above it"),
        ({"a": [{"numeric": [">", 1, "<", 1]}]}, "a[0].numeric", "a lower bound and then an upper bound above it"),
        ({"a": [{"numeric": ["=", 1, "<", 2]}]}, "a[0].numeric", "one comparison, or"),
        ({"a": [{"numeric": [">", 1, "<", 2, "<", 3]}]}, "a[0].numeric", "one comparison, or"),
        ({"a": [{"anything-but": []}]}, "a[0].anything-but", "is an empty array"),
        ({"a": [{"anything-but": ["x", 1]}]}, "a[0].anything-but", "takes texts or numbers, not both"),
        ({"a": [{"anything-but": [None]}]}, "a[0].anything-but", "takes texts or numbers and holds null"),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "a[0].anything-but", "not numeric"),
        ({"a": [{"anything-but": {"prefix": ""}}]}, "a[0].anything-but.prefix", "takes no empty text"),
        ({"a": [{"anything-but": {"suffix": ["x", ""]}}]}, "a[0].anything-but.suffix", "takes no empty text"),
        ({"a": [{"anything-but": {"wildcard": []}}]}, "a[0].anything-but", "is an empty array"),
        ('{"a":[{"anything-but":1e999}]}', "a[0].anything-but", "beyond the range of a double"),
        ({"$or": [{"a": ["1"]}]}, "$or", "needs an array of two or more objects"),
        ({"d": {"$or": [{"a": ["1"]}, {"b": 1}]}}, "d.b", "is a bare number where"),
        ({"d": {"$or": [{"a": ["1"]}, {"x": {"prefix": {"y": ["1"]}}}]}}, "d.x.prefix", "where $or needs a field"),
        ({"a.b": {"c": {}}}, "a.b.c", "is an empty object"),
    ],
)
def test_fails_when_aws_would_refuse_the_pattern(pattern: Any, path: str, reason: str) -> None:
    """The refusal names the place in the pattern and what is wrong there."""
    refusal = refusal_of(pattern)

    assert refusal.path == path
    assert reason in refusal.reason
    assert str(refusal) == f"the pattern {f'at {path} ' if path else ''}{refusal.reason}"
    assert isinstance(refusal, TemplateError)


def test_fails_when_one_of_several_filters_is_refused() -> None:
    """One bad filter spoils the mapping."""
    with pytest.raises(InvalidPattern):
        compile_filters(['{"a":["1"]}', '{"a":1}'], source="sqs")


def test_fails_when_or_makes_too_many_combinations() -> None:
    """More than a thousand combinations are refused, before they take any time."""
    choice = [{"a": ["1"]}, {"b": ["1"]}]
    pattern = {f"k{index}": {"$or": choice} for index in range(40)}

    assert "more than 1000 combinations" in refusal_of(pattern).reason
    assert refusal_of({"$or": [{"a": [str(index)]} for index in range(1_001)]}).path == "$or"


def test_fails_when_combinations_repeat_too_many_conditions() -> None:
    """Hundreds of conditions beside hundreds of alternatives are refused, whichever comes first."""
    conditions = {f"c{index}": ["1"] for index in range(500)}
    choice = {"$or": [{f"a{index}": ["1"]} for index in range(500)]}

    assert "more than 100000 conditions" in refusal_of({**conditions, **choice}).reason
    assert "more than 100000 conditions" in refusal_of({**choice, **conditions}).reason


@pytest.mark.parametrize(
    "texts",
    [
        ["*/datasync/*.bif", "*/datasync/*.tif"],
        ["/Users/*/dir/dir/dir/dir/dir/doc.txt"],
        ["arn:aws:events:us-east-1:*:event-bus/*"],
        [f"{letter}*" for letter in "abcdefghij"],
        ["no star"],
        ["*", "a*", "a*"],
    ],
)
def test_wildcards_that_aws_takes_are_not_too_complex(texts: list[str]) -> None:
    """Few stars, and few beginnings in common, are fine."""
    compile_pattern(json.dumps({"a": [{"wildcard": text} for text in texts]}), source="event-bus")


def test_wildcards_of_one_anything_but_share_their_beginning() -> None:
    """A list of wildcards counts once where its wildcards begin alike."""
    wildcards = [f"*{letter}" for letter in "abcdefghijklmnop"]

    compile_pattern(json.dumps({"a": [{"anything-but": {"wildcard": wildcards}}]}), source="event-bus")
