"""One measurement: a function in a new execution environment is handed its events, and what that took is told."""

from __future__ import annotations

import importlib.util
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from benchmarks.ladder.cloud import REGION, TOPIC_ARN, Cloud, Spent
from benchmarks.ladder.records import Event
from benchmarks.ladder.rungs import Rung

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_LAMBDA_FUNCTION_NAME": "ladder",
    "POWERTOOLS_SERVICE_NAME": "ladder",
    "POWERTOOLS_METRICS_NAMESPACE": "Penstock",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "ORDERS_TABLE": "Orders",
    "CUSTOMER_ORDERS_TABLE": "CustomerOrders",
    "STATISTICS_TABLE": "Statistics",
    "IDEMPOTENCY_TABLE": "Idempotency",
    "COUNTERS_TABLE": "Counters",
    "EVENT_BUS_NAME": "Bus",
    "TOPIC_ARN": TOPIC_ARN,
}

Handler = Callable[[Event, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """What the runtime tells a function; there is always half a minute left."""

    function_name: str = "ladder"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:123456789012:function:ladder:live"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Give the time that is left."""
        return 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What so many records took, without the engine's time; ``wrong`` counts results that are not as they must be."""

    records: int
    invocations: int
    calls: int
    write_units: float
    read_units: float
    wrong: int
    processor_seconds: float
    elapsed_seconds: float


def measure(cloud: Cloud, rung: Rung, workload_name: str, *, count: int, latency_ms: float = 0.0) -> Measured:
    """Hand a workload of so many records to a function, after what comes before it and after a few to warm it up."""
    workload = rung.workloads(count)[workload_name]
    with _quiet():
        cloud.reset()
        handler = _new_environment(cloud, rung.module)
        warm_up = rung.workloads(10)[workload_name].of_other_orders()
        rung.prepare(cloud, warm_up)
        _invoke(handler, rung.events(warm_up.changes, rung.batch_size))
        cloud.reset()
        rung.prepare(cloud, workload)
        _invoke(handler, rung.events(workload.before, rung.batch_size))
        events = list(rung.events(workload.changes, rung.batch_size))
        cloud.spent, cloud.latency_ms = Spent(), latency_ms
        began, processor_began = time.perf_counter(), time.thread_time()
        _invoke(handler, events)
        processor_seconds = time.thread_time() - processor_began
        elapsed_seconds = time.perf_counter() - began
        cloud.latency_ms = 0.0
    return Measured(
        records=len(workload.changes),
        invocations=len(events),
        calls=cloud.spent.calls.total(),
        write_units=cloud.spent.units["write"],
        read_units=cloud.spent.units["read"],
        wrong=rung.check(cloud, workload),
        processor_seconds=processor_seconds - cloud.spent.engine_processor_seconds,
        elapsed_seconds=elapsed_seconds - cloud.spent.engine_seconds,
    )


def _new_environment(cloud: Cloud, module_name: str) -> Handler:
    """Run a function's module as a new execution environment does: wiring included, nothing remembered."""
    spec = importlib.util.find_spec(module_name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch("boto3.client", cloud.client):
        spec.loader.exec_module(module)
    handler: Handler = module.lambda_handler
    return handler


def _invoke(handler: Handler, events: Iterable[Event]) -> None:
    """Invoke a function with event after event; a window's state goes on from each to the next."""
    context = LambdaContext()
    state: dict[str, Any] = {}
    for event in events:
        answer = handler({**event, "state": state} if "window" in event else event, context)
        state = answer.get("state", {})
        assert not answer.get("batchItemFailures"), answer


class _Nowhere(io.TextIOBase):
    """Where the functions' logs and metrics go."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


_NOWHERE = _Nowhere()


@contextmanager
def _quiet() -> Iterator[None]:
    with patch.dict(os.environ, ENVIRONMENT), redirect_stdout(_NOWHERE):
        yield
