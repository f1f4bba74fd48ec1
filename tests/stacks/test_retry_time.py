"""How long one bad record holds a shard, computed."""

from dataclasses import replace

import pytest

from stacks.retry_time import backoff_seconds, worst_retry_seconds
from stacks.settings import DEV, PROD, STAGES
from stacks.stage_settings import StageSettings

MAPPING = replace(DEV.relay_mapping, batch_size=100, retry_attempts=0)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (1, 0.2), (2, 0.6), (9, 102.2), (10, 162.2), (100, 102.2 + 91 * 60)]
)
def test_backoff_doubles_up_to_a_minute(attempts: int, seconds: float) -> None:
    """Each wait is twice the one before, until it is a minute long."""
    assert backoff_seconds(attempts) == pytest.approx(seconds)


def test_one_call_is_the_least() -> None:
    """Without attempts and without bisect the batch is given up after its only call."""
    assert worst_retry_seconds(MAPPING, timeout_seconds=30, bisect_batch_on_error=False) == 30


@pytest.mark.parametrize(("batch_size", "levels"), [(1, 0), (2, 1), (3, 2), (100, 7), (128, 7), (129, 8)])
def test_bisect_costs_two_calls_a_level(batch_size: int, levels: int) -> None:
    """A batch is halved until the bad record stands alone, and both halves are called."""
    mapping = replace(MAPPING, batch_size=batch_size)

    assert worst_retry_seconds(mapping, timeout_seconds=30, bisect_batch_on_error=True) == 30 * (2 * levels + 1)


def test_attempts_cost_calls_and_backoff() -> None:
    """Two attempts are three calls with 0.2 and 0.4 seconds between, rounded up."""
    mapping = replace(MAPPING, retry_attempts=2)

    assert worst_retry_seconds(mapping, timeout_seconds=30, bisect_batch_on_error=False) == 91


@pytest.mark.parametrize("settings", STAGES.values(), ids=STAGES)
def test_stages_leave_time_behind_a_bad_record(settings: StageSettings) -> None:
    """In each stage one bad record takes less than half of the record age, so those behind it are still young."""
    for name, mapping in settings.stream_mappings.items():
        seconds = worst_retry_seconds(
            mapping,
            timeout_seconds=settings.functions[name].timeout_seconds,
            bisect_batch_on_error=name == "relay",
        )

        assert seconds < mapping.max_record_age_seconds / 2, name


def test_an_outage_is_waited_out_in_prod() -> None:
    """Attempts that fail at once last longer than an hour there, since the back-off has grown to a minute."""
    assert backoff_seconds(PROD.relay_mapping.retry_attempts) > 3_600
