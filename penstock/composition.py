"""All that one template becomes here: the parts, made in their order, put together, and ended in reverse.

Everything belongs to one event loop. `penstock.application` is the same for other threads. What is not lost when an
application begins anew, such as addresses and warm processes, is in `penstock.premises`.
"""

from __future__ import annotations

import asyncio
import functools
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from penstock.cloud.bucket_notifications import connect_buckets
from penstock.cloud.bus import Bus
from penstock.cloud.call_counter import CallCounter
from penstock.cloud.capacity import Charge
from penstock.cloud.clock import Clock
from penstock.cloud.cloudwatch.metrics import MINUTE_MS, Metrics, names_in
from penstock.cloud.deliveries import Deliveries
from penstock.cloud.engine import Engine
from penstock.cloud.external_tables import ExternalTables
from penstock.cloud.faults import Faults, FaultScript
from penstock.cloud.front_door import Call, FrontDoor, Interceptor
from penstock.cloud.function_destinations import FunctionDestinations
from penstock.cloud.metered_tables import MeteredTables, measure_charges
from penstock.cloud.moto import hooks
from penstock.cloud.policies.destination_rights import check_destinations
from penstock.cloud.policies.guard import Denied, Guard
from penstock.cloud.policies.mapping_rights import MappingRights
from penstock.cloud.provisioning import provision
from penstock.cloud.queues import Queues
from penstock.cloud.state_machines import StateMachines
from penstock.cloud.streams import ReadableStream, Stream, attach
from penstock.cloud.subscriptions import connect_subscriptions
from penstock.cloud.time_to_live import TimeToLive
from penstock.cloud.witness import Witness
from penstock.errors import TemplateError
from penstock.gateway.gateway import Gateway, Served
from penstock.gateway.issuer import Issuer
from penstock.gateway.metrics import measure_request
from penstock.mapping.choices import Choices
from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.queue import QueueMapping
from penstock.mapping.stream import StreamMapping
from penstock.premises import Premises
from penstock.runtime.asynchronous_invocations import AsynchronousInvocations
from penstock.runtime.event_source_mappings import QueueShell, StreamShell
from penstock.runtime.functions import Functions
from penstock.runtime.invocation import Failure, Invocation
from penstock.runtime.invocation_record import object_key
from penstock.runtime.invoke_calls import InvokeCalls
from penstock.runtime.lambda_metrics import measure_invocation, measure_log, measure_mapping
from penstock.runtime.log import LogLine
from penstock.runtime.run_facts import mapping_defined, tell_invocation
from penstock.runtime.tallies import FunctionTally, add_to
from penstock.story.facts import Fact
from penstock.story.journal import Journal
from penstock.template.models import EventSourceMapping, Function, Template
from penstock.template.stores import TABLE_TYPES

NEVER_IMPORTED = frozenset({"Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError"})

FLUSH_SECONDS = 0.25
"""How far the journal's file is behind at most, in wall time; our choice."""

Event = Invocation | LogLine | Served | Denied | Fact
"""What a person watching is told as it happens."""


class Composition:
    """The parts of one running application, from one beginning to its end.

    What is public may be asked for by `Application`, once it was started.
    """

    def __init__(
        self,
        template: Template,
        premises: Premises,
        *,
        clock: Clock,
        seed: int,
        script: FaultScript,
        journal: Journal,
        on_event: Callable[[Event], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """``journal`` keeps facts, ``on_event`` is told what happens, ``on_error`` what the run cannot go on after."""
        self.template = template
        self._premises = premises
        self.clock = clock
        self._random = random.Random(seed)
        self._on_event = on_event
        self._on_error = on_error
        self.counter = CallCounter()
        self.metrics = Metrics(now_ms=clock.now_ms, names=names_in(template))
        self.tallies: dict[str, FunctionTally] = {}
        self.shells: list[StreamShell | QueueShell] = []
        self.gateways: list[Gateway] = []
        self.issuer: Issuer | None = None
        self._exits = AsyncExitStack()
        self.journal = journal
        self.witness = Witness(
            journal.tell,
            now_ms=clock.now_ms,
            request_id_of=self._request_id_of,
            is_outside=lambda caller: caller in (premises.callers.operator, premises.callers.developer),
        )
        self.faults = self._arm(script)

    async def start(self, *, interceptors: Sequence[Interceptor], dynamodb_endpoint: str | None) -> None:
        """Make all parts, on the loop, and let the mappings read; `Application.start` says what may go wrong."""
        self._make_guard()
        self._exits.callback(self.journal.close)
        self.journal.flush_by(functools.partial(asyncio.get_running_loop().call_later, FLUSH_SECONDS))
        tables = None
        if dynamodb_endpoint is not None:
            tables = ExternalTables(dynamodb_endpoint, self.template, self.clock)
            self._exits.push_async_callback(tables.close)
        await self._make_functions()
        await self._make_stores(tables)
        self._make_bus()
        await self._open_door(interceptors, tables)
        for definition in self.template.mappings:
            shell = self._shell_of(definition)
            self._exits.push_async_callback(shell.close)
            self.shells.append(shell)
        await self._open_gateways()
        for shell in self.shells:
            shell.start()

    def _make_guard(self) -> None:
        template = self.template
        self.machines = StateMachines(
            clock=self.clock,
            callers=self._premises.callers,
            role_names={machine.role_arn: machine.label for machine in template.state_machines},
            region=template.region,
            metrics=self.metrics,
        )
        self.guard = Guard(
            template,
            now_ms=self.clock.now_ms,
            machine_of=self.machines.machine_of,
            on_denied=self._on_event,
        )
        self.guard.check_notifications()
        check_destinations(template, self.guard)

    async def _make_functions(self) -> None:
        """Make the functions; what a write runs at once starts its processes while the rest is loaded and defined."""
        self.functions = Functions(
            self.template.functions,
            clock=self.clock,
            environments=self._premises.environments,
            usage_of=self.counter.end_invocation,
            on_log=self._on_log,
            on_invocation=self._on_invocation,
            failure_of=lambda function, *event: self.faults.invocations.failure(function.label, *event),
        )
        self._exits.callback(self._premises.forget_the_gone)
        self._exits.push_async_callback(self.functions.close)
        for definition in self.template.mappings:
            if isinstance(definition.configuration, StreamConfiguration) and definition.configuration.enabled:
                await self.functions.begin(definition.function_arn)

    async def _make_stores(self, tables: ExternalTables | None) -> None:
        """Load the engine and define in it all that the template holds, or all but the tables."""
        self.engine = await asyncio.to_thread(
            Engine, account_id=self.template.account_id, region=self.template.region, now_ms=self.clock.now_ms
        )
        self._exits.callback(hooks.take_down)
        self.queues = Queues(self.engine, self.clock, self.metrics)
        self.queues.on_sent = self.witness.sent
        self.machines.install()
        self._make_deliveries()
        provision(self.template, self.engine, without=TABLE_TYPES if tables else ())
        self._sample_each_minute()
        self._streams = await tables.define() if tables else self._attach_streams()
        for table in self.template.tables:
            stream = self._streams.get(table.stream_arn or "")
            if stream is not None:
                self.witness.watch(table.name, stream)

    def _make_deliveries(self) -> None:
        """Make the queues of asynchronous invocation, and connect what services hand on: a new bucket's test event too.

        A function's event may end on the bus, which is made after this, and one on the bus be a function's.
        """

        def emit(entry: Mapping[str, Any], caller: str) -> None:
            self.bus.emit(entry, caller)

        def invoke(function_arn: str, event: str) -> str:
            return self.asynchronous.accept(function_arn, event)

        self._deliveries = Deliveries(self.engine, self.queues, self.guard, invoke=invoke, new_id=self._new_id)
        self.asynchronous = AsynchronousInvocations(
            self.functions,
            definitions=self.template.functions,
            configurations=self.template.event_invoke_configurations,
            outlets=FunctionDestinations(
                self._deliveries,
                self.guard,
                emit=emit,
                object_key=self._record_key,
                refuses=self.faults.invocations.refusal,
            ),
            clock=self.clock,
            new_id=self._new_id,
            metrics=self.metrics,
            tell=self.journal.tell,
        )
        self._exits.push_async_callback(self.asynchronous.close)
        connect_subscriptions(self.guard.may_subscribe, invoke)
        connect_buckets(self._deliveries, self.guard.may_notify, emit)

    def _make_bus(self) -> None:
        self.bus = Bus(
            account_id=self.template.account_id,
            region=self.template.region,
            buses=self.template.buses,
            rules=self.template.rules,
            clock=self.clock,
            new_id=self._new_id,
            deliver={
                "sqs": self._deliveries.to_queue,
                "sns": self._deliveries.to_topic,
                "lambda": self._deliveries.to_function,
                "states": self._deliveries.to_state_machine,
            },
            bury=self._deliveries.to_dead_letters,
            delays_ms=self.faults.events.delays_ms,
            metrics=self.metrics,
            on_published=self.witness.published,
            tell=self.journal.tell,
        )
        self._exits.push_async_callback(self.bus.close)

    async def _open_door(self, interceptors: Sequence[Interceptor], tables: ExternalTables | None) -> None:
        metered = MeteredTables(self.engine, on_consumed=self._on_consumed)
        door = FrontDoor(
            self.engine,
            self._premises.callers,
            self.clock,
            interceptors=[self.counter, self.witness, self.guard, *interceptors, self.faults.calls],
            services={
                **(tables.services if tables else {"dynamodb": metered.answer}),
                "events.PutEvents": self.bus.put_events,
                "lambda.Invoke": InvokeCalls(self.functions, self.asynchronous, new_id=self._new_id).answer,
                "sqs.ReceiveMessage": self.queues.receive_call,
            },
        )
        self._exits.push_async_callback(door.close)
        await door.start(self._premises.at_door())
        self.machines.door = door
        self._exits.callback(self.machines.close)  # while the door is open: what ends now may still call

    async def _open_gateways(self) -> None:
        """Serve the APIs, and before them the issuer of their tokens."""
        if self.template.jwt_authorizers:
            self.issuer = await self._premises.issuer()
        for api in self.template.apis:
            gateway = Gateway(
                api,
                invoke=self.functions.invoke,
                may_invoke=self.guard.may_invoke,
                secret_of=self._secret_of,
                public_key_of=self.issuer.public_key_of if self.issuer else lambda _: None,
                clock=self.clock,
                on_request=functools.partial(self._on_request, api.id),
            )
            self._exits.push_async_callback(gateway.close)
            await gateway.start(self._premises.at_api(api.id))
            self.gateways.append(gateway)

    async def close(self) -> None:
        """End everything, the last made first, while time stands still; what never was made has no end."""
        self.clock.close()
        await self._exits.aclose()

    async def sample(self) -> None:
        """Take the metrics that are states, of queues, as they are now."""
        self.queues.sample()

    def _sample_each_minute(self) -> None:
        self.queues.sample()
        next_ms = self.clock.now_ms() + MINUTE_MS
        self.clock.call_at(next_ms, self._sample_each_minute, background=True, name="samples of queues")

    def _record_key(self, function: Function) -> str:
        return object_key(function.name, at_ms=self.clock.now_ms(), random_id=self._new_id())

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _arm(self, script: FaultScript) -> Faults:
        key_names = {
            table.name: [name for name in (table.partition_key, table.sort_key) if name is not None]
            for table in self.template.tables
        }
        return Faults(
            script,
            clock=self.clock,
            process_of=lambda name: self.functions.environment(name),  # noqa: PLW0108 - they are made after this
            key_names=key_names,
            on_strike=self.witness.struck,
        )

    def _request_id_of(self, session: str) -> str:
        """The invocation under way in an execution environment."""
        environment = self.functions.environment(session)
        return environment.request_id if environment is not None else ""

    def _on_log(self, line: LogLine) -> None:
        measure_log(self.metrics, line)
        self._on_event(line)

    def _on_request(self, api_id: str, served: Served) -> None:
        measure_request(self.metrics, api_id, served)
        self._on_event(served)

    def _on_consumed(self, call: Call, charges: Sequence[Charge]) -> None:
        self.counter.consumed(call, charges)
        measure_charges(self.metrics, charges)

    def _on_invocation(self, invocation: Invocation) -> None:
        """Tell of an invocation; a handler that cannot even be imported ends the run, since it never will be."""
        tell_invocation(self.journal, invocation, now_ms=self.clock.now_ms())
        add_to(self.tallies, invocation)
        measure_invocation(self.metrics, invocation)
        self._on_event(invocation)
        result = invocation.result
        if isinstance(result, Failure) and result.error.get("errorType") in NEVER_IMPORTED:
            function = invocation.function
            self._on_error(
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
            engine_table = self.engine.backend("dynamodb").get_table(table.name)
            stream = None
            if table.stream_arn is not None and table.stream_view_type is not None:
                keys = (table.partition_key,) if table.sort_key is None else (table.partition_key, table.sort_key)
                stream = streams[table.stream_arn] = Stream(
                    arn=table.stream_arn,
                    region=self.template.region,
                    view_type=table.stream_view_type,
                    key_names=keys,
                    now_ms=self.clock.now_ms,
                    new_event_id=lambda: f"{self._random.getrandbits(128):032x}",
                )
                attach(engine_table, stream)
            if table.time_to_live_attribute is not None:
                TimeToLive(
                    engine_table, attribute=table.time_to_live_attribute, clock=self.clock, stream=stream
                ).start()
        return streams

    def _shell_of(self, definition: EventSourceMapping) -> StreamShell | QueueShell:
        names = {
            "uuid": definition.uuid,
            "function_arn": definition.function_arn,
            "event_source_arn": definition.event_source_arn,
        }
        function = self.template.function_of(definition.function_arn)
        self.journal.tell(mapping_defined(definition, function, now_ms=self.clock.now_ms()))
        rights = MappingRights(self.guard, function, definition.event_source_arn)
        configuration = definition.configuration
        record = functools.partial(measure_mapping, self.metrics)
        if isinstance(configuration, StreamConfiguration):
            return StreamShell(
                definition,
                StreamMapping(configuration, **names, ids=self._new_id, choices=Choices()),
                stream=self._streams[definition.event_source_arn],
                rights=rights,
                functions=self.functions,
                clock=self.clock,
                faults=self.faults.invocations,
                record_metric=record,
                deliver=functools.partial(self._deliveries.to_destination, rights),
                tell=self.journal.tell,
            )
        return QueueShell(
            definition,
            QueueMapping(configuration, **names, ids=self._new_id, choices=Choices()),
            queues=self.queues,
            rights=rights,
            functions=self.functions,
            clock=self.clock,
            faults=self.faults.invocations,
            record_metric=record,
            tell=self.journal.tell,
        )

    def _secret_of(self, access_key: str) -> tuple[str, str] | None:
        caller = self._premises.callers.by_access_key(access_key)
        return None if caller is None else (caller.secret_key, caller.arn)
