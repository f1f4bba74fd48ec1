"""The parts of a case: read strictly, since what the runner does not know must fail the case and never be skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FORMAT = "penstock-conformance/1"

DESCRIPTION_KEYS = frozenset({"id", "kind", "about", "features", "evidence", "seen_on"})
"""Keys of every case that say nothing about behaviour."""


class CaseNotUnderstood(Exception):
    """A case has a key or a value that the runner does not know."""


def mapping_of(value: Any, where: str) -> Mapping[str, Any]:
    """Give a value that must be an object."""
    if not isinstance(value, dict):
        raise CaseNotUnderstood(f"{where} is no object: {value!r}")
    return value


def list_of(value: Any, where: str) -> list[Any]:
    """Give a value that must be a list."""
    if not isinstance(value, list):
        raise CaseNotUnderstood(f"{where} is no list: {value!r}")
    return value


def integer_of(value: Any, where: str) -> int:
    """Give a value that must be a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise CaseNotUnderstood(f"{where} is no whole number: {value!r}")
    return int(value)


def text_of(value: Any, where: str) -> str:
    """Give a value that must be text."""
    if not isinstance(value, str):
        raise CaseNotUnderstood(f"{where} is no text: {value!r}")
    return value


def flag_of(value: Any, where: str) -> bool:
    """Give a value that must be true or false."""
    if not isinstance(value, bool):
        raise CaseNotUnderstood(f"{where} is neither true nor false: {value!r}")
    return value


def refs_of(value: Any, where: str) -> list[str]:
    """Give a list of refs; one ref alone is a list of one."""
    if isinstance(value, str):
        return [value]
    return [text_of(ref, where) for ref in list_of(value, where)]


def one_of(value: Any, known: Iterable[str], where: str) -> str:
    """Give a value that must be one of those known."""
    text = text_of(value, where)
    if text not in known:
        raise CaseNotUnderstood(f"{where} is unknown: {text!r}")
    return text


def only_keys(part: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse a part with other keys than those known."""
    unknown = sorted(set(part) - set(known))
    if unknown:
        raise CaseNotUnderstood(f"{where} has unknown keys: {', '.join(unknown)}")
