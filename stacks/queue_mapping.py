"""The event source mapping between a queue and a function."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.acknowledgement import acknowledge
from stacks.event_queue import EventQueue
from stacks.mapping_settings import QueueMappingSettings
from stacks.python_function import PythonFunction


class QueueMapping(Construct):
    """Defines a mapping from a queue to the alias of a function, with every property written out.

    Needs both, and a handler that answers with batch item failures. Guarantees that a failed message comes back
    alone, that the mapping never asks for more invocations than the function may run, and event counts.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: PythonFunction,
        queue: EventQueue,
        settings: QueueMappingSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        function.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue.queue.queue_arn)
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Resource",
            target=function.alias,
            event_source_arn=queue.queue.queue_arn,
            enabled=True,
            batch_size=settings.batch_size,
            max_batching_window=Duration.seconds(settings.max_batching_window_seconds),
            max_concurrency=settings.max_concurrency,
            report_batch_item_failures=True,
            metrics_config=lambda_.MetricsConfig(metrics=[lambda_.MetricType.EVENT_COUNT]),
        )
        acknowledge(
            self,
            {
                "Serverless-LambdaEventSourceMappingDestination": "Lambda offers none for a queue: the redrive policy "
                "sends a message that fails too often, whole, to the dead-letter queue."
            },
        )
