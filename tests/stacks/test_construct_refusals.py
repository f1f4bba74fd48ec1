"""What a stream mapping, a rule and an alarm refuse, since neither Lambda nor the CDK would."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb

from stacks.alarms import NOTHING_HAPPENED, Alarms
from stacks.failure_bucket import FailureBucket
from stacks.item_table import ItemTable
from stacks.order_bus import OrderBus
from stacks.order_rule import OrderRule
from stacks.python_function import PythonFunction
from stacks.settings import DEV
from stacks.stream_mapping import StreamMapping
from tests.stacks.synthesized import new_app


@pytest.fixture
def stack(tmp_path: Path) -> cdk.Stack:
    """An empty stack that bundles nothing."""
    return cdk.Stack(new_app(tmp_path), "Stack")


@pytest.fixture
def define(stack: cdk.Stack) -> Callable[..., StreamMapping]:
    """Defines a mapping with some properties changed."""
    alarms = Alarms(stack, "Alarms", settings=DEV)
    function = PythonFunction(stack, "Function", handler="relay", settings=DEV, alarms=alarms, environment={})
    properties: dict[str, Any] = {
        "function": function,
        "table": ItemTable(
            stack,
            "Orders",
            settings=DEV,
            capacity=DEV.tables.orders,
            partition_key="order_id",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        ).table,
        "settings": DEV.relay_mapping,
        "bisect_batch_on_error": True,
        "report_batch_item_failures": True,
        "tumbling_window_seconds": None,
        "filters": [],
        "failures": FailureBucket(stack, "Failures", settings=DEV, alarms=alarms),
        "alarms": alarms,
    }
    return lambda **changes: StreamMapping(stack, "Mapping", **{**properties, **changes})


def test_fails_when_the_table_has_no_stream(stack: cdk.Stack, define: Callable[..., StreamMapping]) -> None:
    """A table without a stream cannot be read from."""
    table = ItemTable(stack, "Silent", settings=DEV, capacity=DEV.tables.orders, partition_key="id").table

    with pytest.raises(ValueError, match=r"table Stack/Silent/Table has no stream: define it with a stream view type"):
        define(table=table)


def test_fails_when_a_window_meets_a_factor(define: Callable[..., StreamMapping]) -> None:
    """A tumbling window keeps one state per shard, which a factor would split."""
    settings = replace(DEV.relay_mapping, parallelization_factor=2)

    with pytest.raises(ValueError, match=r"a tumbling window and parallelization_factor=2 exclude each other: set"):
        define(settings=settings, tumbling_window_seconds=60)


def test_fails_when_retries_outlast_the_record_age(define: Callable[..., StreamMapping]) -> None:
    """Attempts that take longer than a record may be old would cost the records behind the bad one."""
    settings = replace(DEV.relay_mapping, retry_attempts=100)

    with pytest.raises(
        ValueError,
        match=r"retry_attempts=100 of a function with timeout_seconds=30 may take 9013 seconds, longer than "
        r"max_record_age_seconds=3600: .*; lower the attempts or the timeout, or raise the age",
    ):
        define(settings=settings)


def test_fails_when_a_filter_is_rooted_elsewhere(define: Callable[..., StreamMapping]) -> None:
    """A pattern rooted at `body` would match no stream record, in silence."""
    with pytest.raises(ValueError, match=r"a filter rooted at body matches no stream record: root it at .*dynamodb"):
        define(filters=[{"body": {"status": ["PLACED"]}}])


def test_fails_when_a_filter_compares_numbers(define: Callable[..., StreamMapping]) -> None:
    """A number travels as text, so that a numeric comparison below `N` would never match."""
    pattern = {"dynamodb": {"NewImage": {"total": {"N": [{"numeric": [">", 0]}]}}}}

    with pytest.raises(ValueError, match=r"a numeric comparison below 'N' never matches: numbers travel as text"):
        define(filters=[pattern])


def test_fails_when_there_are_six_filters(define: Callable[..., StreamMapping]) -> None:
    """Lambda takes five filters."""
    with pytest.raises(ValueError, match=r"6 filters are too many: Lambda takes 5"):
        define(filters=6 * [{"eventName": ["INSERT"]}])


def test_fails_when_a_rule_asks_for_unknown_events(stack: cdk.Stack) -> None:
    """A misspelled detail type would match nothing, in silence."""
    bus = OrderBus(stack, "Bus")

    with pytest.raises(ValueError, match=r"detail types \['OrderPlaced', 'OrderLost'\] would match nothing: take some"):
        OrderRule(
            stack,
            "Rule",
            settings=DEV,
            bus=bus,
            alarms=Alarms(stack, "Alarms", settings=DEV),
            detail_types=["OrderPlaced", "OrderLost"],
        )


@pytest.mark.parametrize("silent", ["means", "first"])
def test_fails_when_an_alarm_is_silent(stack: cdk.Stack, silent: str) -> None:
    """An alarm that does not say what it means and what to do first is no help."""
    alarms = Alarms(stack, "Alarms", settings=DEV)
    means, first = ("" if name == silent else "It is full." for name in ("means", "first"))

    with pytest.raises(ValueError, match=r"alarm 'Depth' does not say what it means and the first thing to do: say"):
        alarms.add(
            stack,
            "Depth",
            metric=cdk.aws_cloudwatch.Metric(namespace="N", metric_name="M"),
            threshold=1,
            missing=NOTHING_HAPPENED,
            means=means,
            first=first,
        )


def test_fails_when_a_handler_has_no_settings(stack: cdk.Stack) -> None:
    """A function whose memory and timeout nobody decided is refused."""
    alarms = Alarms(stack, "Alarms", settings=DEV)

    with pytest.raises(ValueError, match=r"handler 'audit' has no settings: add it to StageSettings"):
        PythonFunction(stack, "Function", handler="audit", settings=DEV, alarms=alarms, environment={})
