"""When an alarm goes off, and whom it tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stacks.refusal import require

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
        require(
            60 <= self.iterator_age_seconds <= 3_600,
            f"iterator_age_seconds must be 60 to 3600, not {self.iterator_age_seconds}: "
            "a stream forgets after 24 hours, and an hour is the latest to begin",
        )
        for name, percent in (
            ("concurrency_percent", self.concurrency_percent),
            ("dead_letter_age_percent", self.dead_letter_age_percent),
        ):
            require(
                1 <= percent <= 95,
                f"{name} must be 1 to 95, not {percent}: at the limit itself the harm is done",
            )
        require(
            self.minimum_polled >= 1,
            f"minimum_polled must be at least 1, not {self.minimum_polled}: of no record every share is filtered out",
        )
        require(
            1 <= self.api_latency_ms <= 29_000,
            f"api_latency_ms must be 1 to 29000, not {self.api_latency_ms}: the API hangs up after 30 s",
        )
        require(
            self.api_server_errors >= 1,
            f"api_server_errors must be at least 1, not {self.api_server_errors}: no error is no alarm",
        )

    @property
    def failing_periods(self) -> int:
        """How many periods of an alarm make up `failing_minutes`."""
        return self.failing_minutes // PERIOD_MINUTES
