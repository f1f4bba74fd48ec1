"""From the Orders stream to the Statistics table."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.alarms import Alarms
from stacks.failure_bucket import FailureBucket
from stacks.python_function import PythonFunction
from stacks.stage_settings import StageSettings
from stacks.stream_mapping import StreamMapping


class Summarize(Construct):
    """Defines the second of the stream's two readers: it folds accepted orders over a tumbling window.

    Needs the Orders and Statistics tables and the failure bucket. Guarantees that a window sees its records once and
    in order: no filter, no bisect and no partial answer, each of which would let a window miss or repeat a record.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        orders: dynamodb.ITable,
        statistics: dynamodb.ITable,
        failures: FailureBucket,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Function",
            handler="summarize",
            settings=settings,
            alarms=alarms,
            environment={"STATISTICS_TABLE": statistics.table_name},
        )
        self.function.allow(["dynamodb:PutItem"], statistics.table_arn)
        self.stream = StreamMapping(
            self,
            "Stream",
            function=self.function,
            table=orders,
            settings=settings.summarize_mapping,
            bisect_batch_on_error=False,
            report_batch_item_failures=False,
            tumbling_window_seconds=settings.tumbling_window_seconds,
            filters=[],
            failures=failures,
            alarms=alarms,
        )
