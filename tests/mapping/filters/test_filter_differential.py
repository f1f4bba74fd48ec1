"""The compiled test, the general one and a plain reading of the rules agree on whatever hypothesis thinks of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from penstock.mapping.filters import Source, compile_pattern, parse
from penstock.mapping.filters.selection import Selection

Membership = dict[int, int]
Field = tuple[str, Any, Membership]
Leaves = dict[str, list[Any]]

# --- the oracle: flatten the record, flatten the pattern, try every choice -----------------------------------------


def oracle(pattern: list[tuple[str, Any]], record: dict[str, Any]) -> bool:
    """Whether a record passes a pattern, given as pairs so that keys may repeat."""
    fields = list(flattened(record, None, {}, iter(range(10_000))))
    return any(holds(sorted(rule.items()), fields, {}) for rule in rules_of(pattern, "", [{}]))


def rules_of(pattern: list[tuple[str, Any]], prefix: str, rules: list[Leaves]) -> list[Leaves]:
    """Flatten a pattern into rules, path → leaf; `$or` multiplies them."""
    for key, value in pattern:
        if key == "$or":
            rules = [new for branch in value for new in rules_of(branch, prefix, [dict(rule) for rule in rules])]
        elif isinstance(value, list) and value and isinstance(value[0], tuple):
            rules = rules_of(value, f"{prefix}{key}.", rules)
        else:
            for rule in rules:
                rule[prefix + key] = value
    return rules


def flattened(value: Any, name: str | None, elements: Membership, numbers: Iterator[int]) -> Iterator[Field]:
    """Give every scalar with its path and the array elements it lies in."""
    if isinstance(value, dict):
        for key, below in value.items():
            if isinstance(key, str):
                yield from flattened(below, key if name is None else f"{name}.{key}", elements, numbers)
    elif isinstance(value, list):
        array = next(numbers)
        for index, element in enumerate(value):
            deeper = {**elements, array: index} if isinstance(element, dict | list) else elements
            yield from flattened(element, name, deeper, numbers)
    elif value is None or isinstance(value, str | int | float | Decimal):
        yield str(name), value, elements


def holds(conditions: list[tuple[str, list[Any]]], fields: list[Field], picked: Membership) -> bool:
    """Try every choice of values for the conditions, in the order of their paths."""
    if not conditions:
        return True
    (path, matchers), *later = conditions
    here = [
        (value, elements)
        for name, value, elements in fields
        if name == path and all(picked.get(array, index) == index for array, index in elements.items())
    ]
    if not here and {"exists": False} in matchers and holds(later, fields, picked):
        return True
    return any(
        holds(later, fields, {**picked, **elements})
        for value, elements in here
        if any(accepts(matcher, value) for matcher in matchers)
    )


def accepts(matcher: Any, value: Any) -> bool:
    """Whether one entry of a leaf accepts a value."""
    if not isinstance(matcher, dict):
        return equal(matcher, value)
    ((operator, operand),) = matcher.items()
    match operator:
        case "exists":
            return bool(operand)
        case "anything-but" if isinstance(operand, dict):
            ((inner, texts),) = operand.items()
            return not any(accepts({inner: text}, value) for text in (texts if isinstance(texts, list) else [texts]))
        case "anything-but":
            return not any(equal(excluded, value) for excluded in (operand if isinstance(operand, list) else [operand]))
        case "numeric":
            signs = {"=": "__eq__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
            return is_number(value) and all(
                getattr(by_value(value), signs[sign])(Decimal(str(bound)))
                for sign, bound in zip(operand[::2], operand[1::2], strict=True)
            )
    return isinstance(value, str) and text_accepts(operator, operand, value)


def text_accepts(operator: str, operand: Any, value: str) -> bool:
    """Whether an operator on texts accepts a text."""
    text: str = operand["equals-ignore-case"] if isinstance(operand, dict) else operand
    match operator:
        case "prefix" if isinstance(operand, dict):
            return value[: len(text)].lower() == text.lower()
        case "suffix" if isinstance(operand, dict):
            return value[max(0, len(value) - len(text)) :].lower() == text.lower()
        case "prefix":
            return value.startswith(text)
        case "suffix":
            return value.endswith(text)
        case "equals-ignore-case":
            return value.lower() == text.lower()
    assert operator == "wildcard"
    return fnmatchcase(value, text)


def equal(wanted: Any, value: Any) -> bool:
    """Whether two values are the same, types being strict and numbers compared by value."""
    if is_number(wanted) and is_number(value):
        return by_value(wanted) == by_value(value)
    return type(wanted) is type(value) and bool(wanted == value)


def is_number(value: Any) -> bool:
    """Whether a value is a number to JSON."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int | float) and not isinstance(value, bool)


def by_value(value: Any) -> Decimal:
    """Make a number comparable."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


# --- what hypothesis draws from: few names and few values, so that they meet ----------------------------------------

TEXTS = st.sampled_from(["", "a", "ab", "AB", "b", "ba", "1", "true"])
NUMBERS = st.sampled_from([0, 1, 2, -1, 1.0, 0.1, 1.5, 300])
KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "a.a.b", "L", "body", "body.a", "", "."])
MATCHERS = st.one_of(
    TEXTS,
    NUMBERS,
    st.sampled_from([True, False, None]),
    st.builds(lambda present: {"exists": present}, st.booleans()),
    st.builds(
        lambda operator, text: {operator: text},
        st.sampled_from(["prefix", "suffix", "equals-ignore-case", "wildcard"]),
        TEXTS,
    ),
    st.builds(
        lambda operator, text: {operator: {"equals-ignore-case": text}}, st.sampled_from(["prefix", "suffix"]), TEXTS
    ),
    st.sampled_from([{"wildcard": text} for text in ("*", "a*", "*b", "a*b", "*a*", "b*a*")]),
    st.builds(
        lambda excluded: {"anything-but": excluded},
        st.one_of(
            TEXTS,
            NUMBERS,
            st.lists(TEXTS, min_size=1, max_size=3),
            st.lists(NUMBERS, min_size=1, max_size=3),
            st.sampled_from(
                [
                    {"prefix": "a"},
                    {"suffix": ["b", "1"]},
                    {"wildcard": ["a*", "*b"]},
                    {"equals-ignore-case": ["AB", ""]},
                ]
            ),
        ),
    ),
    st.sampled_from(
        [
            {"numeric": wanted}
            for wanted in (
                ["=", 1],
                ["<", 1],
                ["<=", 1],
                [">", 0.1],
                [">=", 1],
                [">", 0, "<=", 1],
                [">=", -1, "<", 300],
            )
        ]
    ),
)
LEAVES = st.lists(MATCHERS, min_size=1, max_size=3)


def objects_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    """Objects as pairs, `$or` among the keys."""
    members = st.tuples(KEYS, values)
    objects = st.lists(members, min_size=1, max_size=2)
    choices = st.tuples(st.just("$or"), st.lists(objects, min_size=2, max_size=2))
    return st.lists(st.one_of(members, members, members, members, choices), min_size=1, max_size=3)


PATTERNS = st.recursive(objects_of(LEAVES), lambda inner: objects_of(st.one_of(LEAVES, inner)), max_leaves=6)

JSON_SCALARS = st.one_of(TEXTS, NUMBERS, st.sampled_from([True, False, None]))
STRANGE = st.sampled_from([Decimal("0.1"), Decimal(1), Decimal("NaN"), float("inf"), b"a", ("a",)])


def values_of(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make values of a record: scalars, arrays and objects within each other."""
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
        max_leaves=8,
    )


JSON_VALUES = values_of(JSON_SCALARS)
RECORDS = st.dictionaries(
    st.one_of(KEYS, KEYS, KEYS, st.just(7)), values_of(st.one_of(JSON_SCALARS, STRANGE)), max_size=4
)


def as_json(pattern: list[tuple[str, Any]]) -> str:
    """Write a pattern with its repeated keys."""
    members = (f"{json.dumps(key)}:{as_json_value(key, value)}" for key, value in pattern)
    return f"{{{','.join(members)}}}"


def as_json_value(key: str, value: Any) -> str:
    """Write what stands under a key."""
    if key == "$or":
        return f"[{','.join(as_json(branch) for branch in value)}]"
    return as_json(value) if isinstance(value[0], tuple) else json.dumps(value)


Pairs = list[tuple[str, Any]]


def compiled(pattern: Pairs, source: Source) -> Callable[[Any], bool]:
    """Compile a pattern that does not make too many rules for the oracle's patience."""
    assume(len(rules_of(pattern, "", [{}])) <= 100)
    return compile_pattern(as_json(pattern), source=source)


@settings(max_examples=400)
@given(pattern=PATTERNS, record=RECORDS)
def test_event_passes_as_by_the_plain_reading(pattern: Pairs, record: dict[Any, Any]) -> None:
    """Fast, general and plain reading give one answer for any pattern and any record."""
    passes = compiled(pattern, "event-bus")
    expected = oracle(pattern, record)

    assert passes(record) is expected
    assert Selection(parse(as_json(pattern)).rules).passes(record) is expected


@settings(max_examples=150)
@given(pattern=PATTERNS, image=RECORDS)
def test_stream_record_passes_as_by_the_plain_reading(pattern: Pairs, image: dict[Any, Any]) -> None:
    """Below the names that AWS writes, a table may have any."""
    pattern = [("dynamodb", [("NewImage", pattern)])]
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": image}}

    assert compiled(pattern, "dynamodb")(record) is oracle(pattern, record)


@settings(max_examples=150)
@given(pattern=PATTERNS, body=st.dictionaries(KEYS, JSON_VALUES, max_size=4))
def test_message_passes_as_by_the_plain_reading(pattern: Pairs, body: dict[str, Any]) -> None:
    """A body of JSON is filtered like the rest of the record."""
    pattern = [("messageId", ["1"]), ("body", pattern)]

    passes = compiled(pattern, "sqs")
    assert passes({"messageId": "1", "body": json.dumps(body)}) is oracle(pattern, {"messageId": "1", "body": body})
    assert passes({"messageId": "1", "body": f" {json.dumps(body)}x"}) is False
