"""The settings of each stage: plain values, each with its reason."""

from __future__ import annotations

from stacks.function_settings import FunctionSettings
from stacks.mapping_settings import QueueMappingSettings, StreamMappingSettings
from stacks.monitoring_settings import MonitoringSettings
from stacks.prices import Prices
from stacks.stage_settings import StageSettings
from stacks.table_settings import OnDemand, TableSettings

DEV = StageSettings(
    stage="dev",
    runtime="python3.13",
    log_level="INFO",
    # A developer looks at last week, not at last year.
    log_retention_days=7,
    # A stage to throw away: `make destroy` leaves nothing behind, failed batches included.
    removal_policy="destroy",
    deletion_protection=False,
    point_in_time_recovery_days=None,
    # Whoever needs one turns it on; AWS's own keys encrypt all the same, at no price and with no policy to keep.
    customer_managed_key=False,
    # Costs nothing when idle and needs no forecast. The maxima are twice what the API's limit lets in, so that a loop
    # gone wild costs cents: 4 writes an order of 2 KB, 3 rows of its customer, 4 idempotency records.
    tables=TableSettings(
        orders=OnDemand(max_read_request_units=2_000, max_write_request_units=800),
        customer_orders=OnDemand(max_read_request_units=1_000, max_write_request_units=600),
        statistics=OnDemand(max_read_request_units=1_000, max_write_request_units=100),
        idempotency=OnDemand(max_read_request_units=100, max_write_request_units=800),
    ),
    # The newest account has 10, none of which can be reserved.
    account_concurrency=10,
    # A new on-demand table has 4 partitions: it takes 4,000 writes a second, 1,000 each.
    expected_shards=4,
    # Nothing reserved: of account_concurrency=10 Lambda would let nothing be set aside.
    # 512 MB gives about a third of a CPU: imports, most of a cold start, are bound by it.
    # 28 s: `Prefer: wait=20` and a cold start fit in, API Gateway hangs up after 30.
    api=FunctionSettings(memory_size_mb=512, timeout_seconds=28, reserved_concurrent_executions=None),
    # 100 records are 10 calls of PutEvents with some retries of boto3 each.
    relay=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=None),
    # Folds in memory and puts once a window.
    summarize=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=None),
    # Ten messages, each with a payment and two or three writes.
    enrich=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=None),
    notify=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=None),
    # A thousand messages are 40 calls of 25 writes.
    replicate=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=None),
    # 100 records and no window: an order moves on at once; factor 1 is the easiest to follow in a log.
    # 10 attempts and an hour: a developer sees a poison record at the destination on the same day.
    relay_mapping=StreamMappingSettings(
        batch_size=100,
        max_batching_window_seconds=0,
        parallelization_factor=1,
        retry_attempts=10,
        max_record_age_seconds=3_600,
    ),
    # Large batches: a window is one put however many records it folds. The factor must be 1 with a window.
    summarize_mapping=StreamMappingSettings(
        batch_size=1_000,
        max_batching_window_seconds=0,
        parallelization_factor=1,
        retry_attempts=10,
        max_record_age_seconds=3_600,
    ),
    # Statistics by the minute.
    tumbling_window_seconds=60,
    # Batch 10 without a window for what somebody waits for; concurrency small, so that ten executions suffice for all.
    enrich_mapping=QueueMappingSettings(
        batch_size=10, max_batching_window_seconds=0, max_concurrency=2, max_receive_count=5
    ),
    notify_mapping=QueueMappingSettings(
        batch_size=10, max_batching_window_seconds=0, max_concurrency=2, max_receive_count=5
    ),
    # The read model may lag: 5 seconds of waiting fold several changes of an order into one write and fill its calls,
    # which take 25 orders each; 1,000 messages of this size are a sixth of what an event may hold.
    replicate_mapping=QueueMappingSettings(
        batch_size=1_000, max_batching_window_seconds=5, max_concurrency=2, max_receive_count=5
    ),
    # 4 days are what SQS gives unasked; the dead-letter queue has the 14 that it gives at most.
    queue_retention_days=4,
    dead_letter_retention_days=14,
    # A failed batch stays as long as the notification that points to it, and two weeks more.
    failure_retention_days=28,
    # An hour of retries: longer than a slip of hand, shorter than a working day.
    rule_retry_attempts=20,
    rule_max_event_age_seconds=3_600,
    # Packing is played by waiting; long enough to be seen.
    packing_seconds=30,
    throttling_rate_limit=100,
    throttling_burst_limit=200,
    # IAM: deployable anywhere.
    jwt_issuer=None,
    jwt_audience=None,
    jwt_read_scope="orders/read",
    jwt_write_scope="orders/write",
    monitoring=MonitoringSettings(
        # Nobody is called about a stage to throw away; the alarms are there to be looked at.
        alarm_address=None,
        # As in prod, so that an alarm is the same alarm wherever it goes off.
        failing_minutes=15,
        concurrency_percent=80,
        dead_letter_age_percent=50,
        # A poison record is given up after ten attempts; five minutes of lag are seen before.
        iterator_age_seconds=300,
        # A handful of orders by hand is enough to see that a filter is wrong.
        minimum_polled=20,
        # `Prefer: wait` makes slow answers normal up to 20 s; the alarm looks at the median.
        api_latency_ms=3_000,
        # The first one is worth a look.
        api_server_errors=1,
    ),
    prices=Prices(),
)

PROD = StageSettings(
    stage="prod",
    runtime="python3.13",
    log_level="INFO",
    # A quarter: what accounting asks about last quarter can still be read.
    log_retention_days=90,
    # Orders are the business: no stack operation may delete them.
    removal_policy="retain",
    deletion_protection=True,
    # The longest that DynamoDB offers: bad code may be noticed late.
    point_in_time_recovery_days=35,
    # As in dev until an auditor asks who may use the key: tables, queues, topics, logs and bucket then take it.
    customer_managed_key=False,
    # No forecast yet; `Provisioned` saves money once the load is known and even. The maxima are what the API's limit
    # lets in, 500 orders a second with 4 writes of 2 KB each, 3 rows and 4 idempotency records, and room for
    # repetitions; for reads, what a new table takes. A week of statistics is some 3,000 units a request.
    tables=TableSettings(
        orders=OnDemand(max_read_request_units=12_000, max_write_request_units=4_000),
        customer_orders=OnDemand(max_read_request_units=4_000, max_write_request_units=2_000),
        statistics=OnDemand(max_read_request_units=12_000, max_write_request_units=100),
        idempotency=OnDemand(max_read_request_units=100, max_write_request_units=4_000),
    ),
    # The default quota of an account that has been in use for a while.
    account_concurrency=1_000,
    # Twice the partitions of a new on-demand table: it has split each of them once.
    expected_shards=8,
    # A full CPU share comes with 1,769 MB; 1,024 halves the imports of a cold start against 512.
    # The reserved sum of 280 leaves 720 of the account's 1,000 to others.
    api=FunctionSettings(memory_size_mb=1_024, timeout_seconds=28, reserved_concurrent_executions=100),
    # 8 expected shards by a factor of 5.
    relay=FunctionSettings(memory_size_mb=1_024, timeout_seconds=30, reserved_concurrent_executions=40),
    # One invocation a shard at a time; room for shards that split.
    summarize=FunctionSettings(memory_size_mb=512, timeout_seconds=60, reserved_concurrent_executions=20),
    enrich=FunctionSettings(memory_size_mb=1_024, timeout_seconds=30, reserved_concurrent_executions=50),
    notify=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=50),
    replicate=FunctionSettings(memory_size_mb=512, timeout_seconds=30, reserved_concurrent_executions=20),
    # Order holds per key, so five batches a shard at once are safe; without them one slow PutEvents delays a shard.
    # 100 attempts in 12 hours: an outage of the bus is waited out, and 12 of the stream's 24 hours remain to act.
    relay_mapping=StreamMappingSettings(
        batch_size=100,
        max_batching_window_seconds=0,
        parallelization_factor=5,
        retry_attempts=100,
        max_record_age_seconds=43_200,
    ),
    summarize_mapping=StreamMappingSettings(
        batch_size=1_000,
        max_batching_window_seconds=0,
        parallelization_factor=1,
        retry_attempts=100,
        max_record_age_seconds=43_200,
    ),
    tumbling_window_seconds=60,
    # Equal to the reserved concurrency: all of it, and no message is received only to be throttled.
    enrich_mapping=QueueMappingSettings(
        batch_size=10, max_batching_window_seconds=0, max_concurrency=50, max_receive_count=10
    ),
    notify_mapping=QueueMappingSettings(
        batch_size=10, max_batching_window_seconds=0, max_concurrency=50, max_receive_count=10
    ),
    replicate_mapping=QueueMappingSettings(
        batch_size=1_000, max_batching_window_seconds=5, max_concurrency=20, max_receive_count=10
    ),
    queue_retention_days=4,
    dead_letter_retention_days=14,
    failure_retention_days=90,
    # What EventBridge offers at most: a day, 185 attempts.
    rule_retry_attempts=185,
    rule_max_event_age_seconds=86_400,
    packing_seconds=30,
    # Per region and account 10,000 a second are the quota; this stage takes a twentieth.
    throttling_rate_limit=500,
    throttling_burst_limit=1_000,
    # Set both to move from IAM to JWT.
    jwt_issuer=None,
    jwt_audience=None,
    jwt_read_scope="orders/read",
    jwt_write_scope="orders/write",
    monitoring=MonitoringSettings(
        # Set it before the first order: without an address the alarms tell nobody.
        alarm_address=None,
        # Three periods in a row: a deployment, a failover or a burst is over by then, and hours remain of each limit.
        failing_minutes=15,
        # A fifth is left when a person is told: load that doubles within an hour grows by a fifth in a quarter of it.
        concurrency_percent=80,
        # A week of two to act in, weekend included.
        dead_letter_age_percent=50,
        # The record age is 12 hours; ten minutes are longer than any deployment, shorter than a customer's patience.
        iterator_age_seconds=600,
        # So many records of one hour that all are deletions, which no filter lets pass, would be news in itself.
        minimum_polled=1_000,
        api_latency_ms=3_000,
        # A rare one is a network's; five in five minutes have a cause.
        api_server_errors=5,
    ),
    prices=Prices(),
)

STAGES = {settings.stage: settings for settings in (DEV, PROD)}


def settings_of(stage: str) -> StageSettings:
    """Return the settings of a stage by its name, for `-c stage=…`."""
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}: choose one of {', '.join(STAGES)}, or add it to stacks/settings.py")
    return STAGES[stage]
