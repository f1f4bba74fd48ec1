"""Check (g): every queue, dead-letter queue and the failure bucket is empty, or explained."""

from __future__ import annotations

from penstock.demo.accounting.account import Check, Finding
from penstock.demo.accounting.ledger import Ledger, is_test_event
from penstock.demo.observation import DeadLetterQueue, Leftover, Observation


def check(ledger: Ledger, observation: Observation) -> None:
    """Judge what rests in queues and in the failure bucket, and what the bus could not deliver."""
    for leftover in observation.leftovers:
        if is_test_event(leftover):
            what = "S3's own test message, sent when the bucket's notifications were configured"
            ledger.explained(Check.LEFTOVERS, leftover.place, what)
        elif _is_of_a_poisoned_order(ledger, leftover, observation.enrich_dead_letters):
            what = f"holds order {leftover.order_ids[0]}, which the faults let nobody judge"
            ledger.explained(Check.LEFTOVERS, leftover.place, what)
        else:
            about = f"about {', '.join(leftover.order_ids)}: " if leftover.order_ids else ""
            ledger.unexplained(Check.LEFTOVERS, leftover.place, f"holds {about}{leftover.text[:300]}")
    for event in observation.undelivered:
        what = f"an event found no target and no dead-letter queue ({event.reason}): {event.text[:300]}"
        ledger.lost.append(Finding(check=Check.LEFTOVERS, subject=event.rule, what=what))


def _is_of_a_poisoned_order(ledger: Ledger, leftover: Leftover, queue: DeadLetterQueue | None) -> bool:
    in_its_place = queue is not None and leftover.place == queue.place
    return in_its_place and len(leftover.order_ids) == 1 and leftover.order_ids[0] in ledger.poisoned
