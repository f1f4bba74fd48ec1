"""The event source mapping between the stream of a table and a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.acknowledgement import acknowledge
from stacks.alarms import NOTHING_CHANGED, NOTHING_HAPPENED, PERIOD, Alarms
from stacks.event_counts import event_count
from stacks.failure_bucket import FailureBucket, FailureDestination
from stacks.mapping_settings import StreamMappingSettings
from stacks.python_function import PythonFunction
from stacks.retry_time import worst_retry_seconds

# DynamoDB developer guide, "DynamoDB Streams record": the keys that a pattern can be rooted at.
_RECORD_KEYS = frozenset(
    {"eventID", "eventVersion", "dynamodb", "awsRegion", "eventName", "eventSource", "eventSourceARN", "userIdentity"}
)
# Lambda developer guide, "Control which events Lambda sends to your function": five unless a quota is raised.
_MAXIMUM_FILTERS = 5


class StreamMapping(Construct):
    """Defines a mapping from a table's stream to the alias of a function, with every property written out.

    Needs the table, the function, the failure bucket and what the handler can cope with (bisected batches, partial
    answers, a window, a filter). Guarantees finite retries, a destination for the whole batch, event counts, and
    alarms on age, loss and a filter that lets nothing pass; refuses what Lambda or the CDK would take in silence and
    then not do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: PythonFunction,
        table: dynamodb.ITable,
        settings: StreamMappingSettings,
        bisect_batch_on_error: bool,
        report_batch_item_failures: bool,
        tumbling_window_seconds: int | None,
        filters: Sequence[Mapping[str, Any]],
        failures: FailureBucket,
        alarms: Alarms,
    ) -> None:
        stream_arn = _stream_of(table)
        _check_window(tumbling_window_seconds, settings)
        _check_filters(filters)
        _check_retries(settings, function, bisect_batch_on_error=bisect_batch_on_error)
        super().__init__(scope, construct_id)
        # As the CDK grants it but for `dynamodb:ListStreams` on every stream of the account: Lambda is content with
        # the one that it reads.
        function.allow(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
            stream_arn,
        )
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Resource",
            target=function.alias,
            event_source_arn=stream_arn,
            enabled=True,
            # A mapping is replaced now and then; from the horizon it repeats records, from the end it would lose some.
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=settings.batch_size,
            max_batching_window=Duration.seconds(settings.max_batching_window_seconds),
            parallelization_factor=settings.parallelization_factor,
            retry_attempts=settings.retry_attempts,
            max_record_age=Duration.seconds(settings.max_record_age_seconds),
            bisect_batch_on_error=bisect_batch_on_error,
            report_batch_item_failures=report_batch_item_failures,
            tumbling_window=Duration.seconds(tumbling_window_seconds or 0),
            filters=[lambda_.FilterCriteria.filter(dict(pattern)) for pattern in filters] or None,
            on_failure=FailureDestination(failures),
            metrics_config=lambda_.MetricsConfig(metrics=[lambda_.MetricType.EVENT_COUNT]),
        )
        reason = "Lambda makes up the keys of discarded batches; below one prefix they may be put, not read or deleted."
        acknowledge(function.role, {f"AwsSolutions-IAM5[Resource::{failures.objects_in_findings}]": reason})
        self._define_alarms(function, alarms, filtered=bool(filters))

    def _define_alarms(self, function: PythonFunction, alarms: Alarms, *, filtered: bool) -> None:
        alarms.add(
            self,
            "IteratorAge",
            metric=function.function.metric("IteratorAge", period=PERIOD, statistic="Maximum"),
            threshold=alarms.settings.iterator_age_seconds * 1_000,
            means="The function lags behind the stream, which forgets after 24 hours.",
            first="look at its errors. If they rise too, a record blocks a shard: mend the function before the record "
            "age runs out. If not, raise the parallelization factor or the memory in stacks/settings.py.",
            missing=NOTHING_CHANGED,
        )
        for alarm_id, metric, means, first in (
            (
                "GivenUp",
                event_count(self.mapping, "OnFailureDestinationDeliveredEventCount"),
                "The mapping gave up records, whole, into the failure bucket: their effect is missing.",
                "find the cause in the function's log. The alarm on the depth of the stream's dead-letter queue says "
                "how to go on.",
            ),
            (
                "Undeliverable",
                function.function.metric("DestinationDeliveryFailures", period=PERIOD, statistic="Sum"),
                "The mapping gave up a batch that the failure bucket did not take.",
                "check that the bucket is there, that its policy and its key admit the function's role, and that the "
                "role may put below aws/lambda/; then go on as the alarm on dropped records says.",
            ),
            (
                "Dropped",
                event_count(self.mapping, "DroppedEventCount"),
                "The mapping gave up records, and nothing keeps them.",
                "read the orders concerned from the table, whose state is the newest there is: the stream has the "
                "records for 24 hours, and the function's log names those that it failed on.",
            ),
        ):
            alarms.add(self, alarm_id, metric=metric, threshold=1, means=means, first=first, missing=NOTHING_HAPPENED)
        if filtered:
            self._define_filter_alarm(alarms)

    def _define_filter_alarm(self, alarms: Alarms) -> None:
        minimum, hour = alarms.settings.minimum_polled, Duration.hours(1)
        alarms.add(
            self,
            "AllFiltered",
            metric=cloudwatch.MathExpression(
                expression=f"IF(polled >= {minimum}, 100 * filtered / polled, 0)",
                using_metrics={
                    "polled": event_count(self.mapping, "PolledEventCount", period=hour),
                    "filtered": event_count(self.mapping, "FilteredOutEventCount", period=hour),
                },
                period=hour,
                label="share of records filtered out, percent",
            ),
            threshold=100,
            means="For an hour no record passed the filter, though enough came: it does not fit the records any more, "
            "and what it drops does not come back by itself.",
            first="compare a new item of the table with the mapping's filter in stacks/; mend the filter, then hand "
            "over the hours that it dropped.",
            missing=NOTHING_HAPPENED,
        )


def _stream_of(table: dynamodb.ITable) -> str:
    arn = table.table_stream_arn
    if arn is None:
        raise ValueError(f"table {table.node.path} has no stream: define it with a stream view type")
    return arn


def _check_window(tumbling_window_seconds: int | None, settings: StreamMappingSettings) -> None:
    if tumbling_window_seconds and settings.parallelization_factor > 1:
        raise ValueError(
            f"a tumbling window and parallelization_factor={settings.parallelization_factor} exclude each other: "
            "set the factor to 1 or drop the window"
        )


def _check_retries(settings: StreamMappingSettings, function: PythonFunction, *, bisect_batch_on_error: bool) -> None:
    timeout = function.settings.timeout_seconds
    seconds = worst_retry_seconds(settings, timeout_seconds=timeout, bisect_batch_on_error=bisect_batch_on_error)
    if seconds > settings.max_record_age_seconds:
        raise ValueError(
            f"retry_attempts={settings.retry_attempts} of a function with timeout_seconds={timeout} may take "
            f"{seconds} seconds, longer than max_record_age_seconds={settings.max_record_age_seconds}: records behind "
            "a bad one would be given up unseen; lower the attempts or the timeout, or raise the age"
        )


def _check_filters(filters: Sequence[Mapping[str, Any]]) -> None:
    if len(filters) > _MAXIMUM_FILTERS:
        raise ValueError(f"{len(filters)} filters are too many: Lambda takes {_MAXIMUM_FILTERS}, join some")
    for pattern in filters:
        unknown = sorted(set(pattern) - _RECORD_KEYS)
        if unknown:
            raise ValueError(
                f"a filter rooted at {', '.join(unknown)} matches no stream record: "
                f"root it at {', '.join(sorted(_RECORD_KEYS))}"
            )
        if _compares_number_text(pattern):
            raise ValueError(
                "a numeric comparison below 'N' never matches: numbers travel as text in a stream record, "
                "so compare in the function"
            )


def _compares_number_text(pattern: object, *, below_number: bool = False) -> bool:
    if isinstance(pattern, Mapping):
        return any(
            (below_number and key == "numeric") or _compares_number_text(value, below_number=below_number or key == "N")
            for key, value in pattern.items()
        )
    if isinstance(pattern, list):
        return any(_compares_number_text(item, below_number=below_number) for item in pattern)
    return False
