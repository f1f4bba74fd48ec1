"""The event bus: changes of orders are published, several a call.

Rung: none of its own, at least once. The bus knows no idempotency key, so a repeated entry is a second event; it
carries the same `detail.eventId`, and consumers key on that or on the version.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from effects.clients import EventBridgeClient
from orders.change import SOURCE, OrderChanged

MAX_ENTRIES = 10
"""Most entries of one PutEvents call (source: "PutEvents", API reference)."""

MAX_CALL_BYTES = 1024 * 1024
"""Most bytes of all entries of one call (source: "PutEvents", API reference; 256 KB before January 2026)."""

MAX_ENTRY_BYTES = MAX_CALL_BYTES // MAX_ENTRIES
"""Our choice: a snapshot has no lines and stays under 1 KB; with this bound no ten entries make a call too large."""


class EntryTooLarge(ValueError):
    """A change does not fit into its share of a call; the API writes no such order, and trying again is useless."""


class EntryRefused(RuntimeError):
    """The bus took the call but not this entry, mostly by throttling; it may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """The bus under its name, spoken to through an EventBridge client."""

    client: EventBridgeClient
    name: str

    def entry(self, change: OrderChanged) -> dict[str, str]:
        """Write a change as an entry of a call. No call; raises `EntryTooLarge`."""
        detail = json.dumps(change.detail(), separators=(",", ":"))
        size_bytes = len(SOURCE) + len(change.name) + len(detail)
        if size_bytes > MAX_ENTRY_BYTES:
            raise EntryTooLarge(f"an entry of {size_bytes} bytes is over {MAX_ENTRY_BYTES}")
        return {"EventBusName": self.name, "Source": SOURCE, "DetailType": change.name, "Detail": detail}

    def publish(self, entries: Sequence[dict[str, str]]) -> list[EntryRefused | None]:
        """Publish 1 to 10 entries, of one order at most one, and answer for each in their order. 1 call.

        The bus does not keep the order of the entries of a call, hence one entry an order.
        """
        answer = self.client.put_events(Entries=entries)
        return [EntryRefused(entry["ErrorCode"]) if entry.get("ErrorCode") else None for entry in answer["Entries"]]
