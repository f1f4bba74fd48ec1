"""Time to live: items whose time is over go, and the stream says that the service took them.

moto never deletes them. Source: Using time to live in DynamoDB (an item goes within a few days of its time, unless that
is more than five years ago; the record carries a userIdentity). Our choice: a sweep every ten minutes of the
application's clock, and 365 days for a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.cloud.clock import Clock
from penstock.cloud.streams import Stream

SWEEP_MS = 600_000
OLDEST_SECONDS = 5 * 365 * 86_400
"""A time that lies further back is none: mostly milliseconds cut short, days, or nothing."""


class TimeToLive:
    """The sweeps over one table."""

    def __init__(self, table: Any, *, attribute: str, clock: Clock, stream: Stream | None) -> None:
        """``table`` is moto's; ``attribute`` holds seconds since the epoch, as a number."""
        self._table = table
        self._attribute = attribute
        self._clock = clock
        self._stream = stream

    def start(self) -> None:
        """Sweep from now on, in the background."""
        next_ms = self._clock.now_ms() + SWEEP_MS
        self._clock.call_at(next_ms, self._sweep, background=True, name=f"time to live of {self._table.name}")

    def _sweep(self) -> None:
        now_seconds = self._clock.now_ms() / 1000
        expired = [item for item in self._table.all_items() if self._is_over(item.attrs, now_seconds)]
        for item in expired:
            if self._stream is None:
                self._table.delete_item(item.hash_key, item.range_key)
            else:
                with self._stream.written_by_time_to_live():
                    self._table.delete_item(item.hash_key, item.range_key)
        self.start()

    def _is_over(self, attributes: Mapping[str, Any], now_seconds: float) -> bool:
        expires = attributes.get(self._attribute)
        if expires is None or expires.type != "N":
            return False
        return 0 <= now_seconds - float(expires.value) <= OLDEST_SECONDS
