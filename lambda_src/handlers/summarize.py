"""Count accepted orders per minute: the Orders stream, folded over a tumbling window.

Source: the stream of the Orders table, no filter, tumbling window; factor 1, no bisect, no partial answer.
Effect: one put for each window of each shard that had something to count. Counted is a change of status to ACCEPTED.
Key: window, shard and the first sequence number of the window; the last travels in the state, since the final call has
no records.
Rung: fold, then overwrite by that key. Cost: 1 write unit a window and shard, however many records.
Retry: a failed call is repeated with the state from before it, a failed final call with the same state, which
overwrites the same row. A record that cannot be read is counted as bad and never raised: it would block the shard. A
window that is terminated early is written as it stands, and what follows of it gets a row of its own, under its own
first sequence number.
On-failure destination: batches and final calls whose invocation failed, or whose write did, until retries or age ran
out.
"""

import os
from collections.abc import Mapping
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from effects.connection import CONNECTION
from effects.order_item import snapshot_of
from effects.statistics_table import StatisticsTable
from effects.window_fold import Window, WindowFold
from orders.order import Status
from orders.statistics import WindowStatistics
from orders.tally import Figures, Tally, tally_from

logger = Logger()
metrics = Metrics()
table = StatisticsTable(client=boto3.client("dynamodb", config=CONNECTION), name=os.environ["STATISTICS_TABLE"])


def record_handler(tally: Tally, record: Mapping[str, Any]) -> Tally:
    """Count one record that made an order accepted; what it raises makes the record a bad one."""
    images = record["dynamodb"]
    if images.get("NewImage", {}).get("status", {}).get("S") != Status.ACCEPTED:
        return tally
    if images.get("OldImage", {}).get("status", {}).get("S") == Status.ACCEPTED:
        return tally
    snapshot = snapshot_of(images["NewImage"])
    if snapshot.total is None or snapshot.item_count is None:
        raise ValueError(f"order {snapshot.order_id} is accepted without totals")
    return tally.count(snapshot.kind, Figures(count=1, items=snapshot.item_count, value=snapshot.total))


def write(window: Window, tally: Tally) -> None:
    """Write one window down."""
    table.write(
        WindowStatistics(window_start=window.start, window_end=window.end, shard_id=window.shard_id, tally=tally)
    )
    logger.info("window written", window_start=window.start, shard_id=window.shard_id, **tally.state())


window_fold = WindowFold(read=tally_from, count=record_handler, write=write, logger=logger)


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Fold a batch into the window's state; write the state down when the window ends."""
    metrics.add_metric(name="Records", unit=MetricUnit.Count, value=len(event["Records"]))
    bad_before = tally_from(event.get("state") or {}).bad_records
    tally = window_fold.fold(event)
    metrics.add_metric(name="BadRecords", unit=MetricUnit.Count, value=tally.bad_records - bad_before)
    return window_fold.answer(event, tally)
