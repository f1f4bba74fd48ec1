"""What happened to a shard or a queue, remembered cheaply and told when asked."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime


class Story:
    """The last steps, oldest first; each is kept unformatted until somebody reads it."""

    __slots__ = ("_steps",)

    def __init__(self, length: int) -> None:
        self._steps: deque[tuple[int, str, tuple[object, ...]]] = deque(maxlen=length)

    def tell(self, now_ms: int, sentence: str, *details: object) -> None:
        """Remember a step: a sentence with a ``{}`` for each detail."""
        self._steps.append((now_ms, sentence, details))

    def lines(self, subject: str) -> list[tuple[int, str]]:
        """Give the steps as (instant, line), to be merged with others by instant."""
        return [
            (at_ms, f"{clock_time(at_ms)} {subject}: {sentence.format(*details)}")
            for at_ms, sentence, details in self._steps
        ]


def clock_time(at_ms: int) -> str:
    """The time of day of an instant (UTC), to the millisecond."""
    at = datetime.fromtimestamp(at_ms // 1_000, tz=UTC)
    return f"{at.strftime('%H:%M:%S')}.{at_ms % 1_000:03d}"
