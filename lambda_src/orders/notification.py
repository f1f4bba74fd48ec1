"""What a person or a partner is told when an order was judged."""

from dataclasses import dataclass
from typing import Any

from orders.order import Kind
from orders.snapshot import Snapshot

_TOLD = ("orderId", "status", "version", "kind", "customerKind", "total", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message about one event. `subject` is ASCII and under 100 characters, as SNS asks."""

    event_id: str
    subject: str
    status: str
    message: dict[str, Any]


def compose(snapshot: Snapshot, *, event_id: str) -> Notification:
    """Word the notification; it names no customer and no country, since a topic has readers of its own."""
    noun = "Return" if snapshot.kind is Kind.RETURN else "Order"
    document = snapshot.document()
    return Notification(
        event_id=event_id,
        subject=f"{noun} {snapshot.order_id} {snapshot.status.value.lower()}",
        status=snapshot.status.value,
        message={"eventId": event_id} | {name: document[name] for name in _TOLD if name in document},
    )
