"""Every handler, struck at each of its requests by each fault: the final state is the exact one."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from penstock.template.models import Template
from penstock.template.reader import load
from tests.crash.faults import Fault, Layout
from tests.crash.handlers.api import API
from tests.crash.handlers.enrich import ENRICH
from tests.crash.handlers.notify import NOTIFY, PLAIN_NOTIFY
from tests.crash.handlers.relay import RELAY
from tests.crash.handlers.replicate import PLAIN_REPLICATE, REPLICATE
from tests.crash.handlers.summarize import SUMMARIZE
from tests.crash.line import Died
from tests.crash.matrix import Case, cases, play
from tests.crash.subject import Subject
from tests.crash.subjects import PLAIN_RELAY, SUBJECTS
from tests.crash.verdict import Verdict

EXACT = (API, SUMMARIZE, ENRICH, REPLICATE)
BATCH_CALLERS = (RELAY, REPLICATE)
TRIES = 3
"""How often boto3 sends a request whose responses are lost (`effects.connection`)."""


def named(subject: Subject) -> str:
    """Name the parameters of a test."""
    return subject.name


@pytest.fixture(scope="module")
def template(cloud_assembly: Path) -> Template:
    """The application as it is deployed."""
    return load(cloud_assembly, account_id="123456789012", region="eu-west-1")


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("subject", SUBJECTS, ids=named)
def test_undisturbed_run_is_exact(template: Template, subject: Subject, layout: Layout) -> None:
    """Without a fault nothing is amiss, for the plain handlers neither: what the matrix shows comes of the faults."""
    case = play(subject, template, layout)

    assert case.verdict == Verdict()
    assert case.errors == ()


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("subject", EXACT, ids=named)
def test_effects_are_exact(template: Template, subject: Subject, fault: Fault) -> None:
    """Nothing is wrong, lost, doubled or blocked, wherever the fault strikes."""
    played = list(cases(subject, template, fault))

    assert [(case.request, case.verdict) for case in played if case.verdict != Verdict()] == []
    assert all(case.has_struck for case in played)
    assert all(
        isinstance(error, Died | ConnectionClosedError | ClientError) for case in played for error in case.errors
    )
    assert played or (fault is Fault.ENTRY_THROTTLED and subject not in BATCH_CALLERS)


@pytest.mark.parametrize("fault", Fault)
def test_relay_publishes_at_least_once_in_order(template: Template, fault: Fault) -> None:
    """Each change is published under its one event id, never first after a later one of its order."""
    played = list(cases(RELAY, template, fault))
    not_repeated = [Verdict(wrong=each.wrong, lost=each.lost, blocked=each.blocked) for each in verdicts(played)]

    assert not_repeated == [Verdict()] * len(played)
    assert played


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.ENTRY_THROTTLED])
def test_notify_repeats_in_its_gap_alone(template: Template, fault: Fault) -> None:
    """An event is told once more for each crash or lost response between publish and completion, else never."""
    played = list(cases(NOTIFY, template, fault))

    assert played
    for case in played:
        in_the_gap = case.request in ("sns.Publish", "dynamodb.UpdateItem")
        most = (TRIES if fault is Fault.NEVER_ANSWERED else 1) if in_the_gap else 0
        assert case.verdict.doubled <= most, case.request
        assert case.verdict == Verdict(doubled=case.verdict.doubled), case.request


@pytest.mark.parametrize(
    ("subject", "fault", "failures"),
    [
        (PLAIN_RELAY, Fault.THROTTLED_FOR_LONG, {"wrong"}),
        (PLAIN_RELAY, Fault.ENTRY_THROTTLED, {"wrong"}),
        (PLAIN_NOTIFY, Fault.DIED_BEFORE, {"blocked"}),
        (PLAIN_NOTIFY, Fault.RESPONSE_LOST, {"doubled", "blocked"}),
        (PLAIN_NOTIFY, Fault.ZOMBIE, {"blocked"}),
        (PLAIN_REPLICATE, Fault.DIED_AFTER, {"wrong", "blocked"}),
        (PLAIN_REPLICATE, Fault.TWO_SHARDS, {"wrong"}),
    ],
    ids=lambda value: value.name if isinstance(value, Subject) else None,
)
def test_plain_handlers_fail_in_the_same_matrix(
    template: Template, subject: Subject, fault: Fault, failures: set[str]
) -> None:
    """The matrix finds what is to be found: older changes after newer ones, repetitions, blocked keys."""
    found: set[str] = set()
    for case in cases(subject, template, fault):
        found |= {name for name in ("wrong", "lost", "doubled", "blocked") if getattr(case.verdict, name)}
        if found >= failures:
            return

    assert found >= failures


def verdicts(played: list[Case]) -> list[Verdict]:
    """What some cases came to."""
    return [case.verdict for case in played]
