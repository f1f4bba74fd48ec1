"""A stream mapping under watch: each input goes to the core and to a model, and each effect must be the one expected.

Rules: nothing that must follow from an input is missing, nothing else follows, and all of it is as it should be to the
last field. Beside the model the ledger keeps its own, simpler account.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.effects import (
    CancelRead,
    CancelTimer,
    DeliverToDestination,
    InvokeFunction,
    ReadRecords,
    RecordMetric,
    SaveCheckpoint,
    StartTimer,
    StreamEffect,
)
from penstock.mapping.event import encode_event
from penstock.mapping.inputs import (
    DestinationAnswered,
    InvocationEnded,
    MappingDisabled,
    MappingEnabled,
    ReadFailed,
    ReadTrimmed,
    RecordsRead,
    ShardsDiscovered,
    StreamInput,
    TimerFired,
)
from penstock.mapping.stream import StreamMapping
from tests.simulation.behaviour import VERSION, Meaning
from tests.simulation.lane_model import Call, Deliver, Discarded, LaneModel, Purpose, Window
from tests.simulation.ledger import Ledger, event_size
from tests.simulation.shard_model import ShardModel
from tests.simulation.violation import Violation

UUID = "00000000-0000-4000-8000-000000000000"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111111111111:function:relay:live"
STREAM_ARN = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders/stream/2026-01-01T00:00:00.000"

TimerKind = Literal["back-off", "gathering", "window", "pause", "deadline"]
TimerOwner = LaneModel | ShardModel | str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """The configuration in the units of the model."""

    batch_size: int
    batching_window_ms: int
    tumbling_window_ms: int
    window_grace_ms: int
    factor: int
    retries: int | None
    bisects: bool
    age_limit_ms: int
    reports_age: bool
    destination: str | None
    read_limit: int
    event_limit_bytes: int
    state_limit_bytes: int
    backoff_ms: Callable[[int], int]

    @classmethod
    def of(cls, configuration: StreamConfiguration, choices: Choices) -> ModelTerms:
        """Give the terms of a mapping."""
        age = configuration.maximum_record_age_in_seconds
        reports_age = age is not None and age * 1_000 <= choices.retention_ms
        return cls(
            batch_size=configuration.batch_size,
            batching_window_ms=configuration.maximum_batching_window_in_seconds * 1_000,
            tumbling_window_ms=configuration.tumbling_window_in_seconds * 1_000,
            window_grace_ms=choices.window_grace_ms,
            factor=configuration.parallelization_factor,
            retries=configuration.maximum_retry_attempts,
            bisects=configuration.bisect_batch_on_function_error,
            age_limit_ms=age * 1_000 if age is not None and reports_age else choices.retention_ms,
            reports_age=reports_age,
            destination=configuration.on_failure_destination,
            read_limit=choices.read_limit,
            event_limit_bytes=choices.event_limit_bytes,
            state_limit_bytes=choices.state_limit_bytes,
            backoff_ms=choices.backoff_ms,
        )


@dataclass(slots=True, kw_only=True, eq=False)
class _ExpectedTimer:
    at_ms: int
    kind: TimerKind
    owner: TimerOwner


class StreamModel:
    """A mapping and the model of it; ``seen`` collects what happened, for the table."""

    def __init__(
        self,
        configuration: StreamConfiguration,
        choices: Choices,
        *,
        seen: set[str],
        check_every: int = 1,
    ) -> None:
        self.configuration = configuration
        self.choices = choices
        self.terms = ModelTerms.of(configuration, choices)
        self.ledger = Ledger(configuration, event_limit_bytes=choices.event_limit_bytes)
        self.seen = seen
        self.now_ms = 0
        self.enabled = False
        self.started = False
        self.shards: dict[str, ShardModel] = {}
        self.due: list[LaneModel] = []
        """Lanes that must call or deliver in the step at hand."""
        self.timers: dict[str, tuple[TimerKind, TimerOwner]] = {}
        """Timers that are running."""
        self.calls: dict[str, tuple[LaneModel, Call]] = {}
        self.deliveries: dict[str, tuple[LaneModel, Deliver, Discarded]] = {}
        self.steps = 0
        self._ids = 0
        self._check_every = check_every
        self._result = "No records processed"
        self._used_ids: set[str] = set()
        self._expected_timers: list[_ExpectedTimer] = []
        self._expected_cancels: set[str] = set()
        self._expected_cancelled_reads: set[str] = set()
        self._expected_reads: dict[str, ShardModel] = {}
        self._expected_checkpoints: dict[str, str] = {}
        self._expected_repeats: set[str] = set()
        self._expected_metrics: Counter[str] = Counter()
        self._metrics: Counter[str] = Counter()
        self._deadlines: dict[str, str] = {}
        self._undated: str | None = None
        """An invocation or delivery whose deadline must be the next timer."""
        self.mapping = StreamMapping(
            configuration,
            uuid=UUID,
            function_arn=FUNCTION_ARN,
            event_source_arn=STREAM_ARN,
            ids=self._new_id,
            choices=choices,
        )

    def happened(self, happened: StreamInput, now_ms: int, meaning: Meaning | None = None) -> list[StreamEffect]:
        """Give an input to both and compare; ``meaning`` is what the answer of an invocation means."""
        self.now_ms = now_ms
        self.steps += 1
        self._apply(happened, meaning)
        effects = self.mapping.handle(happened, now_ms=now_ms)
        self._compare(effects)
        if isinstance(happened, InvocationEnded | RecordsRead | ReadFailed):
            self._compare_result()
        if self.steps % self._check_every == 0:
            self.mapping.check()
        return effects

    def close(self) -> None:
        """Say that the world has come to rest: everything must be accounted for."""
        if self.timers:
            raise Violation("no timer is left at the end", str(self.timers))
        if self.calls or self.deliveries:
            raise Violation("nothing is in flight at the end")
        if not self.mapping.idle:
            raise Violation("the mapping is idle at the end")
        if self._metrics != self._expected_metrics:
            raise Violation("the metrics add up", f"{self._metrics} instead of {self._expected_metrics}")
        self.mapping.check()
        self.ledger.close()

    # --- what the model expects ---

    def starts_timer(self, at_ms: int, kind: TimerKind, owner: TimerOwner) -> None:
        """Expect a timer in this step."""
        self._expected_timers.append(_ExpectedTimer(at_ms=at_ms, kind=kind, owner=owner))

    def cancels_timer(self, timer_id: str) -> None:
        """Expect that a timer is cancelled."""
        self._expected_cancels.add(timer_id)

    def reads(self, shard: ShardModel) -> None:
        """Expect a read of a shard."""
        self._expected_reads[shard.shard_id] = shard

    def cancels_read(self, read_id: str) -> None:
        """Expect that a read is cancelled."""
        self._expected_cancelled_reads.add(read_id)

    def saves_checkpoint(self, shard_id: str, sequence_number: str) -> None:
        """Expect a checkpoint."""
        self._expected_checkpoints[shard_id] = sequence_number

    def counts(self, name: str, value: int) -> None:
        """Expect an EventCount metric to be added to, if it was asked for."""
        if self.configuration.counts_events:
            self._expected_metrics[name] += value

    def skip(self, shard_id: str, position: str) -> None:
        """Take note that what was written before the tip is not read."""
        last = int(position)
        for sequence_number, entry in self.ledger.entries.items():
            if entry.shard_id == shard_id and int(sequence_number) <= last and entry.fate is None:
                self.ledger.finish([entry], "skipped")
                self.seen.add("skipped before the starting position")

    def shard_may_be_finished(self, shard: ShardModel) -> None:
        """Let the children of a finished shard be read."""
        if shard.finished:
            self._make_ready()

    # --- inputs ---

    def _apply(self, happened: StreamInput, meaning: Meaning | None) -> None:
        match happened:
            case RecordsRead() | ReadFailed() | ReadTrimmed():
                self._read_answered(happened)
            case InvocationEnded():
                if meaning is None:
                    raise TypeError("an outcome without a meaning")
                self._invocation_ended(happened.invocation_id, meaning)
            case DestinationAnswered():
                self._delivery_answered(happened.delivery_id, taken=happened.delivered)
            case TimerFired():
                self._timer_fired(happened.timer_id)
            case ShardsDiscovered():
                self._discovered(happened)
            case MappingEnabled():
                if not self.enabled:
                    self.enabled = True
                    self.started = bool(self.shards)
                    for shard in self.shards.values():
                        shard.advance()
                    self._make_ready()
            case MappingDisabled():
                if self.enabled:
                    self.enabled = False
                    for shard in self.shards.values():
                        shard.switch_off()

    def _read_answered(self, answer: RecordsRead | ReadFailed | ReadTrimmed) -> None:
        shard = next((shard for shard in self.shards.values() if shard.read_id == answer.read_id), None)
        if shard is None:
            self.seen.add("answer to a read that nobody awaits")
            return
        match answer:
            case RecordsRead():
                shard.records_read(answer)
            case ReadFailed():
                shard.read_failed(answer.reason)
            case ReadTrimmed():
                shard.read_trimmed()

    def _invocation_ended(self, invocation_id: str, meaning: Meaning) -> None:
        lane, call = self.calls.pop(invocation_id, (None, None))
        if lane is None or call is None:
            self.seen.add("answer to an invocation that nobody awaits")
            return
        self._stop_deadline(invocation_id)
        spent = meaning.verdict in ("failed", "refused")
        item = call.item
        self.ledger.take_back(lane.shard.shard_id, item.entries, item.request_id or "", spent=spent)
        reported = meaning.verdict == "reported" or (meaning.verdict == "failed" and bool(meaning.failed))
        fine = meaning.verdict == "done" or reported
        self._result = "OK" if fine else "PROBLEM: Function call failed"
        lane.meaning = meaning
        self._go_on(lane)

    def _delivery_answered(self, delivery_id: str, *, taken: bool) -> None:
        lane, step, discard = self.deliveries.pop(delivery_id, (None, None, None))
        if lane is None or step is None or discard is None:
            self.seen.add("answer to a delivery that nobody awaits")
            return
        self._stop_deadline(delivery_id)
        discard.taken = taken
        records = len(discard.entries)
        if taken:
            self.counts("OnFailureDestinationDeliveredEventCount", records)
        else:
            self._expected_metrics["DestinationDeliveryFailures"] += 1
            self.counts("DroppedEventCount", records)
        if all(one.taken is not None for one in step.discards):
            lane.delivered(step)
            self._go_on(lane)
        else:
            lane.shard.advance()

    def _go_on(self, lane: LaneModel) -> None:
        """Let a lane go on after an answer; switched off, it puts back what it would begin."""
        lane.go_on()
        if not self.enabled and lane.free:
            lane.switch_off()
        lane.shard.advance()

    def _timer_fired(self, timer_id: str) -> None:
        kind, owner = self.timers.pop(timer_id, (None, None))
        match kind, owner:
            case ("back-off", LaneModel()):
                owner.go_on()
                owner.shard.advance()
            case ("gathering", LaneModel()):
                owner.gather_timer = None
                owner.shard.advance()
            case ("window", LaneModel()):
                owner.watch_timer = None
                owner.shard.advance()
            case ("pause", ShardModel()):
                owner.pause_timer, owner.paused = None, False
                owner.advance()
            case ("deadline", str()):
                del self._deadlines[owner]
                if owner in self.deliveries:
                    self.seen.add("delivery repeated for want of an answer")
                    self._expected_repeats.add(owner)
                else:
                    self.seen.add("invocation given up for want of an answer")
                    self._invocation_ended(owner, Meaning(verdict="not run", ran=False))
            case _:
                self.seen.add("timer that nobody awaits")

    def _discovered(self, happened: ShardsDiscovered) -> None:
        position = "TRIM_HORIZON" if self.started else self.configuration.starting_position
        for shard in happened.shards:
            if shard.shard_id not in self.shards:
                parents = (shard.parent_shard_id, shard.adjacent_parent_shard_id)
                named = tuple(parent for parent in parents if parent is not None)
                self.shards[shard.shard_id] = ShardModel(self, shard.shard_id, parents=named, position=position)
        if self.enabled:
            self.started = self.started or bool(self.shards)
            self._make_ready()

    def _make_ready(self) -> None:
        for shard in self.shards.values():
            if shard.ready:
                continue
            parents = [self.shards[parent] for parent in shard.parents if parent in self.shards]
            if all(parent.finished for parent in parents):
                shard.ready = True
                shard.advance()
            elif any(parent.ended for parent in parents):
                self.seen.add("child waits for the end of its parent")

    # --- effects ---

    def _compare(self, effects: list[StreamEffect]) -> None:
        last_age: int | None = None
        for effect in effects:
            match effect:
                case RecordMetric():
                    if effect.name == "IteratorAge":
                        last_age = effect.value
                    else:
                        self._metrics[effect.name] += effect.value
                case InvokeFunction():
                    self._invoked(effect, last_age)
                    last_age = None
                case StartTimer():
                    self._timer_started(effect)
                case CancelTimer():
                    if effect.timer_id not in self._expected_cancels:
                        raise Violation("a timer is cancelled when it is not needed", effect.timer_id)
                    self._expected_cancels.remove(effect.timer_id)
                    del self.timers[effect.timer_id]
                case ReadRecords():
                    self._read(effect)
                case CancelRead():
                    if effect.read_id not in self._expected_cancelled_reads:
                        raise Violation("a read is cancelled when nobody wants it", effect.read_id)
                    self._expected_cancelled_reads.remove(effect.read_id)
                case SaveCheckpoint():
                    self.ledger.checkpoint(effect.shard_id, effect.sequence_number)
                    if self._expected_checkpoints.pop(effect.shard_id, None) != effect.sequence_number:
                        raise Violation("the checkpoint is the end of the finished prefix", str(effect))
                case DeliverToDestination():
                    self._delivered(effect)
        self._compare_rest()

    def _compare_rest(self) -> None:
        if self._undated is not None:
            raise Violation("an answer has its deadline", self._undated)
        if self.due:
            raise Violation("a lane that can go on does", f"{self.due[0].shard.shard_id} {self.due[0].step}")
        if self._expected_timers:
            raise Violation("a timer is started where one is needed", str(self._expected_timers))
        if self._expected_cancels:
            raise Violation("a timer that is not needed any more is cancelled", str(self._expected_cancels))
        if self._expected_reads:
            raise Violation("a shard that wants records is read", str(list(self._expected_reads)))
        if self._expected_cancelled_reads:
            raise Violation("a read that nobody wants is cancelled", str(self._expected_cancelled_reads))
        if self._expected_checkpoints:
            raise Violation("a checkpoint is saved as soon as it moves", str(self._expected_checkpoints))
        if self._expected_repeats:
            raise Violation("a delivery without an answer is repeated", str(self._expected_repeats))

    def _compare_result(self) -> None:
        problems = [shard.problem for shard in self.shards.values() if shard.problem is not None]
        if self.mapping.last_processing_result != (problems[-1] if problems else self._result):
            raise Violation("LastProcessingResult tells the last result", self.mapping.last_processing_result)

    def _invoked(self, effect: InvokeFunction, last_age: int | None) -> None:
        lane = next(
            (
                lane
                for lane in self.due
                if lane.shard.shard_id == effect.shard_id
                and isinstance(lane.step, Call)
                and (not effect.records or self.ledger.entries[effect.records[0].sequence_number].lane == lane.number)  # type: ignore[union-attr]
            ),
            None,
        )
        if lane is None or not isinstance(lane.step, Call):
            raise Violation("a function is called when its lane is free and has something", str(effect.shard_id))
        self.due.remove(lane)
        call, item = lane.step, lane.step.item
        entries = item.entries
        if effect.records != tuple([entry.record for entry in entries]):
            expected = [entry.record.sequence_number for entry in entries]
            raise Violation("a batch is made of the right records", f"{effect.records} instead of {expected}")
        item.request_id = self._request_id(item.request_id, effect.request_id)
        if effect.attempt != item.waits + 1:
            raise Violation("attempts are counted", f"{effect.attempt} instead of {item.waits + 1}")
        age_ms = self.now_ms - entries[-1].created_at_ms if entries else None
        if effect.iterator_age_ms != age_ms or last_age != age_ms:
            raise Violation("IteratorAge is the age of the last record", f"{effect.iterator_age_ms} {last_age}")
        if entries:
            self.counts("InvokedEventCount", len(entries))
        self._check_event(effect, call)
        call.invocation_id = effect.invocation_id
        self.calls[effect.invocation_id] = (lane, call)
        self.ledger.hand_over(effect, entries)
        if item.waits and item.purpose == "records" and call.window is not None and call.window.state:
            self.seen.add("repeat given the same state")
        if len(self.calls) > 1 and sum(1 for other, _ in self.calls.values() if other.shard is lane.shard) > 1:
            self.seen.add("two batches of a shard in flight")
        self._expect_deadline(effect.invocation_id)

    def _check_event(self, effect: InvokeFunction, call: Call) -> None:
        expected: Mapping[str, Any] = {}
        if call.window is not None:
            expected = self._extras(effect.shard_id or "", call.item.purpose, call.window)
        if effect.extras != expected:
            raise Violation("a call is given its window and the last state", f"{effect.extras} instead of {expected}")
        if self.steps % 16 == 0:
            size = event_size(effect)
        else:
            size = 13 + max(len(effect.records), 1) + sum([record.encoded_bytes for record in effect.records])
            if call.window is not None:
                size += self.extras_bytes(effect.shard_id or "", call.item.purpose, call.window)
        if effect.event_bytes != size:
            raise Violation("the size of an event is told", f"{effect.event_bytes} instead of {size}")

    def _request_id(self, expected: str | None, given: str) -> str:
        if expected is None:
            if given in self._used_ids:
                raise Violation("a fresh item has a request id of its own", given)
            self._used_ids.add(given)
        elif given != expected:
            raise Violation("a repeat has the request id of its item", f"{given} instead of {expected}")
        return given

    def _read(self, effect: ReadRecords) -> None:
        shard = self._expected_reads.pop(effect.shard_id, None)
        if shard is None:
            raise Violation("a shard is read when it wants records", effect.shard_id)
        told = (effect.after_sequence_number, effect.limit, effect.wait)
        expected = (shard.after, self.terms.read_limit, shard.read_waits)
        if told != expected or (shard.after is None and effect.position != shard.position):
            raise Violation("a shard is read where it was left", f"{effect} instead of {expected}")
        if not effect.wait:
            self.seen.add("read for the end of an idle window")
        shard.read_id = effect.read_id

    def _timer_started(self, effect: StartTimer) -> None:
        answer_id, self._undated = self._undated, None
        if answer_id is not None:
            if effect.at_ms != self.now_ms + (self.choices.answer_deadline_ms or 0):
                raise Violation("an answer has its deadline", str(effect))
            self.timers[effect.timer_id] = ("deadline", answer_id)
            self._deadlines[answer_id] = effect.timer_id
            return
        expected = next((timer for timer in self._expected_timers if timer.at_ms == effect.at_ms), None)
        if expected is None:
            raise Violation("a timer is started for what the rules say", f"{effect}, {self._expected_timers}")
        self._expected_timers.remove(expected)
        owner = expected.owner
        self.timers[effect.timer_id] = (expected.kind, owner)
        match expected.kind, owner:
            case ("back-off", LaneModel(step=step)):
                step.timer_id = effect.timer_id  # type: ignore[union-attr]
            case ("gathering", LaneModel()):
                owner.gather_timer = effect.timer_id
            case ("window", LaneModel()):
                owner.watch_timer = effect.timer_id
            case ("pause", ShardModel()):
                owner.pause_timer = effect.timer_id
            case _:
                raise TypeError(f"no owner of a timer: {expected}")

    def _expect_deadline(self, answer_id: str) -> None:
        if self.choices.answer_deadline_ms is not None:
            self._undated = answer_id

    def _stop_deadline(self, answer_id: str) -> None:
        timer_id = self._deadlines.pop(answer_id, None)
        if timer_id is not None:
            self.cancels_timer(timer_id)

    # --- on-failure records ---

    def _delivered(self, effect: DeliverToDestination) -> None:
        if effect.delivery_id in self._expected_repeats:
            self._expected_repeats.remove(effect.delivery_id)
            _, _, discard = self.deliveries[effect.delivery_id]
            if effect.body != discard.body:
                raise Violation("a repeated delivery is the same", effect.body)
            self._expect_deadline(effect.delivery_id)
            return
        document = json.loads(effect.body)
        info = document["DDBStreamBatchInfo"]
        first = info.get("startSequenceNumber")
        number = None if first is None else self.ledger.entries[first].lane
        for lane in self.due:
            step = lane.step
            if isinstance(step, Deliver) and lane.shard.shard_id == info["shardId"] and number in (None, lane.number):
                break
        else:
            raise Violation("a discard is reported when the rules give up", effect.body)
        discard = next(one for one in step.discards if one.delivery_id is None)
        discard.request_id = self._request_id(discard.request_id, document["requestContext"]["requestId"])
        self._check_document(effect, document, lane, step, discard)
        discard.delivery_id, discard.body = effect.delivery_id, effect.body
        self.deliveries[effect.delivery_id] = (lane, step, discard)
        if all(one.delivery_id is not None for one in step.discards):
            self.due.remove(lane)
        self._expect_deadline(effect.delivery_id)

    def _check_document(
        self, effect: DeliverToDestination, document: Any, lane: LaneModel, step: Deliver, discard: Discarded
    ) -> None:
        shard_id, entries = lane.shard.shard_id, discard.entries
        at = _iso(self.now_ms, "milliseconds")
        expected: dict[str, Any] = {
            "requestContext": {
                "requestId": discard.request_id,
                "functionArn": FUNCTION_ARN,
                "condition": discard.condition,
                "approximateInvokeCount": discard.invoke_count,
            }
        }
        if discard.answered is not None:
            expected["responseContext"] = {
                "statusCode": 200,
                "executedVersion": VERSION,
                "functionError": discard.answered.error,
            }
        expected |= {"version": "1.0", "timestamp": at, "DDBStreamBatchInfo": {"shardId": shard_id}}
        if entries:
            expected["DDBStreamBatchInfo"] |= {
                "startSequenceNumber": entries[0].record.sequence_number,
                "endSequenceNumber": entries[-1].record.sequence_number,
                "approximateArrivalOfFirstRecord": _iso(entries[0].created_at_ms, "seconds"),
                "approximateArrivalOfLastRecord": _iso(entries[-1].created_at_ms, "seconds"),
                "batchSize": len(entries),
            }
        expected["DDBStreamBatchInfo"]["streamArn"] = STREAM_ARN
        extras: Mapping[str, Any] = {}
        if discard.window is not None:
            extras = self._extras(shard_id, step.item.purpose, discard.window)
            told = ("window", "isFinalInvokeForWindow", "isWindowTerminatedEarly")
            expected["timeWindowInfo"] = {name: extras[name] for name in told}
        if effect.kind == "s3":
            expected["payload"] = encode_event([entry.record for entry in entries], extras)
        if document != expected or list(document) != list(expected):
            raise Violation("an on-failure record tells what was given up", f"{document} instead of {expected}")
        destination = self.terms.destination or ""
        kind = destination.split(":")[2]
        folder = f"aws/lambda/{UUID}/{shard_id}/{at[:10].replace('-', '/')}/{at[:19].replace(':', '.')}-"
        named = effect.object_key.startswith(folder) if effect.object_key is not None else kind != "s3"
        if (effect.destination_arn, effect.kind, effect.records) != (destination, kind, len(entries)) or not named:
            raise Violation("an on-failure record goes to its destination", str(effect))
        self.seen.add(f"on-failure record to {kind}")

    # --- windows ---

    def _extras(self, shard_id: str, purpose: Purpose, window: Window) -> dict[str, Any]:
        return {
            "window": {"start": _iso(window.start_ms, "seconds"), "end": _iso(window.end_ms, "seconds")},
            "state": window.state,
            "shardId": shard_id,
            "eventSourceARN": STREAM_ARN,
            "isFinalInvokeForWindow": purpose != "records",
            "isWindowTerminatedEarly": purpose == "early",
        }

    def extras_bytes(self, shard_id: str, purpose: Purpose, window: Window) -> int:
        """Measure what a window adds to an event."""
        extras = self._extras(shard_id, purpose, window)
        return len(json.dumps(extras, separators=(",", ":"), ensure_ascii=False).encode()) - 1

    def _new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-9000-{self._ids:012d}"


@lru_cache(maxsize=1_000)
def _iso(at_ms: int, timespec: str) -> str:
    at = datetime.fromtimestamp(at_ms // 1_000, tz=UTC).replace(microsecond=at_ms % 1_000 * 1_000)
    return at.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
