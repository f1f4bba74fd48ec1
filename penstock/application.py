"""The running whole: everything that one template defines, on this machine, behind one object.

`Application.start` reads the template, provisions the embedded cloud, starts the front door, the functions, the
mappings, the bus and the API, all on one event loop in a thread of its own. The object itself is for other
threads: a test, the demo, the command line.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import random
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from penstock import CACHE
from penstock.cloud import alarms
from penstock.cloud.alarms import AlarmVerdict
from penstock.cloud.bus import Bus, PublishedEvent, UndeliveredEvent
from penstock.cloud.call_counter import CallCounter
from penstock.cloud.callers import Callers
from penstock.cloud.capacity import Charge
from penstock.cloud.clock import Clock, JumpingClock, WallClock
from penstock.cloud.deliveries import Deliveries
from penstock.cloud.engine import Engine
from penstock.cloud.external_tables import ExternalTables
from penstock.cloud.faults import Faults, FaultScript, Strike
from penstock.cloud.front_door import Call, FrontDoor, Interceptor, endpoint_of, listen
from penstock.cloud.metered_tables import MeteredTables, measure_charges
from penstock.cloud.metrics import MINUTE_MS, Metrics, names_in
from penstock.cloud.policies.access import Access
from penstock.cloud.policies.evaluation import Decision
from penstock.cloud.policies.guard import Denied, Guard
from penstock.cloud.policies.mapping_rights import MappingRights
from penstock.cloud.provisioning import provision
from penstock.cloud.queues import Queues
from penstock.cloud.state_machines import StateMachines
from penstock.cloud.streams import ReadableStream, Stream, attach
from penstock.cloud.subscriptions import guard_subscriptions
from penstock.cloud.time_to_live import TimeToLive
from penstock.errors import BrokenInvariant, PenstockError, TemplateError
from penstock.gateway.gateway import Gateway, Served
from penstock.gateway.issuer import Issuer
from penstock.gateway.metrics import measure_request
from penstock.mapping.choices import Choices
from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.queue import QueueMapping
from penstock.mapping.stream import StreamMapping
from penstock.runtime.event_source_mappings import QueueShell, StreamShell
from penstock.runtime.functions import Functions
from penstock.runtime.invocation import Failure, Invocation
from penstock.runtime.lambda_metrics import measure_invocation, measure_log, measure_mapping
from penstock.runtime.log import LogLine
from penstock.runtime.tallies import FunctionTally, add_to
from penstock.template.models import EventSourceMapping, Function, Template
from penstock.template.reader import load
from penstock.template.stores import TABLE_TYPES

T = TypeVar("T")
NEVER_IMPORTED = frozenset({"Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError"})


Event = Invocation | LogLine | Served | Denied
"""What a person watching is told as it happens."""


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
    ) -> None:
        """Use `start`."""
        self.template = template
        self._clock = clock
        self._random = random.Random(seed)
        self._on_event = on_event
        self._errors: list[BaseException] = []
        self._counter = CallCounter()
        self._metrics = Metrics(now_ms=clock.now_ms, names=names_in(template))
        self._tallies: dict[str, FunctionTally] = {}
        self._callers = Callers(account_id=template.account_id, seed=str(seed))
        self._shells: list[StreamShell | QueueShell] = []
        self._gateways: list[Gateway] = []
        self._issuer: Issuer | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="penstock", daemon=True)
        self._started_ms = clock.now_ms()
        self._exits = AsyncExitStack()
        self._faults = self._arm(script)

    @classmethod
    def start(
        cls,
        path: Path,
        *,
        clock: Literal["wall", "jumping"] = "wall",
        seed: int = 0,
        port: int = 0,
        on_event: Callable[[Event], None] | None = None,
        interceptors: Sequence[Interceptor] = (),
        dynamodb_endpoint: str | None = None,
        faults: FaultScript | None = None,
    ) -> Self:
        """Start what ``path`` (a cloud assembly or a template) defines and return when it is ready.

        ``port`` is the API's (0: any free one). ``seed`` makes every id of the run. ``dynamodb_endpoint`` is the URL of
        an endpoint that holds the tables instead of moto (`penstock.cloud.external_tables`). ``faults`` is
        what goes wrong on purpose. Raises `TemplateError` for what the template does wrong, `UsageError` for a fault of
        what it does not have, `EnvironmentProblem` for what this machine lacks; nothing is left running then.
        """
        template = load(path)
        script = faults or FaultScript()
        script.check(template)
        its_clock = JumpingClock() if clock == "jumping" else WallClock()
        application = cls(template, clock=its_clock, seed=seed, on_event=on_event or (lambda _: None), script=script)
        application._thread.start()
        try:
            application._wait(application._start(port, interceptors, dynamodb_endpoint))
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
        """Address of the (first) API of the template, without a slash at the end."""
        if not self._gateways:
            raise TemplateError("no AWS::ApiGatewayV2::Api in this template", remedy="define one")
        return self._gateways[0].url

    @property
    def caller_credentials(self) -> tuple[str, str]:
        """Access key and secret of a developer, for signing requests to the API."""
        developer = self._callers.developer
        return developer.access_key, developer.secret_key

    @property
    def issuers(self) -> Mapping[str, str]:
        """Issuers that the template's JWT authorizers trust → where the local issuer publishes for each."""
        found = {authorizer.issuer for authorizer in self.template.jwt_authorizers}
        return {issuer: self._issuer.configuration_url(issuer) for issuer in sorted(found)} if self._issuer else {}

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
        assert self._issuer is not None
        return self._issuer.mint(
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
        return self._endpoint

    @property
    def published(self) -> Sequence[PublishedEvent]:
        """The entries that PutEvents took, in order."""
        return self._bus.published

    @property
    def calls(self) -> Mapping[tuple[str, str, str], int]:
        """AWS calls that passed the front door: (caller, service, operation) → how many."""
        return dict(self._counter.calls)

    @property
    def units(self) -> Mapping[tuple[str, str, str], float]:
        """Capacity that those calls consumed: (caller, table, ``read`` or ``write``) → units, indexes included."""
        return dict(self._counter.units)

    @property
    def accesses(self) -> Mapping[Access, Decision]:
        """Each distinct thing that functions, state machine and services asked for → how it was decided."""
        return dict(self._guard.accesses)

    @property
    def unused_grants(self) -> Mapping[str, Sequence[str]]:
        """Function, state machine or rule → what its role may do and did not so far."""
        return self._guard.unused_grants()

    @property
    def faults(self) -> FaultScript:
        """What was to go wrong on purpose."""
        return self._faults.script

    @property
    def fault_log(self) -> Sequence[Strike]:
        """The faults that struck, in order."""
        return tuple(self._faults.log)

    @property
    def undelivered(self) -> Sequence[UndeliveredEvent]:
        """The events that a target never took and that no dead-letter queue got either."""
        return tuple(self._bus.undelivered)

    @property
    def tallies(self) -> Mapping[str, FunctionTally]:
        """What each function came to so far: label → sums over its invocations."""
        return dict(self._tallies)

    @property
    def metrics(self) -> Metrics:
        """The metrics that CloudWatch would keep of this run, queues sampled now.

        Questions may name a function by its label or logical id, other resources by their logical ids:
        ``application.metrics.sum("AWS/Lambda", "Errors", FunctionName="Relay")``.
        """
        self._wait(self._sample())
        return self._metrics

    def alarms(self) -> list[AlarmVerdict]:
        """Which alarms of the template would have gone off, by the metrics so far."""
        resources = self.template.resources.values()
        return alarms.judge(resources, self.metrics, from_ms=self._started_ms, to_ms=self._clock.now_ms())

    @property
    def simulated_ms(self) -> int:
        """Time that passed on the application's clock since the start."""
        return self._clock.now_ms() - self._started_ms

    def now_ms(self) -> int:
        """The application's clock."""
        return self._clock.now_ms()

    def client(self, service: str) -> Any:
        """A botocore client of the embedded cloud with the rights of an operator."""
        from botocore.config import Config
        from botocore.session import Session

        session = Session()
        session.set_credentials(self._callers.operator.access_key, self._callers.operator.secret_key)
        config = Config(account_id_endpoint_mode="disabled", s3={"addressing_style": "path"})
        return session.create_client(service, region_name=self.region, endpoint_url=self._endpoint, config=config)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Make a jumping clock stand by: something of the caller's is in flight."""
        self._wait(self._begin("held by the caller"))
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._clock.end, "held by the caller")

    def settle(self, timeout_seconds: float = 60) -> None:
        """Return when nothing is in flight and nothing foreseeable is left to wait for.

        ``timeout_seconds`` is wall time. Raises what broke inside, or `BrokenInvariant` with the story when the
        time is up.
        """
        try:
            self._wait(self._clock.settled(), timeout_seconds)
        except TimeoutError:
            raise BrokenInvariant(f"not settled after {timeout_seconds:g} s", self.story()) from None
        for shell in self._shells:
            shell.mapping.check()

    def serve(self) -> None:
        """Go on until interrupted; raises what broke inside."""
        self._wait(self._forever())

    def story(self) -> list[str]:
        """What is in flight, what is waited for, and the last lines of each mapping."""
        lines = [f"in flight: {name} x {count}" for name, count in self._clock.busy_with.items()]
        now_ms = self._clock.now_ms()
        lines += [f"waiting: {name} in {at_ms - now_ms} ms" for at_ms, name in self._clock.pending[:20]]
        for shell in self._shells:
            lines += [f"{shell.definition.logical_id}: {line}" for line in shell.mapping.story()[-10:]]
        return lines

    def close(self) -> None:
        """Stop everything; safe to call twice."""
        if self._loop.is_closed():
            return
        try:
            if self._thread.is_alive():
                self._wait(self._exits.aclose(), 20, forgive=True)
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

    def _failure(self) -> PenstockError:
        first = self._errors[0]
        return first if isinstance(first, PenstockError) else BrokenInvariant(f"the run broke: {first!r}", self.story())

    async def _forever(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def _sample(self) -> None:
        self._queues.sample()

    def _sample_each_minute(self) -> None:
        self._queues.sample()
        next_ms = self._clock.now_ms() + MINUTE_MS
        self._clock.call_at(next_ms, self._sample_each_minute, background=True, name="samples of queues")

    async def _begin(self, name: str) -> None:
        self._clock.begin(name)

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    async def _start(self, port: int, interceptors: Sequence[Interceptor], dynamodb_endpoint: str | None) -> None:
        template, clock, exits = self.template, self._clock, self._exits
        self._machines = StateMachines(
            clock=clock,
            callers=self._callers,
            role_names={machine.role_arn: machine.logical_id for machine in template.state_machines},
            region=template.region,
            metrics=self._metrics,
        )
        self._guard = Guard(
            template,
            now_ms=clock.now_ms,
            machine_of=self._machines.machine_of,
            on_denied=self._on_event,
        )
        self._guard.check_notifications()
        exits.callback(clock.close)
        tables = None
        if dynamodb_endpoint is not None:
            tables = ExternalTables(dynamodb_endpoint, template, clock)
            exits.push_async_callback(tables.close)
        listening = listen()
        exits.callback(listening.close)
        self._endpoint = endpoint_of(listening)
        self._functions = Functions(
            template.functions,
            clock=clock,
            cache=CACHE,
            environment_of=self._environment_of,
            usage_of=self._counter.end_invocation,
            on_log=self._on_log,
            on_invocation=self._on_invocation,
            failure_of=lambda function, *event: self._faults.invocations.failure(function.label, *event),
        )
        exits.push_async_callback(self._functions.close)
        # What a write runs at once: its processes start while the engine is loaded and everything is defined.
        for definition in template.mappings:
            if isinstance(definition.configuration, StreamConfiguration) and definition.configuration.enabled:
                await self._functions.begin(definition.function_arn)
        self._engine = await asyncio.to_thread(
            Engine, account_id=template.account_id, region=template.region, now_ms=clock.now_ms
        )
        self._queues = Queues(self._engine, clock, self._metrics)
        self._machines.install()
        provision(template, self._engine, without=TABLE_TYPES if tables else ())
        guard_subscriptions(self._guard.may_subscribe)
        self._sample_each_minute()
        self._streams = await tables.define() if tables else self._attach_streams()
        self._deliveries = Deliveries(self._engine, self._queues, self._guard, new_id=self._new_id)
        self._bus = Bus(
            account_id=template.account_id,
            region=template.region,
            buses=template.buses,
            rules=template.rules,
            clock=clock,
            new_id=self._new_id,
            deliver={
                "sqs": self._deliveries.to_queue,
                "sns": self._deliveries.to_topic,
                "states": self._deliveries.to_state_machine,
            },
            bury=self._deliveries.to_dead_letters,
            delays_ms=self._faults.events.delays_ms,
            metrics=self._metrics,
        )
        exits.push_async_callback(self._bus.close)
        metered = MeteredTables(self._engine, on_consumed=self._on_consumed)
        served = tables.services if tables else {"dynamodb": metered.answer}
        self._door = FrontDoor(
            self._engine,
            self._callers,
            clock,
            interceptors=[self._counter, self._guard, *interceptors, self._faults.calls],
            services={
                **served,
                "events.PutEvents": self._bus.put_events,
                "sqs.ReceiveMessage": self._queues.receive_call,
            },
        )
        exits.push_async_callback(self._door.close)
        await self._door.start(listening)
        self._machines.door = self._door
        exits.callback(self._machines.close)  # while the door is open: what ends now may still call
        for definition in template.mappings:
            shell = self._shell_of(definition)
            exits.push_async_callback(shell.close)
            self._shells.append(shell)
        if template.jwt_authorizers:
            self._issuer = await asyncio.to_thread(Issuer, CACHE)
            exits.push_async_callback(self._issuer.close)
            await self._issuer.start(authorizer.issuer for authorizer in template.jwt_authorizers)
        for api in template.apis:
            gateway = Gateway(
                api,
                invoke=self._functions.invoke,
                may_invoke=self._guard.may_invoke,
                secret_of=self._secret_of,
                public_key_of=self._issuer.public_key_of if self._issuer else lambda _: None,
                clock=clock,
                port=0 if self._gateways else port,
                on_request=functools.partial(self._on_request, api.id),
            )
            exits.push_async_callback(gateway.close)
            await gateway.start()
            self._gateways.append(gateway)
        for shell in self._shells:
            shell.start()

    def _arm(self, script: FaultScript) -> Faults:
        key_names = {
            table.name: [name for name in (table.partition_key, table.sort_key) if name is not None]
            for table in self.template.tables
        }
        return Faults(
            script,
            clock=self._clock,
            process_of=lambda name: self._functions.environment(name),  # noqa: PLW0108 - they are made after this
            key_names=key_names,
        )

    def _on_log(self, line: LogLine) -> None:
        measure_log(self._metrics, line)
        self._on_event(line)

    def _on_request(self, api_id: str, served: Served) -> None:
        measure_request(self._metrics, api_id, served)
        self._on_event(served)

    def _on_consumed(self, call: Call, charges: Sequence[Charge]) -> None:
        self._counter.consumed(call, charges)
        measure_charges(self._metrics, charges)

    def _on_invocation(self, invocation: Invocation) -> None:
        """Tell of an invocation; a handler that cannot even be imported ends the run, since it never will be."""
        add_to(self._tallies, invocation)
        measure_invocation(self._metrics, invocation)
        self._on_event(invocation)
        result = invocation.result
        if isinstance(result, Failure) and result.error.get("errorType") in NEVER_IMPORTED:
            function = invocation.function
            self._errors.append(
                TemplateError(
                    f"handler {function.handler} cannot be imported: {result.error.get('errorMessage')}",
                    logical_id=function.logical_id,
                    property_path="Handler",
                    remedy=f"look into its asset, {function.code}",
                )
            )

    def _attach_streams(self) -> dict[str, ReadableStream]:
        streams: dict[str, ReadableStream] = {}
        for table in self.template.tables:
            engine_table = self._engine.backend("dynamodb").get_table(table.name)
            stream = None
            if table.stream_arn is not None and table.stream_view_type is not None:
                keys = (table.partition_key,) if table.sort_key is None else (table.partition_key, table.sort_key)
                stream = streams[table.stream_arn] = Stream(
                    arn=table.stream_arn,
                    region=self.template.region,
                    view_type=table.stream_view_type,
                    key_names=keys,
                    now_ms=self._clock.now_ms,
                    new_event_id=lambda: uuid.UUID(int=self._random.getrandbits(128)).hex,
                )
                attach(engine_table, stream)
            if table.time_to_live_attribute is not None:
                TimeToLive(
                    engine_table, attribute=table.time_to_live_attribute, clock=self._clock, stream=stream
                ).start()
        return streams

    def _shell_of(self, definition: EventSourceMapping) -> StreamShell | QueueShell:
        names = {
            "uuid": definition.uuid,
            "function_arn": definition.function_arn,
            "event_source_arn": definition.event_source_arn,
        }
        function = self.template.function_of(definition.function_arn)
        rights = MappingRights(self._guard, function, definition.event_source_arn)
        configuration = definition.configuration
        record = functools.partial(measure_mapping, self._metrics)
        if isinstance(configuration, StreamConfiguration):
            return StreamShell(
                definition,
                StreamMapping(configuration, **names, ids=self._new_id, choices=Choices()),
                stream=self._streams[definition.event_source_arn],
                rights=rights,
                functions=self._functions,
                clock=self._clock,
                faults=self._faults.invocations,
                record_metric=record,
                deliver=functools.partial(self._deliveries.to_destination, rights),
            )
        return QueueShell(
            definition,
            QueueMapping(configuration, **names, ids=self._new_id, choices=Choices()),
            queues=self._queues,
            rights=rights,
            functions=self._functions,
            clock=self._clock,
            faults=self._faults.invocations,
            record_metric=record,
        )

    def _environment_of(self, function: Function, environment_id: str) -> Mapping[str, str]:
        caller = self._callers.register(function.label, function.role_arn, session=environment_id)
        return {
            "AWS_ACCESS_KEY_ID": caller.access_key,
            "AWS_SECRET_ACCESS_KEY": caller.secret_key,
            "AWS_SESSION_TOKEN": "local",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_REGION": self.template.region,
            "AWS_DEFAULT_REGION": self.template.region,
        }

    def _secret_of(self, access_key: str) -> tuple[str, str] | None:
        caller = self._callers.by_access_key(access_key)
        return None if caller is None else (caller.secret_key, caller.arn)
