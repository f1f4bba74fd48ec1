"""What a target of a rule gets of an event: all of it, a part, a constant, or a text made from parts.

Source: *Amazon EventBridge input transformation* (examples, common issues) and *InputTransformer* in the API reference.
A variable whose path leads nowhere does not appear: it is nothing inside a text and ``""`` elsewhere. Values are not
escaped, so that a quotation mark inside a text can break the JSON around it; such a delivery fails with the documented
INVALID_JSON. Where the pages are silent (our choice): an InputPath that leads nowhere gives ``null``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from penstock.cloud.engine import EngineError
from penstock.template.models import Rule, RuleTarget

INVALID_JSON = "INVALID_JSON"

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9._-]+)>")


def payload_of(target: RuleTarget, rule: Rule, event: Mapping[str, Any], *, ingested_at: str) -> str:
    """Make what a target gets; ``ingested_at`` is when the event came in, in ISO 8601. Raises `EngineError`."""
    if target.input is not None:
        return target.input
    if target.input_path is not None:
        return _text(at_path(event, target.input_path))
    if target.input_transformer is not None:
        return _transformed(target.input_transformer, rule, event, ingested_at)
    return _text(event)


def at_path(event: Mapping[str, Any], path: str) -> Any:
    """The value at a path (``$.detail.orderId``, ``$.resources[0]``, ``$.detail.lines[*].sku``), ``None`` for none."""
    return _follow(event, [(name, index) for name, index in _STEP.findall(path)])


def _follow(value: Any, steps: list[tuple[str, str]]) -> Any:
    for position, (name, index) in enumerate(steps):
        if name and isinstance(value, Mapping):
            value = value.get(name)
        elif index == "*" and isinstance(value, list):
            return [_follow(element, steps[position + 1 :]) for element in value]
        elif index.isdecimal() and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value


def _transformed(transformer: Mapping[str, Any], rule: Rule, event: Mapping[str, Any], ingested_at: str) -> str:
    """Fill the InputTemplate; JSON comes out minified."""
    values = {name: at_path(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": ingested_at,
    }
    template = str(transformer["InputTemplate"])

    def fill(match: re.Match[str]) -> str:
        value = values[match[1]] if values.get(match[1]) is not None else ""
        if not _inside_text(template, match.start()):
            return _text(value)
        return value if isinstance(value, str) else _text(value).replace('"', '\\"')

    filled = _PLACEHOLDER.sub(fill, template)
    if not template.lstrip().startswith(("{", "[")):
        return filled
    try:
        return _text(json.loads(filled))
    except ValueError as error:
        raise EngineError(INVALID_JSON, f"the InputTemplate, filled, is not JSON: {error}") from error


def _inside_text(template: str, position: int) -> bool:
    """Whether a place of a template lies between quotation marks, escaped ones not counted."""
    return template.replace('\\"', "  ").count('"', 0, position) % 2 == 1


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
