"""`notify`: each event is told, and told again only after a crash between the publish and its completion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.queues import message, order_and_version, queue_of
from tests.crash.shop import TOTALS, document, event_id, kind
from tests.crash.sources import Source
from tests.crash.subject import Subject, nothing, read
from tests.crash.verdict import Effects

TOLD = (("100", 2), ("C300", 2), ("400", 2))
MESSAGES = (
    message("100", 2, copy=" again", is_late=True),
    message("100", 2),
    message("C300", 2),
    message("400", 2),
)


def _effects(cloud: Cloud, _: Source) -> Effects:
    told: dict[str, list[Any]] = {}
    for subject, text, status in cloud.messages():
        told.setdefault(read(text)["eventId"], []).append((subject, read(text), status))
    return told


def _exact(_: Layout) -> dict[str, Any]:
    exact = {}
    for order_id, version in TOLD:
        whole = document(order_id, version)
        names = ("orderId", "status", "version", "kind", "customerKind", "total", "reason")
        text = {"eventId": event_id(order_id, version)} | {name: whole[name] for name in names if name in whole}
        subject = f"{kind(order_id).title()} {order_id} {whole['status'].lower()}"
        assert text["total"] == TOTALS[order_id]
        exact[event_id(order_id, version)] = (subject, text, whole["status"])
    return exact


NOTIFY = Subject(
    name="notify",
    label="Notify",
    module="handlers.notify",
    prepare=nothing,
    source=queue_of(MESSAGES, batch_size=3),
    effects=_effects,
    exact=_exact,
    effect_of=lambda ref, _: event_id(*order_and_version(ref)),
)

PLAIN_NOTIFY = replace(NOTIFY, name="notify, plain", module="tests.crash.plain.notify")
