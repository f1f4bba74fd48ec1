"""One page for whoever operates a stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.alarms import PERIOD, Alarms
from stacks.cost_lines import CostLines
from stacks.dead_letter_queue import DeadLetterQueue
from stacks.enrich import Enrich
from stacks.event_counts import event_count
from stacks.failure_bucket import FailureBucket
from stacks.fulfilment import Fulfilment
from stacks.notify import Notify
from stacks.orders_api import OrdersApi
from stacks.python_function import PythonFunction
from stacks.relay import Relay
from stacks.replicate import Replicate
from stacks.stage_settings import StageSettings
from stacks.summarize import Summarize

Reader = Relay | Summarize
Consumer = Enrich | Notify | Replicate

# A dashboard is 24 columns wide.
_WIDTH = 24
_HEIGHT = 6


class OperationsDashboard(Construct):
    """Defines the dashboard: which alarms are on, is it keeping up, what failed, what does it cost; then each function.

    Needs every part that is watched. Guarantees a row for each function, which asks the same three questions of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        alarms: Alarms,
        api: OrdersApi,
        readers: Sequence[Reader],
        consumers: Sequence[Consumer],
        fulfilment: Fulfilment,
        failures: FailureBucket,
        tables: Mapping[str, dynamodb.ITable],
    ) -> None:
        super().__init__(scope, construct_id)
        self._costs = CostLines(settings.prices)
        self.dashboard = cloudwatch.Dashboard(self, "Resource", default_interval=Duration.hours(12))
        self._add_alarms(alarms)
        dead_letters = {
            "stream": failures.dead_letters,
            **{consumer.function.name: consumer.queue.dead_letters for consumer in consumers},
            "undelivered": fulfilment.undelivered,
            "failures": fulfilment.failures,
        }
        self._add_row(
            "Is it keeping up?",
            _graph(
                "behind the stream", map(_iterator_age, readers), limit=alarms.settings.iterator_age_seconds * 1_000
            ),
            _graph("oldest message, seconds", map(_oldest_message, consumers)),
            _graph("API, ms", _latencies(api), limit=alarms.settings.api_latency_ms),
            _graph("fulfilment, ms", [fulfilment.state_machine.metric_time(period=PERIOD, statistic="p95")]),
        )
        self._add_row(
            "What failed?",
            _graph("errors", (_errors(part.function) for part in (api, *readers, *consumers))),
            _graph("dead letters", (_depth(name, queue) for name, queue in dead_letters.items())),
            _graph("given up or lost", (line for reader in readers for line in _losses(reader))),
            _graph("refused or failed", _refusals(api, fulfilment, tables)),
        )
        self._add_costs(api, readers, consumers, fulfilment, tables)
        self._add_function(api.function, _graph("api: ms", _latencies(api)), [])
        for reader in readers:
            age = _graph(f"{reader.function.name}: behind the stream, ms", [_iterator_age(reader)])
            self._add_function(reader.function, age, [*_counts(reader.stream.mapping), *_losses(reader)])
        for consumer in consumers:
            queue = consumer.queue.queue
            waiting = queue.metric_approximate_number_of_messages_visible(period=PERIOD, label="waiting")
            age = _graph(f"{consumer.function.name}: oldest message, s", [_oldest_message(consumer)], right=[waiting])
            self._add_function(consumer.function, age, _counts(consumer.messages.mapping))

    def _add_alarms(self, alarms: Alarms) -> None:
        single = [alarm for part in alarms.parts.values() for alarm in part]
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Parts that need a person", alarms=alarms.composites, width=_WIDTH // 2, height=_HEIGHT
            ),
            cloudwatch.AlarmStatusWidget(
                title="Alarms that are on; each description says what to do",
                alarms=single,
                states=[cloudwatch.AlarmState.ALARM],
                width=_WIDTH // 2,
                height=_HEIGHT,
            ),
        )

    def _add_row(self, title: str, *widgets: cloudwatch.IWidget) -> None:
        self.dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {title}", width=_WIDTH, height=1))
        self.dashboard.add_widgets(*widgets)

    def _add_costs(
        self,
        api: OrdersApi,
        readers: Sequence[Reader],
        consumers: Sequence[Consumer],
        fulfilment: Fulfilment,
        tables: Mapping[str, dynamodb.ITable],
    ) -> None:
        costs = self._costs
        relay = next(reader for reader in readers if isinstance(reader, Relay))
        lines = [
            *(costs.function(part.function) for part in (api, *readers, *consumers)),
            *(costs.table(name, table) for name, table in tables.items()),
            *(costs.queue(consumer.function.name, consumer.queue.queue) for consumer in consumers),
            costs.bus(relay.stream.mapping),
            costs.state_machine(fulfilment.state_machine),
            costs.http_api(api.http_api),
        ]
        self._add_row(
            "What does it cost?",
            cloudwatch.GraphWidget(
                title="dollars an hour", left=lines, stacked=True, width=_WIDTH // 2, height=_HEIGHT, period=_HOUR
            ),
            cloudwatch.SingleValueWidget(
                title="dollars in the time shown",
                metrics=lines,
                set_period_to_time_range=True,
                full_precision=True,
                width=_WIDTH // 2,
                height=_HEIGHT,
            ),
        )

    def _add_function(
        self, function: PythonFunction, keeping_up: cloudwatch.IWidget, failures: Sequence[cloudwatch.IMetric]
    ) -> None:
        """Add the row of a function: does it keep up, how does it run, what failed, what does it cost."""
        measured, name = function.function, function.name
        durations = [measured.metric_duration(period=PERIOD, statistic=each, label=each) for each in ("p50", "p99")]
        concurrency = measured.metric("ConcurrentExecutions", period=PERIOD, statistic="Maximum", label="at once")
        throttles = measured.metric_throttles(period=PERIOD, statistic="Sum", label="throttled")
        self._add_row(
            name,
            keeping_up,
            _graph(
                f"{name}: duration, ms", durations, right=[concurrency], limit=function.settings.timeout_seconds * 1_000
            ),
            _graph(f"{name}: failures", [_errors(function), throttles, *failures]),
            _graph(f"{name}: dollars an hour", [self._costs.function(function)], period=_HOUR),
        )


_HOUR = Duration.hours(1)


def _graph(
    title: str,
    left: Iterable[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    limit: float | None = None,
    period: Duration = PERIOD,
) -> cloudwatch.GraphWidget:
    """Draw a quarter of a row; the limit is a line across it."""
    return cloudwatch.GraphWidget(
        title=title,
        left=list(left),
        right=list(right),
        left_annotations=[cloudwatch.HorizontalAnnotation(value=limit, label="limit")] if limit else [],
        left_y_axis=cloudwatch.YAxisProps(min=0),
        period=period,
        width=_WIDTH // 4,
        height=_HEIGHT,
    )


def _iterator_age(reader: Reader) -> cloudwatch.Metric:
    function = reader.function
    return function.function.metric("IteratorAge", period=PERIOD, statistic="Maximum", label=function.name)


def _oldest_message(consumer: Consumer) -> cloudwatch.Metric:
    queue, label = consumer.queue.queue, consumer.function.name
    return queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum", label=label)


def _latencies(api: OrdersApi) -> list[cloudwatch.Metric]:
    return [api.http_api.metric_latency(period=PERIOD, statistic=each, label=each) for each in ("p50", "p99")]


def _errors(function: PythonFunction) -> cloudwatch.Metric:
    return function.function.metric_errors(period=PERIOD, statistic="Sum", label=function.name)


def _depth(name: str, dead_letters: DeadLetterQueue) -> cloudwatch.Metric:
    return dead_letters.queue.metric_approximate_number_of_messages_visible(
        period=PERIOD, statistic="Maximum", label=name
    )


def _losses(reader: Reader) -> list[cloudwatch.Metric]:
    mapping, name = reader.stream.mapping, reader.function.name
    return [
        event_count(mapping, "OnFailureDestinationDeliveredEventCount", label=f"{name}: in the failure bucket"),
        event_count(mapping, "DroppedEventCount", label=f"{name}: dropped"),
    ]


def _counts(mapping: lambda_.IEventSourceMapping) -> list[cloudwatch.Metric]:
    return [event_count(mapping, "FailedInvokeEventCount", label="records of failed batches")]


def _refusals(
    api: OrdersApi, fulfilment: Fulfilment, tables: Mapping[str, dynamodb.ITable]
) -> Iterable[cloudwatch.Metric]:
    yield api.http_api.metric_server_error(period=PERIOD, statistic="Sum", label="API: 5xx")
    yield api.http_api.metric_client_error(period=PERIOD, statistic="Sum", label="API: 4xx")
    yield fulfilment.state_machine.metric_failed(period=PERIOD, statistic="Sum", label="fulfilments failed")
    for name, table in tables.items():
        for kind in ("Read", "Write"):
            yield table.metric(
                f"{kind}ThrottleEvents", period=PERIOD, statistic="Sum", label=f"{name}: {kind.lower()}s throttled"
            )
