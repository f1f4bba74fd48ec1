"""The sources of invocations, each with AWS's rules: a stream, a queue, and customers of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from penstock.conformance.function import FunctionRules
from penstock.conformance.queue_world import QueueWorld, SentMessage
from penstock.conformance.stream_record import Written
from penstock.conformance.stream_world import CaseShard, StreamWorld
from penstock.conformance.timeline import SOURCE, Timeline
from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from penstock.mapping.inputs import Outcome, Returned
from tests.crash.function import Function, Invocations

A_DAY_MS = 86_000_000
NO_RULES = FunctionRules([], {}, queue=False)


class Source(Protocol):
    """Hands a history to a function until nothing is left."""

    @property
    def timeline(self) -> Timeline:
        """The time of the run."""
        ...

    def play(self, function: Function) -> set[str]:
        """Hand everything over, again where it failed; the refs of what was given up in the end."""
        ...


class StreamSource:
    """A stream behind the mapping core; what it discards is given up."""

    def __init__(self, writes: Sequence[Written], configuration: StreamConfiguration) -> None:
        self._writes = writes
        shards = [CaseShard(name=name) for name in dict.fromkeys(written.shard for written in writes)]
        self._world = StreamWorld(
            configuration=configuration,
            shards=shards,
            writes=writes,
            switches=[],
            rules=NO_RULES,
            destination_denied=False,
        )
        self.timeline = self._world.timeline

    def play(self, function: Function) -> set[str]:
        """Let a day pass."""
        self._world.runs = Invocations(function, self.timeline)
        self._world.run(A_DAY_MS)
        given_up: set[str] = set()
        for record in self._world.delivered:
            batch = record["DDBStreamBatchInfo"]
            first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
            given_up |= {
                written.ref for written in self._writes if first <= int(written.record.sequence_number) <= last
            }
        return given_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a history; a late one is sent when what failed comes back, and stands before it."""

    ref: str
    body: str
    is_late: bool = False


class QueueSource:
    """A queue behind the mapping core; what is dead-lettered, or still there after a day, is given up."""

    def __init__(
        self,
        messages: Sequence[Message],
        configuration: QueueConfiguration,
        *,
        maximum_receive_count: int,
        others_late: bool,
    ) -> None:
        late_at_ms = configuration.effective_visibility_timeout_seconds * 1_000 if others_late else 0
        self._sent = [
            SentMessage(
                ref=message.ref,
                number=number,
                at_ms=late_at_ms if message.is_late else 0,
                body=message.body,
                group=None,
            )
            for number, message in enumerate(messages, 1)
        ]
        self._world = QueueWorld(
            configuration=configuration,
            messages=self._sent,
            maximum_receive_count=maximum_receive_count,
            switches=[],
            rules=NO_RULES,
        )
        self.timeline = self._world.timeline

    def play(self, function: Function) -> set[str]:
        """Let a day pass."""
        self._world.runs = Invocations(function, self.timeline)
        self._world.run(A_DAY_MS)
        return {message.ref for message in self._sent if not message.deleted}


@dataclass(slots=True)
class Customers:
    """Customers of the API, each with its requests one after the other: sent again until one is answered.

    `answers` is ref → the answer that was no failure. A customer gives a request up after `PATIENCE` tries.
    """

    requests: Sequence[Sequence[tuple[str, Mapping[str, Any]]]]
    timeline: Timeline = field(default_factory=Timeline)
    answers: dict[str, Any] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)

    PATIENCE = 5
    PAUSE_MS = 1_000

    def play(self, function: Function) -> set[str]:
        """Let every customer go on to the last request."""
        for requests in self.requests:
            self.timeline.plan(0, SOURCE, self._sender(function, list(requests), 1))
        self.timeline.run(A_DAY_MS, between=lambda: None)
        return self.given_up

    def _sender(
        self, function: Function, requests: list[tuple[str, Mapping[str, Any]]], tries: int
    ) -> Callable[[], None]:
        ref, event = requests[0]

        def send() -> None:
            function.invoke(event, answered)

        def answered(outcome: Outcome) -> None:
            answer = outcome.payload if isinstance(outcome, Returned) else {"statusCode": 502}
            has_failed = answer["statusCode"] >= 500
            if not has_failed:
                self.answers[ref] = answer
            elif tries == self.PATIENCE:
                self.given_up.add(ref)
            rest, next_try = (requests, tries + 1) if has_failed and tries < self.PATIENCE else (requests[1:], 1)
            if rest:
                pause_ms = self.PAUSE_MS if has_failed else 0
                self.timeline.plan(self.timeline.now_ms + pause_ms, SOURCE, self._sender(function, rest, next_try))

        return send


Configuration = TypeVar("Configuration", StreamConfiguration, QueueConfiguration)


def with_batches_of(size: int, configuration: Configuration) -> Configuration:
    """Give a mapping as it is deployed, but with small batches, so that a small history fills several."""
    return replace(configuration, batch_size=size)
