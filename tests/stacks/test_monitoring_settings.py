"""Thresholds of alarms: each that would never be reached, or only when it is too late, is refused with its remedy."""

from dataclasses import replace
from typing import Any

import pytest

from stacks.settings import DEV


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alarm_address": "operator"}, r"alarm_address must be a mail address, not 'operator': None lets"),
        ({"failing_minutes": 7}, r"failing_minutes must be 5 to 60 in steps of 5, not 7: alarms count periods"),
        ({"failing_minutes": 65}, r"failing_minutes must be 5 to 60 in steps of 5, not 65"),
        ({"iterator_age_seconds": 3_601}, r"iterator_age_seconds must be 60 to 3600, not 3601: .* an hour is the"),
        ({"concurrency_percent": 100}, r"concurrency_percent must be 1 to 95, not 100: at the limit itself"),
        ({"dead_letter_age_percent": 96}, r"dead_letter_age_percent must be 1 to 95, not 96"),
        ({"minimum_polled": 0}, r"minimum_polled must be at least 1, not 0: of no record every share"),
        ({"api_latency_ms": 0}, r"api_latency_ms must be 1 to 29000, not 0: the API hangs up"),
        ({"api_server_errors": 0}, r"api_server_errors must be at least 1, not 0: no error is no alarm"),
    ],
)
def test_fails_when_a_threshold_is_of_no_use(changes: dict[str, Any], message: str) -> None:
    """What would ring at nothing, never, or too late is refused."""
    with pytest.raises(ValueError, match=message):
        replace(DEV.monitoring, **changes)


def test_failing_minutes_are_counted_in_periods() -> None:
    """A quarter of an hour is three periods of an alarm."""
    assert replace(DEV.monitoring, failing_minutes=15).failing_periods == 3
