"""Settings: the stages that are there are legal, and each illegal value or combination is refused with its remedy."""

from dataclasses import replace
from typing import Any

import pytest

from stacks.settings import DEV, PROD, settings_of
from stacks.table_settings import Autoscaled, OnDemand, Provisioned

SCALED = Autoscaled(min_capacity=2, max_capacity=20, target_utilization_percent=70)


def test_stages_are_found_by_name() -> None:
    """The context names a stage; its settings answer."""
    assert settings_of("dev") is DEV
    assert settings_of("prod") is PROD


def test_fails_when_the_stage_is_unknown() -> None:
    """A stage that nobody defined is refused, with those that exist."""
    with pytest.raises(ValueError, match=r"unknown stage 'test': choose one of dev, prod, or add it to"):
        settings_of("test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"memory_size_mb": 64}, r"memory_size_mb must be 128 to 10240, not 64: choose"),
        ({"timeout_seconds": 901}, r"timeout_seconds must be 1 to 900, not 901: split"),
        ({"reserved_concurrent_executions": 0}, r"reserved_concurrent_executions must be at least 1, not 0: .* None"),
        (
            {"provisioned_concurrent_executions": 0},
            r"provisioned_concurrent_executions must be at least 1, not 0: None",
        ),
        (
            {"snap_start": True, "provisioned_concurrent_executions": 1},
            r"snap_start and provisioned_concurrent_executions=1 exclude each other: choose one",
        ),
        (
            {"reserved_concurrent_executions": 1, "provisioned_concurrent_executions": 2},
            r"provisioned_concurrent_executions=2 exceeds reserved_concurrent_executions=1: raise",
        ),
    ],
)
def test_fails_when_a_function_cannot_run_so(changes: dict[str, Any], message: str) -> None:
    """What Lambda does not offer for a function is refused."""
    with pytest.raises(ValueError, match=message):
        replace(DEV.enrich, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 10_001}, r"batch_size must be 1 to 10000, not 10001"),
        ({"max_batching_window_seconds": 301}, r"max_batching_window_seconds must be 0 to 300, not 301: .* shorter"),
        ({"parallelization_factor": 11}, r"parallelization_factor must be 1 to 10, not 11"),
        ({"retry_attempts": -1}, r"retry_attempts must be 0 to 10000, not -1: give it an end"),
        ({"max_record_age_seconds": 86_401}, r"max_record_age_seconds must be 60 to 86400, not 86401: .* 24 hours"),
    ],
)
def test_fails_when_a_stream_mapping_is_illegal_or_endless(changes: dict[str, Any], message: str) -> None:
    """What Lambda does not offer for a stream, and what would never end, is refused."""
    with pytest.raises(ValueError, match=message):
        replace(DEV.relay_mapping, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 10_001}, r"batch_size must be 1 to 10000, not 10001"),
        ({"max_batching_window_seconds": 301}, r"max_batching_window_seconds must be 0 to 300, not 301: .* shorter"),
        ({"batch_size": 11}, r"batch_size=11 needs a batching window: set max_batching_window_seconds to 1 or more"),
        ({"max_concurrency": 1}, r"max_concurrency must be 2 to 1000, not 1"),
        ({"max_receive_count": 4}, r"max_receive_count must be 5 to 1000, not 4: .* dead-letter queue"),
    ],
)
def test_fails_when_a_queue_mapping_is_illegal(changes: dict[str, Any], message: str) -> None:
    """What Lambda does not offer for a queue, and what would bury good messages, is refused."""
    with pytest.raises(ValueError, match=message):
        replace(DEV.notify_mapping, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": "Dev-1"}, r"stage must be a lower-case word .* not 'Dev-1'"),
        ({"runtime": "nodejs24.x"}, r"runtime must be a Python of Lambda such as python3.13, not 'nodejs24.x'"),
        ({"deletion_protection": True}, r"removal_policy='destroy' and deletion_protection=True contradict each other"),
        ({"point_in_time_recovery_days": 36}, r"point_in_time_recovery_days must be 1 to 35, not 36: None turns"),
        ({"removal_policy": "retain"}, r"removal_policy='retain' needs deletion_protection=True: what is worth"),
        (
            {"removal_policy": "retain", "deletion_protection": True},
            r"removal_policy='retain' needs point_in_time_recovery_days: .* set 1 to 35 days",
        ),
        (
            {"tables": replace(DEV.tables, orders=OnDemand(max_read_request_units=1, max_write_request_units=399))},
            r"tables.orders writes at most 399 units a second, but throttling_rate_limit=100 admits orders for 4 each",
        ),
        (
            {"tables": replace(DEV.tables, idempotency=Provisioned(read=SCALED, write=SCALED))},
            r"tables.idempotency writes at most 20 units a second, but .*: raise the first or lower the second",
        ),
        ({"account_concurrency": 9}, r"account_concurrency must be at least 10, not 9: so much has the newest"),
        (
            {"relay": replace(DEV.relay, reserved_concurrent_executions=4)},
            r"4 executions are reserved or provisioned, but of account_concurrency=10 Lambda keeps 100 unreserved",
        ),
        (
            {"api": replace(DEV.api, provisioned_concurrent_executions=2)},
            r"2 executions are reserved or provisioned, but of account_concurrency=10 Lambda keeps 100 unreserved",
        ),
        ({"expected_shards": 0}, r"expected_shards must be at least 1, not 0: a stream has one"),
        (
            {"enrich_mapping": replace(DEV.enrich_mapping, max_concurrency=6)},
            r"max_concurrency of the queues without a reservation adds up to 10, but only 10 executions of "
            r"account_concurrency=10 are unreserved, .*: lower it",
        ),
        (
            {"notify_mapping": replace(DEV.notify_mapping, max_batching_window_seconds=1)},
            r"batch_size=10 and max_batching_window_seconds=1 of notify let somebody wait: take 10 or less without",
        ),
        (
            {"enrich_mapping": replace(DEV.enrich_mapping, batch_size=11, max_batching_window_seconds=1)},
            r"batch_size=11 and max_batching_window_seconds=1 of enrich let somebody wait",
        ),
        (
            {"replicate_mapping": replace(DEV.replicate_mapping, max_receive_count=1_000), "queue_retention_days": 2},
            r"max_receive_count=1000 of replicate may take 185000 seconds, longer than queue_retention_days=2: a",
        ),
        ({"api": replace(DEV.api, timeout_seconds=30)}, r"timeout_seconds of api must be 21 to 29, not 30"),
        (
            {"runtime": "python3.11", "enrich": replace(DEV.enrich, snap_start=True)},
            r"snap_start of enrich needs python3.12 or later, not python3.11",
        ),
        (
            {
                "account_concurrency": 1_000,
                "relay": replace(DEV.relay, reserved_concurrent_executions=11),
                "relay_mapping": replace(DEV.relay_mapping, parallelization_factor=3),
            },
            r"reserved_concurrent_executions=11 of relay is less than expected_shards=4 × parallelization_factor=3: .*"
            r"raise the first or lower the factor",
        ),
        (
            {"account_concurrency": 1_000, "summarize": replace(DEV.summarize, reserved_concurrent_executions=3)},
            r"reserved_concurrent_executions=3 of summarize is less than expected_shards=4 × parallelization_factor=1",
        ),
        (
            {"summarize_mapping": replace(DEV.summarize_mapping, parallelization_factor=2)},
            r"parallelization_factor of summarize must be 1, not 2: a tumbling window keeps one state per shard",
        ),
        ({"tumbling_window_seconds": 901}, r"tumbling_window_seconds must be 1 to 900, not 901"),
        (
            {"account_concurrency": 1_000, "notify": replace(DEV.notify, reserved_concurrent_executions=1)},
            r"max_concurrency=2 of notify exceeds its reserved_concurrent_executions=1: throttled messages",
        ),
        ({"log_retention_days": 8}, r"log_retention_days=8 is not offered by CloudWatch Logs: take one of 1, 3, 5, 7,"),
        ({"dead_letter_retention_days": 15}, r"dead_letter_retention_days must be 1 to 14, not 15"),
        ({"queue_retention_days": 14}, r"dead_letter_retention_days=14 must exceed queue_retention_days=14"),
        ({"failure_retention_days": 7}, r"failure_retention_days=7 is less than dead_letter_retention_days=14"),
        ({"rule_retry_attempts": 186}, r"rule_retry_attempts must be 0 to 185, not 186"),
        ({"rule_max_event_age_seconds": 59}, r"rule_max_event_age_seconds must be 60 to 86400, not 59"),
        ({"packing_seconds": 0}, r"packing_seconds must be 1 to 86400, not 0"),
        ({"throttling_rate_limit": 0}, r"throttling_rate_limit must be at least 1, not 0: 0 refuses every request"),
        ({"throttling_burst_limit": 0}, r"throttling_burst_limit must be at least 1, not 0: 0 refuses every request"),
        ({"jwt_issuer": "https://issuer.example"}, r"jwt_issuer='https://issuer.example' and jwt_audience=None belong"),
        (
            {"jwt_issuer": "issuer.example", "jwt_audience": "penstock"},
            r"jwt_issuer must start with https://, not 'issuer.example'",
        ),
        ({"jwt_read_scope": ""}, r"jwt_read_scope and jwt_write_scope must not be empty"),
        (
            {"relay_mapping": replace(DEV.relay_mapping, max_record_age_seconds=300)}
            | {"summarize_mapping": replace(DEV.summarize_mapping, max_record_age_seconds=300)},
            r"iterator_age_seconds=300 must be below the longest max_record_age_seconds=300: later",
        ),
    ],
)
def test_fails_when_a_stage_contradicts_itself(changes: dict[str, Any], message: str) -> None:
    """What could not be deployed, or would lose or throttle what it is meant to keep, is refused."""
    with pytest.raises(ValueError, match=message):
        replace(DEV, **changes)


def test_fails_when_another_stage_reserves_nothing() -> None:
    """Only in dev may a function go without a share of the account's concurrency."""
    with pytest.raises(
        ValueError, match=r"reserved_concurrent_executions of notify may be None in dev only, not in prod"
    ):
        replace(PROD, notify=replace(PROD.notify, reserved_concurrent_executions=None))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_capacity": 0}, r"min_capacity=0 and max_capacity=20 are no range: let the first be 1 or more"),
        ({"max_capacity": 1}, r"min_capacity=2 and max_capacity=1 are no range: let the first be 1 or more and not"),
        ({"target_utilization_percent": 19}, r"target_utilization_percent must be 20 to 90, not 19: 70 leaves room"),
        ({"target_utilization_percent": 91}, r"target_utilization_percent must be 20 to 90, not 91: 70 leaves room"),
    ],
)
def test_fails_when_capacity_cannot_scale_so(changes: dict[str, Any], message: str) -> None:
    """What Application Auto Scaling does not offer is refused."""
    with pytest.raises(ValueError, match=message):
        replace(SCALED, **changes)


@pytest.mark.parametrize("name", ["max_read_request_units", "max_write_request_units"])
def test_fails_when_a_maximum_lets_nothing_through(name: str) -> None:
    """A table that takes no request is refused."""
    with pytest.raises(ValueError, match=rf"{name} must be at least 1, not 0: with less the table takes no request"):
        replace(OnDemand(max_read_request_units=1, max_write_request_units=1), **{name: 0})
