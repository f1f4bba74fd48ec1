"""Check (d): one notification for each acceptance and each rejection, and repeats that a crash explains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.evidence import crashes_between_publish_and_completion
from penstock.demo.observation import Notification, Observation, StoredOrder


def check(ledger: Ledger, stored: Mapping[str, StoredOrder], observation: Observation) -> int:
    """Judge the notifications; answers how many were repeats that a crash explains."""
    told_again = 0
    arrived: defaultdict[tuple[str, str], list[Notification]] = defaultdict(list)
    for notification in observation.notifications:
        arrived[notification.order_id, notification.status].append(notification)
    for order_id, order in stored.items():
        if not (order.accepted or order.status == "REJECTED"):
            continue
        status = "REJECTED" if order.status == "REJECTED" else "ACCEPTED"
        own = arrived.pop((order_id, status), [])
        event_ids = {notification.event_id for notification in own}
        if not own:
            ledger.missing(Check.NOTIFICATIONS, order_id, f"nobody was notified that it is {status}")
        elif len(own) > 1:
            what = f"notified {len(own)} times that it is {status}"
            crashes = crashes_between_publish_and_completion(observation.strikes, own[0].event_id)
            if len(event_ids) == 1 and len(own) - 1 <= crashes:
                told_again += len(own) - 1
                ledger.explained(Check.NOTIFICATIONS, order_id, f"{what}: notify crashed {crashes} times at it")
            else:
                ledger.double(Check.NOTIFICATIONS, order_id, what)
    for (order_id, status), surplus in arrived.items():
        is_so = status or "in no state that can be read"
        what = f"notified {len(surplus)} times that it is {is_so}, which it never was"
        ledger.unexplained(Check.NOTIFICATIONS, order_id, what)
    return told_again
