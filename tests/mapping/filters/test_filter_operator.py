"""What each entry of a leaf accepts, alone and among others."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from penstock.mapping.filters import compile_pattern, parse
from penstock.mapping.filters.matchers import is_scalar

ABSENT = object()


def passes(leaf: list[Any] | str, value: Any) -> bool:
    """Ask a leaf about a value, plainly, in an array, and below an array; all must agree."""
    entries = leaf if isinstance(leaf, str) else json.dumps(leaf)
    plainly = compile_pattern(f'{{"x":{entries}}}', source="event-bus")
    below = compile_pattern(f'{{"l":{{"x":{entries}}}}}', source="event-bus")
    if value is ABSENT:
        return plainly({"y": 1})
    answers = {
        plainly({"x": value}),
        plainly({"x": [value]}),
        plainly({"x": [[], {}, [[value]]]}),
        below({"l": {"x": value}}),
        below({"l": [{}, "z", {"x": value}]}),
    }
    (answer,) = answers
    return answer


@pytest.mark.parametrize(
    ("leaf", "accepted", "rejected"),
    [
        (["a"], ["a"], ["A", "", "ab", 1, True, None, ABSENT]),
        ([""], [""], [" ", None, ABSENT]),
        (["a", "b"], ["a", "b"], ["c", "ab", 0, None, ABSENT]),
        ([1], [1, 1.0, Decimal(1), Decimal("1.0")], [True, "1", 1.1, 2, None, ABSENT]),
        ([0], [0, 0.0, -0.0, Decimal(0)], [False, "0", "", None, ABSENT]),
        ([0.1], [0.1, Decimal("0.1")], [0, 1, Decimal("0.10000001"), ABSENT]),
        ([1, 2.5, "a"], [1, 2.5, "a"], [2, "1", True]),
        ("[3.0e2]", [300, 300.0, Decimal(300)], [3, "300"]),
        ("[1e400]", [10**400], [10**399, 1.0, "1e400"]),
        ("[9007199254740993]", [2**53 + 1, Decimal(2**53 + 1)], [2**53, 2**53 + 2]),
        ("[0.99999999999999999999]", [Decimal("0.99999999999999999999")], [1, 0, Decimal(1)]),
        ([True], [True], [False, 1, "true", None, ABSENT]),
        ([False], [False], [True, 0, "false", "", None, ABSENT]),
        ([None], [None], [False, 0, "null", "", ABSENT]),
        ([None, True, "a", 1], [None, True, "a", 1], [False, "b", 2, ABSENT]),
        (["a", True], ["a", True], [False, None, 1, ABSENT]),
    ],
)
def test_plain_entry_accepts_the_same_value_of_the_same_type(
    leaf: list[Any] | str, accepted: list[Any], rejected: list[Any]
) -> None:
    """Types are strict, numbers compare by value, nothing is absent and present at once."""
    assert [value for value in accepted if not passes(leaf, value)] == []
    assert [value for value in rejected if passes(leaf, value)] == []


OPERATORS: list[tuple[Any, list[Any], list[Any]]] = [
    ({"exactly": "a"}, ["a"], ["A", 1, None, ABSENT]),
    ({"prefix": "ab"}, ["ab", "abc"], ["a", "xab", "AB", 1, None, ABSENT]),
    ({"prefix": ""}, ["", "a"], [1, True, None, ABSENT]),
    ({"prefix": {"equals-ignore-case": "aB"}}, ["ab", "ABc"], ["a", "xab", 1, ABSENT]),
    ({"prefix": {"equals-ignore-case": "ß"}}, ["ßa", "SSa"], ["ssa", "sa"]),
    ({"suffix": "ab"}, ["ab", "xab"], ["abx", "b", "xAB", 1, ABSENT]),
    ({"suffix": ""}, ["", "a"], [1, None, ABSENT]),
    ({"suffix": {"equals-ignore-case": ".Png"}}, ["a.png", ".PNG"], ["png", "a.png ", 1]),
    ({"suffix": {"equals-ignore-case": "aß"}}, ["xaß", "Ass".replace("ss", "SS")], ["ass", "ß", "SSa"]),
    ({"suffix": {"equals-ignore-case": "\u0149"}}, ["x\u0149", "x\u02bcN"], ["xN\u02bc", "n"]),
    ({"suffix": {"equals-ignore-case": ""}}, ["", "a"], [1, ABSENT]),
    ({"equals-ignore-case": "aB"}, ["ab", "AB", "Ab"], ["abc", "a", "", 1, ABSENT]),
    ({"equals-ignore-case": "k"}, ["k", "K"], ["\u212a"]),
    ({"equals-ignore-case": "\u212a"}, ["\u212a", "k"], ["K"]),
    ({"equals-ignore-case": "ß"}, ["ß", "SS"], ["ss", "Ss", "ẞ"]),
    ({"equals-ignore-case": "\u00e9"}, ["\u00e9", "\u00c9"], ["e", "e\u0301"]),
    ({"equals-ignore-case": "🚀"}, ["??"], ["🚀", "?"]),
    ({"equals-ignore-case": "\ud83d"}, ["?"], ["??"]),
    ({"equals-ignore-case": "\ud800"}, ["?"], ["\ud800"]),
    ({"equals-ignore-case": "\udfff"}, ["?"], ["\udfff"]),
    ({"equals-ignore-case": "\uffff"}, ["\uffff"], ["??"]),
    ({"equals-ignore-case": "ǅ"}, ["ǆ", "Ǆ"], ["ǅ"]),
    ({"equals-ignore-case": ""}, [""], ["a", None, ABSENT]),
    ({"wildcard": "a*b"}, ["ab", "axxb", "a*b", "a\nb"], ["a", "abc", "ba", 1, ABSENT]),
    ({"wildcard": "*"}, ["", "a"], [1, None, ABSENT]),
    ({"wildcard": "*a*b*"}, ["ab", "xaxbx"], ["ba", "a", ""]),
    ({"wildcard": "*ab*ab*"}, ["abab", "xabxabx"], ["ab", "xxxabx"]),
    ({"wildcard": "aba*aba"}, ["abaaba", "abaxaba"], ["aba", "ababa"]),
    ({"wildcard": "a*ab*b"}, ["aabb", "axabxb"], ["aab", "abb"]),
    ({"wildcard": "a\\*\\\\b"}, ["a*\\b"], ["ax\\b", "a\\*\\b"]),
    ({"wildcard": ""}, [""], ["a"]),
    (
        {"cidr": "10.0.0.7/24"},
        ["10.0.0.0", "10.0.0.255"],
        ["10.0.1.0", "10.0.0", "10.0.0.256", "010.0.0.1", " 10.0.0.1", "10.0.0.0.1", "::1", "x\0", 1],
    ),
    ({"cidr": "10.0.0.1/32"}, ["10.0.0.1"], ["10.0.0.2"]),
    (
        {"cidr": "2001:DB8::/32"},
        ["2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:db9::1", "2001:db8::1%1", "10.0.0.1", ABSENT],
    ),
    ({"numeric": ["=", 5]}, [5, 5.0, Decimal(5)], ["5", True, 6, ABSENT]),
    ({"numeric": ["<", 1]}, [0, 0.9, Decimal("0.9"), -1e300], [1, True, "0", None, Decimal("NaN"), ABSENT]),
    ({"numeric": ["<=", 0.3]}, [0.3, Decimal("0.3")], [0.31, Decimal("0.30000001")]),
    ({"numeric": ["<=", 0.1]}, [0.1, Decimal("0.1")], [0.11, Decimal("0.10000001")]),
    ({"numeric": [">", 0, "<=", 5]}, [0.1, 5, Decimal(5)], [0, False, 6, "1"]),
    ({"numeric": [">=", 0.1, "<", 1.5]}, [0.1, 1, Decimal("1.49")], [0.09, 1.5, Decimal("1.5")]),
    ({"numeric": [">", 9007199254740993]}, [2**53 + 2], [2**53, 2**53 + 1]),
    ({"exists": True}, ["", "a", 0, False, None, Decimal(1)], [ABSENT, [], {}, {"a": 1}, [{"a": 1}]]),
    ({"exists": False}, [ABSENT, [], {}, {"a": 1}, [{"a": 1}]], ["", 0, False, None]),
    ({"anything-but": "a"}, ["b", "", 1, True, None, Decimal("NaN")], ["a", ABSENT]),
    ({"anything-but": ["a", "b"]}, ["c", 1], ["a", "b", ABSENT, {}, []]),
    ({"anything-but": 1}, [2, "1", True, None], [1, 1.0, Decimal(1), ABSENT]),
    ({"anything-but": [0, 1.5]}, [1, "0", False], [0, 1.5, Decimal("1.5")]),
    ({"anything-but": {"prefix": "a"}}, ["b", 1, None], ["a", "ab", ABSENT]),
    ({"anything-but": {"prefix": ["a", "b"]}}, ["c", 1], ["ab", "ba", ABSENT]),
    ({"anything-but": {"suffix": "a"}}, ["ab", True], ["a", "ba"]),
    ({"anything-but": {"suffix": ["a", "b"]}}, ["c"], ["xa", "xb"]),
    ({"anything-but": {"equals-ignore-case": "a"}}, ["b", None], ["a", "A"]),
    ({"anything-but": {"equals-ignore-case": ["a", ""]}}, ["b"], ["A", ""]),
    ({"anything-but": {"wildcard": "a*"}}, ["b", 1], ["a", "ab"]),
    ({"anything-but": {"wildcard": ["a*", "*b"]}}, ["c"], ["ax", "xb"]),
]


@pytest.mark.parametrize(("operator", "accepted", "rejected"), OPERATORS)
def test_operator_accepts_what_aws_says(operator: Any, accepted: list[Any], rejected: list[Any]) -> None:
    """Each operator accepts its values, whether they stand plainly, in an array or below one."""
    assert [value for value in accepted if not passes([operator], value)] == []
    assert [value for value in rejected if passes([operator], value)] == []


@pytest.mark.parametrize(("operator", "accepted", "rejected"), OPERATORS)
def test_matcher_of_the_parsed_pattern_accepts_the_same(
    operator: Any, accepted: list[Any], rejected: list[Any]
) -> None:
    """Whoever walks a pattern can ask each matcher about a scalar and hears what the compiled test would say."""
    (matcher,) = parse(json.dumps({"x": [operator]})).rules[0].conditions[0].matchers

    assert [value for value in accepted if is_scalar(value) and not matcher.accepts(value)] == []
    assert [value for value in rejected if is_scalar(value) and matcher.accepts(value)] == []


@pytest.mark.parametrize(("operator", "accepted", "rejected"), OPERATORS)
def test_entries_of_a_leaf_are_alternatives(operator: Any, accepted: list[Any], rejected: list[Any]) -> None:
    """Another entry adds its values and takes none away."""
    leaf = [operator, "another"]

    assert passes(leaf, "another") is True
    assert [value for value in accepted if not passes(leaf, value)] == []
    assert [value for value in rejected if passes(leaf, value)] == []


def test_anything_but_passes_an_array_with_one_other_element() -> None:
    """Of an array, one element that is not excluded is enough."""
    test = compile_pattern('{"x":[{"anything-but":["a","b"]}]}', source="event-bus")

    assert test({"x": ["a", "c"]}) is True
    assert test({"x": ["a", "b"]}) is False


def test_exists_false_fails_for_an_array_with_a_scalar_that_no_alternative_takes() -> None:
    """A value is there, though not the one that the other entry wants."""
    test = compile_pattern('{"x":[{"exists":false},"a"]}', source="event-bus")

    values: list[Any] = [["b"], ["b", "a"], [{}], "b", {}, 5, True]
    assert [test({"x": value}) for value in values] == [
        False,
        True,
        True,
        False,
        True,
        False,
        False,
    ]


def test_more_operators_than_are_written_out_are_alternatives_too() -> None:
    """A leaf with many operators is asked in one call and answers the same."""
    leaf = [{"prefix": f"{letter}-"} for letter in "abcdefghij"] + [{"numeric": [">", 5]}]
    test = compile_pattern(json.dumps({"x": leaf}), source="event-bus")

    assert [test({"x": value}) for value in ("a-1", "j-1", "k-1", 6, 5, None)] == [
        True,
        True,
        False,
        True,
        False,
        False,
    ]
