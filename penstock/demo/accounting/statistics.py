"""Check (c): over all windows each accepted order is counted once, with its items and its value."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.expectation import Expectation
from penstock.demo.observation import Observation, Sums


def check(ledger: Ledger, accepted: Sequence[Expectation], observation: Observation) -> None:
    """Judge the sums of all windows."""
    windows = observation.statistics
    counted = {
        "order": sum((window.orders for window in windows), Sums()),
        "return": sum((window.returns for window in windows), Sums()),
    }
    for kind, sums in counted.items():
        mine = [expectation for expectation in accepted if expectation.kind == kind]
        wanted = Sums(
            count=len(mine),
            items=sum(expectation.item_count for expectation in mine),
            value=sum((expectation.total for expectation in mine), Decimal(0)),
        )
        what = (
            f"all windows together count {sums.count} {kind}s, {sums.items} items, {sums.value};"
            f" accepted were {wanted.count}, {wanted.items} items, {wanted.value}"
        )
        if sums.count < wanted.count:
            ledger.missing(Check.STATISTICS, f"{kind}s", what)
        elif sums.count > wanted.count:
            ledger.double(Check.STATISTICS, f"{kind}s", what)
        elif sums != wanted:
            ledger.unexplained(Check.STATISTICS, f"{kind}s", what)
    for window in windows:
        if window.bad_records:
            ledger.unexplained(Check.STATISTICS, window.name, f"met {window.bad_records} records it could not read")
