"""Holds a JSON document against the descriptions of its fields (`penstock.cli.fields` has the notation)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.cli.fields import Fields

Trail = tuple[str, ...]
ELEMENT = "[]"
ANYTHING_BELOW = "…"


def undescribed(document: Any, fields: Fields) -> set[str]:
    """The fields of a document that no description fits."""
    described = [_parsed(path) for path in fields]
    return {
        ".".join(trail)
        for trail, whole in _trails(document, ())
        if not any(_fits(path, trail, whole=whole) for path in described)
    }


def unused(documents: list[Any], fields: Fields) -> set[str]:
    """The descriptions that fit no field of any document."""
    trails = [trail for document in documents for trail, whole in _trails(document, ()) if whole]
    return {path for path in fields if not any(_fits(_parsed(path), trail, whole=True) for trail in trails)}


def _parsed(path: str) -> Trail:
    """Take a path apart: ``a.b[].c…`` is a, b, [], c, and anything below."""
    parsed: list[str] = []
    for part in path.split("."):
        name = part.removesuffix(ANYTHING_BELOW)
        parsed += [name.removesuffix(ELEMENT)] + [ELEMENT] * name.endswith(ELEMENT)
        parsed += [ANYTHING_BELOW] * part.endswith(ANYTHING_BELOW)
    return tuple(part for part in parsed if part)


def _trails(value: Any, above: Trail) -> Iterator[tuple[Trail, bool]]:
    """The way to each value, and whether it is one; what is empty has a way that might lead on."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _trails(inner, (*above, name))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _trails(inner, (*above, ELEMENT))
    else:
        yield above, not isinstance(value, (dict, list))


def _fits(path: Trail, trail: Trail, *, whole: bool) -> bool:
    """Whether a description is that of a field, or of something below what is empty."""
    if ANYTHING_BELOW in path:
        path = path[:-1]
        trail = trail[: len(path)]
    if len(path) < len(trail) or (whole and len(path) > len(trail)):
        return False
    return all(_same(part, name) for part, name in zip(path, trail, strict=False))


def _same(part: str, name: str) -> bool:
    return part == name or (part.startswith("<") and part.endswith(">") and name != ELEMENT)
