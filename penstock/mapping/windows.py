"""Tumbling windows: bounds, state, and what they add to an event.

Rules (Implementing stateful DynamoDB stream processing in Lambda; captured on AWS in September 2026):

* the window of a record is its creation time rounded down to a multiple of the window, counted from the epoch;
* a window belongs to one shard; its first call is given ``{}``, each further one the state that the last successful
  answer returned; a failed or discarded call leaves it as it was;
* the final call has no records; what it returns is thrown away;
* a state over 1 MB ends the window early: a call with no records, both flags set and the whole state; later records
  of the same span open it anew with ``{}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from penstock.mapping.work import Purpose


def iso_seconds(at_ms: int) -> str:
    """Give an instant as ``YYYY-MM-DDTHH:MM:SSZ``, rounded down."""
    return datetime.fromtimestamp(at_ms // 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def window_start_ms(created_at_ms: int, window_ms: int) -> int:
    """Tell when the window of a record begins."""
    return created_at_ms // window_ms * window_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class TumblingWindow:
    """The open window of a shard; ``oversized`` says that its state is over the limit."""

    start_ms: int
    end_ms: int
    state: Any = field(default_factory=dict)
    oversized: bool = False

    def bounds(self) -> dict[str, str]:
        """Give ``start`` and ``end`` as the event has them."""
        return {"start": iso_seconds(self.start_ms), "end": iso_seconds(self.end_ms)}

    def extras(self, *, purpose: Purpose, shard_id: str, event_source_arn: str) -> Mapping[str, Any]:
        """Give what the event has beside ``Records``, in AWS's order."""
        return {
            "window": self.bounds(),
            "state": self.state,
            "shardId": shard_id,
            "eventSourceARN": event_source_arn,
            "isFinalInvokeForWindow": purpose != "records",
            "isWindowTerminatedEarly": purpose == "early",
        }

    def info(self, purpose: Purpose) -> Mapping[str, Any]:
        """Give the ``timeWindowInfo`` of an on-failure record."""
        return {
            "window": self.bounds(),
            "isFinalInvokeForWindow": purpose != "records",
            "isWindowTerminatedEarly": purpose == "early",
        }
