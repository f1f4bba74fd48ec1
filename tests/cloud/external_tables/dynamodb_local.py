"""A stand-in for DynamoDB Local: another DynamoDB with the oddities that were seen on version 3.3.0."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from penstock.loopback import endpoint_of, listen
from tests.cloud.external_tables.another_dynamodb import ACCOUNT_ID, REGION

REAL = f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:"
ODD = "arn:aws:dynamodb:ddblocal:000000000000:"


class DynamodbLocal:
    """Passes requests on and makes the answers odd."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self._early: set[str] = set()
        """Shard iterators given before the first write."""
        self._written = False
        self.read_early = asyncio.Event()
        """Somebody holds a shard iterator from before the first write."""
        self.refusals = 0
        self.expired: list[dict[str, Any]] = []
        """Keys of items whose removal is to look as if their time had been over."""

    async def answer(self, incoming: web.BaseRequest) -> web.Response:
        """Answer one request."""
        target = incoming.headers["X-Amz-Target"]
        operation = target.partition(".")[2]
        body = (await incoming.read()).decode()
        self._written |= operation in ("PutItem", "TransactWriteItems")
        if operation == "GetRecords" and self._written and json.loads(body)["ShardIterator"] in self._early:
            self._early.clear()
            self.refusals += 1
            text = json.dumps({"__type": "com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException"})
            return web.Response(status=400, text=text, content_type="application/x-amz-json-1.0")
        headers = {name: incoming.headers[name] for name in ("X-Amz-Target", "Content-Type", "Authorization")}
        async with self._session.post(self._url, data=body.replace(ODD, REAL).encode(), headers=headers) as answer:
            text = (await answer.text()).replace(REAL, ODD)
            told: dict[str, Any] = json.loads(text)
        if operation == "GetRecords":
            told["Records"] = [self._odd(record) for record in told["Records"]]
        if not self._written:
            self._early |= {told[name] for name in ("ShardIterator", "NextShardIterator") if name in told}
            if operation == "GetRecords":
                self.read_early.set()
        if operation.startswith("Transact"):
            told["ConsumedCapacity"] = [{"TableName": "whatever", "CapacityUnits": 99.0}]
        text = json.dumps(told).replace('{"M": {}}', "{}")
        return web.Response(status=answer.status, text=text, content_type="application/x-amz-json-1.0")

    def _odd(self, record: dict[str, Any]) -> dict[str, Any]:
        change = record["dynamodb"]
        record["awsRegion"] = "ddblocal"
        change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"] // 60 * 60
        if record["eventName"] == "REMOVE" and change["Keys"] in self.expired:
            record["eventName"] = "UNKNOWN_TO_SDK_VERSION"
        return record


@asynccontextmanager
async def dynamodb_local(url: str) -> AsyncIterator[tuple[str, DynamodbLocal]]:
    """Its URL and itself, in front of another DynamoDB."""
    async with aiohttp.ClientSession() as session:
        local, listening = DynamodbLocal(url, session), listen()
        runner = web.ServerRunner(web.Server(local.answer), shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        try:
            yield endpoint_of(listening), local
        finally:
            await runner.cleanup()
