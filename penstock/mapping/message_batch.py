"""Messages of a queue between their receipt and their batch.

Rules: received messages are leased until their visibility timeout ends; those that pass the filters gather until there
are BatchSize of them, until the batching window, which opens with the first, is over, or until the next would push the
event over 6 MB. With a window of 0 what one receive gave goes at once. A message whose lease has ended is forgotten:
the queue gives it to somebody again. A message of a group that has another in flight waits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import QueueConfiguration
from penstock.mapping.event import event_bytes
from penstock.mapping.inputs import QueueMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMessage:
    """A received message and the instant at which it becomes visible again."""

    message: QueueMessage
    lease_ends_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBatch:
    """Messages that are handed over together; ``waits`` counts the attempts at which the function did not run."""

    request_id: str
    messages: tuple[QueueMessage, ...]
    lease_ends_at_ms: int
    waits: int = 0

    @property
    def groups(self) -> set[str]:
        """The message groups in it; empty for a standard queue."""
        return {message.message_group_id for message in self.messages if message.message_group_id is not None}


class OpenMessages:
    """The batch that gathers, and what did not fit into the one before."""

    def __init__(self, *, configuration: QueueConfiguration, choices: Choices) -> None:
        self.closes_at_ms: int | None = None
        """When the batching window is over; ``None`` while it is not open."""
        self._leased: list[LeasedMessage] = []
        self._size = configuration.batch_size
        self._window_ms = configuration.maximum_batching_window_in_seconds * 1_000
        self._event_limit_bytes = choices.event_limit_bytes

    def __len__(self) -> int:
        return len(self._leased)

    @property
    def messages(self) -> list[QueueMessage]:
        """Every open message, in order."""
        return [leased.message for leased in self._leased]

    @property
    def room(self) -> int:
        """How many messages may be received to join the open ones."""
        return self._size - len(self._leased) if self._window_ms or not self._leased else 0

    def add(self, messages: tuple[QueueMessage, ...], lease_ends_at_ms: int) -> None:
        """Take messages that were received and pass the filters."""
        self._leased += [LeasedMessage(message=message, lease_ends_at_ms=lease_ends_at_ms) for message in messages]

    def close(self, now_ms: int, *, busy_groups: Collection[str]) -> tuple[LeasedMessage, ...]:
        """Give the next batch; empty while the messages gather or wait for their group."""
        self._leased = [leased for leased in self._leased if leased.lease_ends_at_ms > now_ms]
        if not self._leased:
            self.closes_at_ms = None
        ready = [leased for leased in self._leased if leased.message.message_group_id not in busy_groups]
        del ready[self._size :]
        fitting = self._fitting(ready)
        if not ready or (fitting == len(ready) < self._size and not self._gathered(now_ms)):
            return ()
        del ready[fitting:]
        taken = {leased.message.receipt_handle for leased in ready}
        self._leased = [leased for leased in self._leased if leased.message.receipt_handle not in taken]
        self.closes_at_ms = None
        return tuple(ready)

    def forget_groups(self, groups: Collection[str]) -> None:
        """Forget the messages of these groups: they come back after those that failed before them."""
        self._leased = [leased for leased in self._leased if leased.message.message_group_id not in groups]

    def clear(self) -> None:
        """Forget all."""
        self._leased = []
        self.closes_at_ms = None

    def _gathered(self, now_ms: int) -> bool:
        """Tell whether the batching window is over; open it, if it is not open."""
        if self.closes_at_ms is None:
            self.closes_at_ms = now_ms + self._window_ms
        return now_ms >= self.closes_at_ms

    def _fitting(self, ready: list[LeasedMessage]) -> int:
        """Tell how many of these messages fit into one event; at least one, if there is one."""
        room = self._event_limit_bytes - event_bytes(())
        needed = -1
        for index, leased in enumerate(ready):
            needed += 1 + leased.message.encoded_bytes
            if needed > room:
                return max(index, 1)
        return len(ready)
