"""The ways of records: all that begin in a run, or those of one name.

A story begins with a stream record, with what came from outside (an event, a message, a call that had a function
invoked asynchronously, by an object it put for one), or with an invocation that nobody here asked for and that failed.
What follows is in `penstock.story.steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain

from penstock.errors import UsageError
from penstock.story.facts import CallAnswered, EventPublished, Fact, MessageSent
from penstock.story.findings import Findings, Record
from penstock.story.naming import NOTHING, Names, is_about, names_of_item, object_of, spellings
from penstock.story.reasons import Attempt, outcome
from penstock.story.step import Step
from penstock.story.steps import Steps
from penstock.story.wording import nothing_found

Root = Record | EventPublished | MessageSent | CallAnswered | Attempt
"""What a story begins with; an attempt stands for all of its invocation."""


def stories(facts: Iterable[Fact]) -> Iterator[Step]:
    """The stories that begin in these facts, in order: records, what came from outside, invocations that failed.

    Each is made when it is asked for.
    """
    return Ways(Findings(facts)).all()


def find(facts: Iterable[Fact], subject: str) -> list[Step]:
    """The stories of a key (``partition`` or ``partition/sort``), an ``eventID``, a bus event's or a message's id.

    Also of the request id of an invocation that no mapping made, and of an object that something came of (``key`` or
    ``bucket/key``). In order; `UsageError` when nothing has that name.
    """
    findings = Findings(facts)
    found = Ways(findings).of(subject)
    if not found:
        raise UsageError(nothing_found(subject, findings))
    return found


class Ways:
    """Finds the stories of findings."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._steps = Steps(findings)

    def all(self) -> Iterator[Step]:
        """Every story that begins here."""
        findings = self._findings
        roots: list[Root] = [
            *findings.records.values(),
            *(event for key, event in findings.events.items() if self._is_new(key)),
            *(sent[0] for key, sent in findings.messages.items() if self._is_new(key)),
            *self._first_calls.values(),
            *(attempts[0] for key, attempts in findings.invocations.items() if self._is_odd(key)),
        ]
        return chain.from_iterable(map(self._from, sorted(roots, key=_begins_at_ms)))

    def _from(self, root: Root) -> Iterator[Step]:
        match root:
            case Record():
                yield self._steps.record(root)
            case EventPublished():
                yield self._steps.event(root, NOTHING)
            case MessageSent():
                yield self._steps.message(root, NOTHING)
            case CallAnswered():
                yield self._steps.call(root, NOTHING, alone=True, root=True)
            case Attempt():
                yield from self._steps.invocations(root.request_id, NOTHING)

    @cached_property
    def _first_calls(self) -> dict[int, CallAnswered]:
        """``id`` of a call → the call, of each that had a function invoked asynchronously and is part of no story.

        An invocation of which nothing is known yet is neither a record nor an event nor a message.
        """
        findings = self._findings
        return {
            id(maker): maker
            for thing, maker in findings.makers.items()
            if isinstance(maker, CallAnswered)
            and not (thing in findings.records or thing in findings.events or thing in findings.messages)
            and self._is_first(maker)
        }

    def _is_new(self, thing: str) -> bool:
        """Whether an event or a message is part of no other story: it came from outside, or of a request."""
        maker = self._findings.makers.get(thing)
        if not isinstance(maker, CallAnswered):
            return maker is None
        return id(maker) not in self._first_calls and self._is_first(maker)

    def _is_first(self, call: CallAnswered) -> bool:
        """Whether a call is part of no story: it came from outside, or was made for a request."""
        attempt = self._findings.attempts_of_calls.get(id(call))
        if attempt is None:
            return True
        return attempt.batch is None and attempt.request_id not in self._findings.makers and not _failed(attempt)

    def _is_odd(self, request_id: str) -> bool:
        """Whether an invocation that came from outside failed, or was struck."""
        return request_id not in self._findings.makers and any(map(_failed, self._findings.invocations[request_id]))

    def of(self, subject: str) -> list[Step]:
        """The stories of a name; empty when nothing has it."""
        findings = self._findings
        if subject in findings.records:
            return [self._steps.record(findings.records[subject])]
        if subject in findings.events:
            return [self._steps.event(findings.events[subject], NOTHING, root=True)]
        if subject in findings.messages:
            return [self._steps.message(findings.messages[subject][0], NOTHING, root=True)]
        if subject in findings.invocations:
            return list(self._steps.invocations(subject, NOTHING))
        records = [record for record in findings.records.values() if subject in spellings(record)]
        names = frozenset(chain.from_iterable(map(names_of_item, records)))
        found = [*map(self._steps.record, records), *self._oddities(names), *self._objects(subject)]
        return sorted(found, key=_instant)

    def _oddities(self, names: Names) -> Iterator[Step]:
        """What named an item and failed or was struck, in no attempt of a mapping."""
        for request_id, attempts in self._findings.invocations.items():
            calls = chain.from_iterable(attempt.calls for attempt in attempts)
            if self._is_odd(request_id) and any(is_about(call.request, names) for call in calls):
                yield from self._steps.invocations(request_id, names)
        for call in self._findings.calls:
            if (call.error or call.faults) and is_about(call.request, names):
                yield self._steps.call(call, names, alone=False)

    def _objects(self, subject: str) -> Iterator[Step]:
        """The calls that changed an object of this name and that something came of."""
        names = self._findings.run.names if self._findings.run is not None else {}
        for maker in {id(maker): maker for maker in self._findings.makers.values()}.values():
            if isinstance(maker, CallAnswered):
                bucket, key = object_of(maker)
                if key and subject in (key, f"{bucket}/{key}", f"{names.get(bucket, bucket)}/{key}"):
                    yield self._steps.call(maker, NOTHING, alone=True, root=True)


def _begins_at_ms(root: Root) -> int:
    match root:
        case Record():
            return root.written.at_ms
        case Attempt():
            return root.began_at_ms
        case EventPublished() | MessageSent() | CallAnswered():
            return root.at_ms


def _instant(step: Step) -> int:
    return step.at_ms


def _failed(attempt: Attempt) -> bool:
    """Whether an invocation failed, or was struck."""
    return outcome(attempt) not in ("done", "in flight") or any(call.faults for call in attempt.calls)
