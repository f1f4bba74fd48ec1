"""A message of a simulated queue: where it is, and every receipt of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.mapping.inputs import QueueMessage

End = Literal["deleted", "dead-lettered"]
Whereabouts = Literal["open", "in flight", "backing off", "left", "released", "deleted"]
"""Where a receipt is: gathering, handed over, kept for another attempt, left to come back, made visible, deleted."""


@dataclass(slots=True, kw_only=True, eq=False)
class Sent:
    """A message; ``leased_until_ms`` is ``None`` while it is not in flight, ``end`` while it is in the queue."""

    number: int
    at_ms: int
    group: str | None
    relevant: bool
    body: str
    previous: Sent | None
    """The message of the group before it; in a standard queue none."""
    failures: int
    reports: bool
    receives: int = 0
    leased_until_ms: int | None = None
    end: End | None = None
    done: bool = False
    """Whether it was processed, or filtered out, under whatever receipt."""

    @property
    def message_id(self) -> str:
        """The id that the queue gave it."""
        return f"message-{self.number}"

    @property
    def receipt_handle(self) -> str:
        """The handle of the last receive."""
        return f"message-{self.number}#{self.receives}"


@dataclass(slots=True, kw_only=True, eq=False)
class Receipt:
    """One receive of a message, as the mapping holds it."""

    sent: Sent
    message: QueueMessage
    lease_ends_at_ms: int
    where: Whereabouts = "open"
    runs: int = 0
