"""One run of the demo, from the orders file to the report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from penstock.collector import loading
from penstock.demo.accounting import Account, account
from penstock.demo.expectation import expect
from penstock.demo.observer import Observer, refuse_others
from penstock.demo.orders import Orders, read_orders
from penstock.demo.report import Report
from penstock.demo.sender import Sender, Sign, bearer, signer
from penstock.template.reader import load
from penstock.terminal import Progress

if TYPE_CHECKING:
    from penstock.application import Application
    from penstock.cloud.cloudwatch.alarms import AlarmVerdict
    from penstock.cloud.faults import FaultScript
    from penstock.runtime.tallies import FunctionTally

Faults = Path | Literal["planned"] | None
"""A fault script in a file, the demo's own plan, or none."""

SETTLE_SECONDS = 120.0
SETTLE_SECONDS_PER_ORDER = 0.5
"""How long the application may take to settle in wall time; our choice, several times what it needs on two cores."""

ADMIN_SCOPE = "orders/admin"
"""With it the application's API takes orders for every customer, and for guests."""

TOKEN_SECONDS = 86_400
"""How long the demo's token is good; our choice, longer than any demo posts orders."""


def run_demo(
    *,
    assembly: Path,
    orders_file: Path,
    limit: int | None,
    seed: int,
    progress: Progress,
    dynamodb_endpoint: str | None = None,
    faults: Faults = "planned",
    journal: Path | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Report:
    """Read the orders, start the application, send them, let it settle, account for all.

    ``faults`` is what goes wrong meanwhile: the demo's own plan, nothing, or what a file says. ``journal`` is the file
    that keeps what happens.
    Raises what `read_orders`, the start of the application and its settling raise.
    """
    began = now()
    orders = read_orders(orders_file, limit=limit)
    refuse_others(load(assembly).outputs)

    progress.say(f"starting the application of {assembly}, seed {seed}")
    with loading():
        # The application draws in the whole engine; a mistyped file name need not wait for it.
        from penstock.application import Application
        from penstock.cloud.policies.guard import Denied

        application = Application.start(
            assembly,
            clock="jumping",
            seed=seed,
            dynamodb_endpoint=dynamodb_endpoint,
            faults=_script(faults, orders, seed),
            journal=journal,
            on_event=lambda event: progress.say(event.told()) if isinstance(event, Denied) else None,
        )
    with application:
        settled, measured = _send_and_settle(application, orders, progress)
        return Report(
            account=settled,
            seed=seed,
            wall_seconds=now() - began,
            simulated_ms=application.simulated_ms,
            unused_grants=application.unused_grants,
            calls=measured.calls,
            units=measured.units,
            functions=measured.functions,
            alarms=measured.alarms,
            fault_log=application.fault_log,
            assembly=str(assembly),
            orders_file=orders_file.name,
        )


def _script(faults: Faults, orders: Orders, seed: int) -> FaultScript:
    from penstock.cloud.faults import FaultScript, read_script
    from penstock.demo.fault_plan import fault_plan

    if faults is None:
        return FaultScript()
    return fault_plan(orders.invoices, seed=seed) if faults == "planned" else read_script(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the application did from the first order to the last effect, before anybody looked at the outcome."""

    calls: Mapping[tuple[str, str, str], int]
    units: Mapping[tuple[str, str, str], float]
    functions: Mapping[str, FunctionTally]
    alarms: Sequence[AlarmVerdict]


def _send_and_settle(application: Application, orders: Orders, progress: Progress) -> tuple[Account, Measured]:
    """The account, and what was measured meanwhile."""
    observer = Observer(application)
    observer.subscribe()
    sender = Sender(api_url=application.api_url, sign=_authority(application))
    before = Counter(dict(application.calls))
    progress.begin("orders posted", len(orders.invoices))
    # While orders come in, time passes as it does for a customer; jumping begins when the last is posted.
    with application.hold():
        answers = sender.send(orders.invoices, on_answer=lambda _: progress.step())
    progress.say("waiting until everything has settled")
    application.settle(SETTLE_SECONDS + SETTLE_SECONDS_PER_ORDER * len(orders.invoices))
    measured = Measured(
        calls=Counter(dict(application.calls)) - before,
        units=application.units,
        functions=application.tallies,
        alarms=application.alarms(),
    )
    progress.say("accounting for every order")
    observation = observer.observe(answers)
    expectations = [expect(invoice) for invoice in orders.invoices]
    return account(expectations, observation, not_sent=orders.not_sent), measured


def _authority(application: Application) -> Sign:
    """What admits the demo to the API: a token where routes ask for one, else a developer's signature."""
    if not application.issuers:
        return signer(application.caller_credentials, application.region)
    scopes = (*application.template.scopes, ADMIN_SCOPE)
    return bearer(application.token(subject="demo", scopes=scopes, lifetime_seconds=TOKEN_SECONDS))
