"""Transactions a second on a table of 10,000 items, beside plain moto.

`python -m benchmarks.transactions [--items N] [--seconds S]`. A transaction puts a new item and counts in another,
under a condition. Measured are the front door, asked by botocore's client over loopback as a function asks it; the
engine behind it, called directly; and moto as it comes, asked by the same client with moto's own interception. Each
runs in a process of its own, client included, for as many transactions as fit into the seconds; all counters are
checked at the end. On a machine that does something else meanwhile, the rate by processor time tells more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, process_time
from typing import Any

from penstock.cloud.callers import Callers
from penstock.cloud.clock import WallClock
from penstock.cloud.engine import Engine
from penstock.cloud.front_door import FrontDoor

ACCOUNT_ID, REGION = "123456789012", "eu-west-1"
GOAL = 200
COUNTER = {"pk": {"S": "counter"}}
Call = Callable[[str, dict[str, Any]], dict[str, Any]]


@contextmanager
def engine_alone() -> Iterator[Call]:
    """The engine, called directly."""
    engine = Engine(account_id=ACCOUNT_ID, region=REGION)
    yield lambda operation, parameters: engine.call("dynamodb", operation, parameters)


@contextmanager
def front_door() -> Iterator[Call]:
    """The front door on a loop of its own, asked over loopback."""
    loop, clock = asyncio.new_event_loop(), WallClock()
    callers = Callers(account_id=ACCOUNT_ID, seed="benchmark")
    door = FrontDoor(Engine(account_id=ACCOUNT_ID, region=REGION), callers, clock)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(door.start(), loop).result()
        keys = callers.developer
        secrets = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        yield _client(endpoint_url=door.endpoint, **secrets)
    finally:
        asyncio.run_coroutine_threadsafe(door.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@contextmanager
def plain_moto() -> Iterator[Call]:
    """moto as it comes."""
    from moto import mock_aws

    with mock_aws():
        yield _client()


WAYS = {"front door": front_door, "engine": engine_alone, "plain moto": plain_moto}


def _client(**settings: Any) -> Call:
    import boto3
    from botocore import xform_name

    client = boto3.client("dynamodb", region_name=REGION, **settings)
    return lambda operation, parameters: getattr(client, xform_name(operation))(**parameters)


def measure(way: str, *, items: int, seconds: float) -> tuple[float, float]:
    """Transactions a second, and a second of processor time, of one way in this process."""
    key = {"AttributeName": "pk"}
    keys = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    with WAYS[way]() as call:
        call("CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **keys, "StreamSpecification": stream})
        for start in range(0, items, 25):
            puts = [
                {"PutRequest": {"Item": _item(f"item-{number}")}} for number in range(start, min(start + 25, items))
            ]
            call("BatchWriteItem", {"RequestItems": {"t": puts}})
        call("PutItem", {"TableName": "t", "Item": {**COUNTER, "n": {"N": "0"}}})
        call("TransactWriteItems", _transaction("warm", 0))
        started, worked, done = perf_counter(), process_time(), 0
        while (elapsed := perf_counter() - started) < seconds:
            call("TransactWriteItems", _transaction(f"new-{done}", done + 1))
            done += 1
        worked = process_time() - worked
        counter = call("GetItem", {"TableName": "t", "Key": COUNTER})["Item"]["n"]["N"]
        assert counter == str(done + 1), f"{way}: {done + 1} transactions, but the counter says {counter}"
    return done / elapsed, done / worked


def _item(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "number": {"N": "1"}, "text": {"S": "x" * 100}}


def _transaction(pk: str, seen: int) -> dict[str, Any]:
    """Put an item that is not there and count on from what was seen."""
    put = {"TableName": "t", "Item": _item(pk), "ConditionExpression": "attribute_not_exists(pk)"}
    values = {":seen": {"N": str(seen)}, ":next": {"N": str(seen + 1)}}
    count = {"UpdateExpression": "SET n = :next", "ConditionExpression": "n = :seen"}
    update = {"TableName": "t", "Key": COUNTER, **count, "ExpressionAttributeValues": values}
    return {"TransactItems": [{"Put": put}, {"Update": update}]}


def main() -> None:
    """Measure each way in a process of its own and print them beside one another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(measure(arguments.way, items=arguments.items, seconds=arguments.seconds)))
        return
    options = ["--items", str(arguments.items), "--seconds", str(arguments.seconds)]
    rates = {}
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.transactions", *options, "--way", way]
        rates[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"transactions of two actions, {arguments.items:,} items in the table; goal {GOAL} a second")
    for way, (rate, by_processor) in rates.items():
        times = by_processor / rates["plain moto"][1]
        print(f"  {way:12} {rate:8.1f} a second, {by_processor:8.1f} by processor time, {times:7.1f} × plain moto")


if __name__ == "__main__":
    main()
