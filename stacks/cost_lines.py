"""What each part of the application costs an hour, as metric math over what it was asked for.

Each line is an estimate from the metrics of AWS and the prices of the settings. Names of metrics inside an expression
carry the part's name: in one widget CloudWatch knows a name only once.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions

from stacks.event_counts import event_count
from stacks.fulfilment_definition import TRANSITIONS
from stacks.prices import Prices
from stacks.python_function import PythonFunction

_HOUR = Duration.hours(1)
# What a queue bills: each metric counts messages, of which a request may carry ten, so this is the most it can be.
_QUEUE_METRICS = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "NumberOfEmptyReceives",
)


class CostLines:
    """Makes a line, in dollars an hour, for anything that the application is billed for."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def function(self, function: PythonFunction) -> cloudwatch.MathExpression:
        """The time and memory of a function, its requests, and the log that it writes."""
        gigabytes = function.settings.memory_size_mb / 1_024
        return _line(
            function.name,
            {
                "seconds": (
                    function.function.metric_duration(period=_HOUR, statistic="Sum"),
                    gigabytes * self._prices.lambda_gb_second / 1_000,
                ),
                "requests": (
                    function.function.metric_invocations(period=_HOUR, statistic="Sum"),
                    self._prices.lambda_request,
                ),
                "logged": (
                    _sum("AWS/Logs", "IncomingBytes", {"LogGroupName": function.log_group.log_group_name}),
                    self._prices.log_gb / 1_000_000_000,
                ),
            },
        )

    def table(self, name: str, table: dynamodb.ITable) -> cloudwatch.MathExpression:
        """The units that a table consumed, at the price of on-demand capacity."""
        dimensions = {"TableName": table.table_name}
        return _line(
            name,
            {
                "reads": (_sum("AWS/DynamoDB", "ConsumedReadCapacityUnits", dimensions), self._prices.read_unit),
                "writes": (_sum("AWS/DynamoDB", "ConsumedWriteCapacityUnits", dimensions), self._prices.write_unit),
            },
        )

    def bus(self, relay: lambda_.IEventSourceMapping) -> cloudwatch.MathExpression:
        """The events on the bus: one for each record that the relay is handed."""
        return _line("bus", {"events": (event_count(relay, "InvokedEventCount", period=_HOUR), self._prices.bus_event)})

    def queue(self, name: str, queue: sqs.IQueue) -> cloudwatch.MathExpression:
        """The requests that a queue answered, at most."""
        dimensions = {"QueueName": queue.queue_name}
        metrics = {metric: _sum("AWS/SQS", metric, dimensions) for metric in _QUEUE_METRICS}
        return _line(
            f"{name}Queue",
            {f"m{number}": (metric, self._prices.queue_request) for number, metric in enumerate(metrics.values())},
        )

    def state_machine(self, state_machine: stepfunctions.StateMachine) -> cloudwatch.MathExpression:
        """The transitions of executions that end as they should."""
        started = state_machine.metric_started(period=_HOUR, statistic="Sum")
        return _line("fulfilment", {"started": (started, TRANSITIONS * self._prices.state_transition)})

    def http_api(self, http_api: apigateway.HttpApi) -> cloudwatch.MathExpression:
        """The requests of the HTTP API."""
        requests = http_api.metric_count(period=_HOUR, statistic="Sum")
        return _line("http", {"requests": (requests, self._prices.api_request)})


def _sum(namespace: str, metric_name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=metric_name, dimensions_map=dict(dimensions), period=_HOUR, statistic="Sum"
    )


def _line(part: str, terms: Mapping[str, tuple[cloudwatch.Metric, float]]) -> cloudwatch.MathExpression:
    """Add up terms (name → metric and dollars for one of it); where a metric is silent it costs nothing."""
    prefix = part[0].lower() + part[1:]
    return cloudwatch.MathExpression(
        # Fixed point: the syntax of metric math documents no exponents.
        expression=" + ".join(f"FILL({prefix}_{name}, 0) * {dollars:.15f}" for name, (_, dollars) in terms.items()),
        using_metrics={f"{prefix}_{name}": metric for name, (metric, _) in terms.items()},
        period=_HOUR,
        label=part,
    )
