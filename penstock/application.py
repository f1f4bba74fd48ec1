"""The running whole: everything that one template defines, on this machine, behind one object.

`Application.start` reads the template and starts what it becomes (`penstock.composition`) on one event loop in a thread
of its own. The object itself is for other threads: a test, the demo, the command line.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from penstock.cloud.bus import PublishedEvent, UndeliveredEvent
from penstock.cloud.clock import Clock, JumpingClock, WallClock
from penstock.cloud.cloudwatch import alarms
from penstock.cloud.cloudwatch.alarms import AlarmVerdict
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.faults import FaultScript, Strike
from penstock.cloud.front_door import Interceptor
from penstock.cloud.policies.access import Access
from penstock.cloud.policies.evaluation import Decision
from penstock.composition import Composition, Event
from penstock.errors import BrokenInvariant, PenstockError, TemplateError, UsageError
from penstock.gateway.gateway import Gateway
from penstock.premises import Premises
from penstock.runtime.run_facts import run_began
from penstock.runtime.tallies import FunctionTally
from penstock.story.journal import Journal
from penstock.template.models import Route, Template
from penstock.template.reader import load

T = TypeVar("T")


class Application:
    """A template at work. A context manager: leaving it stops everything, worker processes included."""

    def __init__(
        self,
        template: Template,
        *,
        clock: Clock,
        seed: int,
        on_event: Callable[[Event], None],
        script: FaultScript,
        begin_journal: Callable[[int, int], Journal],
        interceptors: Sequence[Interceptor],
        dynamodb_endpoint: str | None,
    ) -> None:
        """Use `start`."""
        self.template = template
        self._clock = clock
        self._seed = seed
        self._on_event = on_event
        self._interceptors = interceptors
        self._dynamodb_endpoint = dynamodb_endpoint
        self._premises = Premises(template, seed=seed, jumps=clock.jumps)
        self._begin_journal = begin_journal
        self._compose(script)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="penstock", daemon=True)
        self._started_ms = clock.now_ms()

    @classmethod
    def start(
        cls,
        path: Path,
        *,
        parameters: Mapping[str, str] | None = None,
        skip: Collection[str] = (),
        clock: Literal["wall", "jumping"] = "wall",
        seed: int = 0,
        port: int = 0,
        on_event: Callable[[Event], None] | None = None,
        interceptors: Sequence[Interceptor] = (),
        dynamodb_endpoint: str | None = None,
        faults: FaultScript | None = None,
        journal: Path | None = None,
    ) -> Self:
        """Start what ``path`` (a cloud assembly or a template) defines and return when it is ready.

        ``parameters`` and ``skip`` are given to the template (`penstock.template.reader.load`).
        ``port`` is the API's (0: any free one). ``seed`` makes every id of the run. ``dynamodb_endpoint`` is the URL of
        an endpoint that holds the tables instead of moto (`penstock.cloud.external_tables`). ``faults`` is
        what goes wrong on purpose. ``journal`` is the file that keeps what happens, begun anew.
        Raises `TemplateError` for what the template does wrong, `UsageError` for a fault, a parameter or a resource
        that it does not have, `EnvironmentProblem` for what this machine lacks; nothing is left running then.
        """
        template = load(path, parameters=parameters, skip=skip)
        script = faults or FaultScript()
        script.check(template)
        its_clock = JumpingClock() if clock == "jumping" else WallClock()

        def begin_journal(seed: int, now_ms: int) -> Journal:
            begun = Journal(journal)
            if on_event is not None:
                begun.listen(on_event)
            begun.tell(run_began(template, path=path, seed=seed, clock=clock, now_ms=now_ms))
            return begun

        application = cls(
            template,
            clock=its_clock,
            seed=seed,
            on_event=on_event or (lambda _: None),
            script=script,
            begin_journal=begin_journal,
            interceptors=interceptors,
            dynamodb_endpoint=dynamodb_endpoint,
        )
        application._thread.start()
        try:
            application._wait(application._premises.open(port=port))
            application._wait(application._start())
        except BaseException:
            application.close()
            raise
        return application

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- for other threads ---

    @property
    def outputs(self) -> Mapping[str, str]:
        """The template's Outputs: key → value."""
        return self.template.outputs

    @property
    def region(self) -> str:
        """The region that the template is resolved for."""
        return self.template.region

    @property
    def api_url(self) -> str:
        """Address of the (first) API of the template, without a slash at the end; `TemplateError` without one."""
        return self._gateway.url

    def route_of(self, method: str, path: str) -> Route | None:
        """The route of that API which a request would take, by its decoded path; ``None`` where none answers."""
        return self._gateway.route_of(method, path)

    @property
    def _gateway(self) -> Gateway:
        if not self._parts.gateways:
            raise TemplateError("no AWS::ApiGatewayV2::Api in this template", remedy="define one")
        return self._parts.gateways[0]

    @property
    def caller_credentials(self) -> tuple[str, str]:
        """Access key and secret of a developer, for signing requests to the API."""
        developer = self._premises.callers.developer
        return developer.access_key, developer.secret_key

    @property
    def issuers(self) -> Mapping[str, str]:
        """Issuers that the template's JWT authorizers trust → where the local issuer publishes for each."""
        issuer = self._parts.issuer
        found = sorted({authorizer.issuer for authorizer in self.template.jwt_authorizers})
        return {name: issuer.configuration_url(name) for name in found} if issuer else {}

    def token(
        self,
        *,
        subject: str,
        lifetime_seconds: int,
        scopes: Sequence[str] | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A token that the (first) JWT authorizer admits, by default with every scope that a route asks for."""
        authorizer = self.template.jwt_authorizer
        assert self._parts.issuer is not None
        return self._parts.issuer.mint(
            authorizer,
            subject=subject,
            scopes=self.template.scopes if scopes is None else scopes,
            claims=claims,
            now_ms=self.now_ms(),
            lifetime_seconds=lifetime_seconds,
        )

    @property
    def endpoint(self) -> str:
        """Address of the front door."""
        return self._premises.endpoint

    @property
    def published(self) -> Sequence[PublishedEvent]:
        """The entries that PutEvents took, in order."""
        return self._parts.bus.published

    @property
    def calls(self) -> Mapping[tuple[str, str, str], int]:
        """AWS calls that passed the front door: (caller, service, operation) → how many."""
        return dict(self._parts.counter.calls)

    @property
    def units(self) -> Mapping[tuple[str, str, str], float]:
        """Capacity that those calls consumed: (caller, table, ``read`` or ``write``) → units, indexes included."""
        return dict(self._parts.counter.units)

    @property
    def accesses(self) -> Mapping[Access, Decision]:
        """Each distinct thing that functions, state machine and services asked for → how it was decided."""
        return dict(self._parts.guard.accesses)

    @property
    def unused_grants(self) -> Mapping[str, Sequence[str]]:
        """Function, state machine or rule → what its role may do and did not so far."""
        return self._parts.guard.unused_grants()

    @property
    def faults(self) -> FaultScript:
        """What was to go wrong on purpose."""
        return self._parts.faults.script

    def arm(self, script: FaultScript) -> None:
        """Let this go wrong from now on, and nothing else; `reset` forgets it. Raises `UsageError` as `start` does."""
        script.check(self.template)
        self._wait(self._arm(script))

    @property
    def fault_log(self) -> Sequence[Strike]:
        """The faults that struck, in order."""
        return tuple(self._parts.faults.log)

    @property
    def undelivered(self) -> Sequence[UndeliveredEvent]:
        """The events that a target never took and that no dead-letter queue got either."""
        return tuple(self._parts.bus.undelivered)

    @property
    def tallies(self) -> Mapping[str, FunctionTally]:
        """What each function came to so far: label → sums over its invocations."""
        return dict(self._parts.tallies)

    @property
    def metrics(self) -> Metrics:
        """The metrics that CloudWatch would keep of this run, queues sampled now.

        Questions may name a function by its label or logical id, other resources by their logical ids:
        ``application.metrics.sum("AWS/Lambda", "Errors", FunctionName="Relay")``.
        """
        self._wait(self._parts.sample())
        return self._parts.metrics

    def alarms(self) -> list[AlarmVerdict]:
        """Which alarms of the template would have gone off, by the metrics so far."""
        resources = self.template.resources.values()
        return alarms.judge(resources, self.metrics, from_ms=self._started_ms, to_ms=self._clock.now_ms())

    @property
    def simulated_ms(self) -> int:
        """Time that passed on the application's clock since the start."""
        return self._clock.now_ms() - self._started_ms

    def messages(self, queue_name: str) -> list[Any]:
        """What a queue holds, visible or not, oldest first: moto's messages, to be read only."""
        return self._wait(self._look_into(queue_name))

    def now_ms(self) -> int:
        """The application's clock."""
        return self._clock.now_ms()

    def client(self, service: str) -> Any:
        """A botocore client of the embedded cloud with the rights of an operator."""
        from botocore.config import Config
        from botocore.session import Session

        session = Session()
        operator = self._premises.callers.operator
        session.set_credentials(operator.access_key, operator.secret_key)
        config = Config(account_id_endpoint_mode="disabled", s3={"addressing_style": "path"})
        return session.create_client(service, region_name=self.region, endpoint_url=self.endpoint, config=config)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Make a jumping clock stand by: something of the caller's is in flight."""
        clock = self._clock
        self._wait(self._begin("held by the caller"))
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(clock.end, "held by the caller")

    def advance(self, milliseconds: int, timeout_seconds: float = 180) -> None:
        """Move a jumping clock on by so much, and return when that time has come.

        Nothing is jumped over: what is in flight ends first, in its own wall time, each timer on the way fires at its
        time and in its order, and what it starts ends before the clock goes on. What becomes due at the very end
        may still be in flight then: `settle` waits for it. ``timeout_seconds`` is wall time. Raises as `settle` does,
        and `UsageError` where the clock is wall time.
        """
        if not self._clock.jumps:
            raise UsageError("the clock keeps wall time; start the application with clock='jumping' to advance it")
        if milliseconds < 0:
            raise UsageError(f"the clock cannot go back by {-milliseconds} ms; only forward")
        self._wait_in_time(self._advance(milliseconds), timeout_seconds, "at its new time")

    def settle(self, timeout_seconds: float = 180) -> None:
        """Return when nothing is in flight and nothing foreseeable is left to wait for.

        ``timeout_seconds`` is wall time. Raises what broke inside, or `BrokenInvariant` with the story when the
        time is up.
        """
        self._wait_in_time(self._clock.settled(), timeout_seconds, "settled")
        for shell in self._parts.shells:
            shell.mapping.check()

    def reset(self, *, seed: int | None = None) -> None:
        """Forget all that happened since the start, broken or under way, and begin anew, within milliseconds.

        What stays: addresses and credentials, the clock's time, and execution environments that run nothing now, warm
        as Lambda keeps them. Ids are made from ``seed``, which without one is new each time: a warm environment may
        remember those that it saw. The fault script is again the one of the start. Raises what `start` raises.
        """
        self._seed = self._seed + 1 if seed is None else seed
        self._wait_in_time(self._begin_anew(), 60, "ready again", forgive=True)

    def serve(self) -> None:
        """Go on until interrupted; raises what broke inside."""
        self._wait(self._forever())

    def story(self) -> list[str]:
        """What is in flight, what is waited for, and the last lines of each mapping."""
        lines = [f"in flight: {name} x {count}" for name, count in self._clock.busy_with.items()]
        now_ms = self._clock.now_ms()
        lines += [f"waiting: {name} in {at_ms - now_ms} ms" for at_ms, name in self._clock.pending[:20]]
        for shell in self._parts.shells:
            lines += [f"{shell.definition.logical_id}: {line}" for line in shell.mapping.story()[-10:]]
        return lines

    def close(self) -> None:
        """Stop everything; safe to call twice."""
        if self._loop.is_closed():
            return
        try:
            if self._thread.is_alive():
                self._wait(self._end(), 60, forgive=True)
        finally:
            if self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(10)
            self._loop.close()

    # --- on the loop ---

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._on_loop_error)
        self._loop.run_forever()

    def _on_loop_error(self, _: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        self._errors.append(error if isinstance(error, BaseException) else RuntimeError(str(context.get("message"))))

    def _wait(self, work: Coroutine[Any, Any, T], timeout_seconds: float | None = None, *, forgive: bool = False) -> T:
        """Wait in this thread for work on the loop, and raise what went wrong there meanwhile."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        waited = 0.0
        while True:
            try:
                return future.result(0.2)
            except concurrent.futures.TimeoutError:
                waited += 0.2
                if future.done():
                    return future.result()
                if self._errors and not forgive:
                    future.cancel()
                    raise self._failure() from self._errors[0]
                if timeout_seconds is not None and waited >= timeout_seconds:
                    future.cancel()
                    raise TimeoutError from None

    def _wait_in_time(
        self, work: Coroutine[Any, Any, None], timeout_seconds: float, what: str, *, forgive: bool = False
    ) -> None:
        try:
            self._wait(work, timeout_seconds, forgive=forgive)
        except TimeoutError:
            raise BrokenInvariant(f"not {what} after {timeout_seconds:g} s", self.story()) from None
        if self._errors and not forgive:
            raise self._failure() from self._errors[0]

    def _failure(self) -> PenstockError:
        first = self._errors[0]
        return first if isinstance(first, PenstockError) else BrokenInvariant(f"the run broke: {first!r}", self.story())

    def _compose(self, script: FaultScript) -> None:
        """Make the parts, not started yet, with a list of their own for what goes wrong in them."""
        self._script = script
        self._errors: list[BaseException] = []
        self.journal = self._begin_journal(self._seed, self._clock.now_ms())
        """What happened to each record: facts, and the records that each function received."""
        self._parts = Composition(
            self.template,
            self._premises,
            clock=self._clock,
            seed=self._seed,
            script=script,
            journal=self.journal,
            on_event=self._on_event,
            on_error=self._errors.append,
        )

    async def _start(self) -> None:
        await self._parts.start(interceptors=self._interceptors, dynamodb_endpoint=self._dynamodb_endpoint)

    async def _begin_anew(self) -> None:
        await self._parts.close()
        self._clock = self._clock.successor()
        self._started_ms = self._clock.now_ms()
        self._compose(self._script)
        await self._start()

    async def _end(self) -> None:
        try:
            await self._parts.close()
        finally:
            await self._premises.close()

    async def _forever(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def _look_into(self, queue_name: str) -> list[Any]:
        return self._parts.queues.held(queue_name)

    async def _arm(self, script: FaultScript) -> None:
        self._parts.faults.arm(script)

    async def _advance(self, milliseconds: int) -> None:
        await self._clock.wait_until(self._clock.now_ms() + milliseconds, name="advance of the clock")

    async def _begin(self, name: str) -> None:
        self._clock.begin(name)
