"""Items whose time is over."""

import asyncio
from typing import Any

from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine
from penstock.cloud.time_to_live import OLDEST_SECONDS, SWEEP_MS, TimeToLive


def left_of(items: dict[str, dict[str, Any]]) -> list[str]:
    """The keys of the items that are left after a sweep of a table of (key → when it is over, in DynamoDB JSON)."""

    async def go() -> list[str]:
        clock = JumpingClock()
        engine = Engine(account_id="123456789012", region="us-east-1", now_ms=clock.now_ms)
        key = {"AttributeName": "pk", "KeyType": "HASH"}
        attribute = {"AttributeName": "pk", "AttributeType": "S"}
        definition = {"KeySchema": [key], "AttributeDefinitions": [attribute], "BillingMode": "PAY_PER_REQUEST"}
        engine.call("dynamodb", "CreateTable", {"TableName": "items", **definition})
        for pk, over in items.items():
            engine.call("dynamodb", "PutItem", {"TableName": "items", "Item": {"pk": {"S": pk}, "over": over}})
        table = engine.backend("dynamodb").get_table("items")
        TimeToLive(table, attribute="over", clock=clock, stream=None).start()
        clock.skipped_ms += SWEEP_MS
        clock._fire()
        left = engine.call("dynamodb", "Scan", {"TableName": "items"})["Items"]
        clock.close()
        return [item["pk"]["S"] for item in left]

    return asyncio.run(go())


def test_items_go_when_their_time_is_over() -> None:
    """Not before, and not where it says something else than a time in seconds of the last five years."""
    now = JumpingClock().now_ms() // 1000
    over = {"just now": now, "a year ago": now - 365 * 86_400}
    kept = {"tomorrow": now + 86_400, "in ms": now * 1000, "years ago": now - OLDEST_SECONDS - 86_400, "nothing": 0}

    left = left_of({pk: {"N": str(seconds)} for pk, seconds in {**over, **kept}.items()} | {"text": {"S": str(now)}})

    assert sorted(left) == sorted([*kept, "text"])
