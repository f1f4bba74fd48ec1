"""What the fault log proves: which oddities in the outcome were made on purpose, and which were not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from penstock.cloud.faults.log import Strike

NOTIFY = "Notify"
ENRICH = "Enrich"
_CRASHES = frozenset({"process-killed", "response-lost"})
_REFUSALS = frozenset({"error", "throttle", "invocation-failed"})


def crashes_between_publish_and_completion(strikes: Sequence[Strike], event_id: str) -> int:
    """How often `notify` may have published this event without knowing it: each time may make one notification more.

    Either the publish took effect and its answer was lost, with the process or without, or the idempotency record of
    this very event was not seen to be completed.
    """
    if not event_id:
        return 0
    record = completion_key(event_id)
    return sum(
        strike.victim == NOTIFY
        and strike.kind in _CRASHES
        and (
            (strike.operation == "Publish" and event_id in strike.text and strike.moment != "before")
            or (strike.operation == "UpdateItem" and record in strike.text)
        )
        for strike in strikes
    )


def completion_key(event_id: str) -> str:
    """The id of the idempotency record of a notification, as Powertools makes it of prefix and identity."""
    return f"notification#{sha256(json.dumps(event_id).encode()).hexdigest()}"


def refused_receives(strikes: Sequence[Strike], order_id: str) -> int:
    """How many invocations of `enrich` were kept from judging this order.

    A fault refused the order itself, or killed the process while the order was in its batch.
    """
    return len(
        {
            strike.request_id
            for strike in strikes
            if strike.victim == ENRICH
            and (
                (strike.kind in _REFUSALS and _names(strike.text, order_id))
                or (strike.kind == "process-killed" and _names(strike.batch, order_id))
            )
        }
    )


def _names(text: str, order_id: str) -> bool:
    """Whether a text names an order, in JSON or in JSON within a text of JSON."""
    return f'"{order_id}"' in text.replace("\\", "")
