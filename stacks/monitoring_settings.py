"""When an alarm goes off, and whom it tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stacks.refusal import require, require_at_least, require_range

PERIOD_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSettings:
    """The thresholds of one stage's alarms, and the address that they reach."""

    # None leaves the topic without a subscription of ours.
    alarm_address: str | None
    # Errors, throttles and slowness count when they last so long: what is shorter, retries mend.
    failing_minutes: int
    iterator_age_seconds: int
    # Of the reserved concurrency, and of the account's: the rest is the time to act.
    concurrency_percent: int
    # Of its retention, the share after which a dead letter is about to be lost.
    dead_letter_age_percent: int
    # Records read in an hour below which a filter that let none of them pass says nothing yet.
    minimum_polled: int
    api_latency_ms: int
    # 5xx answers in five minutes.
    api_server_errors: int

    def __post_init__(self) -> None:
        """Refuse thresholds that would never be reached, or only when it is too late."""
        require(
            self.alarm_address is None or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", self.alarm_address) is not None,
            f"alarm_address must be a mail address, not {self.alarm_address!r}: None lets alarms tell only "
            "who subscribes to their topic",
        )
        require(
            PERIOD_MINUTES <= self.failing_minutes <= 60 and self.failing_minutes % PERIOD_MINUTES == 0,
            f"failing_minutes must be 5 to 60 in steps of 5, not {self.failing_minutes}: alarms count periods of five",
        )
        require_range(
            60,
            3_600,
            "a stream forgets after 24 hours, and an hour is the latest to begin",
            iterator_age_seconds=self.iterator_age_seconds,
        )
        require_range(
            1,
            95,
            "at the limit itself the harm is done",
            concurrency_percent=self.concurrency_percent,
            dead_letter_age_percent=self.dead_letter_age_percent,
        )
        require_at_least(1, "of no record every share is filtered out", minimum_polled=self.minimum_polled)
        require_range(1, 29_000, "the API hangs up after 30 s", api_latency_ms=self.api_latency_ms)
        require_at_least(1, "no error is no alarm", api_server_errors=self.api_server_errors)

    @property
    def failing_periods(self) -> int:
        """How many periods of an alarm make up `failing_minutes`."""
        return self.failing_minutes // PERIOD_MINUTES
