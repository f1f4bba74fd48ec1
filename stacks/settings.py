"""The settings of each stage: plain values, each with its reason.

This module imports no CDK. A setting is spelled as in aws-cdk-lib, with its unit at the end. What is illegal by
itself or in combination is refused when the dataclass is made, so at synth and before anything is defined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

RemovalPolicyName = Literal["destroy", "retain"]
CapacityMode = Literal["on-demand", "provisioned"]

# CloudWatch Logs API reference, PutRetentionPolicy: the only values it takes.
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """How one function runs.

    ``reserved_concurrent_executions=None`` leaves it in the account's unreserved pool.
    """

    memory_size_mb: int
    timeout_seconds: int
    reserved_concurrent_executions: int | None
    # Off unless a reason is given: it bills by the hour whether or not anything is invoked.
    provisioned_concurrent_executions: int | None = None
    # Off unless a reason is given: for Python it bills for caching and for each restore.
    snap_start: bool = False

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, or what would never run as meant."""
        reserved, provisioned = self.reserved_concurrent_executions, self.provisioned_concurrent_executions
        _require(
            128 <= self.memory_size_mb <= 10_240,
            f"memory_size_mb must be 128 to 10240, not {self.memory_size_mb}: choose a value that Lambda offers",
        )
        _require(
            1 <= self.timeout_seconds <= 900,
            f"timeout_seconds must be 1 to 900, not {self.timeout_seconds}: split work that takes longer",
        )
        _require(
            reserved is None or reserved >= 1,
            f"reserved_concurrent_executions must be at least 1, not {reserved}: 0 stops the function, "
            "None leaves it in the account's pool",
        )
        _require(
            provisioned is None or provisioned >= 1,
            f"provisioned_concurrent_executions must be at least 1, not {provisioned}: None turns it off",
        )
        _require(
            not (self.snap_start and provisioned is not None),
            f"snap_start and provisioned_concurrent_executions={provisioned} exclude each other: choose one of them",
        )
        _require(
            provisioned is None or reserved is None or provisioned <= reserved,
            f"provisioned_concurrent_executions={provisioned} exceeds reserved_concurrent_executions={reserved}: "
            "raise the reserved or lower the provisioned concurrency",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMappingSettings:
    """How one event source mapping reads the Orders stream; a limit is always finite."""

    batch_size: int
    max_batching_window_seconds: int
    parallelization_factor: int
    retry_attempts: int
    max_record_age_seconds: int

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, and limits that would let one record hold a shard for ever."""
        _require(
            1 <= self.batch_size <= 10_000,
            f"batch_size must be 1 to 10000 for a stream, not {self.batch_size}: choose a value that Lambda offers",
        )
        _require(
            0 <= self.max_batching_window_seconds <= 300,
            f"max_batching_window_seconds must be 0 to 300, not {self.max_batching_window_seconds}: "
            "choose a shorter window",
        )
        _require(
            1 <= self.parallelization_factor <= 10,
            f"parallelization_factor must be 1 to 10, not {self.parallelization_factor}: "
            "choose a value that Lambda offers",
        )
        _require(
            0 <= self.retry_attempts <= 10_000,
            f"retry_attempts must be 0 to 10000, not {self.retry_attempts}: "
            "give it an end, or one bad record blocks its shard until the stream forgets it",
        )
        _require(
            60 <= self.max_record_age_seconds <= 86_400,
            f"max_record_age_seconds must be 60 to 86400, not {self.max_record_age_seconds}: "
            "a DynamoDB stream keeps a record for 24 hours, and what it has forgotten reaches no destination",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMappingSettings:
    """How one event source mapping reads its queue, and when a message counts as dead."""

    batch_size: int
    max_batching_window_seconds: int
    max_concurrency: int
    max_receive_count: int

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, and receive counts that throttling alone would use up."""
        _require(
            1 <= self.batch_size <= 10_000,
            f"batch_size must be 1 to 10000 for a queue, not {self.batch_size}: choose a value that Lambda offers",
        )
        _require(
            0 <= self.max_batching_window_seconds <= 300,
            f"max_batching_window_seconds must be 0 to 300, not {self.max_batching_window_seconds}: "
            "choose a shorter window",
        )
        _require(
            self.batch_size <= 10 or self.max_batching_window_seconds >= 1,
            f"batch_size={self.batch_size} needs a batching window: "
            "set max_batching_window_seconds to 1 or more, or batch_size to 10 or less",
        )
        _require(
            2 <= self.max_concurrency <= 1_000,
            f"max_concurrency must be 2 to 1000, not {self.max_concurrency}: choose a value that Lambda offers",
        )
        # Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping".
        _require(
            5 <= self.max_receive_count <= 1_000,
            f"max_receive_count must be 5 to 1000, not {self.max_receive_count}: "
            "with less, throttled invocations alone send good messages to the dead-letter queue",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """Everything in which one stage differs from another."""

    stage: str
    # One place to move all functions to the next Python; bundling compiles for it.
    runtime: str
    log_level: str
    log_retention_days: int
    removal_policy: RemovalPolicyName
    deletion_protection: bool
    point_in_time_recovery_days: int | None

    capacity_mode: CapacityMode
    min_capacity_units: int | None
    max_capacity_units: int | None
    target_utilization_percent: int | None

    api: FunctionSettings
    relay: FunctionSettings
    summarize: FunctionSettings
    enrich: FunctionSettings
    notify: FunctionSettings
    replicate: FunctionSettings

    relay_mapping: StreamMappingSettings
    summarize_mapping: StreamMappingSettings
    tumbling_window_seconds: int
    enrich_mapping: QueueMappingSettings
    notify_mapping: QueueMappingSettings
    replicate_mapping: QueueMappingSettings

    queue_retention_days: int
    dead_letter_retention_days: int
    failure_retention_days: int
    rule_retry_attempts: int
    rule_max_event_age_seconds: int
    packing_seconds: int

    throttling_rate_limit: int
    throttling_burst_limit: int
    jwt_issuer: str | None
    jwt_audience: str | None
    jwt_read_scope: str
    jwt_write_scope: str

    alarm_address: str | None
    iterator_age_alarm_seconds: int
    api_latency_alarm_ms: int

    def __post_init__(self) -> None:
        """Refuse a stage that could not be deployed, or would lose or throttle what it is meant to keep."""
        self._check_stage()
        self._check_capacity()
        self._check_functions()
        self._check_retention()
        self._check_delivery()
        self._check_api()
        self._check_alarms()

    @property
    def functions(self) -> dict[str, FunctionSettings]:
        """The settings of each function, by its name."""
        return {
            "api": self.api,
            "relay": self.relay,
            "summarize": self.summarize,
            "enrich": self.enrich,
            "notify": self.notify,
            "replicate": self.replicate,
        }

    def _check_stage(self) -> None:
        _require(
            re.fullmatch(r"[a-z][a-z0-9]{0,15}", self.stage) is not None,
            f"stage must be a lower-case word of at most 16 letters and digits, not {self.stage!r}: it is part of "
            "the stack ids",
        )
        _require(
            re.fullmatch(r"python3\.\d+", self.runtime) is not None,
            f"runtime must be a Python of Lambda such as python3.13, not {self.runtime!r}: the handlers are Python",
        )
        _require(
            not (self.removal_policy == "destroy" and self.deletion_protection),
            "removal_policy='destroy' and deletion_protection=True contradict each other: "
            "retain the tables or drop the protection",
        )
        days = self.point_in_time_recovery_days
        _require(
            days is None or 1 <= days <= 35,
            f"point_in_time_recovery_days must be 1 to 35, not {days}: None turns recovery off",
        )

    def _check_capacity(self) -> None:
        units = (self.min_capacity_units, self.max_capacity_units, self.target_utilization_percent)
        if self.capacity_mode == "on-demand":
            _require(
                units == (None, None, None),
                f"capacity units {units} mean nothing with capacity_mode='on-demand': "
                "set them to None or choose 'provisioned'",
            )
            return
        minimum, maximum, target = units
        if minimum is None or maximum is None or target is None:
            raise ValueError(
                f"capacity_mode='provisioned' needs min_capacity_units, max_capacity_units and "
                f"target_utilization_percent, not {units}: set all three or choose 'on-demand'"
            )
        _require(
            1 <= minimum <= maximum,
            f"min_capacity_units={minimum} and max_capacity_units={maximum} are no range: "
            "let the first be 1 or more and not above the second",
        )
        # Application Auto Scaling for DynamoDB: target utilization between 20 and 90 percent.
        _require(
            20 <= target <= 90,
            f"target_utilization_percent must be 20 to 90, not {target}: 70 leaves room for a burst",
        )

    def _check_functions(self) -> None:
        for name, function in self.functions.items():
            _require(
                self.stage == "dev" or function.reserved_concurrent_executions is not None,
                f"reserved_concurrent_executions of {name} may be None in dev only, not in {self.stage}: "
                "reserve what it needs, so that no other function can take it away",
            )
            # Lambda developer guide, "Lambda SnapStart": from Python 3.12 on.
            _require(
                not function.snap_start or int(self.runtime.rpartition(".")[2]) >= 12,
                f"snap_start of {name} needs python3.12 or later, not {self.runtime}: raise the runtime or turn it off",
            )
        # API Gateway quotas for HTTP APIs: an integration is cut off after 30 seconds; the API waits up to 20 of them.
        _require(
            21 <= self.api.timeout_seconds <= 29,
            f"timeout_seconds of api must be 21 to 29, not {self.api.timeout_seconds}: "
            "`Prefer: wait=20` must fit in, and API Gateway hangs up after 30",
        )
        _require(
            self.relay.reserved_concurrent_executions is None
            or self.relay.reserved_concurrent_executions >= self.relay_mapping.parallelization_factor,
            f"reserved_concurrent_executions={self.relay.reserved_concurrent_executions} of relay is less than its "
            f"parallelization_factor={self.relay_mapping.parallelization_factor}: a single shard would throttle it",
        )
        # A state is kept per shard; the factor would split it (Lambda: "window and factor exclude each other").
        _require(
            self.summarize_mapping.parallelization_factor == 1,
            f"parallelization_factor of summarize must be 1, not {self.summarize_mapping.parallelization_factor}: "
            "a tumbling window keeps one state per shard",
        )
        _require(
            1 <= self.tumbling_window_seconds <= 900,
            f"tumbling_window_seconds must be 1 to 900, not {self.tumbling_window_seconds}: choose a shorter window",
        )
        for name, mapping in self.queue_mappings.items():
            reserved = self.functions[name].reserved_concurrent_executions
            _require(
                reserved is None or mapping.max_concurrency <= reserved,
                f"max_concurrency={mapping.max_concurrency} of {name} exceeds its "
                f"reserved_concurrent_executions={reserved}: throttled messages would count as received; "
                "lower the first or raise the second",
            )

    @property
    def queue_mappings(self) -> dict[str, QueueMappingSettings]:
        """The settings of each mapping that reads a queue, by the name of its function."""
        return {"enrich": self.enrich_mapping, "notify": self.notify_mapping, "replicate": self.replicate_mapping}

    def _check_retention(self) -> None:
        _require(
            self.log_retention_days in LOG_RETENTION_DAYS,
            f"log_retention_days={self.log_retention_days} is not offered by CloudWatch Logs: "
            f"take one of {', '.join(map(str, LOG_RETENTION_DAYS))}",
        )
        for name, days in (
            ("queue_retention_days", self.queue_retention_days),
            ("dead_letter_retention_days", self.dead_letter_retention_days),
        ):
            _require(1 <= days <= 14, f"{name} must be 1 to 14, not {days}: SQS keeps a message for 14 days at most")
        # SQS developer guide: a message keeps its first enqueue time when it moves to the dead-letter queue.
        _require(
            self.dead_letter_retention_days > self.queue_retention_days,
            f"dead_letter_retention_days={self.dead_letter_retention_days} must exceed "
            f"queue_retention_days={self.queue_retention_days}: a message brings its age along and would expire early",
        )
        _require(
            self.failure_retention_days >= self.dead_letter_retention_days,
            f"failure_retention_days={self.failure_retention_days} is less than "
            f"dead_letter_retention_days={self.dead_letter_retention_days}: "
            "a notification would outlive the batch that it points to",
        )

    def _check_delivery(self) -> None:
        # EventBridge user guide, "How EventBridge retries delivering events".
        _require(
            0 <= self.rule_retry_attempts <= 185,
            f"rule_retry_attempts must be 0 to 185, not {self.rule_retry_attempts}: choose a value EventBridge offers",
        )
        _require(
            60 <= self.rule_max_event_age_seconds <= 86_400,
            f"rule_max_event_age_seconds must be 60 to 86400, not {self.rule_max_event_age_seconds}: "
            "choose a value EventBridge offers",
        )
        _require(
            1 <= self.packing_seconds <= 86_400,
            f"packing_seconds must be 1 to 86400, not {self.packing_seconds}: an order is packed within a day",
        )

    def _check_api(self) -> None:
        _require(
            self.throttling_rate_limit >= 1,
            f"throttling_rate_limit must be at least 1, not {self.throttling_rate_limit}: 0 refuses every request",
        )
        _require(
            self.throttling_burst_limit >= 1,
            f"throttling_burst_limit must be at least 1, not {self.throttling_burst_limit}: 0 refuses every request",
        )
        _require(
            (self.jwt_issuer is None) == (self.jwt_audience is None),
            f"jwt_issuer={self.jwt_issuer!r} and jwt_audience={self.jwt_audience!r} belong together: "
            "set both for JWT or neither for IAM",
        )
        _require(
            self.jwt_issuer is None or self.jwt_issuer.startswith("https://"),
            f"jwt_issuer must start with https://, not {self.jwt_issuer!r}: API Gateway fetches its keys from there",
        )
        _require(
            bool(self.jwt_read_scope and self.jwt_write_scope),
            "jwt_read_scope and jwt_write_scope must not be empty: a route without a scope admits every token",
        )

    def _check_alarms(self) -> None:
        _require(
            self.alarm_address is None or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", self.alarm_address) is not None,
            f"alarm_address must be a mail address, not {self.alarm_address!r}: None defines alarms that tell nobody",
        )
        oldest = max(self.relay_mapping.max_record_age_seconds, self.summarize_mapping.max_record_age_seconds)
        _require(
            60 <= self.iterator_age_alarm_seconds < oldest,
            f"iterator_age_alarm_seconds={self.iterator_age_alarm_seconds} must be 60 or more and below the "
            f"longest max_record_age_seconds={oldest}: later it could only tell what is already given up",
        )
        _require(
            1 <= self.api_latency_alarm_ms <= 29_000,
            f"api_latency_alarm_ms must be 1 to 29000, not {self.api_latency_alarm_ms}: the API hangs up after 30 s",
        )


DEV = StageSettings(
    stage="dev",
    runtime="python3.13",
    log_level="INFO",
    # A developer looks at last week, not at last year.
    log_retention_days=7,
    # A stage to throw away: `make destroy` leaves nothing behind but what the failure bucket still holds.
    removal_policy="destroy",
    deletion_protection=False,
    point_in_time_recovery_days=None,
    # Costs nothing when idle and needs no forecast.
    capacity_mode="on-demand",
    min_capacity_units=None,
    max_capacity_units=None,
    target_utilization_percent=None,
    # New accounts have a quota of 10 concurrent executions, all of which must stay unreserved: None everywhere.
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
    # Nobody is called about a stage to throw away; the alarms are there to be looked at.
    alarm_address=None,
    iterator_age_alarm_seconds=300,
    # `Prefer: wait` makes slow answers normal up to 20 s; the alarm looks at the median.
    api_latency_alarm_ms=3_000,
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
    # No forecast yet; 'provisioned' saves money once the load is known and even.
    capacity_mode="on-demand",
    min_capacity_units=None,
    max_capacity_units=None,
    target_utilization_percent=None,
    # A full CPU share comes with 1,769 MB; 1,024 halves the imports of a cold start against 512.
    # The reserved sum of 280 leaves 720 of the default quota of 1,000 to others.
    api=FunctionSettings(memory_size_mb=1_024, timeout_seconds=28, reserved_concurrent_executions=100),
    # 8 shards by a factor of 5.
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
    # Set it before the first order: without an address the alarms tell nobody.
    alarm_address=None,
    iterator_age_alarm_seconds=600,
    api_latency_alarm_ms=3_000,
)

STAGES = {settings.stage: settings for settings in (DEV, PROD)}


def settings_of(stage: str) -> StageSettings:
    """Return the settings of a stage by its name, for `-c stage=…`."""
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}: choose one of {', '.join(STAGES)}, or add it to stacks/settings.py")
    return STAGES[stage]
