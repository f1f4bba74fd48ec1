"""`summarize`: one row for each window and shard, in which every record counts once."""

from __future__ import annotations

from typing import Any

from penstock.conformance.stream_record import Written
from penstock.mapping.configuration import StreamConfiguration
from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.shop import QUANTITIES, TOTALS, kind, number
from tests.crash.sources import Source, StreamSource, with_batches_of
from tests.crash.streams import Change, records
from tests.crash.subject import Deployed, Subject, nothing
from tests.crash.verdict import Effects

CHANGES = (
    Change(order_id="100", version=1, at_ms=1_000),
    Change(order_id="100", version=2, at_ms=2_000),
    Change(order_id="200", version=2, at_ms=2_000),
    Change(order_id="200", version=2, at_ms=3_000, is_news=False),
    Change(order_id="C300", version=2, at_ms=40_000),
    Change(order_id="400", version=2, at_ms=61_000),
    Change(order_id="200", version=3, at_ms=62_000),
    Change(order_id="100", version=2, at_ms=62_000, spoilt="total"),
    Change(order_id="C300", version=2, at_ms=63_000),
)
WINDOWS = ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z")


def _source(deployed: Deployed, layout: Layout) -> Source:
    assert isinstance(deployed.configuration, StreamConfiguration)
    return StreamSource(records(CHANGES, layout), with_batches_of(2, deployed.configuration))


def _effects(cloud: Cloud, _: Source) -> Effects:
    return {row["window"]["S"]: [row] for row in cloud.items("Statistics")}


def _exact(layout: Layout) -> dict[str, Any]:
    shards: dict[tuple[int, str], list[tuple[Change, Written]]] = {}
    for change, written in zip(CHANGES, records(CHANGES, layout), strict=True):
        shards.setdefault((change.at_ms // 60_000, change.shard(layout)), []).append((change, written))
    rows = [_row(window, shard, counted) for (window, shard), counted in shards.items()]
    return {row["window"]["S"]: row for row in rows}


def _row(window: int, shard: str, seen: list[tuple[Change, Written]]) -> dict[str, Any]:
    first = seen[0][1].record.sequence_number
    shard_id = f"shardId-{int(shard[1:]):020d}-{int(shard[1:]):08x}"
    accepted = [change for change, _ in seen if change.version == 2 and change.is_news and change.order_id != "400"]
    good = [change.order_id for change in accepted if not change.spoilt]
    figures = {}
    for name in ("order", "return"):
        counted = [order_id for order_id in good if kind(order_id) == name]
        figures[f"{name}_count"] = {"N": str(len(counted))}
        figures[f"{name}_items"] = {"N": str(sum(QUANTITIES[order_id] for order_id in counted))}
        figures[f"{name}_value"] = number(str(sum(float(TOTALS[order_id]) for order_id in counted)))
    return {
        "day": {"S": WINDOWS[window][:10]},
        "window": {"S": f"{WINDOWS[window]}#{shard_id}#{first}"},
        "window_start": {"S": WINDOWS[window]},
        "window_end": {"S": WINDOWS[window + 1]},
        "shard_id": {"S": shard_id},
        "first_sequence_number": {"S": first},
        "bad_records": {"N": str(len(accepted) - len(good))},
        **figures,
    }


def _effect_of(ref: str, layout: Layout) -> str:
    [(change, _)] = [pair for pair in zip(CHANGES, records(CHANGES, layout), strict=True) if pair[1].ref == ref]
    return next(
        name
        for name, row in _exact(layout).items()
        if row["window_start"]["S"] == WINDOWS[change.at_ms // 60_000]
        and row["shard_id"]["S"].endswith(change.shard(layout)[1:])
    )


SUMMARIZE = Subject(
    name="summarize",
    label="Summarize",
    module="handlers.summarize",
    prepare=nothing,
    source=_source,
    effects=_effects,
    exact=_exact,
    effect_of=_effect_of,
)
