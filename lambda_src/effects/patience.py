"""How long an invocation goes on trying: never so long that its timeout takes the answer with it."""

from collections.abc import Callable
from dataclasses import dataclass

RESERVE_MS = 3_000
"""Time kept for the answer: with less than this left nothing new is begun, since a timeout would report no progress at
all. Our choice: it covers one slow call."""

FIRST_PAUSE_MS = 50
LONGEST_PAUSE_MS = 1_600
MAX_PAUSES = 8
"""Our choice: 6 s of pauses at most, 3 s in the middle. The source brings back what is throttled for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The time an invocation has left, and how it waits: in seconds to sleep, with a random number from 0 to 1."""

    remaining_ms: Callable[[], int]
    sleep: Callable[[float], None]
    random: Callable[[], float]

    @property
    def is_over(self) -> bool:
        """Whether nothing new should be begun."""
        return self.remaining_ms() < RESERVE_MS

    def pause(self, number: int) -> bool:
        """Sleep before the `number`th repetition (from 1); False, without sleep, when it is no use.

        Twice as long each time, and a random part of it, so that those who were throttled together do not come back
        together (source: "Error retries and exponential backoff" of the DynamoDB developer guide).
        """
        pause_ms = self.random() * min(FIRST_PAUSE_MS * 2 ** (number - 1), LONGEST_PAUSE_MS)
        if number > MAX_PAUSES or self.remaining_ms() - pause_ms < RESERVE_MS:
            return False
        self.sleep(pause_ms / 1_000)
        return True
