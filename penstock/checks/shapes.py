"""Reads properties of whatever shape: what has another one than it should counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def object_at(value: Any, *names: str) -> dict[str, Any]:
    """The object that the names lead to, one below the other; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def objects_at(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in the list under a name."""
    listed = value.get(name)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def listed(value: Any) -> list[Any]:
    """A list; one value alone is a list of it, and nothing an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
