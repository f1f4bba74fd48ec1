from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyKeyError,
)

from effects.idempotency import KEPT_SECONDS, OnceOnly, once_only


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request, its business identity, and what is not part of it."""

    identity: str
    request_id: str = ""


class Effect:
    """An effect that remembers what it was asked for, and can fail or die."""

    def __init__(self) -> None:
        self.performed: list[str] = []
        self.error: BaseException | None = None
        self.dies_after = False

    def perform(self, request: Request) -> str:
        """Take effect, unless it fails."""
        if self.error:
            raise self.error
        self.performed.append(request.identity)
        if self.dies_after:
            raise KeyboardInterrupt
        return f"result of {request.identity}"


@pytest.fixture
def effect() -> Effect:
    """An effect outside DynamoDB."""
    return Effect()


@pytest.fixture
def wrap(tables: Any) -> Callable[..., OnceOnly[Request]]:
    """Wrap an effect over the idempotency table."""

    def make(effect: Effect, name: str = "effect") -> OnceOnly[Request]:
        return once_only(
            effect.perform, key=lambda one: one.identity, name=name, client=tables.client, table="Idempotency"
        )

    return make


def test_repetition_gets_the_result_of_the_first_time(wrap: Any, effect: Effect, context: Any) -> None:
    """The identity counts, not what else the request says, and not who wraps the effect."""
    first = wrap(effect)(Request(identity="a", request_id="1"), context)

    assert wrap(effect)(Request(identity="a", request_id="2"), context) == first == "result of a"
    assert effect.performed == ["a"]


def test_two_effects_do_not_take_each_other_for_done(wrap: Any, effect: Effect, context: Any) -> None:
    """Each has a layer and a prefix of its own, so that one key may be performed by both."""
    one, other = wrap(effect, "one"), wrap(effect, "other")

    for once in (one, other, one, other):
        once(Request(identity="a"), context)
    assert effect.performed == ["a", "a"]


def test_fails_when_there_is_no_key(wrap: Any, effect: Effect, context: Any) -> None:
    """Without identity nothing is performed, instead of everything."""
    with pytest.raises(IdempotencyKeyError):
        wrap(effect)(Request(identity=""), context)

    assert effect.performed == []


def test_failed_effect_is_forgotten(wrap: Any, effect: Effect, tables: Any, context: Any) -> None:
    """The next try performs it."""
    once = wrap(effect)
    effect.error = ConnectionError()
    with pytest.raises(ConnectionError):
        once(Request(identity="a"), context)
    assert tables.items("Idempotency") == []
    effect.error = None

    assert once(Request(identity="a"), context) == "result of a"


@pytest.mark.parametrize("dies_after", [True, False])
@pytest.mark.parametrize("remaining_ms", [20_000, -1])
def test_lock_of_a_dead_invocation_ends_with_its_time(
    *, wrap: Any, effect: Effect, context: Any, dies_after: bool, remaining_ms: int
) -> None:
    """While it may still run, repetitions fail; then the effect is performed, a second time if it had been."""
    once = wrap(effect)
    context.remaining_ms = remaining_ms
    effect.dies_after, effect.error = dies_after, None if dies_after else KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        once(Request(identity="a"), context)
    effect.dies_after, effect.error = False, None

    if remaining_ms > 0:
        with pytest.raises(IdempotencyAlreadyInProgressError):
            once(Request(identity="a"), context)
    else:
        once(Request(identity="a"), context)
    assert len(effect.performed) == dies_after + (remaining_ms < 0)


def test_lock_and_result_say_how_long_they_hold(wrap: Any, effect: Effect, tables: Any, context: Any) -> None:
    """The lock as long as the invocation may run, the result as long as a queue keeps a message."""
    context.remaining_ms = 20_000
    wrap(effect)(Request(identity="a"), context)
    [record] = tables.items("Idempotency")
    began_at_ms = (int(record["expiration"]) - KEPT_SECONDS) * 1_000

    assert record["status"] == "COMPLETED"
    assert abs(int(record["in_progress_expiration"]) - began_at_ms - 20_000) < 5_000
