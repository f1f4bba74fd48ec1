"""What a stage decides, and which decisions exclude one another.

This module imports no CDK. A setting is spelled as in aws-cdk-lib, with its unit at the end. What is illegal by
itself or in combination is refused when the dataclass is made, so at synth and before anything is defined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stacks.concurrency_settings import check_account, check_queues, check_streams
from stacks.function_settings import FunctionSettings
from stacks.mapping_settings import QueueMappingSettings, StreamMappingSettings, visibility_timeout_seconds
from stacks.monitoring_settings import MonitoringSettings
from stacks.prices import Prices
from stacks.refusal import require, require_at_least, require_range
from stacks.table_settings import TableSettings

RemovalPolicyName = Literal["destroy", "retain"]

# CloudWatch Logs API reference, PutRetentionPolicy: the only values it takes.
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip

# Of an order on its way to SHIPPED, one unit each at the least: its changes, its rows, its idempotency records.
_WRITES_AN_ORDER = {"orders": 4, "customer_orders": 3, "idempotency": 4}

# Somebody waits for what these consumers do.
_AWAITED = frozenset({"enrich", "notify"})


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

    # The stage's own KMS key instead of those that AWS keeps: a price a month, and every use of it on record.
    customer_managed_key: bool

    tables: TableSettings
    # Executions at once that the account has in this region; `make deploy` compares it with the quota.
    account_concurrency: int
    # A stream has a shard for each partition of its table; each asks for its own invocations.
    expected_shards: int

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

    monitoring: MonitoringSettings
    # What the dashboard's cost lines reckon with; set them for another region than us-east-1.
    prices: Prices

    def __post_init__(self) -> None:
        """Refuse a stage that could not be deployed, or would lose or throttle what it is meant to keep."""
        self._check_stage()
        self._check_capacity()
        self._check_functions()
        self._check_concurrency()
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
        require(
            re.fullmatch(r"[a-z][a-z0-9]{0,15}", self.stage) is not None,
            f"stage must be a lower-case word of at most 16 letters and digits, not {self.stage!r}: it is part of "
            "the stack ids",
        )
        require(
            re.fullmatch(r"python3\.\d+", self.runtime) is not None,
            f"runtime must be a Python of Lambda such as python3.13, not {self.runtime!r}: the handlers are Python",
        )
        require(
            not (self.removal_policy == "destroy" and self.deletion_protection),
            "removal_policy='destroy' and deletion_protection=True contradict each other: "
            "retain the tables or drop the protection",
        )
        require(
            self.removal_policy == "destroy" or self.deletion_protection,
            "removal_policy='retain' needs deletion_protection=True: what is worth keeping must not be deleted by hand",
        )
        require(
            self.removal_policy == "destroy" or self.point_in_time_recovery_days is not None,
            "removal_policy='retain' needs point_in_time_recovery_days: a bad write is kept, too, so set 1 to 35 days",
        )
        require_range(1, 35, "None turns recovery off", point_in_time_recovery_days=self.point_in_time_recovery_days)

    def _check_capacity(self) -> None:
        for name, writes in _WRITES_AN_ORDER.items():
            most: int = getattr(self.tables, name).most_write_units
            require(
                most >= writes * self.throttling_rate_limit,
                f"tables.{name} writes at most {most} units a second, but throttling_rate_limit="
                f"{self.throttling_rate_limit} admits orders for {writes} each: raise the first or lower the second",
            )

    def _check_functions(self) -> None:
        for name, function in self.functions.items():
            require(
                self.stage == "dev" or function.reserved_concurrent_executions is not None,
                f"reserved_concurrent_executions of {name} may be None in dev only, not in {self.stage}: "
                "reserve what it needs, so that no other function can take it away",
            )
            # Lambda developer guide, "Lambda SnapStart": from Python 3.12 on.
            require(
                not function.snap_start or int(self.runtime.rpartition(".")[2]) >= 12,
                f"snap_start of {name} needs python3.12 or later, not {self.runtime}: raise the runtime or turn it off",
            )
        # API Gateway quotas for HTTP APIs: an integration is cut off after 30 seconds; the API waits up to 20 of them.
        require(
            21 <= self.api.timeout_seconds <= 29,
            f"timeout_seconds of api must be 21 to 29, not {self.api.timeout_seconds}: "
            "`Prefer: wait=20` must fit in, and API Gateway hangs up after 30",
        )
        # A state is kept per shard; the factor would split it (Lambda: "window and factor exclude each other").
        require(
            self.summarize_mapping.parallelization_factor == 1,
            f"parallelization_factor of summarize must be 1, not {self.summarize_mapping.parallelization_factor}: "
            "a tumbling window keeps one state per shard",
        )
        require_range(1, 900, "choose a shorter window", tumbling_window_seconds=self.tumbling_window_seconds)

    def _check_concurrency(self) -> None:
        check_account(self.account_concurrency, self.functions)
        check_streams(self.expected_shards, self.functions, self.stream_mappings)
        check_queues(self.account_concurrency, self.functions, self.queue_mappings)

    @property
    def stream_mappings(self) -> dict[str, StreamMappingSettings]:
        """The settings of each mapping that reads the stream, by the name of its function."""
        return {"relay": self.relay_mapping, "summarize": self.summarize_mapping}

    @property
    def queue_mappings(self) -> dict[str, QueueMappingSettings]:
        """The settings of each mapping that reads a queue, by the name of its function."""
        return {"enrich": self.enrich_mapping, "notify": self.notify_mapping, "replicate": self.replicate_mapping}

    def _check_retention(self) -> None:
        require(
            self.log_retention_days in LOG_RETENTION_DAYS,
            f"log_retention_days={self.log_retention_days} is not offered by CloudWatch Logs: "
            f"take one of {', '.join(map(str, LOG_RETENTION_DAYS))}",
        )
        require_range(
            1,
            14,
            "SQS keeps a message for 14 days at most",
            queue_retention_days=self.queue_retention_days,
            dead_letter_retention_days=self.dead_letter_retention_days,
        )
        # SQS developer guide: a message keeps its first enqueue time when it moves to the dead-letter queue.
        require(
            self.dead_letter_retention_days > self.queue_retention_days,
            f"dead_letter_retention_days={self.dead_letter_retention_days} must exceed "
            f"queue_retention_days={self.queue_retention_days}: a message brings its age along and would expire early",
        )
        require(
            self.failure_retention_days >= self.dead_letter_retention_days,
            f"failure_retention_days={self.failure_retention_days} is less than "
            f"dead_letter_retention_days={self.dead_letter_retention_days}: "
            "a notification would outlive the batch that it points to",
        )

    def _check_delivery(self) -> None:
        # EventBridge user guide, "How EventBridge retries delivering events".
        require_range(0, 185, "choose a value EventBridge offers", rule_retry_attempts=self.rule_retry_attempts)
        require_range(
            60,
            86_400,
            "choose a value EventBridge offers",
            rule_max_event_age_seconds=self.rule_max_event_age_seconds,
        )
        for name, mapping in self.queue_mappings.items():
            seconds = mapping.max_receive_count * visibility_timeout_seconds(self.functions[name], mapping)
            require(
                seconds < self.queue_retention_days * 86_400,
                f"max_receive_count={mapping.max_receive_count} of {name} may take {seconds} seconds, longer than "
                f"queue_retention_days={self.queue_retention_days}: a message would expire before it is dead-lettered; "
                "lower the first or raise the second",
            )
            require(
                name not in _AWAITED or (mapping.max_batching_window_seconds == 0 and mapping.batch_size <= 10),
                f"batch_size={mapping.batch_size} and max_batching_window_seconds="
                f"{mapping.max_batching_window_seconds} of {name} let somebody wait: "
                "take 10 or less without a window",
            )
        require_range(1, 86_400, "an order is packed within a day", packing_seconds=self.packing_seconds)

    def _check_api(self) -> None:
        require_at_least(
            1,
            "0 refuses every request",
            throttling_rate_limit=self.throttling_rate_limit,
            throttling_burst_limit=self.throttling_burst_limit,
        )
        require(
            (self.jwt_issuer is None) == (self.jwt_audience is None),
            f"jwt_issuer={self.jwt_issuer!r} and jwt_audience={self.jwt_audience!r} belong together: "
            "set both for JWT or neither for IAM",
        )
        require(
            self.jwt_issuer is None or self.jwt_issuer.startswith("https://"),
            f"jwt_issuer must start with https://, not {self.jwt_issuer!r}: API Gateway fetches its keys from there",
        )
        require(
            bool(self.jwt_read_scope and self.jwt_write_scope),
            "jwt_read_scope and jwt_write_scope must not be empty: a route without a scope admits every token",
        )

    def _check_alarms(self) -> None:
        age = self.monitoring.iterator_age_seconds
        oldest = max(self.relay_mapping.max_record_age_seconds, self.summarize_mapping.max_record_age_seconds)
        require(
            age < oldest,
            f"iterator_age_seconds={age} must be below the longest max_record_age_seconds={oldest}: "
            "later it could only tell what is already given up",
        )
