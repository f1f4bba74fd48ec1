"""Patterns of policies: ``*``, ``?`` and policy variables in actions, resources and condition values.

Source: IAM user guide, "IAM JSON policy elements: Resource" (a wildcard stays within its segment of the ARN, but
for the last one), "IAM policy elements: Variables and tags" (``${key}``, ``${key, 'default'}``, ``${*}``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

Context = Mapping[str, tuple[str, ...]]
"""Condition keys in lower case → their values; a key that the request does not have is absent."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL = frozenset("*?$")


def variables(pattern: str) -> Iterator[str]:
    """The condition keys that a pattern has variables for, in lower case."""
    for inner in _VARIABLE.findall(pattern):
        if inner not in _LITERAL:
            yield inner.partition(",")[0].strip().lower()


def text_matches(pattern: str, text: str, context: Context, *, fold: bool = False) -> bool:
    """Whether a text matches a pattern as a whole; ``fold`` ignores case."""
    filled = _filled(pattern, context)
    return filled is not None and _compiled(filled, False, fold).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str, context: Context) -> bool:
    """Whether an ARN matches a pattern of ARNs, segment by segment."""
    if pattern in ("*", arn):
        return True
    filled = _filled(pattern, context)
    return filled is not None and _compiled(filled, True, False).fullmatch(arn) is not None


def exact(pattern: str, context: Context) -> str | None:
    """A value without wildcards, its variables filled; ``None`` when one has no value."""
    filled = _filled(pattern, context)
    return None if filled is None else re.sub(r"\x00(.)", r"\1", filled)


def _filled(pattern: str, context: Context) -> str | None:
    """Put values in place of variables, each character of theirs marked as literal by a NUL before it."""
    if "${" not in pattern:
        return pattern
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        inner = match[1]
        if inner in _LITERAL:
            return f"\0{inner}"
        key, _, default = inner.partition(",")
        values = context.get(key.strip().lower())
        if values is None and not default:
            missing = True
            return ""
        return "".join(f"\0{letter}" for letter in (values[0] if values else default.strip().strip("'")))

    filled = _VARIABLE.sub(fill, pattern)
    return None if missing else filled


@functools.lru_cache(maxsize=4096)
def _compiled(filled: str, by_segment: bool, fold: bool) -> re.Pattern[str]:
    segments = filled.split(":", 5) if by_segment else [filled]
    parts = [_expression(segment, "[^:]") for segment in segments[:-1]]
    return re.compile(":".join([*parts, _expression(segments[-1], ".")]), re.DOTALL | (re.IGNORECASE if fold else 0))


def _expression(segment: str, any_character: str) -> str:
    """A regular expression for one segment."""
    found = []
    for literal, wildcard, rest in re.findall(r"\x00(.)|([*?])|([^\x00*?]+)", segment, re.DOTALL):
        found.append({"*": f"{any_character}*", "?": any_character}.get(wildcard) or re.escape(literal or rest))
    return "".join(found)
