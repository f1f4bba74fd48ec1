"""The DynamoDB that a contract is held against: our own, behind its front door, or any other by its URL."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from penstock.cloud.callers import Callers
from penstock.cloud.clock import WallClock
from penstock.cloud.engine import Engine
from penstock.cloud.front_door import FrontDoor
from penstock.cloud.time_to_live import SWEEP_MS, TimeToLive

REGION = "eu-west-1"


class _Embedded:
    """The embedded cloud in a thread of its own, and its clock."""

    def __init__(self) -> None:
        self.clock = WallClock()
        self.engine = Engine(account_id="123456789012", region=REGION, now_ms=self.clock.now_ms)
        self.callers = Callers(account_id="123456789012", seed="contract")
        self.door = FrontDoor(self.engine, self.callers, self.clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.perform(self.door.start())

    def perform(self, work: Any) -> Any:
        """Do something on the cloud's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=300)

    def close(self) -> None:
        self.perform(self.door.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where tables are, and clients for it."""

    dynamodb: Any
    streams: Any
    embedded: _Embedded | None

    def pass_time(self, milliseconds: int) -> None:
        """Let time go by on the cloud's clock, which only our own has."""
        assert self.embedded is not None
        self.embedded.clock.skipped_ms += milliseconds

    def stream_of(self, table: Table) -> Any:
        """The stream of a table as the embedded cloud's own readers have it."""
        assert self.embedded is not None
        return self.embedded.engine.backend("dynamodb").get_table(table.name).stream_shard

    def sweep(self, table_name: str, attribute: str) -> None:
        """Let time to live take what is over in a table."""
        assert self.embedded is not None
        embedded = self.embedded

        async def sweep() -> None:
            table = embedded.engine.backend("dynamodb").get_table(table_name)
            stream = table.stream_shard if hasattr(table.stream_shard, "written_by_time_to_live") else None
            TimeToLive(table, attribute=attribute, clock=embedded.clock, stream=stream).start()
            embedded.clock.skipped_ms += SWEEP_MS
            embedded.clock._fire()
            embedded.clock.close()

        embedded.perform(sweep())


@contextmanager
def endpoint_at(url: str | None) -> Iterator[Endpoint]:
    """Clients for a URL, or for an embedded cloud that lives as long as the context."""
    embedded = _Embedded() if url is None else None
    if embedded is not None:
        caller = embedded.callers.developer
        url, keys = embedded.door.endpoint, (caller.access_key, caller.secret_key)
    else:
        keys = (os.environ.get("AWS_ACCESS_KEY_ID", "contract"), os.environ.get("AWS_SECRET_ACCESS_KEY", "contract"))
    settings = {
        "endpoint_url": url,
        "region_name": os.environ.get("AWS_REGION", REGION) if embedded is None else REGION,
        "aws_access_key_id": keys[0],
        "aws_secret_access_key": keys[1],
        "aws_session_token": os.environ.get("AWS_SESSION_TOKEN") if embedded is None else None,
        "config": Config(
            retries={"total_max_attempts": 1},
            parameter_validation=False,
            max_pool_connections=16,
            account_id_endpoint_mode="disabled",
        ),
    }
    try:
        session = boto3.session.Session()
        yield Endpoint(
            dynamodb=session.client("dynamodb", **settings),
            streams=session.client("dynamodbstreams", **settings),
            embedded=embedded,
        )
    finally:
        if embedded is not None:
            embedded.close()


class Table:
    """A table with a stream of its own, made for one contract."""

    def __init__(self, endpoint: Endpoint, *, sort_key: bool = False, index: bool = False) -> None:
        """``index`` gives it one of the name ``by-customer``, of the attributes ``customer`` and ``n``."""
        self.client = endpoint.dynamodb
        self.streams = endpoint.streams
        self.name = f"contract-{uuid4().hex[:12]}"
        keys = [("pk", "HASH"), ("sk", "RANGE")][: 1 + sort_key]
        by_customer = [("customer", "HASH"), ("n", "RANGE")] if index else []
        indexes = {
            "IndexName": "by-customer",
            "KeySchema": _schema(by_customer),
            "Projection": {"ProjectionType": "ALL"},
        }
        description = self.client.create_table(
            TableName=self.name,
            KeySchema=_schema(keys),
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "N" if name == "n" else "S"} for name, _ in keys + by_customer
            ],
            **({"GlobalSecondaryIndexes": [indexes]} if index else {}),
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        if description["TableStatus"] != "ACTIVE":
            self.client.get_waiter("table_exists").wait(TableName=self.name)
        self.stream_arn = description["LatestStreamArn"]

    def drop(self) -> None:
        self.client.delete_table(TableName=self.name)

    def put(self, **attributes: Any) -> None:
        self.client.put_item(TableName=self.name, Item=attributes)

    def get(self, pk: str = "1") -> dict[str, Any] | None:
        found = self.client.get_item(TableName=self.name, Key={"pk": {"S": pk}}, ConsistentRead=True).get("Item")
        return dict(found) if found is not None else None

    def update(self, expression: str, pk: str = "1", **values: Any) -> Any:
        given = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
        return self.client.update_item(TableName=self.name, Key={"pk": {"S": pk}}, UpdateExpression=expression, **given)

    def execute(self, statement: str, *parameters: Any, **more: Any) -> Any:
        """Execute a statement that names the table as ``%s``."""
        given = {"Parameters": list(parameters)} if parameters else {}
        return self.client.execute_statement(Statement=statement.replace("%s", f'"{self.name}"'), **given, **more)

    def statement(self, statement: str, *parameters: Any) -> dict[str, Any]:
        """A statement of a batch or transaction, which names the table as ``%s``."""
        given = {"Parameters": list(parameters)} if parameters else {}
        return {"Statement": statement.replace("%s", f'"{self.name}"'), **given}

    def shard_iterator(self, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        shards = self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"]
        answer = self.streams.get_shard_iterator(
            StreamArn=self.stream_arn, ShardId=shards[0]["ShardId"], ShardIteratorType=kind, **more
        )
        return str(answer["ShardIterator"])

    def records(self, iterator: str | None = None, *, expected: int = 0) -> list[dict[str, Any]]:
        """All records from an iterator on; of a remote stream, which lags, until as many as expected are there."""
        iterator, found, until = iterator or self.shard_iterator(), list[dict[str, Any]](), time.monotonic() + 120
        while iterator:
            answer = self.streams.get_records(ShardIterator=iterator)
            found += answer["Records"]
            iterator = answer.get("NextShardIterator")
            if not answer["Records"] and (len(found) >= expected or time.monotonic() > until):
                break
        return found


def _schema(keys: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys]
