"""What a repair is: a name, the behaviour of DynamoDB that it gives back, and what it puts in place of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

NowMs = Callable[[], int]

Patch = tuple[Any, str, Callable[[Any], Any]]
"""(class or module of moto, attribute, replacement made of what stands there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One repair; ``patches`` gets the application's clock, in milliseconds since the epoch."""

    name: str
    behaviour: str
    patches: Callable[[NowMs], Iterable[Patch]]


def instead(replacement: Any) -> Callable[[Any], Any]:
    """A replacement that does not use what it replaces."""
    return lambda _: replacement


def invalid(message: str) -> Exception:
    """moto's form of a ``ValidationException``."""
    from moto.dynamodb.exceptions import MockValidationException

    refusal: Exception = MockValidationException(message)
    return refusal
