"""Which functions are measured, with which records, and how their result is checked.

A function stands under its module; `handlers.…` are the application's own. Batches are as large as the application's
mappings of the stage `dev` make them, and 1,000 for all that do what `replicate` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.ladder import records
from benchmarks.ladder.cloud import Cloud
from benchmarks.ladder.figures import (
    ENRICH,
    NOTIFY,
    PLAIN,
    POWERTOOLS,
    RELAY,
    REPLICATE,
    SUMMARIZE,
    TRANSACTION,
    UPDATE_ITEM,
)
from benchmarks.ladder.records import WINDOW_RECORDS, Events, Workload

Check = Callable[[Cloud, Workload], int]


def wrong_rows(cloud: Cloud, workload: Workload) -> int:
    """How many orders' rows are missing or not at their newest version."""
    rows = {item["order_id"]["S"]: int(item["version"]["N"]) for item in cloud.items("CustomerOrders")}
    return sum(rows.get(order_id) != version for order_id, version in workload.newest().items())


def wrong_counters(cloud: Cloud, workload: Workload) -> int:
    """How far the countries' counters are from one for each event, however often it came."""
    seen = {change.event_id: change.order.country for change in (*workload.before, *workload.changes)}
    counted = {item["id"]["S"]: int(item["amount"]["N"]) for item in cloud.items("Counters")}
    return sum(abs(counted.get(country, 0) - count) for country, count in Counter(seen.values()).items())


def wrong_statistics(cloud: Cloud, workload: Workload) -> int:
    """How far the rows of the window are from one for each acceptance."""
    counted = sum(int(item["order_count"]["N"]) for item in cloud.items("Statistics"))
    return abs(counted - len(workload.changes))


def wrong_messages(cloud: Cloud, workload: Workload) -> int:
    """How far the topic is from one message for each event."""
    return abs(cloud.published() - len({change.event_id for change in (*workload.before, *workload.changes)}))


def wrong_orders(cloud: Cloud, workload: Workload) -> int:
    """How many orders are not judged once, which makes them version 2."""
    judged: int = sum(item["version"]["N"] == "2" for item in cloud.items("Orders"))
    return len(workload.newest()) - judged


def nothing_to_check(cloud: Cloud, workload: Workload) -> int:
    """A bus keeps nothing."""
    del cloud, workload
    return 0


def place_orders(cloud: Cloud, workload: Workload) -> None:
    """Put the orders that the function is to judge."""
    for change in workload.changes:
        cloud.put("Orders", change.item())


def place_nothing(cloud: Cloud, workload: Workload) -> None:
    """Most functions need nothing but their events."""
    del cloud, workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A function and what is done with it.

    The first workload is timed on so many ``records``; the others tell calls and units on ``other_records``, and a test
    does so on ``tested_records``, which come to the same for each of them.
    """

    name: str
    module: str
    check: Check
    workloads: Callable[[int], Mapping[str, Workload]] = records.workloads
    events: Events = records.messages
    batch_size: int = 1_000
    records: int = 1_000
    other_records: int = 100
    tested_records: int = 10
    prepare: Callable[[Cloud, Workload], None] = place_nothing


def _told(count: int) -> dict[str, Workload]:
    return {name: made for name, made in records.workloads(count).items() if name in ("all new", "all repeated")}


def _once(count: int) -> dict[str, Workload]:
    return {"all new": records.workloads(count)["all new"]}


RUNGS: tuple[Rung, ...] = (
    Rung(name=PLAIN, module="benchmarks.ladder.functions.plain_powertools", check=wrong_rows),
    Rung(name=POWERTOOLS, module="benchmarks.ladder.functions.powertools", check=wrong_rows),
    Rung(name=TRANSACTION, module="benchmarks.ladder.functions.transaction", check=wrong_counters),
    Rung(name=UPDATE_ITEM, module="benchmarks.ladder.functions.update_item", check=wrong_rows),
    Rung(name=REPLICATE, module="handlers.replicate", check=wrong_rows, other_records=1_000, tested_records=100),
    Rung(
        name=SUMMARIZE,
        module="handlers.summarize",
        check=wrong_statistics,
        workloads=records.window,
        events=records.window_records,
        records=WINDOW_RECORDS,
        tested_records=WINDOW_RECORDS,
    ),
    Rung(
        name=RELAY,
        module="handlers.relay",
        check=nothing_to_check,
        workloads=_once,
        events=records.stream_records,
        batch_size=100,
        tested_records=100,
    ),
    Rung(
        name=ENRICH,
        module="handlers.enrich",
        check=wrong_orders,
        workloads=records.placed,
        batch_size=10,
        prepare=place_orders,
    ),
    Rung(name=NOTIFY, module="handlers.notify", check=wrong_messages, workloads=_told, batch_size=10),
)
