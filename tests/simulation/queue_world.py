"""A world with a queue: leases that end, groups that keep their order, a redrive policy, a function that misbehaves.

Rules of the world, which are those of AWS: a received message is hidden until its visibility timeout ends; a FIFO queue
gives nothing of a group that has a message in flight; a message that was received often enough is moved away instead of
being given again; only the last receipt handle of a message counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import partial

from penstock.mapping.effects import (
    CancelTimer,
    ChangeVisibility,
    DeleteMessages,
    InvokeFunction,
    ReceiveMessages,
    StartTimer,
)
from penstock.mapping.inputs import (
    MessagesReceived,
    Outcome,
    QueueInput,
    QueueMessage,
    ReceiveFailed,
)
from tests.simulation.behaviour import FUNCTION_ERRORS, GOOD, Behaviour, Meaning, answer
from tests.simulation.queue_model import QueueModel
from tests.simulation.queue_plan import GOOD_RECEIVING, QueuePlan, Receiving
from tests.simulation.sent import Sent
from tests.simulation.shell import EPOCH_MS, Shell


class QueueWorld(Shell):
    """Runs a plan; raises Violation, or whatever the core raises."""

    plan: QueuePlan
    model: QueueModel

    def __init__(self, plan: QueuePlan, *, check_every: int = 1) -> None:
        model = QueueModel(plan.configuration, plan.choices(), seen=set(), check_every=check_every)
        super().__init__(plan, model, begin_ms=EPOCH_MS)
        self._receives = 0
        self._messages: list[Sent] = []
        self._held: ReceiveMessages | None = None
        self._send()
        self._plan_switches()

    # --- the queue ---

    def _send(self) -> None:
        last: dict[str, Sent] = {}
        for number, planned in enumerate(self.plan.messages):
            group = f"group-{planned.group}" if self.plan.configuration.fifo else None
            kind = "wanted" if planned.relevant else "other"
            pad = "x" * planned.pad_bytes
            sent = Sent(
                number=number,
                at_ms=EPOCH_MS + planned.at_ms,
                group=group,
                relevant=planned.relevant or not self.plan.configuration.filters,
                body=f'{{\\"kind\\":\\"{kind}\\",\\"number\\":{number},\\"pad\\":\\"{pad}\\"}}',
                previous=last.get(group) if group is not None else None,
                failures=planned.failures,
                reports=planned.reports,
            )
            if group is not None:
                last[group] = sent
            self._messages.append(sent)
            self.model.sent[sent.message_id] = sent
            self._agenda.plan(sent.at_ms, self._serve_held)

    def _received(self, sent: Sent) -> QueueMessage:
        body = {
            "messageId": sent.message_id,
            "receiptHandle": sent.receipt_handle,
            "body": sent.body.replace("\\", ""),
            "eventSource": "aws:sqs",
        }
        encoded = (
            f'{{"messageId":"{sent.message_id}","receiptHandle":"{sent.receipt_handle}",'
            f'"body":"{sent.body}","eventSource":"aws:sqs"}}'
        )
        return QueueMessage(
            message_id=sent.message_id,
            receipt_handle=sent.receipt_handle,
            body=body,
            encoded=encoded,
            encoded_bytes=len(encoded),
            message_group_id=sent.group,
            receive_count=sent.receives,
        )

    def _begin_receive(self, effect: ReceiveMessages) -> None:
        place = self._receives
        self._receives += 1
        receiving = self.plan.receivings[place] if place < len(self.plan.receivings) else GOOD_RECEIVING
        self._agenda.plan(self._agenda.now_ms + receiving.after_ms, partial(self._serve, effect, receiving))

    def _serve_held(self) -> None:
        if self._held is not None:
            self._serve(self._held, GOOD_RECEIVING)

    def _serve(self, effect: ReceiveMessages, receiving: Receiving) -> None:
        if self.model.receive_id != effect.receive_id:
            return
        self._held = None
        answered: MessagesReceived | ReceiveFailed
        if receiving.deed == "fails" or self._spell("unreadable"):
            self.seen.add("receive failed")
            answered = ReceiveFailed(receive_id=effect.receive_id, reason="the queue cannot be read")
        elif receiving.deed == "is empty":
            self.seen.add("receive empty")
            answered = MessagesReceived(receive_id=effect.receive_id, messages=())
        else:
            messages = self._lease(effect, receiving.transit_ms)
            if not messages:
                self._held = effect
                return
            answered = MessagesReceived(receive_id=effect.receive_id, messages=messages)
        self._agenda.plan(self._agenda.now_ms + receiving.transit_ms, partial(self._hand_in, answered))
        if receiving.deed == "answers twice":
            self.seen.add("answer of a receive doubled")
            self._agenda.plan(self._agenda.now_ms + receiving.transit_ms + 1, partial(self._hand_in, answered))

    def _lease(self, effect: ReceiveMessages, transit_ms: int) -> tuple[QueueMessage, ...]:
        """Lease what is visible; the leases are counted from the answer."""
        now_ms = self._agenda.now_ms
        limit = self.plan.maximum_receive_count
        busy = {sent.group for sent in self._messages if sent.leased_until_ms is not None and sent.group is not None}
        taken: list[QueueMessage] = []
        for sent in self._messages:
            if sent.at_ms > now_ms or sent.leased_until_ms is not None or sent.end is not None or sent.group in busy:
                continue
            if len(taken) == effect.limit:
                break
            if limit is not None and sent.receives >= limit:
                self.seen.add("message dead-lettered")
                sent.end = "dead-lettered"
                continue
            if sent.receives:
                self.seen.add("message comes back")
            sent.receives += 1
            self._hide(sent, now_ms + transit_ms + effect.visibility_timeout_seconds * 1_000)
            taken.append(self._received(sent))
        return tuple(taken)

    def _hide(self, sent: Sent, until_ms: int) -> None:
        sent.leased_until_ms = until_ms
        self._agenda.plan(until_ms, partial(self._lease_ended, sent, until_ms))

    def _lease_ended(self, sent: Sent, until_ms: int) -> None:
        if sent.leased_until_ms == until_ms:
            sent.leased_until_ms = None
            self._serve_held()

    def _delete(self, messages: Iterable[QueueMessage]) -> None:
        for message in messages:
            sent = self.model.sent[message.message_id]
            if sent.receipt_handle == message.receipt_handle and sent.end is None:
                sent.end = "deleted"
                sent.leased_until_ms = None
            else:
                self.seen.add("message deleted too late")
        self._agenda.plan(self._agenda.now_ms, self._serve_held)

    def _change_visibility(self, effect: ChangeVisibility) -> None:
        for message in effect.messages:
            sent = self.model.sent[message.message_id]
            if sent.receipt_handle == message.receipt_handle and sent.leased_until_ms is not None:
                self._hide(sent, self._agenda.now_ms + effect.visibility_timeout_seconds * 1_000)

    # --- inputs and effects ---

    def _hand_in(self, happened: QueueInput, meaning: Meaning | None = None) -> None:
        for effect in self.model.happened(happened, self._agenda.now_ms, meaning):
            match effect:
                case InvokeFunction():
                    self._invoke(effect)
                case ReceiveMessages():
                    self._begin_receive(effect)
                case StartTimer():
                    self._start_timer(effect)
                case CancelTimer():
                    self._cancel_timer(effect)
                case DeleteMessages():
                    self._delete(effect.messages)
                case ChangeVisibility():
                    self._change_visibility(effect)
                case _:
                    pass

    # --- the function ---

    def _invoke(self, effect: InvokeFunction) -> None:
        place = self._calls
        self._calls += 1
        behaviour = self.plan.behaviours[place] if place < len(self.plan.behaviours) else GOOD
        messages = [self.model.sent[record.message_id] for record in effect.records]  # type: ignore[union-attr]
        outcome, meaning, takes_ms = self._outcome(effect, behaviour, messages)
        self._answer_invocation(effect, behaviour, outcome, meaning, takes_ms)

    def _outcome(
        self, effect: InvokeFunction, behaviour: Behaviour, messages: list[Sent]
    ) -> tuple[Outcome, Meaning, int]:
        turned_away = self._turned_away(effect)
        if turned_away is not None:
            return turned_away
        poison = next((place for place, sent in enumerate(messages) if sent.failures > 0), None)
        if poison is not None and behaviour.deed == "succeeds":
            messages[poison].failures -= 1
            behaviour = dataclasses.replace(
                behaviour,
                deed="reports" if messages[poison].reports else "raises",
                place=(poison + 0.5) / len(messages),
            )
        outcome, meaning = answer(
            behaviour,
            [sent.message_id for sent in messages],
            reports=self.plan.configuration.reports_batch_item_failures,
            windowed=False,
            final=False,
            repeated=behaviour.takes_ms % 2 == 1,
            and_all_that_follow=self.plan.configuration.fifo,
            empty_entry_fails=self.plan.empty_entry_fails,
        )
        if behaviour.deed in FUNCTION_ERRORS:
            self.seen.add(f"function {behaviour.deed}")
        elif meaning.verdict == "not run":
            self.seen.add("throttled" if behaviour.deed == "is throttled" else "unavailable")
        elif meaning.verdict == "failed" and behaviour.deed == "malforms":
            self.seen.add("malformed report")
        return outcome, meaning, behaviour.takes_ms
