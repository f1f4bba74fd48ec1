"""Compiles patterns for a source; for queues it first decides how the body of a message is looked at.

| body | pattern for `body` | result |
|---|---|---|
| text | array | the text is filtered |
| text | object | dropped |
| JSON | object | the JSON is filtered |
| JSON | array | dropped |
| either | none | the other keys decide |

Source: Lambda guide, "Using event filtering with an Amazon SQS event source". What RFC 8259 takes for a whole text is
JSON, a lone number included; our reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from json.scanner import make_scanner
from typing import Any, Final, Never

from penstock.mapping.filters.compiler import compile_rules
from penstock.mapping.filters.parse import parse
from penstock.mapping.filters.pattern import Rule, Source

Test = Callable[[Mapping[str, Any]], bool]
"""Tells whether a record passes."""


def compile_filters(patterns: Sequence[str], *, source: Source) -> Test:
    """Compile filters of which one must match; without any, all records pass. InvalidPattern says what is wrong."""
    return _compiled(tuple(patterns), source) if patterns else _everything


def compile_pattern(text: str, *, source: Source) -> Test:
    """Compile one pattern; InvalidPattern says what is wrong with it."""
    return compile_filters((text,), source=source)


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...], source: Source) -> Test:
    """Compile filters, each set of them once: a simulation starts the same mapping in every world."""
    rules = [rule for text in patterns for rule in parse(text).rules]
    return _message_test(rules) if source == "sqs" else compile_rules(rules, source=source)


def _everything(record: Mapping[str, Any]) -> bool:  # noqa: ARG001 - a test takes a record
    return True


NOT_JSON: Final = object()
"""What stands for a body that is no JSON."""


def _no_constant(name: str) -> Never:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_JSON_BEGINS_WITH = frozenset('{["-0123456789tfn')
_SPACES = frozenset(" \t\n\r")
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_DECODER)  # type: ignore[arg-type]  # the stub is wrong


def decoded(body: object) -> Any:
    """Decode a body, or return `NOT_JSON`."""
    if not isinstance(body, str):
        return NOT_JSON
    try:
        if body[:1] in _JSON_BEGINS_WITH:
            value, end = _scan(body, 0)
            if end == len(body):
                return value
        elif body[:1] not in _SPACES:
            return NOT_JSON
        return _DECODER.decode(body)
    except (StopIteration, ValueError, RecursionError):
        return NOT_JSON


def _message_test(rules: Sequence[Rule]) -> Test:
    """Make the test of a message: one set of rules for bodies that are JSON, one for those that are not."""
    aside: list[Rule] = []
    as_text: list[Rule] = []
    as_json: list[Rule] = []
    for rule in rules:
        paths = [condition.path for condition in rule.conditions]
        text, inside = "body" in paths, any(path.startswith("body.") for path in paths)
        if not text and not inside:
            aside.append(rule)
        elif not inside:
            as_text.append(rule)
        elif not text:
            as_json.append(rule)
    if len(aside) == len(rules):
        return compile_rules(aside, source="sqs")
    text_test = compile_rules([*aside, *as_text], source="sqs")
    json_test = compile_rules([*aside, *as_json], source="sqs", body_given=True)

    def passes(record: Mapping[str, Any]) -> bool:
        if type(record) is not dict and not isinstance(record, Mapping):
            return False
        body = decoded(record.get("body"))
        if body is NOT_JSON:
            return text_test(record)
        return json_test(record, body)

    return passes
