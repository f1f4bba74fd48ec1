"""Says why a condition probably failed, and what to write instead: one small function a mistake, asked in turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from penstock.mapping.filters.matchers import AnythingBut, Equals, EqualsNumber, Exists, Numeric, is_number
from penstock.mapping.filters.pattern import Condition
from penstock.mapping.filters.written import written

TYPES = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
"""The keys that an attribute value may have. Source: AttributeValue, Amazon DynamoDB API Reference."""

IMAGES = {"NewImage": ("REMOVE", "OldImage"), "OldImage": ("INSERT", "NewImage")}
"""Image → the event that has none, and the image that it has. Source: StreamRecord, DynamoDB API Reference."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A condition that failed and what there was to see.

    `record` has its body decoded where `body` is "JSON"; `seen` are the values at the condition's path; `alone` says
    that the condition holds by itself, only not together with those before it.
    """

    condition: Condition
    record: Mapping[str, Any]
    seen: tuple[Any, ...]
    alone: bool
    body: str | None

    @cached_property
    def names(self) -> Sequence[str]:
        """The path, name by name."""
        return self.condition.path.split(".")

    @cached_property
    def walked(self) -> tuple[int, list[Any]]:
        """How many names of the path lead somewhere, and what stands where they end."""
        here: list[Any] = [self.record]
        for count, name in enumerate(self.names):
            below = [node[name] for node in _objects(here) if name in node]
            if not below:
                return count, here
            here = below
        return len(self.names), here

    @cached_property
    def keys_there(self) -> list[str]:
        """The keys of the objects at which the path ends, each once."""
        return list(dict.fromkeys(key for node in _objects(self.walked[1]) for key in node))

    @property
    def type_there(self) -> str:
        """The type of the attribute value at which the path ends, or nothing."""
        keys = self.keys_there
        in_record = "dynamodb" in self.record and self.walked[0] > 2
        return keys[0] if in_record and len(keys) == 1 and keys[0] in TYPES else ""

    @property
    def next_name(self) -> str:
        """The first name that leads nowhere, or nothing."""
        return (*self.names, "")[self.walked[0]]

    def wants(self, *kinds: type) -> bool:
        """Whether one of the matchers is of these kinds."""
        return any(isinstance(matcher, kinds) for matcher in self.condition.matchers)

    @property
    def texts_wanted(self) -> list[str]:
        """The texts that are asked for plainly."""
        equals = [matcher.value for matcher in self.condition.matchers if isinstance(matcher, Equals)]
        return [value for value in equals if isinstance(value, str)]


def hint(sight: Sight) -> str:
    """Give the first hint that fits; nothing when the values seen say all."""
    answers = (ask(sight) for ask in (_OF_ALL if not sight.seen else (*_OF_ALL[:2], *_OF_VALUES)))
    return next(filter(None, answers), "")


# --- whatever stands there -----------------------------------------------------------------------


def _elements(sight: Sight) -> str:
    return "it holds, but for no element of the array for which the conditions before it hold" if sight.alone else ""


def _body(sight: Sight) -> str:
    if sight.names[0] != "body" or sight.body is None:
        return ""
    inside = len(sight.names) > 1
    if sight.body == "text" and inside:
        return 'the body is no JSON: only an array fits it, such as "body": [{"prefix": "…"}]'
    if sight.body == "JSON" and not inside:
        return 'the body is JSON: only an object fits it, such as "body": {"key": ["…"]}'
    return ""


# --- nothing stands there ------------------------------------------------------------------------


def _root(sight: Sight) -> str:
    if sight.walked[0] or sight.next_name in sight.record:
        return ""
    if "dynamodb" in sight.record and sight.next_name in ("body", "data", "Keys", *IMAGES):
        rest = "NewImage" if sight.next_name in ("body", "data") else sight.next_name
        return f'a stream record has no {sight.next_name} at its root: write {{"dynamodb": {{"{rest}": …}}}}'
    if "body" in sight.record and sight.next_name in ("dynamodb", "data", "detail"):
        return f'a message has no {sight.next_name}: write {{"body": …}}'
    return ""


def _image(sight: Sight) -> str:
    if sight.names[0] != "dynamodb" or sight.walked[0] != 1 or sight.next_name not in IMAGES:
        return ""
    event, other = IMAGES[sight.next_name]
    if sight.record.get("eventName") == event:
        return f"{event} has no {sight.next_name}, only {other}"
    view = sight.record["dynamodb"].get("StreamViewType")
    return f"the stream carries {view}, and so no {sight.next_name}" if view else ""


def _spelling(sight: Sight) -> str:
    for key in sight.keys_there:
        if key.lower() == sight.next_name.lower():
            return f"names are case-sensitive: the record says {key}"
    return ""


def _type(sight: Sight) -> str:
    there = sight.type_there
    if not there:
        return ""
    if sight.next_name in TYPES:
        return f'the attribute is of type {there}, not {sight.next_name}: write "{there}"'
    if not sight.next_name and sight.wants(Exists):
        return f'exists looks at values, and this is an object: write {{"{there}": [{{"exists": true}}]}}'
    inner = json.dumps(written(sight.condition)) if not sight.next_name else f'{{"{sight.next_name}": …}}'
    return f'the type is missing: write {{"{there}": {inner}}}'


def _object(sight: Sight) -> str:
    if sight.next_name or not sight.keys_there:
        return ""
    return f"an object stands here, and conditions are met by values: it holds {', '.join(sight.keys_there)}"


def _absent(sight: Sight) -> str:
    if sight.wants(AnythingBut):
        return 'anything-but wants some value: add {"exists": false} if none will do'
    if not sight.keys_there:
        return ""
    place = ".".join(sight.names[: sight.walked[0]]) or "its root"
    return f"no {sight.next_name} there: at {place} the record holds {', '.join(sight.keys_there)}"


# --- other values stand there --------------------------------------------------------------------


def _presence(sight: Sight) -> str:
    only = len(sight.condition.matchers) == 1
    return '{"exists": false} wants that nothing stands here' if only and sight.wants(Exists) else ""


def _number_as_text(sight: Sight) -> str:
    texts = [value for value in sight.seen if isinstance(value, str) and _value(value) is not None]
    if not texts or not sight.wants(EqualsNumber, Numeric):
        return ""
    if sight.wants(Numeric):
        return (
            "numbers travel as text, which numeric never compares: list the values as texts, or decide in the function"
        )
    number = next(matcher.number for matcher in sight.condition.matchers if isinstance(matcher, EqualsNumber))
    leaf = f'"{sight.names[-1]}": ["{number.exact}"]'
    return f"numbers travel as text: write {leaf}"


def _text_as_value(sight: Sight) -> str:
    for value in sight.seen:
        if not isinstance(value, str) and _as_json(value) in sight.texts_wanted:
            return f"the record holds {_as_json(value)}, which is no text: write it without quotation marks"
    return ""


def _letters(sight: Sight) -> str:
    pairs = [(wanted, value) for wanted in sight.texts_wanted for value in sight.seen if isinstance(value, str)]
    for wanted, value in pairs:
        if wanted.lower() == value.lower():
            return 'upper and lower case differ: write it as the record does, or {"equals-ignore-case": …}'
        if wanted.strip() == value.strip():
            return "the spaces around it differ, and nothing is trimmed"
        number = _value(wanted)
        if number is not None and number == _value(value):
            return f'numbers are compared as text, and the record says "{value}"'
    return ""


_OF_ALL: Sequence[Callable[[Sight], str]] = (_elements, _body, _root, _image, _spelling, _type, _object, _absent)
_OF_VALUES: Sequence[Callable[[Sight], str]] = (_presence, _number_as_text, _text_as_value, _letters)


def _objects(nodes: list[Any]) -> Iterator[dict[str, Any]]:
    """Give the objects among some nodes and within their arrays."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield dict(node)
        elif isinstance(node, list):
            waiting.extend(reversed(node))


def _value(text: str) -> Decimal | None:
    """Read a number, or none."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _as_json(value: Any) -> str:
    return str(value) if is_number(value) else json.dumps(value)
