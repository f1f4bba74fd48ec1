"""The whole chain: real orders through this repository's own application, fulfilment included.

`python -m benchmarks.chain [ASSEMBLY] [--orders N] [--bare]`. Starts the application with a clock that jumps, posts the
first orders until every function is warm, then posts the others and waits until all has settled. Prints orders a second
from the first of these posts, AWS calls an order by caller and operation, and processors' time an order by component,
of this process and of the functions' processes; see `benchmarks/README.md`. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures.thread
import inspect
import os
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.meter import Meter, Name
from penstock.collector import loading

if TYPE_CHECKING:
    from penstock.application import Application
    from penstock.demo.orders import Invoice

WARM_UP_ORDERS = 20
SETTLE_SECONDS = 600.0

TOLD_FROM_SECONDS = 0.00005
"""A part of a component that takes less for an order is not told on a line of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: what was spent on how many orders."""

    orders: int
    posted_seconds: float
    settled_seconds: float
    calls: Mapping[tuple[str, str, str], int]
    processor_seconds: Mapping[str, float]
    load: float


def measure(assembly: Path, *, orders: int | None, meter: Meter | None) -> Measured:
    """Run the orders through the application once."""
    from penstock.demo.orders import PACKAGED_FILE, read_orders
    from penstock.demo.sender import Sender, signer

    invoices = read_orders(PACKAGED_FILE, limit=None if orders is None else WARM_UP_ORDERS + orders).invoices
    with loading():
        from penstock.application import Application

        if meter is not None:
            meter_seams(meter)
        application = Application.start(assembly, clock="jumping", seed=1)
    with application:
        sender = Sender(api_url=application.api_url, sign=signer(application.caller_credentials, application.region))

        def run(some: Sequence[Invoice]) -> float:
            with application.hold():
                answers = sender.send(some, on_answer=lambda _: None)
            assert all(answer.status == 202 for answer in answers.values())
            posted = time.perf_counter()
            application.settle(SETTLE_SECONDS)
            return posted

        run(invoices[:WARM_UP_ORDERS])
        calls_before, spent_before = Counter(dict(application.calls)), spent(application, meter)
        began = time.perf_counter()
        posted = run(invoices[WARM_UP_ORDERS:])
        ended = time.perf_counter()
        spent_after, calls_after = spent(application, meter), Counter(dict(application.calls))
    return Measured(
        orders=len(invoices) - WARM_UP_ORDERS,
        posted_seconds=posted - began,
        settled_seconds=ended - began,
        calls=calls_after - calls_before,
        processor_seconds={name: spent_after[name] - spent_before.get(name, 0) for name in spent_after},
        load=os.getloadavg()[0],
    )


def spent(application: Application, meter: Meter | None) -> dict[str, float]:
    """Processor time so far: component → seconds; without a meter the main process is told as a whole."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    own = usage.ru_utime + usage.ru_stime
    parts = defaultdict(float, meter.seconds() if meter is not None else {})
    parts["main process: the rest"] = own - sum(parts.values())
    for environment in application._premises.environments._all.values():
        assert environment._process is not None
        parts[f"functions: {environment.function.label}"] += process_seconds(environment._process.get_pid())
    return parts


def process_seconds(pid: int) -> float:
    """User and system time of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def meter_seams(meter: Meter) -> None:
    """Wrap the places where work passes from one part of the tool to another."""
    from penstock.cloud import bus, clock, engine, front_door, queues, state_machines, streams
    from penstock.cloud.inside_client import InsideClient
    from penstock.demo.sender import Sender
    from penstock.gateway.gateway import Gateway
    from penstock.mapping.queue import QueueMapping
    from penstock.mapping.stream import StreamMapping
    from penstock.runtime import functions, log, runtime_api
    from penstock.runtime.event_source_mappings import _Shell

    seams: list[tuple[Any, str, Name]] = [
        (asyncio.BaseEventLoop, "_run_once", "event loop: turning"),
        (asyncio.Handle, "_run", called_back),
        (front_door.FrontDoor, "_on_request", "front door: requests"),
        (front_door.FrontDoor, "call", "front door: passing"),
        (front_door.FrontDoor, "_serve", "front door: dispatch"),
        (engine.Engine, "handle", lambda _, service, __: f"engine: {service}"),
        (engine.Engine, "call", lambda _, service, operation, __: f"engine: {service} by a service ({operation})"),
        (bus.Bus, "put_events", "bus: PutEvents and rules"),
        (bus.Bus, "_send", "bus: deliveries"),
        (queues.Queues, "send", "queues: send"),
        (queues.Queues, "delete", "queues: delete"),
        (queues.Queues, "_serve", "queues: receive"),
        (streams.Stream, "write", "streams: write"),
        (StreamMapping, "handle", "mappings: core"),
        (QueueMapping, "handle", "mappings: core"),
        (_Shell, "happened", "mappings: shell"),
        (_Shell, "_invoke", "mappings: events"),
        (functions.Functions, "invoke", "runtime: invocations"),
        (runtime_api.Connection, "data_received", "runtime: Runtime API"),
        (log.LogPipe, "drain", "runtime: logs"),
        (Gateway, "_serve", "gateway: requests"),
        (clock.Clock, "_fire", "clock: timers"),
        (clock.Clock, "_when_idle", "clock: timers"),
        (state_machines.StateMachines, "run", "state machine: interpreter"),
        (state_machines.StateMachines, "wait", "state machine: waits"),
        (InsideClient, "_make", "state machine: clients of tasks"),
        (Sender, "send", "customer: sender"),
        (concurrent.futures.thread, "_worker", "customer: sender"),
        (Sender, "_post", "customer: requests"),
    ]
    for owner, attribute, component in seams:
        meter.wrap(owner, attribute, component)
    meter_door(meter)
    meter.watch_collector()


def meter_door(meter: Meter) -> None:
    """Wrap each interceptor of the front door, and each service that answers in the engine's place."""
    from penstock.cloud.front_door import FrontDoor

    make = FrontDoor.__init__

    def make_metered(
        door: FrontDoor, *arguments: Any, interceptors: Sequence[Any] = (), services: Mapping[str, Any] | None = None
    ) -> None:
        passed = [meter.metered(one.__call__, f"front door: {type(one).__name__}") for one in interceptors]
        answering = {
            name: meter.metered(answer, f"front door: {answer.__qualname__}")
            for name, answer in (services or {}).items()
        }
        make(door, *arguments, interceptors=passed, services=answering)

    FrontDoor.__init__ = make_metered  # type: ignore[method-assign, assignment]


def called_back(handle: Any) -> str:
    """What the event loop calls back: a connection of one kind, or a task's next step."""
    owner = getattr(handle._callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        of_aiohttp = "aiohttp" in inspect.getfile(owner.get_coro().cr_code)  # type: ignore[union-attr]
        return "HTTP: aiohttp" if of_aiohttp else "event loop: tasks"
    protocol = type(getattr(owner, "_protocol", None))
    return "HTTP: aiohttp" if protocol.__module__.startswith("aiohttp") else "event loop: callbacks"


def report(measured: Measured) -> None:
    """Print all figures of a run."""
    orders, seconds = measured.orders, measured.settled_seconds
    total = sum(measured.processor_seconds.values())
    print(f"{orders} orders; load average {measured.load:.1f}")
    print(
        f"{orders / seconds:.1f} orders/s settled (goal: at least 12, better 20); "
        f"the last was posted after {measured.posted_seconds:.1f} s, all settled after {seconds:.1f} s"
    )
    print(f"{sum(measured.calls.values()) / orders:.2f} AWS calls an order (goal: at most 14)")
    for (caller, service, operation), count in sorted(measured.calls.items(), key=lambda item: -item[1]):
        print(f"{count / orders:9.3f}  {caller} {service}.{operation}")
    print(f"{total / orders * 1000:.1f} ms of processors' time an order; {total / seconds:.2f} processors busy")
    groups: defaultdict[str, float] = defaultdict(float)
    for component, used in measured.processor_seconds.items():
        groups[component.partition(":")[0]] += used
    for group, of_group in sorted(groups.items(), key=lambda item: -item[1]):
        print(f"{of_group / orders * 1000:9.2f} ms {of_group / total:4.0%}  {group}")
        for component, used in sorted(measured.processor_seconds.items(), key=lambda item: -item[1]):
            if component.startswith(f"{group}:") and used / orders >= TOLD_FROM_SECONDS:
                print(f"{used / orders * 1000:22.2f}  {component.partition(': ')[2]}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assembly", nargs="?", type=Path, default=Path("cdk.out"))
    parser.add_argument("--orders", type=int, help="how many to measure (default: all of the file)")
    parser.add_argument("--bare", action="store_true", help="without the meter, to see what it costs")
    given = parser.parse_args()
    report(measure(given.assembly, orders=given.orders, meter=None if given.bare else Meter()))


if __name__ == "__main__":
    main()
