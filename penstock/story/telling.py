"""A story as lines to read, or as a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from penstock.mapping.story import clock_time
from penstock.story.step import Step
from penstock.terminal import Paint

PLAIN = Paint()
FINE = frozenset({"", "done", "taken", "in flight"})
"""The outcomes that nobody needs to look at."""
CONDITIONS = frozenset({"RetryAttemptsExhausted", "RecordAgeExceeded", "RetriesExhausted", "EventAgeExceeded"})
"""Why a destination is told of a failure."""
_ATTRIBUTES = tuple(field.name for field in fields(Step) if field.name != "steps")


def lines_of(story: Step, *, paint: Paint = PLAIN) -> list[str]:
    """One line a step: the first with its time of day (UTC), the others with theirs after it, indented by depth."""
    root = f"{clock_time(story.at_ms)}  {_shown(story, paint)}"
    return [root, *(line for step in story.steps for line in _lines(step, story.at_ms, 0, paint))]


def _lines(step: Step, origin_ms: int, depth: int, paint: Paint) -> Iterator[str]:
    after = f"{step.at_ms - origin_ms:+,} ms".rjust(12).replace(",", " ")
    yield f"{after}  {'  ' * depth}{_shown(step, paint)}"
    for inner in step.steps:
        yield from _lines(inner, origin_ms, depth + 1, paint)


def _shown(step: Step, paint: Paint) -> str:
    if step.faults:
        return paint.doubtful(step.text)
    return step.text if step.outcome in FINE and step.reason not in CONDITIONS else paint.bad(step.text)


def document(story: Step, *, origin_ms: int | None = None) -> dict[str, Any]:
    """A step as a JSON object: its attributes, those that are empty left out, ``after_ms``, and ``steps`` likewise."""
    origin = story.at_ms if origin_ms is None else origin_ms
    told = {name: value for name in _ATTRIBUTES if (value := getattr(story, name)) or value is False}
    told |= {"at_ms": story.at_ms, "after_ms": story.at_ms - origin}
    if story.steps:
        told["steps"] = [document(step, origin_ms=origin) for step in story.steps]
    return told
