"""What befalls one request of a function, and how the source hands its records over again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ANSWER = "answer"
"""The name of what is no request: an invocation's answer on its way to the event source."""


class Layout(StrEnum):
    """How a source hands out a history: by itself, with what changes the batches afterwards, from two shards."""

    PLAIN = "plain"
    OTHER_BATCHES = "other batches"
    TWO_SHARDS = "two shards"


class Fault(StrEnum):
    """One fault, which strikes one request of a run."""

    DIED_BEFORE = "died before"
    """The execution environment dies and the request is never sent."""

    DIED_AFTER = "died after"
    """The request takes effect, and the execution environment dies before it reads the response."""

    RESPONSE_LOST = "response lost"
    """The request takes effect, its response does not arrive, and boto3 sends it again."""

    NEVER_ANSWERED = "never answered"
    """The same at each of boto3's tries."""

    THROTTLED = "throttled"
    """The request is refused once, and boto3 sends it again."""

    THROTTLED_FOR_LONG = "throttled for long"
    """The same at each of boto3's tries."""

    ENTRY_THROTTLED = "entry throttled"
    """Of a batch call, the first entry is refused and the others take effect."""

    REDELIVERED = "other batches"
    """Died after, and what comes back is cut into other batches, among other records."""

    TWO_SHARDS = "two shards"
    """Two halves of the history at once: one stands before the request while the other is handled to its end."""

    TWO_SHARDS_DIED = "two shards, died"
    """The same, and the one that stood there dies once the request has taken effect."""

    ZOMBIE = "zombie"
    """The invocation stands before the request, times out, everything is delivered again, then it goes on."""

    @property
    def layout(self) -> Layout:
        """The layout of the history that this fault is about."""
        match self:
            case Fault.REDELIVERED:
                return Layout.OTHER_BATCHES
            case Fault.TWO_SHARDS | Fault.TWO_SHARDS_DIED:
                return Layout.TWO_SHARDS
            case _:
                return Layout.PLAIN

    def can_strike(self, name: str, *, has_entries: bool) -> bool:
        """Whether there is such a case for a request; an answer can be lost, that is all."""
        if name == ANSWER:
            return self in (Fault.DIED_BEFORE, Fault.REDELIVERED)
        return has_entries or self is not Fault.ENTRY_THROTTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault and the request that it strikes, counted from 1 in the order of the undisturbed run."""

    fault: Fault
    number: int
