"""Patterns and records made to do harm: none runs code, none takes for ever, none raises what it should not."""

from __future__ import annotations

import json
import re
import sys
from collections import OrderedDict
from types import CodeType, FunctionType, MappingProxyType
from typing import Any

import pytest

from penstock.mapping.filters import InvalidPattern, compile_pattern, parse
from penstock.mapping.filters.compiler import compile_rules
from penstock.mapping.filters.selection import Selection
from penstock.mapping.filters.wildcard import wildcard_test

NASTY = [
    "__import__('os').system('false')",
    "'; raise SystemExit; '",
    '"); raise SystemExit #',
    '"""',
    "\\",
    "\n    raise SystemExit\n",
    "\0",
    "{0.__class__}",
    "%s",
    "__class__",
    "__builtins__",
    "__globals__",
    "get",
    "r",
    "f",
    "k0",
    "v1",
    "a\ud800b",
    "\u2028",
    "${x}",
    "None",
    "True",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_text_is_a_name_or_a_value_and_nothing_else(nasty: str) -> None:
    """Keys and texts that look like code are compared, not run."""
    pattern = {
        nasty: {nasty: [nasty, {"prefix": nasty}, {"suffix": {"equals-ignore-case": nasty}}]},
        "x": [{"anything-but": [nasty]}],
    }
    test = compile_pattern(json.dumps(pattern), source="event-bus")

    assert test({nasty: {nasty: nasty}, "x": "y"}) is True
    assert test({nasty: [{nasty: [nasty]}], "x": "y"}) is True
    assert test({nasty: {nasty: nasty}, "x": nasty}) is False
    assert test({nasty: {"other": nasty}, "x": "y"}) is False


def names_in(code: CodeType) -> set[str]:
    """Collect all names that a function can reach."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_names, *code.co_varnames}.union(*(names_in(nested) for nested in inner))


@pytest.mark.parametrize("source", ["dynamodb", "sqs", "event-bus"])
def test_compiled_function_names_only_what_is_its_own(source: Any) -> None:
    """The function has no builtins, calls no attribute but `get`, and no name comes from the pattern."""
    leaf = [*NASTY, 1, None, {"exists": False}, {"wildcard": "a*"}, {"numeric": [">", 1]}, {"cidr": "10.0.0.0/8"}]
    pattern = {"dynamodb": {name: {"x": leaf, "y": {"z": ["1"]}} for name in NASTY}, "$or": [{"a": leaf}, {"b": leaf}]}
    test = compile_rules(parse(json.dumps(pattern)).rules[:1] + parse('{"a":{"b":["1"]}}').rules, source=source)

    assert isinstance(test, FunctionType)
    assert test.__code__.co_filename == "<filter>"
    written = [
        thing for thing in test.__globals__.values() if isinstance(thing, FunctionType) and thing.__module__ is None
    ]
    written += [
        thing
        for thing in test.__globals__.values()
        if getattr(thing, "__code__", test.__code__).co_filename == "<filter>"
    ]
    functions = [thing for thing in written if isinstance(thing, FunctionType)]
    assert len(functions) > 5
    allowed = re.compile(r"[abefgr]|[kv]\d+|get")
    assert [name for function in functions for name in names_in(function.__code__) if not allowed.fullmatch(name)] == []
    assert getattr(test, "__builtins__", None) == {}
    assert test.__globals__["__builtins__"] == {}


def test_many_alternatives_and_many_conditions_are_taken() -> None:
    """Thousands of entries and hundreds of keys compile and match."""
    values = [f"value-{number}" for number in range(20_000)]
    test = compile_pattern(json.dumps({"a": {"b": values}}), source="event-bus")
    prefixes = compile_pattern(json.dumps({"a": [{"prefix": value} for value in values[:2_000]]}), source="event-bus")
    keys = {f"k{number}": {"x": [str(number)]} for number in range(2_000)}
    every = compile_pattern(json.dumps(keys), source="event-bus")

    assert test({"a": {"b": "value-19999"}}) is True
    assert test({"a": {"b": ["none", "value-7"]}}) is True
    assert test({"a": {"b": "value-20000"}}) is False
    assert prefixes({"a": "value-1999-and-more"}) is True
    assert every({key: {"x": value["x"][0]} for key, value in keys.items()}) is True
    assert every({key: {"x": "0"} for key in keys}) is False


@pytest.mark.parametrize("depth", [101, 5_000, 100_000])
@pytest.mark.parametrize(
    "text", ['{"a":', '{"$or":[{"b":["1"]},{"a":', '{"$or":[{"b":["1"]},', '{"a":[', "[", '{"a.a":']
)
def test_fails_when_a_pattern_nests_too_deep(text: str, depth: int) -> None:
    """Depth is refused with words, never by the interpreter."""
    open_close = text.replace('{"b":["1"]},', "")
    closing = "".join({"{": "}", "[": "]"}[sign] for sign in reversed(open_close) if sign in "{[")

    with pytest.raises(InvalidPattern) as caught:
        compile_pattern(text * depth + '["x"]' + closing * depth, source="event-bus")

    assert caught.value.reason


@pytest.mark.parametrize("depth", [100, 300, 400])
def test_fails_when_or_nests_too_deep(depth: int) -> None:
    """Alternatives within alternatives count as levels."""
    text = '{"$or":[{"b":["1"]},' * depth + '{"c":["x"]}' + "]}" * depth

    with pytest.raises(InvalidPattern, match="deeper than 100 levels"):
        compile_pattern(text, source="event-bus")


def test_pattern_of_a_hundred_levels_is_taken() -> None:
    """The limit itself is within bounds, nested and dotted, compiled from a deep stack too."""
    record: Any = "x"
    for _ in range(100):
        record = {"a": record}
    nested = '{"a":' * 100 + '["x"]' + "}" * 100

    assert compile_pattern(nested, source="event-bus")(record) is True
    assert compile_pattern(json.dumps({".".join("a" * 100): ["x"]}), source="event-bus")(record) is True
    with pytest.raises(InvalidPattern):
        compile_pattern(json.dumps({".".join("a" * 101): ["x"]}), source="event-bus")


def test_compiling_on_a_nearly_full_stack_still_gives_a_test() -> None:
    """Where Python cannot compile any more, the general matcher answers."""
    text = '{"a":{"b":{"c":{"d":{"e":{"f":{"g":["x"]}}}}}}}'
    rules = parse(text).rules

    def at(depth: int) -> Any:
        return at(depth - 1) if depth else compile_rules(rules, source="event-bus")

    compiled = []
    for depth in range(sys.getrecursionlimit() - 300, sys.getrecursionlimit(), 3):
        try:
            compiled.append(at(depth))
        except RecursionError:
            break

    record = {"a": {"b": {"c": {"d": {"e": {"f": {"g": "x"}}}}}}}
    assert all(test(record) is True and test({}) is False for test in compiled)
    assert len({test.__code__.co_filename for test in compiled}) == 2


def test_wildcards_take_one_pass() -> None:
    """Values made to backtrack are answered at once."""
    value = "a" * 200_000

    assert compile_pattern('{"x":[{"wildcard":"*a*a*a*b"}]}', source="event-bus")({"x": value}) is False
    assert compile_pattern('{"x":[{"wildcard":"a*ab*"}]}', source="event-bus")({"x": value}) is False
    assert wildcard_test("*".join(["", *["a" * 500 + "b"] * 100, ""]))(value) is False
    assert wildcard_test("*".join(["", *["a"] * 100_000, ""]))(value) is True


def test_ignoring_case_takes_one_pass() -> None:
    """Letters with two forms are not tried in all combinations."""
    text = "ßaéſ" * 1_000
    test = compile_pattern(json.dumps({"x": [{"suffix": {"equals-ignore-case": text}}]}), source="event-bus")

    assert test({"x": "SSAÉS" * 1_000}) is True
    assert test({"x": "z" * 100_000 + "SSAÉS" * 999}) is False


def test_wildcards_of_many_states_are_refused_or_taken_without_delay() -> None:
    """Judging complexity is bounded, whatever the wildcards."""
    long = "".join(f"*{chr(0x4E00 + number)}" for number in range(4))
    many = [f"{number}*x{number}*" for number in range(5)]

    with pytest.raises(InvalidPattern):
        compile_pattern(json.dumps({"x": [{"wildcard": text} for text in [long * 200, *many]]}), source="event-bus")
    with pytest.raises(InvalidPattern):
        parse(json.dumps({"x": [{"wildcard": f"{number:05}*"} for number in range(5_000)]}))


RECORDS: list[Any] = [
    None,
    7,
    "x",
    b"x",
    [],
    [{"a": {"b": "x"}}],
    (),
    object(),
    {},
    {"a": None},
    {"a": 7},
    {"a": "b"},
    {"a": b"b"},
    {"a": object()},
    {"a": ()},
    {"a": ({"b": "x"},)},
    {"a": {"b": object()}},
    {"a": {"b": [object(), b"x", {1, 2}]}},
    {"a": {"b": {"c": 1}}},
    {"a": [object(), {"b": float("nan")}, [[[]]]]},
    {"a": [[object()]]},
    {1: 2, None: 3, ("a",): 4},
    {"a": {1: "x"}},
    {"a.b": object()},
    {"a": {"b": {1, 2}}, "a.b": b"x"},
]
PATTERNS = [
    '{"a":{"b":["x"]}}',
    '{"a":{"b":["x","y",1]}}',
    '{"a":{"b":[true]}}',
    '{"a":{"b":[{"exists":true}]}}',
    '{"a":{"b":[{"numeric":[">",0]}]}}',
    '{"a":{"b":[{"anything-but":"y"}]}}',
    '{"a":{"b":[{"cidr":"10.0.0.0/8"}]}}',
    '{"a":{"b":{"c":["x"]}}}',
]


@pytest.mark.parametrize("source", ["dynamodb", "sqs", "event-bus"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_record_of_unexpected_types_does_not_pass(pattern: str, source: Any) -> None:
    """What is not JSON is no value: there is an answer, and it is no."""
    test = compile_pattern(pattern, source=source)
    general = Selection(parse(pattern).rules)
    nan = 19

    answers = [test(record) for record in RECORDS]
    assert answers == [general.passes(record) for record in RECORDS]
    assert [number for number, answer in enumerate(answers) if answer and number != nan] == []


def test_mappings_of_other_kinds_are_read() -> None:
    """A read-only or an ordered mapping is an object like any other at the top."""
    test = compile_pattern('{"a":{"b":["x"]}}', source="event-bus")

    assert test(MappingProxyType({"a": {"b": "x"}})) is True
    assert test(MappingProxyType({"a.b": "x"})) is True
    assert test(OrderedDict(a=OrderedDict(b="x"))) is True


@pytest.mark.parametrize("leaf", ['["x"]', '[{"exists":false}]', '[{"anything-but":"x"}]'])
def test_record_nested_deep_is_answered(leaf: str) -> None:
    """Arrays within arrays and objects within objects exhaust no stack."""
    array: Any = "x"
    for _ in range(3_000):
        array = [array]
    objects: Any = {"b": "x"}
    for _ in range(3_000):
        objects = {"a": [objects]}

    for pattern in (f'{{"a":{leaf}}}', f'{{"a":{{"b":{leaf}}}}}'):
        expected = compile_pattern(pattern, source="event-bus")
        for record in ({"a": array}, {"a": [array, {"b": array}]}, objects):
            assert expected(record) is Selection(parse(pattern).rules).passes(record)


def test_record_with_many_arrays_is_answered() -> None:
    """Many arrays with many elements each do not multiply."""
    elements = [{"x": "1", "y": "1"}] * 50 + [{"x": "2", "y": "2"}] * 50
    names = [f"k{number}" for number in range(8)]
    pattern = {name: {"x": ["1"], "y": ["2"], "z": [{"exists": False}]} for name in names}
    test = compile_pattern(json.dumps(pattern), source="event-bus")

    assert test({name: list(elements) for name in names}) is False
    assert test({name: [*elements, {"x": "1", "y": "2"}] for name in names}) is True


def test_record_with_a_long_array_is_answered() -> None:
    """An element among very many is found by what it lacks."""
    elements = [{"x": str(number), "y": {"z": ["1"]}, "gone": "1"} for number in range(5_000)]
    pattern = {"a": {"gone": [{"exists": False}], "x": [{"prefix": "1"}], "y": {"z": ["1"]}}}
    later = {"a": {"x": [{"prefix": "1"}], "y": {"z": ["1"], "zz": [{"exists": False}]}, "z": [{"exists": False}]}}
    seen = {"a": {"x": [{"prefix": "1"}], "y": {"z": ["1"]}, "zgone": [{"exists": False}]}}

    assert compile_pattern(json.dumps(pattern), source="event-bus")({"a": elements}) is False
    assert compile_pattern(json.dumps(later), source="event-bus")({"a": elements}) is True
    gone = [{**element, "zgone": "1"} for element in elements]
    assert compile_pattern(json.dumps(seen), source="event-bus")({"a": gone}) is False
    assert compile_pattern(json.dumps(seen), source="event-bus")({"a": [*gone, elements[1]]}) is True


def test_record_with_many_spellings_of_one_name_is_answered() -> None:
    """Four spellings of one name, each with an array, multiply up to a limit and then stop."""
    elements = [{"w": "1", "x": "1", "y": "2"}] * 60
    record = {"a.b.c": elements, "a.b": {"c": elements}, "a": {"b.c": elements, "b": {"c": elements}}}
    conditions = {"w": ["1"], "x": ["1"], "y": ["2"], "z": [{"exists": False}]}

    assert compile_pattern(json.dumps({"a": {"b": {"c": conditions}}}), source="event-bus")(record) is True
    elements.append({"z": "2"})
    conditions["z"] = ["1"]
    assert compile_pattern(json.dumps({"a": {"b": {"c": conditions}}}), source="event-bus")(record) is False
