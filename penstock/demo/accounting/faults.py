"""Check (h): every kind of fault that was planned struck."""

from __future__ import annotations

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.observation import Observation


def check(ledger: Ledger, observation: Observation) -> None:
    """Judge whether the faults were put to the test."""
    for kind in sorted(observation.planned - {strike.kind for strike in observation.strikes}):
        ledger.unexplained(Check.FAULTS, kind, "was planned and never struck: nothing is known of what it would do")
