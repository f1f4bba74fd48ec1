"""The event bus that carries what happened to orders."""

from __future__ import annotations

from aws_cdk import aws_events as events
from constructs import Construct

# Contract with the relay, which publishes under this source.
ORDER_EVENT_SOURCE = "penstock.orders"


class OrderBus(Construct):
    """Defines an event bus of its own, so that its rules see order events only and its quota is nobody else's.

    Needs nothing. Guarantees nothing about order or repetition: past the bus, only an order's version orders.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(self, "Resource")
