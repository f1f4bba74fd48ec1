"""Defects that are planted into the core, to show that the simulation finds them.

Each is a small and likely mistake. They reach into private names on purpose: when the core changes so that one can no
longer be planted, its test fails and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from penstock.mapping import (
    inputs,
    lane,
    message_batch,
    open_batch,
    outbox,
    queue,
    responses,
    shard,
    shard_window,
    stream,
    terms,
)
from penstock.mapping import work as work_items

Plant = Callable[[pytest.MonkeyPatch], None]


def _around(owner: type[Any], name: str, mistake: Callable[..., Any]) -> Plant:
    """Put a mistake in the place of a method; it is given the method first."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)

        def mistaken(*arguments: Any, **named: Any) -> Any:
            return mistake(original, *arguments, **named)

        patch.setattr(owner, name, mistaken)

    return plant


def _property(owner: type[Any], name: str, mistake: Callable[[Any, Any], Any]) -> Plant:
    """Put a mistake in the place of a property; it is given the right value and the object."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)
        patch.setattr(owner, name, property(lambda self: mistake(original.fget(self), self)))

    return plant


# --- retries -------------------------------------------------------------------------------------------------------


def _other_retries(more: int) -> Callable[..., Any]:
    def failed(original: Any, self: Any, *arguments: Any, **named: Any) -> None:
        kept = self._configuration
        if kept.maximum_retry_attempts is not None:
            self._configuration = replace(kept, maximum_retry_attempts=kept.maximum_retry_attempts + more)
        original(self, *arguments, **named)
        self._configuration = kept

    return failed


def _throttle_spends(original: Any, self: Any, item: Any, outcome: Any) -> None:
    spent = isinstance(outcome, inputs.NotInvoked)
    original(self, replace(item, calls=item.calls + 1) if spent else item, outcome)


def _refusal_spends_nothing(original: Any, self: Any, item: Any, outcome: Any) -> None:
    refused = isinstance(outcome, inputs.PayloadRefused)
    original(self, item, inputs.NotInvoked(reason="refused") if refused else outcome)


def _rest_inherits(original: Any, self: Any, item: Any, *arguments: Any) -> None:
    fresh = self._fresh_item
    self._fresh_item = lambda *given: replace(fresh(*given), calls=item.calls)
    original(self, item, *arguments)
    del self._fresh_item


def _rest_has_the_same_request(original: Any, self: Any, item: Any, *arguments: Any) -> None:
    fresh = self._fresh_item
    self._fresh_item = lambda *given: replace(fresh(*given), request_id=item.request_id)
    original(self, item, *arguments)
    del self._fresh_item


def _no_backoff(original: Any, self: Any, item: Any) -> None:
    self._begin(item) if self.enabled else original(self, item)


def _report_restarts_late(original: Any, self: Any, item: Any, first: int, payload: Any) -> None:
    original(self, item, min(first + 1, len(item.records) - 1), payload)


# --- bisect --------------------------------------------------------------------------------------------------------


def _halves(change: Callable[[Any, Any, Any], tuple[Any, Any]]) -> Callable[..., Any]:
    """Change the halves of a bisected item: the later is put on the pile first."""

    def failed(original: Any, self: Any, item: Any, *arguments: Any, **named: Any) -> None:
        original(self, item, *arguments, **named)
        if len(self._work) >= 2 and len(item.records) > 1 and self._work[-1].records[0] is item.records[0]:
            self._work[-2:] = change(item, self._work[-2], self._work[-1])

    return failed


def _right_half_first(item: Any, right: Any, left: Any) -> tuple[Any, Any]:
    return left, right


def _larger_half_left(item: Any, right: Any, left: Any) -> tuple[Any, Any]:
    middle = (len(item.records) + 1) // 2
    return replace(right, records=item.records[middle:]), replace(left, records=item.records[:middle])


def _halves_spend(item: Any, right: Any, left: Any) -> tuple[Any, Any]:
    return replace(right, calls=1), replace(left, calls=1)


def _halves_keep_the_request(item: Any, right: Any, left: Any) -> tuple[Any, Any]:
    return right, replace(left, request_id=item.request_id)


# --- checkpoint ----------------------------------------------------------------------------------------------------


def _checkpoint_at_the_call(original: Any, self: Any, item: Any) -> None:
    if item.records:
        self.position = item.records[-1].sequence_number
    original(self, item)


def _checkpoint_of_all_dealt(original: Any, self: Any) -> Any:
    return self._dealt[-1] if self._dealt else original(self)


def _checkpoint_before_delivery(original: Any, self: Any, item: Any, *arguments: Any) -> None:
    original(self, item, *arguments)
    if item.records:
        self.position = item.records[-1].sequence_number


def _checkpoint_behind(original: Any, self: Any) -> Any:
    return self.checkpoint


# --- age -----------------------------------------------------------------------------------------------------------


def _age_of_the_last(oldest_at_ms: int, item: Any) -> int:
    return item.records[-1].created_at_ms if item.records else oldest_at_ms


def _expires_whole(original: Any, self: Any, item: Any) -> None:
    horizon_ms = self._outbox.now_ms - self._age_limit_ms
    aged = tuple([replace(record, created_at_ms=horizon_ms - 1) for record in item.records])
    original(self, replace(item, records=aged))


# --- windows -------------------------------------------------------------------------------------------------------


def _state_dropped(original: Any, self: Any, payload: Any) -> None:
    original(self, {"state": {}} if self.open is not None else payload)


def _state_of_a_failure(original: Any, self: Any, item: Any, payload: Any) -> None:
    if isinstance(payload, dict) and "state" in payload and item.purpose == "records":
        self._window.keep_state(payload)
    original(self, item, payload)


def _state_survives_its_window(original: Any, self: Any) -> None:
    state = None if self.open is None else self.open.state
    original(self)
    self.late_state = state


def _new_window_with_old_state(original: Any, self: Any, record: Any) -> Any:
    window = original(self, record)
    if self.open is None and window.state == {} and getattr(self, "late_state", None):
        return replace(window, state=self.late_state)
    return window


def _window_never_changes(original: Any, self: Any, record: Any) -> Any:
    return self.open or original(self, record)


def _never_over(over: bool, window: Any) -> bool:
    return False


def _never_oversized(oversized: bool, window: Any) -> bool:
    return False


def _over_at_once(over: bool, window: Any) -> bool:
    return window.open is not None


def _final_call_failed_is_done(original: Any, self: Any, item: Any, *arguments: Any, **named: Any) -> None:
    if item.purpose == "final":
        self._settle(item)
    else:
        original(self, item, *arguments, **named)


# --- batches, lanes, shards ----------------------------------------------------------------------------------------


def _one_record_more(original: Any, self: Any) -> Any:
    self._size += 1
    batch = original(self)
    self._size -= 1
    return batch


def _any_size_fits(original: Any, self: Any, batch: Any) -> int:
    return len(batch)


def _gathers_never(original: Any, self: Any) -> bool:
    return True


def _open_records_forgotten(original: Any, self: Any, records: Any) -> None:
    self.records = []
    original(self, records)


def _first_filtered_is_kept(original: Any, self: Any) -> None:
    first = self.backlog[0]
    original(self)
    if self._terms.passes is not None and first not in self.records:
        self.records.insert(0, first)


def _lane_of_nothing(original: Any, self: Any, records: Any) -> None:
    if self._factor == 1:
        original(self, records)
        return
    for record in records:
        self._dealt.append(record.sequence_number)
        self._lanes[int(record.sequence_number) % self._factor].offer([record])


def _children_at_once(original: Any, self: Any) -> None:
    for reader in list(self._unready.values()):
        del self._unready[reader.shard_id]
        reader.make_ready()
        reader.advance()


def _children_at_their_tip(original: Any, self: Any, happened: Any) -> None:
    self._started = False
    original(self, happened)


def _end_of_shard_forgotten(original: Any, self: Any, answer: Any, **named: Any) -> None:
    original(self, replace(answer, shard_ended=answer.shard_ended and not answer.records), **named)


def _position_survives_trimming(original: Any, self: Any) -> None:
    after = self._after
    original(self)
    self._after = after


# --- answers, destinations, metrics --------------------------------------------------------------------------------


def _failure_awaited_twice(original: Any, self: Any, invocation_id: str, outcome: Any) -> None:
    awaited = self._outbox.invocations.get(invocation_id)
    original(self, invocation_id, outcome)
    if awaited is not None and isinstance(outcome, inputs.FunctionError):
        self._outbox.invocations[invocation_id] = awaited


def _deadline_forgotten(original: Any, self: Any, answer_id: str) -> None:
    return None


def _refused_is_delivered(original: Any, self: Any, delivering: Any, effect: Any, *, delivered: bool) -> None:
    original(self, delivering, effect, delivered=True)


def _first_answer_suffices(original: Any, self: Any, delivering: Any, effect: Any, *, delivered: bool) -> None:
    delivering.awaited.clear()
    original(self, delivering, effect, delivered=delivered)


def _failed_not_counted(original: Any, self: Any, item: Any) -> None:
    if item.waits < 2:
        original(self, item)


# --- queues --------------------------------------------------------------------------------------------------------


def _failed_is_deleted(original: Any, self: Any, batch: Any) -> None:
    self._delete(batch.messages)
    original(self, batch)


def _reported_is_deleted(original: Any, self: Any, batch: Any, answer: Any) -> None:
    reported = self._judge(batch, answer)
    original(self, batch, answer)
    if isinstance(reported, responses.SomeFailed):
        named = reported.item_identifiers
        self._delete(tuple(message for message in batch.messages if message.message_id in named))


def _one_batch_more(original: Any, self: Any) -> int:
    return max(int(original(self)) - 1, 0)


def _groups_run_together(original: Any, self: Any, now_ms: int, *, busy_groups: Any) -> Any:
    return original(self, now_ms, busy_groups=())


def _lease_lasts(original: Any, self: Any, batch: Any) -> None:
    self._invoke(batch)


def _leased_for_ever(original: Any, self: Any, messages: Any, lease_ends_at_ms: int) -> None:
    original(self, messages, lease_ends_at_ms + 86_400_000)


def _filtered_is_left(original: Any, self: Any, messages: Any) -> None:
    if self._in_flight or not self._passes:
        original(self, messages)


def _group_goes_on(original: Any, self: Any, groups: Any) -> None:
    return None


def _nothing_released(original: Any, self: Any, messages: Any) -> None:
    return None


def _plant_old_state(patch: pytest.MonkeyPatch) -> None:
    _around(shard_window.ShardWindow, "close", _state_survives_its_window)(patch)
    _around(shard_window.ShardWindow, "of", _new_window_with_old_state)(patch)


MUTANTS: Mapping[str, Plant] = {
    "one retry too many": _around(lane.Lane, "_failed", _other_retries(1)),
    "one retry too few": _around(lane.Lane, "_failed", _other_retries(-1)),
    "a throttle spends a retry": _around(lane.Lane, "invocation_ended", _throttle_spends),
    "a refused payload spends no retry": _around(lane.Lane, "invocation_ended", _refusal_spends_nothing),
    "what a report leaves inherits the calls": _around(lane.Lane, "_partly_done", _rest_inherits),
    "what a report leaves keeps the request id": _around(lane.Lane, "_partly_done", _rest_has_the_same_request),
    "repeats do not back off": _around(lane.Lane, "_repeat", _no_backoff),
    "a report restarts one record late": _around(lane.Lane, "_partly_done", _report_restarts_late),
    "bisect takes the right half first": _around(lane.Lane, "_failed", _halves(_right_half_first)),
    "bisect makes the left half the larger": _around(lane.Lane, "_failed", _halves(_larger_half_left)),
    "bisect spends a retry": _around(lane.Lane, "_failed", _halves(_halves_spend)),
    "half an item keeps the request id": _around(lane.Lane, "_failed", _halves(_halves_keep_the_request)),
    "the checkpoint moves at the call": _around(lane.Lane, "_call", _checkpoint_at_the_call),
    "the checkpoint is the last record dealt": _around(shard.ShardReader, "_finished_prefix", _checkpoint_of_all_dealt),
    "the checkpoint moves before the delivery": _around(lane.Lane, "_give_up", _checkpoint_before_delivery),
    "the checkpoint stays with several lanes": _around(shard.ShardReader, "_finished_prefix", _checkpoint_behind),
    "age counts from the last record": _property(work_items.WorkItem, "oldest_at_ms", _age_of_the_last),
    "age is a millisecond shorter": _property(terms.StreamTerms, "age_limit_ms", lambda limit, _: limit - 1),
    "age is a millisecond longer": _property(terms.StreamTerms, "age_limit_ms", lambda limit, _: limit + 1),
    "an item expires whole": _around(lane.Lane, "_expire", _expires_whole),
    "the window's state is dropped": _around(shard_window.ShardWindow, "keep_state", _state_dropped),
    "the state of a failed call is kept": _around(lane.Lane, "_returned", _state_of_a_failure),
    "a new window begins with the old state": _plant_old_state,
    "a window never changes": _around(shard_window.ShardWindow, "of", _window_never_changes),
    "an idle window never ends": _property(shard_window.ShardWindow, "over", _never_over),
    "a window ends as soon as its shard is idle": _property(shard_window.ShardWindow, "over", _over_at_once),
    "a state is never too large": _property(shard_window.ShardWindow, "oversized", _never_oversized),
    "a failed final call is done": _around(lane.Lane, "_failed", _final_call_failed_is_done),
    "a batch is one record too large": _around(open_batch.OpenBatch, "close", _one_record_more),
    "an event may have any size": _around(open_batch.OpenBatch, "_fitting", _any_size_fits),
    "the batching window is ignored": _around(open_batch.OpenBatch, "_gathered", _gathers_never),
    "open records are lost when switched off": _around(open_batch.OpenBatch, "put_back", _open_records_forgotten),
    "the first record of a read is not filtered": _around(open_batch.OpenBatch, "take", _first_filtered_is_kept),
    "lanes are dealt to in turn": _around(shard.ShardReader, "_deal", _lane_of_nothing),
    "children are read at once": _around(stream.StreamMapping, "_make_ready", _children_at_once),
    "children are read from the starting position": _around(stream.StreamMapping, "_discover", _children_at_their_tip),
    "the end of a shard is forgotten": _around(shard.ShardReader, "records_read", _end_of_shard_forgotten),
    "a trimmed position is kept": _around(shard.ShardReader, "read_trimmed", _position_survives_trimming),
    "a second answer is taken": _around(stream.StreamMapping, "_invocation_ended", _failure_awaited_twice),
    "answers have no deadline": _around(outbox.Outbox, "_watch_answer", _deadline_forgotten),
    "a refusing destination counts as delivered": _around(lane.Lane, "delivery_answered", _refused_is_delivered),
    "one answer of several deliveries suffices": _around(lane.Lane, "delivery_answered", _first_answer_suffices),
    "later failures are not counted": _around(lane.Lane, "_count_failed", _failed_not_counted),
    "queue: what failed is deleted": _around(queue.QueueMapping, "_leave", _failed_is_deleted),
    "queue: what was reported is deleted": _around(queue.QueueMapping, "_returned", _reported_is_deleted),
    "queue: one batch more is in flight": _around(queue.QueueMapping, "_busy", _one_batch_more),
    "queue: groups run beside themselves": _around(message_batch.OpenMessages, "close", _groups_run_together),
    "queue: a repeat ignores its lease": _around(queue.QueueMapping, "_back_off_ended", _lease_lasts),
    "queue: open messages stay for ever": _around(message_batch.OpenMessages, "add", _leased_for_ever),
    "queue: filtered messages are left": _around(queue.QueueMapping, "_delete", _filtered_is_left),
    "queue: a group goes on behind a failure": _around(message_batch.OpenMessages, "forget_groups", _group_goes_on),
    "queue: nothing is released when switched off": _around(queue.QueueMapping, "_release", _nothing_released),
}
"""Every mutant by what is wrong with it."""
