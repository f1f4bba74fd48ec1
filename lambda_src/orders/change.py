"""A change of an order that others should hear of: the domain event."""

from dataclasses import dataclass
from typing import Any

from orders.order import Status
from orders.snapshot import Snapshot

SOURCE = "penstock.orders"

_NAMES = {
    Status.PLACED: "OrderPlaced",
    Status.ACCEPTED: "OrderAccepted",
    Status.REJECTED: "OrderRejected",
    Status.PACKED: "OrderPacked",
    Status.SHIPPED: "OrderShipped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """One change of an order; `event_id` is the stream record's `eventID`, the same however often it is published."""

    event_id: str
    snapshot: Snapshot

    @property
    def name(self) -> str:
        """What happened, as the event's detail-type."""
        return _NAMES[self.snapshot.status]

    def detail(self) -> dict[str, Any]:
        """Write the change as the event's detail."""
        return {"eventId": self.event_id} | self.snapshot.document()


def change_between(old_version: int | None, new: Snapshot, *, event_id: str) -> OrderChanged | None:
    """Decide whether a write changed the order: a write that left the version as it was is nobody's business."""
    return None if old_version == new.version else OrderChanged(event_id=event_id, snapshot=new)
