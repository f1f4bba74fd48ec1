"""Fault scripts: what a file may say, and how it is told what it got wrong."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from penstock.cloud.faults import FaultScript, read_script
from penstock.cloud.faults.kinds import (
    KINDS,
    BatchRedelivered,
    Error,
    EventDoubled,
    Fault,
    ProcessKilled,
    Throttle,
    When,
)
from penstock.cloud.faults.script import script_from
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.template.models import Template

LEAST: dict[str, dict[str, Any]] = {
    "latency": {"milliseconds": 5},
    "process-killed": {"moment": "before"},
    "invocation-failed": {"function": "Enrich"},
    "batch-redelivered": {"function": "Relay"},
    "destination-refused": {"function": "Relay"},
}
"""What a kind needs beside its name; the others need nothing."""


def test_file_is_read_whole(tmp_path: Path) -> None:
    """Hyphens become underscores, `when` becomes a dataclass, what is left out has its default."""
    path = tmp_path / "faults.json"
    path.write_text(
        json.dumps(
            {
                "seed": 7,
                "faults": [
                    {
                        "kind": "throttle",
                        "service": "dynamodb",
                        "operation": "PutItem",
                        "when": {"every": 5, "until": 3},
                    },
                    {"kind": "error", "service": "events", "operation": "PutEvents", "entries": True, "code": "X"},
                    {"kind": "process-killed", "caller": "Notify", "call": 2, "moment": "after"},
                    {"kind": "batch-redelivered", "function": "Summarize", "answer": "counted"},
                    {"kind": "event-doubled", "milliseconds": 50, "when": {"probability": 1}},
                ],
            }
        )
    )

    assert read_script(path) == FaultScript(
        seed=7,
        faults=(
            Throttle(service="dynamodb", operation="PutItem", when=When(every=5, until=3)),
            Error(service="events", operation="PutEvents", entries=True, code="X"),
            ProcessKilled(caller="Notify", call=2, moment="after"),
            BatchRedelivered(function="Summarize", answer="counted"),
            EventDoubled(milliseconds=50, when=When(probability=1)),
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written(kind: str) -> None:
    """Each kind is made from its name and what it needs."""
    script = script_from({"faults": [{"kind": kind, **LEAST.get(kind, {})}]})

    assert [type(fault) for fault in script.faults] == [KINDS[kind]]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({}, "fault 1: a fault is an object with a 'kind'"),
        ({"kind": "throtle"}, r"fault 1 \(throtle\): no such kind; did you mean 'throttle'\?"),
        ({"kind": "throttle", "servce": "s3"}, r"fault 1 \(throttle\): no field 'servce'; did you mean 'service'\?"),
        ({"kind": "throttle", "service": "dynamo"}, r"no service 'dynamo'; did you mean 'dynamodb'\?"),
        (
            {"kind": "throttle", "service": "dynamodb", "operation": "Putitem"},
            r"no operation 'Putitem' of dynamodb; did you mean 'PutItem'\?",
        ),
        ({"kind": "error", "operation": "PutItem", "entries": True}, "entries of operation PutItem: name one of"),
        ({"kind": "error", "status": 200}, "status 200 is no error"),
        ({"kind": "error", "status": "400"}, "'status' is a whole number, not \"400\""),
        ({"kind": "error", "entries": 1}, "'entries' is true or false, not 1"),
        ({"kind": "latency"}, "'milliseconds' is missing"),
        ({"kind": "latency", "milliseconds": True}, "'milliseconds' is a whole number, not true"),
        ({"kind": "latency", "milliseconds": 0}, "milliseconds 0 is not a whole number above 0"),
        ({"kind": "process-killed", "moment": "now"}, "'moment' is one of before, during, after, not \"now\""),
        ({"kind": "batch-redelivered"}, "'function' is missing"),
        ({"kind": "throttle", "when": 3}, "'when' is an object, not 3"),
        ({"kind": "throttle", "when": {"nth": 1, "every": 2}}, "when: nth and every exclude each other"),
        ({"kind": "throttle", "when": {"first": 0}}, "when: first 0 is not a whole number above 0"),
        ({"kind": "throttle", "when": {"probability": 1.5}}, "when: probability 1.5 is not above 0 and at most 1"),
    ],
)
def test_fails_when_a_fault_is_wrong(fault: dict[str, Any], message: str) -> None:
    """What is unknown or impossible is refused by its place, with what was meant."""
    with pytest.raises(UsageError, match=message):
        script_from({"faults": [fault]})


@pytest.mark.parametrize(
    ("content", "message"),
    [("[", "is no JSON"), ("[]", "an object with a list 'faults'"), ('{"faults": [], "sed": 1}', "no field 'sed'")],
)
def test_fails_when_the_file_is_no_script(tmp_path: Path, content: str, message: str) -> None:
    """The message names the file."""
    path = tmp_path / "faults.json"
    path.write_text(content)

    with pytest.raises(UsageError, match=rf"faults\.json.*{message}"):
        read_script(path)


def test_fails_when_there_is_no_file(tmp_path: Path) -> None:
    """A missing file is a usage error."""
    with pytest.raises(UsageError, match=r"nowhere\.json cannot be read"):
        read_script(tmp_path / "nowhere.json")


TEMPLATE = SimpleNamespace(
    functions=(SimpleNamespace(label="Enrich"), SimpleNamespace(label="Relay")),
    state_machines=(SimpleNamespace(label="Fulfilment"),),
    rules=(SimpleNamespace(label="EnrichRule"),),
)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Throttle(caller="Enrihc"), r"fault 2 \(throttle\): no caller 'Enrihc'.*; did you mean 'Enrich'\?"),
        (ProcessKilled(caller="Fulfilment", moment="before"), "no caller 'Fulfilment'"),
        (BatchRedelivered(function="Notify"), "no function 'Notify'"),
        (EventDoubled(rule="Rule"), "no rule 'Rule'"),
    ],
)
def test_fails_when_the_template_has_no_such_name(fault: Fault, message: str) -> None:
    """Callers, functions and rules are held against the template; a state machine has no process to kill."""
    with pytest.raises(UsageError, match=message):
        FaultScript(faults=(Throttle(), fault)).check(cast("Template", TEMPLATE))


def test_names_of_the_template_are_taken() -> None:
    """Functions, state machines, and those who look on from outside."""
    callers = ("Enrich", "Fulfilment", "operator", "developer")
    faults = (*(Throttle(caller=caller) for caller in callers), EventDoubled(rule="EnrichRule"))

    FaultScript(faults=faults).check(cast("Template", TEMPLATE))


def test_example_of_the_documents_is_a_script() -> None:
    """What docs/local-run.md shows can be run as it stands."""
    page = (Path(__file__).parents[3] / "docs" / "local-run.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]

    assert len(script_from(json.loads(example)).faults) == 7
