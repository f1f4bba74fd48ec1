"""`relay`: at least once, each change under one event id, and no older change of an order first after a newer one."""

from __future__ import annotations

from itertools import chain
from typing import Any

from penstock.conformance.stream_record import Written
from penstock.mapping.configuration import StreamConfiguration
from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.shop import document, status
from tests.crash.sources import Source, StreamSource, with_batches_of
from tests.crash.streams import Change, records
from tests.crash.subject import Deployed, Subject, nothing, read
from tests.crash.verdict import Effects

CHANGES = (
    Change(order_id="100", version=1),
    Change(order_id="200", version=1),
    Change(order_id="100", version=2),
    Change(order_id="C300", version=1),
    Change(order_id="C300", version=1, is_news=False),
    Change(order_id="200", version=2),
    Change(order_id="100", version=3),
    Change(order_id="400", version=1),
    Change(order_id="100", version=4),
)


def _source(deployed: Deployed, layout: Layout) -> Source:
    assert isinstance(deployed.configuration, StreamConfiguration)
    return StreamSource(records(CHANGES, layout), with_batches_of(4, deployed.configuration))


def _event_id(written: Written) -> str:
    return str(written.record.body["eventID"])


def _effects(cloud: Cloud, _: Source) -> Effects:
    published: dict[str, list[Any]] = {}
    for entry in chain.from_iterable(cloud.published):
        detail = read(entry["Detail"])
        published.setdefault(detail["eventId"], []).append((entry["DetailType"], detail))
    return published


def _exact(layout: Layout) -> dict[str, Any]:
    exact = {}
    for change, written in zip(CHANGES, records(CHANGES, layout), strict=True):
        if change.is_news:
            name = f"Order{status(change.order_id, change.version).title()}"
            detail = {"eventId": _event_id(written)} | document(change.order_id, change.version)
            exact[_event_id(written)] = (name, detail)
    return exact


def _effect_of(ref: str, layout: Layout) -> str:
    [written] = [written for written in records(CHANGES, layout) if written.ref == ref]
    return _event_id(written)


def _disorder(cloud: Cloud) -> int:
    """Count the events that were published for the first time when a later one of their order was, or beside one.

    The bus does not keep the order of the entries of a call.
    """
    newest: dict[str, int] = {}
    known: set[str] = set()
    late = 0
    for entries in cloud.published:
        details = [read(entry["Detail"]) for entry in entries]
        late += len(details) - len({detail["orderId"] for detail in details})
        for detail in details:
            late += detail["eventId"] not in known and detail["version"] < newest.get(detail["orderId"], 0)
            known.add(detail["eventId"])
            newest[detail["orderId"]] = max(newest.get(detail["orderId"], 0), detail["version"])
    return late


RELAY = Subject(
    name="relay",
    label="Relay",
    module="handlers.relay",
    prepare=nothing,
    source=_source,
    effects=_effects,
    exact=_exact,
    effect_of=_effect_of,
    disorder=_disorder,
)
