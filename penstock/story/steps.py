"""The steps of a story: what comes of a record, an event, a message, an invocation.

A step is followed to what it makes: the calls of the invocations that had a record in their batch, the events they
publish, the messages that those become, their attempts in turn. It ends where another record begins: that one has a
story of its own. Of an invocation with several records in its batch, a call belongs to the record that it names, by its
``eventID`` or by its key; one that was struck or failed and names none befell all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from penstock.story.facts import (
    CallAnswered,
    EventDelivered,
    EventPublished,
    FailureDelivered,
    FaultStruck,
    MappingDefined,
    MessageSent,
)
from penstock.story.findings import Findings, Place, Record
from penstock.story.naming import NOTHING, Names, is_about, names_of, names_of_item, text_of
from penstock.story.origin import origins
from penstock.story.reasons import Attempt, outcome, reason
from penstock.story.step import Step
from penstock.story.verdict import verdict
from penstock.story.wording import Wording, counted


class Steps:
    """Makes the steps of one run's findings."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._words = Wording(findings.run)
        self._items: Names = frozenset(chain.from_iterable(map(names_of_item, findings.records.values())))

    def record(self, record: Record) -> Step:
        """A stream record, and what each mapping that reads its stream did with it."""
        names, written = names_of(record), record.written
        readers = self._findings.readers_of(record.body["eventSourceARN"])
        return Step(
            at_ms=written.at_ms,
            kind="record",
            text=self._words.record(record),
            id=record.event_id,
            request_id=written.request_id,
            function=written.caller,
            steps=tuple(self._reading(mapping, record, names) for mapping in readers),
        )

    def invocations(self, request_id: str, names: Names) -> Iterator[Step]:
        """The attempts of an invocation that no mapping made, and where its event went in the end.

        ``names`` choose among its calls, none takes all.
        """
        attempts = self._findings.invocations[request_id]
        for number, attempt in enumerate(attempts, start=1):
            why = reason(attempt, attempts[: number - 1], "")
            yield Step(
                at_ms=attempt.began_at_ms,
                kind="invocation",
                text=self._words.invocation(attempt, number, why),
                function=attempt.function,
                request_id=request_id,
                attempt=number,
                reason=why,
                outcome=outcome(attempt),
                faults=_kinds(attempt.faults),
                steps=self._doings(attempt, names, alone=not names),
            )
        for handed_on in self._findings.handed_on.get(request_id, ()):
            yield Step(
                at_ms=handed_on.at_ms,
                kind="destination",
                text=self._words.handed_on(handed_on),
                function=handed_on.function,
                request_id=request_id,
                reason=handed_on.condition,
                outcome="refused" if handed_on.error else "taken",
                faults=handed_on.faults,
                steps=tuple(self._made(handed_on.made, NOTHING, alone=True)),
            )

    # --- what a mapping does with what it reads ---

    def _reading(self, mapping: MappingDefined, record: Record, names: Names) -> Step:
        place = (mapping.mapping, record.written.shard_id, record.sequence_number)
        passes, how = verdict(mapping.filters, "dynamodb", record.body)
        steps = [*self._attempts(place, names), *self._window_calls(place)]
        steps += self._failures(place, steps)
        if passes and not any(step.kind == "destination" for step in steps):
            steps += self._end(place)
        return self._read(mapping, record.written.at_ms, passes, how, steps)

    def _receiving(self, mapping: MappingDefined, sent: MessageSent, names: Names) -> Step:
        place = (mapping.mapping, "", sent.message_id)
        attempts = self._attempts(place, names)
        passes, how = verdict(mapping.filters, "sqs", {"body": sent.body})
        deleted_at_ms = self._findings.deleted.get(place)
        if deleted_at_ms is not None:
            attempts.append(Step(at_ms=deleted_at_ms, kind="end", text="deleted from the queue", mapping=place[0]))
        return self._read(mapping, sent.at_ms, passes, how, attempts)

    def _read(self, mapping: MappingDefined, at_ms: int, passes: bool, how: str, steps: Sequence[Step]) -> Step:
        return Step(
            at_ms=at_ms,
            kind="filter",
            text=self._words.reading(mapping, how),
            mapping=mapping.mapping,
            function=mapping.function,
            passes=passes,
            steps=tuple(steps),
        )

    def _attempts(self, place: Place, names: Names) -> list[Step]:
        attempts = self._findings.attempts_at.get(place, [])
        return [self._attempt(attempts[: index + 1], place, names) for index in range(len(attempts))]

    def _window_calls(self, place: Place) -> Iterator[Step]:
        """The calls that ended the tumbling window that a record was in."""
        mapping, shard_id, _ = place
        attempts = self._findings.attempts_at.get(place, [])
        for window in dict.fromkeys(attempt.batch.window for attempt in attempts if attempt.batch is not None):
            calls: dict[str, list[Attempt]] = {}
            for call in self._findings.calls_of_windows.get((mapping, shard_id, window), []):
                same = calls.setdefault(call.request_id, [])
                same.append(call)
                yield self._attempt(same, place, NOTHING)

    def _attempt(self, attempts: Sequence[Attempt], place: Place, names: Names) -> Step:
        """The last of these attempts; the others explain it."""
        *earlier, attempt = attempts
        batch = attempt.batch
        assert batch is not None
        mapping, _, item = place
        why, how = reason(attempt, earlier, item), outcome(attempt, item)
        return Step(
            at_ms=batch.at_ms,
            kind="attempt",
            text=self._words.attempt(attempt, len(attempts), why, how),
            id=item,
            mapping=mapping,
            function=batch.function,
            request_id=attempt.request_id,
            attempt=len(attempts),
            reason=why,
            outcome=how,
            faults=_kinds(attempt.faults),
            steps=self._doings(attempt, names, alone=len(batch.items) < 2),
        )

    def _failures(self, place: Place, steps: Iterable[Step]) -> Iterator[Step]:
        """What an on-failure destination was told about a record, or the window of these attempts."""
        mapping, shard_id, item = place
        batches = {step.request_id for step in steps}
        for failure in self._findings.failures.get(mapping, []):
            within = not failure.first or int(failure.first) <= int(item) <= int(failure.last)
            tried = failure.batch_request_id in batches or item == failure.first == failure.last
            if within and tried and failure.shard_id == shard_id:
                yield self._failure(failure)

    def _failure(self, failure: FailureDelivered) -> Step:
        return Step(
            at_ms=failure.at_ms,
            kind="destination",
            text=self._words.failure(failure),
            mapping=failure.mapping,
            reason=failure.condition,
            outcome="refused" if failure.error else "taken",
            faults=failure.faults,
            steps=tuple(self._made(failure.made, NOTHING, alone=True)),
        )

    def _end(self, place: Place) -> Iterator[Step]:
        """What neither an attempt nor a destination tells: that a record was discarded, or is still waited for."""
        attempts = self._findings.attempts_at.get(place, [])
        finished_at_ms = self._findings.finished_at_ms(place)
        told = attempts and outcome(attempts[-1], place[2]) in ("done", "in flight")
        if finished_at_ms is not None and not told:
            text = "discarded: no on-failure destination"
            yield Step(at_ms=finished_at_ms, kind="end", text=text, mapping=place[0])
        elif finished_at_ms is None and not attempts:
            text = "not handed over so far"
            yield Step(at_ms=self._findings.ends_at_ms, kind="end", text=text, mapping=place[0])

    # --- what comes of an invocation ---

    def _doings(self, attempt: Attempt, names: Names, *, alone: bool) -> tuple[Step, ...]:
        """The faults and calls of an invocation that belong to what is named, or all where it is ``alone``."""
        steps = [_fault(fault) for fault in attempt.faults]
        others = []
        for call in attempt.calls:
            if alone or is_about(call.request, names) or self._makes(call, names) or self._befell_all(call):
                steps.append(self.call(call, names, alone=alone))
            else:
                others.append(call)
        if others:
            text = f"{counted(len(others), 'call')} that did not name it"
            steps.append(Step(at_ms=others[-1].at_ms, kind="call", text=text))
        return tuple(sorted(steps, key=_instant))

    def _befell_all(self, call: CallAnswered) -> bool:
        """Whether a call befell the whole batch: the process was killed, or it failed and named no item known."""
        if any(fault.startswith("process-killed") for fault in call.faults):
            return True
        return bool(call.faults or call.error) and not is_about(call.request, self._items)

    def _makes(self, call: CallAnswered, names: Names) -> bool:
        return any(self._is_about(thing, names) for thing in call.made)

    def _is_about(self, thing: str, names: Names) -> bool:
        record = self._findings.records.get(thing)
        if record is not None:
            return not names_of_item(record).isdisjoint(names)
        return is_about(text_of(self._findings, thing), names)

    def call(self, call: CallAnswered, names: Names, *, alone: bool, root: bool = False) -> Step:
        """A call and what it made, as far as that is named, or all where it is ``alone``; ``root`` begins a story."""
        return Step(
            at_ms=call.at_ms,
            kind="call",
            text=self._words.call(call, root=root),
            function=call.caller,
            request_id=call.request_id,
            outcome=call.error or ("done" if call.status else "connection broken"),
            faults=call.faults,
            steps=tuple(self._made(call.made, names, alone=alone)),
        )

    def _made(self, made: Sequence[str], names: Names, *, alone: bool) -> Iterator[Step]:
        """What came to be: a record is only named, events and messages go on."""
        findings = self._findings
        for thing in made:
            if not (alone or thing in findings.invocations or self._is_about(thing, names)):
                continue
            if thing in findings.records:
                record = findings.records[thing]
                text = self._words.record(record, brief=True)
                yield Step(at_ms=record.written.at_ms, kind="record", text=text, id=thing)
            elif thing in findings.events:
                yield self.event(findings.events[thing], names)
            elif thing in findings.messages:
                yield self.message(findings.messages[thing][0], names)
            elif thing in findings.invocations:
                yield from self.invocations(thing, NOTHING)

    # --- events and messages ---

    def event(self, event: EventPublished, names: Names, *, root: bool = False) -> Step:
        """A bus event and its deliveries; one that a story begins with tells where it came from."""
        findings, event_id = self._findings, event.event_id
        known = names | {(event_id,)}
        struck = map(_fault, findings.faults_of_events.get(event_id, ()))
        deliveries = [self._delivery(delivery, known) for delivery in findings.deliveries.get(event_id, ())]
        return Step(
            at_ms=event.at_ms,
            kind="event",
            text=self._words.event(event),
            id=event_id,
            request_id=event.request_id,
            steps=(*(origins(findings, self._words, event_id) if root else ()), *struck, *deliveries),
        )

    def _delivery(self, delivery: EventDelivered, names: Names) -> Step:
        """A delivery with what it became: messages, or an execution, whose calls name it."""
        known = self._findings.messages.keys() | self._findings.invocations.keys()
        executions = [thing for thing in delivery.made if thing not in known]
        calls = [
            self.call(call, names, alone=False)
            for call in (self._findings.calls if executions else ())
            if any(execution in call.request for execution in executions)
        ]
        return Step(
            at_ms=delivery.at_ms,
            kind="delivery",
            text=self._words.delivery(delivery),
            outcome=delivery.error or "taken",
            steps=(*self._made(delivery.made, names, alone=True), *calls),
        )

    def message(self, sent: MessageSent, names: Names, *, root: bool = False) -> Step:
        """A message, its readers, and where a redrive moved it; the first of a story tells where it came from."""
        findings, message_id = self._findings, sent.message_id
        known = names | {(message_id,)}
        places = findings.messages[message_id]
        index = places.index(sent)
        readings = [self._receiving(mapping, sent, known) for mapping in findings.readers_of_queue(sent.queue)]
        return Step(
            at_ms=sent.at_ms,
            kind="message",
            text=self._words.message(sent),
            id=message_id,
            steps=(
                *(origins(findings, self._words, message_id) if root else ()),
                *readings,
                *(self.message(further, names) for further in places[index + 1 : index + 2]),
            ),
        )


def _instant(step: Step) -> int:
    return step.at_ms


def _kinds(faults: Iterable[FaultStruck]) -> tuple[str, ...]:
    return tuple(fault.kind for fault in faults)


def _fault(fault: FaultStruck) -> Step:
    return Step(at_ms=fault.at_ms, kind="fault", text=f"fault {fault.kind} of {fault.victim}", faults=(fault.kind,))
