"""`enrich`: each order is judged once and paid for once (a provider knows a payment by its order).

Order 100 is packed meanwhile, and stays so.
"""

from __future__ import annotations

from typing import Any

from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.queues import message, order_and_version, queue_of
from tests.crash.shop import item
from tests.crash.sources import Source
from tests.crash.subject import Subject
from tests.crash.verdict import Effects

ORDERS = ("100", "C300", "400")
MESSAGES = (
    message("100", 1, copy=" again", is_late=True),
    message("100", 1),
    message("C300", 1),
    message("400", 1),
)


def _prepare(cloud: Cloud) -> None:
    for order_id in ORDERS:
        cloud.put("Orders", item(order_id, 1))


def _effects(cloud: Cloud, _: Source) -> Effects:
    payments = {f"payment {order_id}": sorted(amounts) for order_id, amounts in cloud.payments.items()}
    return payments | {row["order_id"]["S"]: [row] for row in cloud.items("Orders")}


def _exact(_: Layout) -> dict[str, Any]:
    judged: dict[str, Any] = {order_id: item(order_id, 2) for order_id in ORDERS} | {"100": item("100", 3)}
    return judged | {"payment 100": "7.5"}


ENRICH = Subject(
    name="enrich",
    label="Enrich",
    module="handlers.enrich",
    prepare=_prepare,
    source=queue_of(MESSAGES, batch_size=3),
    effects=_effects,
    exact=_exact,
    meanwhile=lambda cloud: cloud.move_on(item("100", 2), item("100", 3)),
    effect_of=lambda ref, _: order_and_version(ref)[0],
)
