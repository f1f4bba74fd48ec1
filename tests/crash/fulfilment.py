"""The fulfilment of the template: faults at its tasks, and its event delivered once, again, or twice at once.

Every case is an order of its own, and all cases of a round run side by side in one embedded cloud. A case has a fault
at one request that its order's executions make, and perhaps a second one at a request after it: some tasks come about
only by a fault at another.

An order is packed and shipped by one execution, and nothing is reported. Where a task fails for longer than it is
retried, the order stays where it is instead and the queue of failures holds the input of the execution.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from penstock.cloud.callers import Callers
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine
from penstock.cloud.faults.refusals import SERVICES
from penstock.cloud.front_door import Call, ConnectionBroken, FrontDoor, Proceed
from penstock.cloud.provisioning.registry import provision
from penstock.cloud.state_machines import StateMachines
from penstock.cloud.wire_form import Reply
from penstock.template.models import StateMachine, Template
from tests.crash.shop import document, item
from tests.crash.verdict import Verdict
from tests.standing_clock import StandingClock

LATER_MS = 3_600_000
VERSIONS = {"ACCEPTED": "2", "PACKED": "3", "SHIPPED": "4"}
SETTLES_SECONDS = 60


class Starts(StrEnum):
    """How often the event of an order starts an execution."""

    ONCE = "once"
    AGAIN = "again later"
    AT_ONCE = "twice at once"


class TaskFault(StrEnum):
    """What befalls a request of a task."""

    ERROR = "error before"
    LOST = "response lost"
    ERROR_FOR_GOOD = "error for good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A case: which requests of an order are struck, by their number from 1 (each try counts)."""

    starts: Starts
    faults: Mapping[int, TaskFault] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Run:
    """A case that ran: its requests, by operation, the faults that struck, and what the order came to."""

    plan: Plan
    requests: list[str] = field(default_factory=list)
    struck: list[tuple[str, TaskFault]] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def is_as_planned(self) -> bool:
        """Whether all faults struck; two executions at once make their requests in another sequence each time."""
        return len(self.struck) == len(self.plan.faults)


class _Tasks:
    """The interceptor that strikes the requests of tasks; it tells the orders apart by their ids."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._runs = runs
        self._failing: dict[str, str] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Let a request pass, unless it is struck."""
        parameters = call.parameters()
        order_id = _order_of(parameters)
        run = self._runs[order_id]
        run.requests.append(call.operation)
        what = f"{call.operation} {json.dumps(parameters)}"
        fault = run.plan.faults.get(len(run.requests))
        if fault is not None:
            run.struck.append((call.operation, fault))
        if fault is TaskFault.ERROR_FOR_GOOD:
            self._failing[order_id] = what
        if fault is TaskFault.ERROR or self._failing.get(order_id) == what:
            service = SERVICES[call.service]
            return service.reply(service.internal)
        reply = await proceed(call)
        if fault is TaskFault.LOST:
            raise ConnectionBroken
        return reply


def _order_of(parameters: Mapping[str, Any]) -> str:
    if "Key" in parameters:
        return str(parameters["Key"]["order_id"]["S"])
    return str(json.loads(parameters["MessageBody"])["orderId"])


def run_all(template: Template, plans: Sequence[Plan]) -> list[Run]:
    """Run cases side by side to their ends."""
    runs = {f"order-{number}": Run(plan=plan) for number, plan in enumerate(plans)}
    asyncio.run(_run_all(template, runs))
    return list(runs.values())


async def _run_all(template: Template, runs: Mapping[str, Run]) -> None:
    [machine] = template.state_machines
    clock = StandingClock()
    engine = Engine(account_id=template.account_id, region=template.region)
    callers = Callers(account_id=template.account_id, seed="crash")
    machines = StateMachines(
        clock=clock, callers=callers, role_names={machine.role_arn: "Fulfilment"}, region=template.region
    )
    machines.install()
    machines.door = FrontDoor(engine, callers, clock, interceptors=[_Tasks(runs)])
    provision(template, engine)
    table = next(table.name for table in template.tables if table.sort_key is None and table.stream_arn)
    for order_id, run in runs.items():
        accepted = item("100", 2) | {"order_id": {"S": order_id}}
        engine.call("dynamodb", "PutItem", {"TableName": table, "Item": accepted})
        _start(engine, clock, machine, order_id, run.plan.starts)
    await asyncio.wait_for(clock.settled(), SETTLES_SECONDS)
    reported = _reported(template, engine)
    for order_id, run in runs.items():
        key = {"TableName": table, "Key": {"order_id": {"S": order_id}}}
        run.verdict = _judge(run.plan, engine.call("dynamodb", "GetItem", key)["Item"], reported[order_id])
    machines.close()
    clock.close()


def _start(engine: Engine, clock: JumpingClock, machine: StateMachine, order_id: str, starts: Starts) -> None:
    """Start the executions of an order, as a rule does: each with a name that nobody gave it."""
    event = {"detail-type": "OrderAccepted", "detail": document("100", 2) | {"orderId": order_id}}

    def start(name: str) -> None:
        execution = {"stateMachineArn": machine.arn, "name": f"{order_id}-{name}", "input": json.dumps(event)}
        engine.call("stepfunctions", "StartExecution", execution)

    start("first")
    if starts is Starts.AT_ONCE:
        start("second")
    elif starts is Starts.AGAIN:
        clock.call_at(clock.now_ms() + LATER_MS, lambda: start("second"), name="the event again")


def _reported(template: Template, engine: Engine) -> Counter[str]:
    """Count the messages of each order in the queue of failures, which is the one that the definition names."""
    [machine] = template.state_machines
    [queue] = [queue for queue in template.queues if f'"{queue.url}"' in machine.definition]
    messages = engine.backend("sqs").queues[queue.name].messages
    return Counter(json.loads(message.body)["orderId"] for message in messages)


def _judge(plan: Plan, order: Mapping[str, Any], reports: int) -> Verdict:
    """Judge the order as it stands: shipped once, or where a task failed for good, reported and no half of a change."""
    status, version = order["status"]["S"], order["version"]["N"]
    is_consistent = VERSIONS.get(status) == version and (status == "ACCEPTED") == ("execution" not in order)
    may_be_reported = TaskFault.ERROR_FOR_GOOD in plan.faults.values()
    return Verdict(
        wrong=int(not is_consistent or (reports > 0 and not may_be_reported)),
        doubled=max(0, int(version) - int(VERSIONS["SHIPPED"])),
        lost=int(status != "SHIPPED" and not reports),
    )


def rounds(template: Template) -> Iterator[list[Run]]:
    """Give the undisturbed runs, those with one fault, and those with a second one that the first gave room for."""
    undisturbed = run_all(template, [Plan(starts=starts) for starts in Starts])
    yield undisturbed
    first = run_all(template, [plan for run in undisturbed for plan in _one_more(run, tuple(TaskFault))])
    yield first
    second = (TaskFault.ERROR, TaskFault.LOST)
    yield run_all(template, [plan for run in first for plan in _one_more(run, second)])


def _one_more(run: Run, faults: Sequence[TaskFault]) -> Iterator[Plan]:
    """Give the plans with one more fault, at a request after the last one (and not at one that fails for good)."""
    last = max(run.plan.faults, default=0)
    failing = run.requests[last - 1] if TaskFault.ERROR_FOR_GOOD in run.plan.faults.values() else ""
    for number in range(last + 1, len(run.requests) + 1):
        if run.requests[number - 1] != failing:
            yield from (replace(run.plan, faults={**run.plan.faults, number: fault}) for fault in faults)
