"""Take orders and answer questions about them over HTTP.

Source: an HTTP API (payload format 2.0), one route each and `$default`, every one behind an IAM or a JWT authorizer.
Effect: one conditional put for an order; everything else only reads. Judging the order is left to `enrich`.
Key: the order's id; the hash of its content tells the same order sent again from another one under the same id.
Rung: by design, a condition on the key. Cost: 1 call a request; a waiting one reads up to 24 times.
Retry: the same order again, by the customer or by boto3 after a lost answer, changes nothing and is answered the same
to the byte.
Nothing retries this function itself: what fails here is answered (5xx) and may be sent again, so it has no on-failure
destination.

A caller with a token sees and places the orders of its own customer. An order of somebody else is answered as if there
were none (404), since the answer must not tell which ids exist; a list of somebody else's orders is refused (403), as
it was asked for by name. Statistics speak of the whole shop and need the scope `orders/admin`.
"""

import os
import time
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from effects.connection import CONNECTION, THROTTLED
from effects.customer_orders_table import CustomerOrdersTable
from effects.orders_table import OrdersTable
from effects.statistics_table import StatisticsTable
from web.answer import problem_answer
from web.problem import Refused, busy
from web.resources import Resources
from web.routes import LIST_ORDERS, PLACE_ORDER, SHOW_ORDER, SHOW_STATISTICS, no_route

logger = Logger()
metrics = Metrics()
client = boto3.client("dynamodb", config=CONNECTION)
resources = Resources(
    orders=OrdersTable(client=client, name=os.environ["ORDERS_TABLE"]),
    customer_orders=CustomerOrdersTable(client=client, name=os.environ["CUSTOMER_ORDERS_TABLE"]),
    statistics=StatisticsTable(client=client, name=os.environ["STATISTICS_TABLE"]),
    clock=time.monotonic,
    sleep=time.sleep,
    today=lambda: datetime.now(UTC).date(),
)


def request_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request, or raise `Refused`."""
    route = event["routeKey"]
    if route == PLACE_ORDER:
        return resources.place_order(event)
    if route == SHOW_ORDER:
        return resources.show_order(event, remaining_seconds=context.get_remaining_time_in_millis() / 1000)
    if route == LIST_ORDERS:
        return resources.list_orders(event)
    if route == SHOW_STATISTICS:
        return resources.show_statistics(event)
    raise Refused(no_route(event))


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request; a refusal is a problem document."""
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    try:
        answer = request_handler(event, context)
    except Refused as refused:
        answer = problem_answer(refused.problem)
    except ClientError as error:
        if error.response["Error"]["Code"] not in THROTTLED:
            raise
        answer = problem_answer(busy())
    metrics.add_metric(name=f"Answers{answer['statusCode'] // 100}xx", unit=MetricUnit.Count, value=1)
    logger.info("request answered", route=event["routeKey"], status=answer["statusCode"])
    return answer
