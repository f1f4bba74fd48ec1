"""The findings of all checks as they come, and what may explain that an order is missing."""

from __future__ import annotations

import json

from penstock.demo.accounting.account import Check, Finding
from penstock.demo.evidence import refused_receives
from penstock.demo.observation import Leftover, Observation


class Ledger:
    """The findings as they come.

    ``kept`` maps an order to where a message about it rests, ``poisoned`` are the orders that the faults let nobody
    judge.
    """

    def __init__(self, observation: Observation) -> None:
        self.kept = {
            order_id: leftover.place
            for leftover in observation.leftovers
            if not is_test_event(leftover)
            for order_id in leftover.order_ids
        }
        queue = observation.enrich_dead_letters
        self.poisoned = {
            order_id
            for order_id, place in self.kept.items()
            if queue is not None
            and place == queue.place
            and refused_receives(observation.strikes, order_id) >= queue.max_receive_count
        }
        self.lost: list[Finding] = []
        self.doubles: list[Finding] = []
        self.out_of_orders: list[Finding] = []
        self.unexplaineds: list[Finding] = []
        self.explaineds: list[Finding] = []

    def missing(self, check: Check, subject: str, what: str) -> None:
        """Something was to come and has not: lost, unless a message about it is kept."""
        if subject in self.kept:
            self.unexplained(check, subject, f"{what}; a message about it is kept in {self.kept[subject]}")
        else:
            self.lost.append(Finding(check=check, subject=subject, what=what))

    def double(self, check: Check, subject: str, what: str) -> None:
        """Something happened more often than it may."""
        self.doubles.append(Finding(check=check, subject=subject, what=what))

    def out_of_order(self, check: Check, subject: str, what: str) -> None:
        """Something came before what it follows."""
        self.out_of_orders.append(Finding(check=check, subject=subject, what=what))

    def unexplained(self, check: Check, subject: str, what: str) -> None:
        """Something is wrong."""
        self.unexplaineds.append(Finding(check=check, subject=subject, what=what))

    def explained(self, check: Check, subject: str, what: str) -> None:
        """Something is unusual and right."""
        self.explaineds.append(Finding(check=check, subject=subject, what=what))


def is_test_event(leftover: Leftover) -> bool:
    """S3 sends this to each destination it is given (S3 User Guide, "Event message structure")."""
    try:
        message = json.loads(leftover.text)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("Event") == "s3:TestEvent"
