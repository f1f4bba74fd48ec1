"""The stories of a demo with faults, held against the fault log: every strike is told, every attempt explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from penstock.cloud.faults import Strike
from penstock.story.findings import Findings
from penstock.story.journal_file import read_journal
from penstock.story.reasons import FIRST, UNEXPLAINED
from penstock.story.step import Step
from penstock.story.way import Ways
from tests.demo.conftest import FaultyDemo


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A step with the steps that it belongs to, outermost first."""

    step: Step
    above: tuple[Step, ...]


@pytest.fixture(scope="session")
def told(faulty_demo: FaultyDemo) -> Mapping[str, Sequence[Told]]:
    """Order → every step of its stories, as `penstock story ORDER` tells them."""
    findings = Findings(read_journal(faulty_demo.journal))
    ways = Ways(findings)
    orders = dict.fromkeys(record.key_values[0] for record in findings.records.values())
    return {order: [each for story in ways.of(order) for each in _steps(story)] for order in orders}


def _steps(step: Step, above: tuple[Step, ...] = ()) -> Iterator[Told]:
    yield Told(step=step, above=above)
    for inner in step.steps:
        yield from _steps(inner, (*above, step))


def names(text: str, order: str) -> bool:
    """Whether a text names an order, in JSON or in JSON within a text of JSON."""
    return f'"{order}"' in text.replace("\\", "")


def tells(told: Told, strike: Strike) -> bool:
    """Whether a step names a strike, at the invocation that it struck."""
    step = told.step
    if " ".join(filter(None, (strike.kind, strike.moment))) not in step.faults:
        return False
    of_attempt = not strike.request_id or any(each.request_id == strike.request_id for each in told.above)
    if strike.service:
        return step.kind == "call" and f"{strike.service}:{strike.operation}" in step.text and of_attempt
    return step.kind == "fault" and strike.victim in step.text and of_attempt


def test_every_strike_is_told_by_the_orders_concerned(
    faulty_demo: FaultyDemo, told: Mapping[str, Sequence[Told]]
) -> None:
    """An order that a struck call, batch or event names tells the strike; one that names none is told by somebody."""
    strikes = faulty_demo.report.fault_log
    everything = [each for steps in told.values() for each in steps]
    silent = [
        (order, strike)
        for strike in strikes
        for order in [order for order in told if names(strike.text, order)] or [""]
        if not any(tells(each, strike) for each in (told[order] if order else everything))
    ]

    assert silent == [], faulty_demo.replay
    assert {strike.kind for strike in strikes} > {"process-killed", "batch-redelivered", "event-doubled", "throttle"}


def test_no_fault_is_told_that_did_not_strike(faulty_demo: FaultyDemo, told: Mapping[str, Sequence[Told]]) -> None:
    """As many of each kind, of each invocation, as the log has."""
    log = Counter(strike.request_id for strike in faulty_demo.report.fault_log if strike.service)
    calls = {
        (each.step.request_id, each.step.at_ms, each.step.text): len(each.step.faults)
        for steps in told.values()
        for each in steps
        if each.step.kind == "call" and each.step.faults
    }
    shown: Counter[str] = Counter()
    for (request_id, _, _), count in calls.items():
        shown[request_id] += count

    assert shown == log, faulty_demo.replay


def test_every_attempt_is_explained_and_agrees_with_the_log(
    faulty_demo: FaultyDemo, told: Mapping[str, Sequence[Told]]
) -> None:
    """An attempt after the first follows one that a fault struck, or one that met what an earlier fault left."""
    log = faulty_demo.report.fault_log
    for order, steps in told.items():
        for reading in (each.step for each in steps if each.step.kind == "filter"):
            attempts = [step for step in reading.steps if step.kind == "attempt"]
            for before, attempt in pairwise(attempts):
                assert attempt.reason != UNEXPLAINED, (order, attempt, faulty_demo.replay)
                if attempt.attempt == 1:
                    continue  # of another batch: the call that ends a window
                assert attempt.reason != FIRST, (order, attempt, faulty_demo.replay)
                if attempt.reason == "delivered again by fault batch-redelivered":
                    wanted = ("batch-redelivered", attempt.function, before.request_id)
                    assert wanted in {(strike.kind, strike.victim, strike.request_id) for strike in log}
                else:
                    assert _is_to_blame(log, before, order), (order, before, attempt, faulty_demo.replay)


LASTING = frozenset({"process-killed", "response-lost", "batch-redelivered", "event-doubled"})
"""What leaves a lock behind, or has a second attempt run into that of the first."""


def _is_to_blame(log: Sequence[Strike], before: Step, order: str) -> bool:
    """Whether the log has a strike on an attempt, or one before it that killed or doubled with the order at hand."""
    return any(
        strike.request_id == before.request_id
        or (strike.kind in LASTING and strike.at_ms <= before.at_ms and names(strike.text + strike.batch, order))
        for strike in log
    )


def test_no_attempt_is_left_out(faulty_demo: FaultyDemo, told: Mapping[str, Sequence[Told]]) -> None:
    """As many invocations as the run counted, of every function that a mapping invokes."""
    attempts = {
        (each.step.function, each.step.request_id, each.step.at_ms)
        for steps in told.values()
        for each in steps
        if each.step.kind == "attempt"
    }
    functions = faulty_demo.report.functions

    counted = {label: tally.invocations for label, tally in functions.items() if label != "Api"}
    assert Counter(label for label, _, _ in attempts) == counted, faulty_demo.replay


def test_poison_order_is_told_to_its_dead_letter_queue(
    faulty_demo: FaultyDemo, told: Mapping[str, Sequence[Told]]
) -> None:
    """The order that nobody can judge: each attempt with its error, and the move at the end."""
    moved = {
        order: each
        for order, steps in told.items()
        for each in steps
        if "moved to dead-letter queue Enrich/Queue/DeadLetters" in each.step.text
    }
    ((_, last),) = moved.items()
    (reading,) = (step for step in last.above[-1].steps if step.kind == "filter")

    received = [step for step in reading.steps if step.reason != "delivered again by fault batch-redelivered"]
    assert len(received) == 5, faulty_demo.replay
    assert "after 5 receives" in last.step.text
    assert [step.attempt for step in reading.steps] == list(range(1, len(reading.steps) + 1))
    assert {step.outcome for step in reading.steps} <= {"reported", "failed"}
