"""Where an event or a message came from: the delivery or the call that made it, and the record that was made for."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.story.facts import BatchInvoked, CallAnswered, EventDelivered, EventHandedOn, FailureDelivered
from penstock.story.findings import Findings, Record
from penstock.story.naming import is_about, names_of, text_of
from penstock.story.step import Step
from penstock.story.wording import Wording


def origins(findings: Findings, words: Wording, thing: str) -> Iterator[Step]:
    """The steps back from an event or a message (by its id), the nearest first; none where it came from outside."""
    maker = findings.makers.get(thing)
    match maker:
        case EventDelivered():
            yield from _event(findings, words, maker.event_id)
        case FailureDelivered():
            text = f"from {words.failure(maker)}"
            yield Step(at_ms=maker.at_ms, kind="origin", text=text, mapping=maker.mapping)
        case EventHandedOn():
            text = f"from {words.handed_on(maker)}"
            yield Step(at_ms=maker.at_ms, kind="origin", text=text, request_id=maker.request_id)
            yield from origins(findings, words, maker.request_id)
        case CallAnswered():
            yield Step(
                at_ms=maker.at_ms,
                kind="origin",
                text=f"from {words.call(maker)} by {words.name(maker.caller)}",
                request_id=maker.request_id,
            )
            attempt = findings.attempts_of_calls.get(id(maker))
            if attempt is not None and attempt.batch is not None:
                yield from _batch(findings, words, attempt.batch, text_of(findings, thing))
            elif attempt is not None:
                yield from origins(findings, words, attempt.request_id)


def _event(findings: Findings, words: Wording, event_id: str) -> Iterator[Step]:
    published = findings.events.get(event_id)
    if published is not None:
        yield Step(at_ms=published.at_ms, kind="origin", text=f"from {words.event(published)}", id=event_id)
        yield from origins(findings, words, event_id)


def _batch(findings: Findings, words: Wording, batch: BatchInvoked, text: str) -> Iterator[Step]:
    """The records or the message of a batch that a text was made for."""
    alone = len(batch.items) == 1
    if batch.shard_id:
        for record in records_of(findings, batch):
            if alone or is_about(text, names_of(record)):
                told = f"from {words.record(record, brief=True)}"
                yield Step(at_ms=record.written.at_ms, kind="origin", text=told, id=record.event_id)
    elif alone:
        (message_id,) = batch.items
        for sent in findings.messages.get(message_id, [])[:1]:
            told = f"from {words.message(sent)}"
            yield Step(at_ms=sent.at_ms, kind="origin", text=told, id=message_id)
            yield from origins(findings, words, message_id)


def records_of(findings: Findings, batch: BatchInvoked) -> Iterator[Record]:
    """The records of a stream's batch."""
    source_arn = findings.mappings[batch.mapping].source_arn
    items = frozenset(batch.items)
    return (
        record
        for record in findings.records.values()
        if record.sequence_number in items
        and record.written.shard_id == batch.shard_id
        and record.body["eventSourceARN"] == source_arn
    )
