"""The records: orders made up from a seed, as they come to each function, and the workloads made of them.

A workload is what was handled before and what is measured. The same orders come as messages of a queue (as the event
bus puts them there) and as records of the stream.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from effects.order_item import placed_item, snapshot_of
from orders.change import OrderChanged
from orders.judgement import judge
from orders.money import number_text
from orders.order import Line, Order, Status

SEED = 1
WINDOW_RECORDS = 6_000
STATUSES = {1: Status.PLACED, 2: Status.ACCEPTED, 3: Status.PACKED, 4: Status.SHIPPED}

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An order at a version."""

    order: Order
    version: int

    @property
    def event_id(self) -> str:
        """What tells this change from all others, however often it comes."""
        return f"{self.order.order_id}-{self.version}"

    def item(self) -> dict[str, Any]:
        """The order's item at this version, in DynamoDB JSON."""
        item = placed_item(self.order)
        if self.version == 1:
            return item
        judgement = judge(self.order)
        return item | {
            "status": {"S": STATUSES[self.version].value},
            "version": {"N": str(self.version)},
            "total": {"N": number_text(judgement.total)},
            "item_count": {"N": str(judgement.item_count)},
            "distinct_products": {"N": str(judgement.distinct_products)},
            "customer_kind": {"S": judgement.customer_kind.value},
        }

    def message(self) -> dict[str, Any]:
        """A message of a queue with the domain event that `relay` makes of this change."""
        detail = OrderChanged(event_id=self.event_id, snapshot=snapshot_of(self.item())).detail()
        return {"messageId": self.event_id, "eventSource": "aws:sqs", "body": json.dumps({"detail": detail})}

    def stream_record(self, number: int) -> dict[str, Any]:
        """The record of the stream."""
        item = self.item()
        old = {"OldImage": Change(order=self.order, version=self.version - 1).item()} if self.version > 1 else {}
        return {
            "eventID": self.event_id,
            "eventName": "MODIFY" if old else "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": {"order_id": item["order_id"]},
                "SequenceNumber": str(10**20 + number),
                "NewImage": item,
                **old,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Changes that were handled before, and those that are measured."""

    name: str
    before: Sequence[Change] = ()
    changes: Sequence[Change]

    def of_other_orders(self) -> Workload:
        """The same without anything before, of orders that no other workload has."""
        changes = [
            replace(change, order=replace(change.order, order_id=f"W{change.order.order_id}"))
            for change in self.changes
        ]
        return Workload(name=self.name, changes=changes)

    def newest(self) -> dict[str, int]:
        """Where each order must have come to: its id → the newest version that was ever seen."""
        newest: dict[str, int] = {}
        for change in (*self.before, *self.changes):
            newest[change.order.order_id] = max(change.version, newest.get(change.order.order_id, 0))
        return newest


@cache
def orders(count: int) -> tuple[Order, ...]:
    """Make up so many orders of known customers, of 1 to 5 lines, all of which the shop accepts."""
    chance = random.Random(SEED)
    return tuple(_order(number, chance) for number in range(count))


def _order(number: int, chance: random.Random) -> Order:
    return Order(
        order_id=str(536_365 + number),
        customer_id=str(chance.randrange(12_000, 13_000)),
        country=chance.choice(("United Kingdom", "Germany", "France", "EIRE", "Spain")),
        lines=tuple(
            Line(
                stock_code=str(chance.randrange(10_000, 99_999)),
                description="WHITE HANGING HEART T-LIGHT HOLDER",
                quantity=chance.randrange(1, 100),
                unit_price=Decimal(chance.randrange(10, 10_000)) / 100,
                invoiced_at="2010-12-01T08:26:00",
            )
            for _ in range(chance.randrange(1, 6))
        ),
    )


def workloads(count: int) -> dict[str, Workload]:
    """Every workload of about so many messages, by name."""

    def at(version: int, some: Iterable[Order] | None = None) -> tuple[Change, ...]:
        return tuple(Change(order=order, version=version) for order in (orders(count) if some is None else some))

    half, other_half = orders(count)[: count // 2], orders(count)[count // 2 :]
    made = (
        Workload(name="all new", changes=at(2)),
        Workload(name="all existing", before=at(2), changes=at(3)),
        Workload(name="half new", before=at(2, half), changes=_mixed(at(3, half) + at(2, other_half))),
        Workload(name="new, ACCEPTED not seen", changes=at(3)),
        Workload(name="two changes an order", before=at(2, half), changes=_mixed(at(3, half) + at(4, half))),
        Workload(name="all repeated", before=at(2), changes=at(2)),
        Workload(name="stale only, ACCEPTED", before=at(3), changes=at(2)),
        Workload(name="stale only, PACKED", before=at(4), changes=at(3)),
    )
    return {workload.name: workload for workload in made}


def _mixed(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(random.Random(SEED).sample(changes, len(changes)))


def placed(count: int) -> dict[str, Workload]:
    """Orders that were just placed, once and again."""
    changes = tuple(Change(order=order, version=1) for order in orders(count))
    return {
        "all new": Workload(name="all new", changes=changes),
        "all repeated": Workload(name="all repeated", before=changes, changes=changes),
    }


def window(count: int) -> dict[str, Workload]:
    """Acceptances that all fall into one tumbling window."""
    return {"one window": Workload(name="one window", changes=workloads(count)["all new"].changes)}


def messages(changes: Sequence[Change], batch_size: int) -> Iterator[Event]:
    """The events of a queue's mapping."""
    for batch in _batches(changes, batch_size):
        yield {"Records": [change.message() for change in batch]}


def stream_records(changes: Sequence[Change], batch_size: int) -> Iterator[Event]:
    """The events of a stream's mapping."""
    records = [change.stream_record(number) for number, change in enumerate(changes)]
    for batch in _batches(records, batch_size):
        yield {"Records": batch}


def window_records(changes: Sequence[Change], batch_size: int) -> Iterator[Event]:
    """The events of one tumbling window of one shard; the final call has no records."""
    window: Mapping[str, Any] = {
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"},
        "shardId": "shardId-000000000001",
        "isWindowTerminatedEarly": False,
    }
    for event in stream_records(changes, batch_size):
        yield {**event, **window, "isFinalInvokeForWindow": False}
    yield {"Records": [], **window, "isFinalInvokeForWindow": True}


Events = Callable[[Sequence[Change], int], Iterator[Event]]


def _batches(some: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(some), size):
        yield some[begin : begin + size]
