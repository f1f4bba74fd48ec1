"""Another DynamoDB: our engine's tables in a process of their own, in a region of their own.

``python -m tests.cloud.external_tables.another_dynamodb`` prints its URL and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from penstock.cloud.engine import Engine, Request
from penstock.cloud.streams import Stream, attach
from penstock.loopback import endpoint_of, listen

ACCOUNT_ID = "123456789012"
REGION = "eu-central-1"


class Server:
    """Answers DynamoDB's two APIs."""

    def __init__(self) -> None:
        self._engine = Engine(account_id=ACCOUNT_ID, region=REGION)

    async def __call__(self, incoming: web.BaseRequest) -> web.Response:
        """Let the engine answer."""
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        body = await incoming.read()
        api, _, operation = headers["x-amz-target"].partition(".")
        request = Request(method="POST", path="/", query="", headers=headers, body=body)
        service = "streams.dynamodb" if "Streams" in api else "dynamodb"
        reply = self._engine.handle(service, request)
        if operation == "CreateTable" and reply.status == 200:
            self._add_stream(json.loads(body))
        return web.Response(status=reply.status, body=reply.body, content_type="application/x-amz-json-1.0")

    def _add_stream(self, definition: dict[str, Any]) -> None:
        specification = definition.get("StreamSpecification")
        if specification is not None:
            table = self._engine.backend("dynamodb").get_table(definition["TableName"])
            stream = Stream(
                arn="known to nobody",
                region=REGION,
                view_type=specification["StreamViewType"],
                key_names=tuple(key["AttributeName"] for key in definition["KeySchema"]),
                now_ms=lambda: time.time_ns() // 1_000_000,
                new_event_id=lambda: uuid.uuid4().hex,
            )
            vars(stream).update(table=table, created_on=datetime.now(UTC))  # what moto's streams API asks a shard for
            attach(table, stream)


async def serve() -> None:
    """Serve on a free port until standard input ends, as it does with whoever started this."""
    listening = listen()
    runner = web.ServerRunner(web.Server(Server()))
    await runner.setup()
    await web.SockSite(runner, listening).start()
    print(endpoint_of(listening), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
