"""Check (e): exactly one execution for each accepted order did its work and ended; others found it taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.observation import Execution, StoredOrder


def check(ledger: Ledger, stored: Mapping[str, StoredOrder], found: Iterable[Execution]) -> int:
    """Judge the executions; answers how many found their order taken."""
    executions: defaultdict[str, list[Execution]] = defaultdict(list)
    for execution in found:
        executions[execution.order_id].append(execution)
    taken = 0
    for order_id, order in stored.items():
        if not (order.accepted and order.kind == "order"):
            continue
        own = executions.pop(order_id, [])
        working = [execution for execution in own if _worked(execution, order)]
        if not working:
            ledger.missing(Check.EXECUTIONS, order_id, "no execution did the work of fulfilment")
        elif len(working) > 1:
            names = ", ".join(execution.name for execution in working)
            ledger.double(Check.EXECUTIONS, order_id, f"{len(working)} executions changed it: {names}")
        for execution in own:
            if execution.status != "SUCCEEDED":
                ledger.unexplained(Check.EXECUTIONS, order_id, f"its execution {execution.name} is {execution.status}")
            elif execution not in working:
                taken += 1
                ledger.explained(Check.EXECUTIONS, order_id, f"execution {execution.name} found it taken and left it")
    for order_id, others in executions.items():
        for execution in others:
            ledger.unexplained(Check.EXECUTIONS, order_id, f"execution {execution.name} of what is not to be shipped")
    return taken


def _worked(execution: Execution, order: StoredOrder) -> bool:
    """An execution worked when it changed the order, or when the order bears its name (an answer may get lost)."""
    return execution.updates > 0 or order.execution in {execution.arn, execution.name}
