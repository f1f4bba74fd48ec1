"""A run as it happens: one line for each step of the ways of records, short where all is well, whole where it is not.

A write tells what each mapping's filters make of it, the end of a batch how many of its records came to what, and
from the second attempt on why it was made. Events that reach their targets and messages that are done say nothing of
it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.mapping.filters import compile_filters
from penstock.story.facts import (
    BatchInvoked,
    CallAnswered,
    CheckpointSaved,
    EventDelivered,
    EventHandedOn,
    EventPublished,
    Fact,
    FailureDelivered,
    FaultStruck,
    InvocationEnded,
    MappingDefined,
    MessageSent,
    RecordsWritten,
    RunBegan,
)
from penstock.story.findings import Record
from penstock.story.reasons import Attempt, Outcome, outcome, reason
from penstock.story.wording import Wording, counted, ended

Source = tuple[str, str]
"""A mapping and one of its shards; the shard of a queue is empty."""

Tries = tuple[int, tuple[Attempt, ...]]
"""How often an item was tried, and the last attempts, as many as tell why another one is made: two."""

NEVER: Tries = (0, ())

SHOWN = 3
"""How many items of a write or a batch are named."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the run; ``wrong`` says that something did not go well."""

    text: str
    wrong: bool = False


class Live:
    """Words facts as they come. What it remembers is what is neither done nor discarded yet."""

    def __init__(self) -> None:
        self._words = Wording(None)
        self._mappings: dict[str, MappingDefined] = {}
        self._in_flight: dict[str, Attempt] = {}
        self._unfinished: defaultdict[Source, dict[str, Tries]] = defaultdict(dict)

    def line(self, fact: Fact) -> Line | None:
        """The line of a fact; ``None`` for one that nobody wants to read."""
        words = self._words
        match fact:
            case RunBegan():
                self._words = Wording(fact)
            case MappingDefined():
                self._mappings[fact.mapping] = fact
            case BatchInvoked():
                reports = self._mappings[fact.mapping].reports_batch_item_failures
                self._in_flight[fact.request_id] = Attempt(request_id=fact.request_id, batch=fact, reports=reports)
            case RecordsWritten():
                return Line(self._written(fact))
            case InvocationEnded():
                return self._ended(fact)
            case EventPublished():
                return Line(words.event(fact))
            case EventDelivered() if fact.error or fact.dead_letters:
                return Line(words.delivery(fact), wrong=True)
            case MessageSent() if fact.receives:
                self._forget_moved(fact)
                return Line(words.message(fact), wrong=True)
            case CheckpointSaved():
                self._forget_passed(fact)
            case FailureDelivered():
                return Line(words.failure(fact), wrong=True)
            case EventHandedOn() if fact.error or fact.condition != "Success":
                return Line(words.handed_on(fact), wrong=True)
            case CallAnswered() if fact.faults:
                return Line(f"{words.name(fact.caller)}: {words.call(fact)}", wrong=True)
            case FaultStruck():
                return Line(f"fault {fact.kind} of {words.name(fact.victim)}", wrong=True)
            case _:
                pass
        return None

    def _written(self, fact: RecordsWritten) -> str:
        records = [Record(written=fact, body=json.loads(text)) for text in fact.records]
        source_arn = records[0].body["eventSourceARN"]
        readers = [mapping for mapping in self._mappings.values() if mapping.source_arn == source_arn]
        verdicts = [f"{mapping.function} {_passing(mapping, records)} of {len(records)}" for mapping in readers]
        changes = [f"{record.body['eventName']} {'/'.join(record.key_values)}" for record in records]
        by = f" by {self._words.name(fact.caller)} {fact.operation}" if fact.caller else ""
        return f"{self._words.name(fact.table)}: {_some(changes)}{by}{' → ' * bool(verdicts)}{', '.join(verdicts)}"

    def _ended(self, fact: InvocationEnded) -> Line:
        attempt = self._in_flight.pop(fact.request_id, None) or Attempt(request_id=fact.request_id)
        attempt.ended = fact
        batch = attempt.batch
        if batch is None or not batch.items:
            call = f"{batch.purpose} call of window {batch.window}: " if batch is not None else ""
            how = outcome(attempt)
            return Line(f"{fact.function}: {call}{ended(fact, how)}", wrong=how != "done")
        number, why = self._explain(attempt, batch)
        counts = Counter(outcome(attempt, item) for item in batch.items)
        again = f", attempt {number} ({why})" if number > 1 else ""
        size = counted(len(batch.items), "record" if batch.shard_id else "message")
        return Line(f"{fact.function}: {size}{again}: {ended(fact, *_summed(counts))}", wrong=set(counts) != {"done"})

    def _explain(self, attempt: Attempt, batch: BatchInvoked) -> tuple[int, str]:
        """Which attempt this is for the first of its items, and why; what is not done is remembered for the next."""
        unfinished, first = self._unfinished[batch.mapping, batch.shard_id], batch.items[0]
        times, earlier = unfinished.get(first, NEVER)
        for item in batch.items:
            if outcome(attempt, item) == "done":
                unfinished.pop(item, None)
            else:
                before, last = unfinished.get(item, NEVER)
                unfinished[item] = before + 1, (*last[-1:], attempt)
        return times + 1, reason(attempt, earlier, first)

    def _forget_passed(self, saved: CheckpointSaved) -> None:
        """What a checkpoint has passed is finished, even if it was discarded."""
        unfinished = self._unfinished[saved.mapping, saved.shard_id]
        for item in [item for item in unfinished if int(item) <= int(saved.sequence_number)]:
            del unfinished[item]

    def _forget_moved(self, moved: MessageSent) -> None:
        """What a redrive has moved comes to no mapping of its old queue again."""
        for (_, shard_id), unfinished in self._unfinished.items():
            if not shard_id:
                unfinished.pop(moved.message_id, None)


def _passing(mapping: MappingDefined, records: Sequence[Record]) -> int:
    """How many records pass the filters of a mapping."""
    passes = compile_filters(mapping.filters, source="dynamodb")
    return sum(passes(record.body) for record in records)


def _some(texts: Sequence[str]) -> str:
    """The first few of these, and how many there are."""
    return ", ".join(texts) if len(texts) <= SHOWN else f"{', '.join(texts[:SHOWN])} and {len(texts) - SHOWN} more"


def _summed(counts: Counter[Outcome]) -> tuple[Outcome, str]:
    """What a batch came to, and where its records differ how many came to what."""
    ((most, _),) = counts.most_common(1)
    if len(counts) == 1:
        return most, ""
    return most, ", ".join(f"{count} {how}" for how, count in counts.items())
