"""Stream records of the shop's orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.conformance.stream_record import Written, write
from penstock.conformance.stream_world import STREAM_ARN
from tests.crash.faults import Layout
from tests.crash.shop import item


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An order comes to a version at an instant; `is_news` is False where it was there before.

    `spoilt` names an attribute that is missing, which makes a record that cannot be read.
    """

    order_id: str
    version: int
    at_ms: int = 0
    is_news: bool = True
    spoilt: str = ""

    @property
    def ref(self) -> str:
        """Name the record."""
        return f"{self.order_id}/{self.version}{'' if self.is_news else ' again'}"

    def shard(self, layout: Layout) -> str:
        """Name the shard: with two, orders 100 and 400 are on the first."""
        return "s1" if layout is Layout.TWO_SHARDS and self.order_id in ("200", "C300") else "s0"


def records(changes: Sequence[Change], layout: Layout) -> list[Written]:
    """Write the records of some changes."""
    return [
        write(_part(change, layout), number=number, view="NEW_AND_OLD_IMAGES", stream_arn=STREAM_ARN)
        for number, change in enumerate(changes, 1)
    ]


def _part(change: Change, layout: Layout) -> dict[str, Any]:
    key = {"order_id": {"S": change.order_id}}
    image = {name: value for name, value in item(change.order_id, change.version).items() if name != change.spoilt}
    before = change.version - change.is_news
    old = {"old_attributes": item(change.order_id, before)} if before else {}
    return {
        "ref": change.ref,
        "at_ms": change.at_ms,
        "key": key,
        "event": "MODIFY" if before else "INSERT",
        "attributes": image,
        "shard": change.shard(layout),
        **old,
    }
