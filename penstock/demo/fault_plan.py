"""What goes wrong in the demo, under its seed: every kind of fault that the application must survive without a loss.

What cannot be survived is not planned: an on-failure destination that refuses loses records in AWS, too.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from penstock.cloud.faults.kinds import (
    BatchRedelivered,
    Error,
    EventDelayed,
    EventDoubled,
    Fault,
    Latency,
    ProcessKilled,
    ResponseLost,
    Throttle,
    When,
)
from penstock.cloud.faults.script import FaultScript
from penstock.demo.orders import Invoice

FULFILMENT = ":execution"
"""A text that the state machine's updates hold, and no function's."""


def fault_plan(invoices: Sequence[Invoice], *, seed: int) -> FaultScript:
    """The demo's own script for these invoices: the seed decides who is hit and when."""
    chance = random.Random(f"faults of the demo/{seed}")
    latest = max(1, min(6, len(invoices) // 4))

    def soon() -> When:
        """One of the first few times, which even a short demo comes to."""
        return When(nth=chance.randint(1, latest))

    def now_and_then() -> When:
        return When(every=chance.randint(latest, 2 * latest), until=3)

    faults: list[Fault] = [
        BatchRedelivered(function="Summarize", when=When(every=chance.randint(2, 4), until=4)),
        BatchRedelivered(function="Relay", answer="counted", when=soon()),
        BatchRedelivered(function=chance.choice(("Enrich", "Notify")), when=soon()),
        BatchRedelivered(function="Replicate", when=When(nth=1)),
        ProcessKilled(caller="Api", operation="PutItem", moment="during", when=soon()),
        ProcessKilled(caller="Enrich", operation="UpdateItem", moment="before", when=soon()),
        ProcessKilled(caller="Enrich", operation="PutItem", moment="during", when=soon()),
        ProcessKilled(caller="Relay", operation="PutEvents", moment="during", when=soon()),
        ProcessKilled(caller="Notify", operation="Publish", moment=chance.choice(("during", "after")), when=soon()),
        ProcessKilled(caller="Replicate", moment=chance.choice(("before", "during", "after")), when=When(nth=1)),
        ProcessKilled(caller="Summarize", moment=chance.choice(("before", "during", "after")), when=When(nth=1)),
        Throttle(service="dynamodb", caller="Api", operation="PutItem", when=now_and_then()),
        Throttle(service="dynamodb", operation="UpdateItem", matching=FULFILMENT, when=now_and_then()),
        Throttle(service="events", operation="PutEvents", entries=True, when=now_and_then()),
        Throttle(service="sns", operation="Publish", when=soon()),
        Error(service="dynamodb", caller="Enrich", operation="UpdateItem", when=soon()),
        ResponseLost(caller="Api", operation="PutItem", when=soon()),
        ResponseLost(caller="Relay", operation="PutEvents", when=soon()),
        ResponseLost(caller="Notify", operation="Publish", when=soon()),
        ResponseLost(caller="Notify", operation="UpdateItem", when=soon()),
        ResponseLost(operation="UpdateItem", matching=FULFILMENT, when=now_and_then()),
        Latency(caller="Enrich", operation="GetItem", milliseconds=chance.randint(20, 100), when=now_and_then()),
        EventDelayed(milliseconds=2_000, when=When(probability=0.2)),
        EventDoubled(milliseconds=3_000, when=When(probability=0.1)),
    ]
    if invoices:
        faults.append(poison(chance.choice(invoices).invoice_no))
    return FaultScript(seed=seed, faults=tuple(faults))


def poison(order_id: str) -> Error:
    """Enrich can never read this order, whatever it tries."""
    return Error(
        service="dynamodb",
        caller="Enrich",
        operation="GetItem",
        matching=f'"{order_id}"',
        code="ValidationException",
        message=f"the fault script has nobody judge order {order_id}",
    )
