"""The tables of a template at another DynamoDB endpoint, behind the front door.

At the start they are defined there, under the template's names; what is there already is refused, never touched.
Calls are passed on and translated. At the end, what was defined is removed. Time to live is left to the endpoint and
its clock, and so is everything else that a table does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from penstock.cloud.clock import Clock
from penstock.cloud.engine import EngineError, Reply
from penstock.cloud.external_tables.endpoint import STREAMS, TABLES, Endpoint, NobodyAnswers
from penstock.cloud.external_tables.stream import ExternalStream
from penstock.cloud.external_tables.translation import Translation
from penstock.cloud.external_tables.writes import changes_of
from penstock.cloud.front_door import Call
from penstock.cloud.provisioning.tables import definition_of
from penstock.errors import EnvironmentProblem, TemplateError
from penstock.template.models import Table, Template

ACTIVE_SECONDS: Final = 60
POLL_SECONDS: Final = 0.1
_APIS: Final = {"dynamodb": TABLES, "streams.dynamodb": STREAMS}


class ExternalTables:
    """The tables of one running application at an endpoint."""

    def __init__(self, url: str, template: Template, clock: Clock) -> None:
        """Raises `UsageError` for a URL that a local run may not write to. Nothing is sent yet."""
        self._template = template
        self._clock = clock
        self._endpoint = Endpoint(url, region=template.region)
        self._translation = Translation(template.region)
        self._defined: list[str] = []
        self._streams: dict[str, ExternalStream] = {}

    async def define(self) -> dict[str, ExternalStream]:
        """Define all tables and follow their streams; gives stream ARN → stream.

        Raises `EnvironmentProblem` where nothing answers or a table of the same name exists, `TemplateError` for what
        the endpoint refuses.
        """
        for table in self._template.tables:
            described = await self._define(table)
            self._translation.learn(table_arn=table.arn, described=described, stream_arn=table.stream_arn)
            if table.stream_arn is not None:
                stream = self._streams[table.name] = ExternalStream(
                    arn=table.stream_arn,
                    arn_there=described["LatestStreamArn"],
                    endpoint=self._endpoint,
                    translation=self._translation,
                    clock=self._clock,
                )
                await stream.start()
        return {stream.arn: stream for stream in self._streams.values()}

    @property
    def services(self) -> dict[str, Callable[[Call], Awaitable[Reply]]]:
        """What is answered in place of the engine: service → how."""
        return dict.fromkeys(_APIS, self.answer)

    async def answer(self, call: Call) -> Reply:
        """Pass a call on; an endpoint that does not answer is an internal error to the caller."""
        body = self._translation.request(call.operation, call.request.body)
        with self._expecting(call) as nothing_changed:
            try:
                reply = await self._endpoint.send(f"{_APIS[call.service]}.{call.operation}", body)
            except NobodyAnswers as problem:
                refusal = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": str(problem)}
                return Reply(
                    status=500,
                    headers={"Content-Type": "application/x-amz-json-1.0"},
                    body=json.dumps(refusal).encode(),
                )
            if reply.status >= 300:
                nothing_changed()
        return self._translation.reply(call.operation, reply)

    async def close(self) -> None:
        """Remove what was defined. Raises `EnvironmentProblem` for a table that the endpoint keeps.

        An endpoint that is gone took its tables along, or shows them at the next start.
        """
        for stream in self._streams.values():
            await stream.close()
        try:
            for name in self._defined:
                await self._remove(name)
        except NobodyAnswers:
            return
        finally:
            await self._endpoint.close()

    async def _define(self, table: Table) -> dict[str, Any]:
        resource = next(r for r in self._template.resources.values() if r.arn == table.arn)
        try:
            answer = await self._endpoint.call(TABLES, "CreateTable", definition_of(resource))
            self._defined.append(table.name)
            described = await self._active(table.name, answer["TableDescription"])
            if table.time_to_live_attribute is not None:
                specification = {"AttributeName": table.time_to_live_attribute, "Enabled": True}
                params = {"TableName": table.name, "TimeToLiveSpecification": specification}
                await self._endpoint.call(TABLES, "UpdateTimeToLive", params)
        except EngineError as error:
            if error.code == "ResourceInUseException":
                raise EnvironmentProblem(
                    f"{self._endpoint.url} already has a table {table.name}, which was left as it is; "
                    "remove it there, or start an empty endpoint"
                ) from error
            raise TemplateError(
                f"{self._endpoint.url} refuses the table: {error}",
                logical_id=table.logical_id,
                remedy=f"correct the properties of this {resource.type}, or leave --dynamodb-endpoint out",
            ) from error
        return described

    async def _active(self, name: str, described: dict[str, Any]) -> dict[str, Any]:
        """Wait until a table can be used; its TableDescription."""
        until = asyncio.get_running_loop().time() + ACTIVE_SECONDS
        while described["TableStatus"] != "ACTIVE":
            if asyncio.get_running_loop().time() > until:
                raise EnvironmentProblem(
                    f"table {name} is still {described['TableStatus']} at {self._endpoint.url} after "
                    f"{ACTIVE_SECONDS} s; look into that endpoint's log"
                )
            await asyncio.sleep(POLL_SECONDS)
            described = (await self._endpoint.call(TABLES, "DescribeTable", {"TableName": name}))["Table"]
        return described

    async def _remove(self, name: str) -> None:
        try:
            await self._endpoint.call(TABLES, "DeleteTable", {"TableName": name})
        except EngineError as error:
            if error.code != "ResourceNotFoundException":  # a function may have removed it
                raise EnvironmentProblem(
                    f"{self._endpoint.url} keeps table {name}: {error}; remove it there before the next run"
                ) from error

    @contextmanager
    def _expecting(self, call: Call) -> Iterator[Callable[[], None]]:
        """Expect the records of a call; what this gives says that there will be none."""
        changes = changes_of(call.operation, call.parameters())
        with ExitStack() as calls:
            followed = [(self._streams[name], count) for name, count in changes.items() if name in self._streams]
            forget = [calls.enter_context(stream.expecting(count)) for stream, count in followed]

            def nothing_changed() -> None:
                for none_follow in forget:
                    none_follow()

            yield nothing_changed
