"""`replicate`: the row of each order ends at its newest version."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.queues import message, order_and_version, queue_of
from tests.crash.shop import row
from tests.crash.sources import Source
from tests.crash.subject import Subject, nothing
from tests.crash.verdict import Effects

NEWEST = (("100", 4), ("200", 3), ("C300", 2))
MESSAGES = (
    message("100", 2, copy=" again", is_late=True),
    message("200", 2, copy=" again", is_late=True),
    message("100", 2),
    message("C300", 2),
    message("200", 2),
    message("100", 3),
    message("200", 3),
    message("100", 4),
    message("100", 3, copy=" again"),
)


def _effects(cloud: Cloud, _: Source) -> Effects:
    return {item["order_id"]["S"]: [item] for item in cloud.items("CustomerOrders")}


def _exact(_: Layout) -> dict[str, Any]:
    return {order_id: row(order_id, version) for order_id, version in NEWEST}


REPLICATE = Subject(
    name="replicate",
    label="Replicate",
    module="handlers.replicate",
    prepare=nothing,
    source=queue_of(MESSAGES, batch_size=3),
    effects=_effects,
    exact=_exact,
    effect_of=lambda ref, _: order_and_version(ref)[0],
)

PLAIN_REPLICATE = replace(REPLICATE, name="replicate, plain", module="tests.crash.plain.replicate")
