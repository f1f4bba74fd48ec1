"""Ways through facts made by hand: what belongs to which record, and what cannot be seen from the outside."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from penstock.errors import UsageError
from penstock.story.facts import (
    CallAnswered,
    CheckpointSaved,
    EventDelivered,
    EventHandedOn,
    EventPublished,
    Fact,
    FailureDelivered,
    FaultStruck,
    MessagesDeleted,
)
from penstock.story.step import Step
from penstock.story.telling import document, lines_of
from penstock.story.way import find, stories
from penstock.terminal import Paint
from tests.story.chronicle import BEGAN, NOW, QUEUE, SHARD, called, ended, invoked, mapping, sent, written

PUBLISHED = EventPublished(
    at_ms=NOW + 5, event_id="v1", bus="bus", detail_type="Placed", caller="reader", request_id="a", detail='{"of":"e1"}'
)
TO_QUEUE = EventDelivered(
    at_ms=NOW + 6, event_id="v1", rule="Rule", target="arn:aws:sqs:eu-west-1:1:jobs", error="", made=("m1",)
)


def texts(step: Step, kind: str = "") -> list[str]:
    """The texts of a step and all below it, or of those of one kind, in order."""
    own = [step.text] if kind in ("", step.kind) else []
    return own + [text for inner in step.steps for text in texts(inner, kind)]


def checkpoint(number: int) -> CheckpointSaved:
    """The mapping is done with all records up to this one."""
    return CheckpointSaved(at_ms=NOW + 9, mapping="Reader", shard_id=SHARD, sequence_number=str(number))


def test_call_belongs_to_the_record_that_it_names() -> None:
    """By eventID or by key, in JSON or in JSON within JSON; what was struck and names nobody befell all."""
    nested = json.dumps({"Detail": json.dumps({"id": "k1"})})
    facts: list[Fact] = [
        BEGAN,
        mapping(),
        written(1, 2),
        invoked("a", 1, 2),
        called("a", "UpdateItem", request='{"TableName":"orders","Key":{"id":{"S":"k1"}}}'),
        called("a", "PutEvents", service="events", request=nested),
        called("a", "GetItem", request='{"TableName":"orders","Key":{"id":{"S":"k2"}}}', error="ValidationException"),
        called("a", "PutItem", request='{"TableName":"other"}', faults=("latency",)),
        called("a", "DeleteItem", request="{}", faults=("process-killed before",)),
        called("a", "Query", request="{}"),
        ended("a", result="failed", error="Runtime.ExitError: gone"),
    ]

    (first,), (second,) = find(facts, "k1"), find(facts, "e2")

    assert texts(first, "call") == [
        "dynamodb:UpdateItem Orders id=k1",
        "events:PutEvents",
        "dynamodb:PutItem other (fault latency)",
        "dynamodb:DeleteItem (fault process-killed before)",
        "2 calls that did not name it",
    ]
    assert texts(second, "call") == [
        "dynamodb:GetItem Orders id=k2: ValidationException",
        "dynamodb:PutItem other (fault latency)",
        "dynamodb:DeleteItem (fault process-killed before)",
        "3 calls that did not name it",
    ]


@pytest.mark.parametrize("key", ["ü", "😀", "back\\slash", 'quo"te', "tab\t", "ü\n", "C:\\ü"])
@pytest.mark.parametrize("ascii_alone", [True, False])
def test_call_names_a_key_however_its_characters_are_written(key: str, ascii_alone: bool) -> None:
    """As they are or escaped, once for each JSON that stands in another; a key that looks alike is another one."""
    plain = json.dumps({"id": {"S": key}}, ensure_ascii=ascii_alone)
    nested = json.dumps({"Detail": json.dumps({"id": key}, ensure_ascii=ascii_alone)}, ensure_ascii=ascii_alone)
    facts: list[Fact] = [
        mapping(),
        written(1, key=key),
        written(2, key=f"{key}2"),
        invoked("a", 1, 2),
        *(called("a", request=text) for text in (plain, nested)),
    ]

    (first,), (second,) = find(facts, key), find(facts, f"{key}2")

    assert texts(first, "call") == ["dynamodb:PutItem"] * 2
    assert texts(second, "call") == ["2 calls that did not name it"]


def test_call_names_a_key_that_is_a_number() -> None:
    """As DynamoDB writes it, or as a number under the key's own name; as part of another number it is none."""
    named = ['{"id":{"N":"7"}}', '{"id": 7}', '{"id":7,"at":1}', '{"Detail":"{\\"id\\": 7, \\"at\\": 1}"}']
    others = ['{"id": 70}', '{"id": 7.5}', '{"grams": 7}']
    numbers = []
    for number in (7, 8):
        record = json.loads(written(number).records[0])
        record["dynamodb"]["Keys"] = {"id": {"N": str(number)}}
        numbers.append(replace(written(number), records=(json.dumps(record),)))
    facts: list[Fact] = [
        mapping(),
        *numbers,
        invoked("a", 7, 8),
        *(called("a", operation=f"Call{number}", request=text) for number, text in enumerate(named)),
        *(called("a", request=text) for text in others),
    ]

    (story,) = find(facts, "7")

    assert texts(story, "call") == [
        *(f"dynamodb:Call{number}" for number in range(4)),
        "3 calls that did not name it",
    ]


def test_event_is_followed_to_the_attempts_of_its_messages() -> None:
    """Rule, queue, batch, call, deletion; a record that was written on the way is named and not followed."""
    facts: list[Fact] = [
        mapping(),
        mapping("Worker", source_arn=QUEUE),
        written(1),
        invoked("a", 1),
        PUBLISHED,
        called("a", "PutEvents", service="events", made=("v1",)),
        ended("a"),
        sent("m1", text='{"detail":{"of":"e1"}}'),
        TO_QUEUE,
        invoked("b", "m1", mapping="Worker"),
        written(2, key="k1"),
        called("b", request='{"id":"k1"}', made=("e2",), caller="worker"),
        ended("b", function="worker"),
        MessagesDeleted(at_ms=NOW + 9, mapping="Worker", items=("m1",)),
    ]

    (story,) = find(facts, "e1")

    assert texts(story)[1:] == [
        "Reader → reader: no filter",
        "attempt 1 (first), batch of 1: done (5 ms); request a",
        "events:PutEvents",
        "event Placed v1 on bus, by reader",
        "rule Rule → queue jobs",
        "message m1 in queue jobs",
        "Worker → worker: no filter",
        "attempt 1 (first), batch of 1: done (5 ms); request b",
        "dynamodb:PutItem",
        "INSERT orders id=k1, eventID e2",
        "deleted from the queue",
    ]


def test_event_and_message_lead_back_to_their_record() -> None:
    """Asked for by its own id, each tells what it came from, the nearest first."""
    facts: list[Fact] = [
        mapping(),
        written(1, 2),
        invoked("a", 1, 2),
        PUBLISHED,
        called("a", "PutEvents", service="events", made=("v1",)),
        sent("m1"),
        TO_QUEUE,
    ]

    (message,), (event,) = find(facts, "m1"), find(facts, "v1")

    back = ["from events:PutEvents by reader", "from INSERT orders id=k1, eventID e1"]
    assert texts(message, "origin") == ["from event Placed v1 on bus, by reader", *back]
    assert texts(event, "origin") == back


def test_faults_of_events_and_deliveries_are_told() -> None:
    """A late or doubled event says so; what a target refused, and the dead-letter queue it went to, too."""
    refused = replace(TO_QUEUE, error="AccessDenied: no", made=())
    facts: list[Fact] = [
        PUBLISHED,
        FaultStruck(at_ms=NOW, kind="event-doubled", victim="Rule", request_id="", text='{"version":"0","id":"v1"}'),
        refused,
        replace(refused, error="", dead_letters=True),
    ]

    (story,) = stories(facts)

    assert texts(story)[1:] == [
        "fault event-doubled of Rule",
        "rule Rule → queue jobs: AccessDenied: no",
        "rule Rule → dead-letter queue jobs",
    ]


def test_execution_is_followed_by_its_name() -> None:
    """The calls of a state machine that name an execution belong to the delivery that started it."""
    started = replace(TO_QUEUE, target="arn:aws:states:eu-west-1:1:stateMachine:flow", made=("x-1",))
    facts: list[Fact] = [
        PUBLISHED,
        started,
        called("", "UpdateItem", request='{":execution":"x-1"}', caller="Flow"),
        called("", "UpdateItem", request='{":execution":"x-2"}', caller="Flow"),
    ]

    (story,) = stories(facts)

    assert texts(story)[1:] == ["rule Rule → state machine flow", "dynamodb:UpdateItem"]


def test_asynchronous_invocation_is_told_with_its_retries_and_its_end() -> None:
    """What a rule hands to a function: each attempt, and the destination that was told in the end."""
    to_function = replace(TO_QUEUE, target="arn:aws:lambda:eu-west-1:1:function:audit", made=("r1",))
    died = ended("r1", function="audit", result="failed", error="ValueError: no")
    told = EventHandedOn(
        at_ms=NOW + 9,
        function="audit",
        request_id="r1",
        condition="RetriesExhausted",
        destination="arn:aws:sqs:eu-west-1:1:jobs",
        error="",
        faults=(),
        made=("m9",),
    )
    facts: list[Fact] = [
        PUBLISHED,
        to_function,
        called("r1", caller="audit", faults=("throttle",), error="ThrottlingException"),
        died,
        died,
        sent("m9", sender="audit"),
        told,
    ]

    (story,) = stories(facts)
    (message,) = find(facts, "m9")

    assert texts(story)[1:] == [
        "rule Rule → function audit",
        "invocation of audit: failed, ValueError: no (5 ms); request r1",
        "dynamodb:PutItem: ThrottlingException (fault throttle)",
        "invocation of audit, attempt 2 (retry after ValueError): failed, ValueError: no (5 ms); request r1",
        "RetriesExhausted: event of audit → jobs",
        "message m9 in queue jobs",
    ]
    assert texts(message, "origin") == [
        "from RetriesExhausted: event of audit → jobs",
        "from event Placed v1 on bus, by reader",
    ]
    assert [step.attempt for step in find(facts, "r1") if step.kind == "invocation"] == [1, 2]


def put(*made: str, at_ms: int = 0) -> CallAnswered:
    """An object that somebody outside puts into a bucket."""
    request = "/files-1/in/a%20b.csv?x-id=PutObject\nsku,1"
    return called("", "PutObject", service="s3", caller="operator", request=request, made=made, at_ms=at_ms)


def test_call_from_outside_that_had_a_function_invoked_begins_a_story() -> None:
    """An object for one: with the attempts of the function, and whatever else came of the call, told once."""
    facts: list[Fact] = [
        replace(BEGAN, names={"files-1": "Files"}),
        sent("m1", sender="operator"),
        put("m1", "r1"),
        ended("r1", function="audit", result="failed", error="ValueError: no"),
        ended("r1", function="audit", at_ms=60_000),
    ]

    (story,) = stories(facts)

    assert texts(story) == [
        "s3:PutObject Files/in/a b.csv, by operator",
        "message m1 in queue jobs",
        "invocation of audit: failed, ValueError: no (5 ms); request r1",
        "invocation of audit, attempt 2 (retry after ValueError): done (5 ms); request r1",
    ]


def test_call_begins_a_story_before_anything_is_known_of_the_invocation() -> None:
    """A test that did not wait sees at least what it did."""
    (story,) = stories([BEGAN, put("r1")])

    assert texts(story) == ["s3:PutObject files-1/in/a b.csv, by operator"]


@pytest.mark.parametrize(
    ("result", "root"),
    [
        ("returned", "lambda:Invoke, by api"),
        ("failed", "invocation of api: failed (5 ms); request r"),
    ],
)
def test_invocation_asked_for_by_another_is_told_once(result: str, root: str) -> None:
    """With the call of a request that went well, or with the request that did not; what follows, therein."""
    facts: list[Fact] = [
        called("r", "Invoke", service="lambda", caller="api", made=("r1",)),
        ended("r", function="api", result=result),
        called("r1", "Invoke", service="lambda", caller="audit", made=("r2",), at_ms=1),
        ended("r1", function="audit"),
        ended("r2", function="bill", result="failed"),
    ]

    (story,) = stories(facts)

    assert story.text == root
    assert texts(story, "invocation")[-2:] == [
        "invocation of audit: done (5 ms); request r1",
        "invocation of bill: failed (5 ms); request r2",
    ]


def test_invocation_asked_for_in_the_batch_of_a_mapping_begins_no_story() -> None:
    """It is told with the record."""
    facts: list[Fact] = [
        mapping(),
        written(1),
        invoked("a", 1),
        called("a", "Invoke", service="lambda", request='"k1"', made=("r1",)),
        ended("a"),
        ended("r1", function="audit", result="failed"),
    ]

    (story,) = stories(facts)

    assert texts(story, "invocation") == ["invocation of audit: failed (5 ms); request r1"]


@pytest.mark.parametrize("name", ["in/a b.csv", "files-1/in/a b.csv", "Files/in/a b.csv"])
def test_object_is_found_by_its_key(name: str) -> None:
    """With or without its bucket: each change that something came of, in order."""
    facts: list[Fact] = [
        replace(BEGAN, names={"files-1": "Files"}),
        sent("m1"),
        put("m1"),
        replace(put("r1", at_ms=1), operation="DeleteObject"),
        ended("r1", function="audit"),
        replace(put("r2"), request="/files-1/in/other.csv?"),
    ]

    first, second = find(facts, name)

    assert texts(first) == ["s3:PutObject Files/in/a b.csv, by operator", "message m1 in queue jobs"]
    assert texts(second) == [
        "s3:DeleteObject Files/in/a b.csv, by operator",
        "invocation of audit: done (5 ms); request r1",
    ]


def test_window_tells_its_final_call() -> None:
    """The call that ends a tumbling window belongs to every record in it, with repeats and destination of its own."""
    window = "2026-01-01T00:00:00Z"
    final = replace(invoked("f"), window=window, purpose="final", shard_id=SHARD)
    facts: list[Fact] = [
        mapping(),
        written(1),
        replace(invoked("a", 1), window=window),
        ended("a"),
        final,
        ended("f", result="failed", error="ValueError: no"),
        final,
        ended("f", result="failed", error="ValueError: no"),
        _failure(batch_request_id="f", first="", last=""),
        checkpoint(1),
    ]

    (story,) = find(facts, "k1")

    (reading,) = story.steps
    assert [(step.kind, step.reason) for step in reading.steps] == [
        ("attempt", "first"),
        ("attempt", f"final call of window {window}"),
        ("attempt", "retry after ValueError"),
        ("destination", "RetryAttemptsExhausted"),
    ]


def _failure(**fields: str) -> FailureDelivered:
    given = {"batch_request_id": "a", "first": "1", "last": "1", "error": "", **fields}
    return FailureDelivered(
        at_ms=NOW + 8,
        mapping="Reader",
        shard_id=SHARD,
        destination="arn:aws:s3:::failed",
        condition="RetryAttemptsExhausted",
        records=1,
        faults=(),
        made=(),
        batch_request_id=given["batch_request_id"],
        first=given["first"],
        last=given["last"],
        error=given["error"],
    )


def test_refused_destination_is_told() -> None:
    """The record is lost, and the story says where."""
    facts: list[Fact] = [
        mapping(),
        written(1),
        invoked("a", 1),
        ended("a", result="failed"),
        _failure(error="AccessDenied: no"),
    ]

    (story,) = find(facts, "k1")

    (told,) = texts(story, "destination")
    assert told == "RetryAttemptsExhausted: 1 record → on-failure destination failed, which refused: AccessDenied: no"


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ([], ["not handed over so far"]),
        ([invoked("a", 1)], []),
        ([invoked("a", 1), ended("a", result="failed")], []),
        ([invoked("a", 1), ended("a", result="failed"), checkpoint(1)], ["discarded: no on-failure destination"]),
        ([checkpoint(1)], ["discarded: no on-failure destination"]),
        ([invoked("a", 1), ended("a"), checkpoint(1)], []),
    ],
)
def test_end_is_told_where_nothing_else_tells_it(facts: list[Fact], ends: list[str]) -> None:
    """A record that waits, and one that went without a word."""
    (story,) = find([mapping(), written(1), *facts], "k1")

    assert texts(story, "end") == ends


def test_request_that_failed_is_told_with_its_item() -> None:
    """An invocation that no mapping made, and a state machine's call, where they went wrong at a key."""
    request = '{"TableName":"orders","Item":{"id":{"S":"k1"}}}'
    facts: list[Fact] = [
        BEGAN,
        called("r", request=request, caller="api", faults=("response-lost",), at_ms=1),
        ended("r", function="api", result="failed", error="Runtime.ExitError: gone", at_ms=1),
        called("", "UpdateItem", request=request, caller="Flow", error="ThrottlingException", at_ms=2),
        called("", "UpdateItem", request=request, caller="Flow", at_ms=3),
        written(1, at_ms=4),
    ]

    found = find(facts, "k1")

    assert [story.text.partition(",")[0] for story in found] == [
        "invocation of api: failed",
        "dynamodb:UpdateItem Orders id=k1: ThrottlingException",
        "INSERT Orders id=k1",
    ]
    assert texts(found[0], "call") == ["dynamodb:PutItem Orders id=k1 (fault response-lost)"]
    assert len(list(stories(facts))) == 2


def test_fails_when_nothing_has_the_name() -> None:
    """The refusal shows what there is."""
    with pytest.raises(
        UsageError, match=r"nothing is known of 'x' in the run of cdk\.out; give one of its 6 keys \(k1, "
    ):
        find([BEGAN, written(1, 2, 3, 4, 5, 6)], "x")
    with pytest.raises(UsageError, match=r"has seen no stream record so far; write an item first"):
        find([BEGAN], "x")


def test_key_of_two_attributes_is_found_whole_or_by_its_first() -> None:
    """``partition/sort`` is one item, ``partition`` all of them."""

    def two(number: int, sort: str) -> Fact:
        fact = written(number, key="p")
        record = json.loads(fact.records[0])
        record["dynamodb"]["Keys"]["at"] = {"N": sort}
        return replace(fact, records=(json.dumps(record),))

    facts: list[Fact] = [two(1, "7"), two(2, "8")]

    assert [story.id for story in find(facts, "p/8")] == ["e2"]
    assert [story.id for story in find(facts, "p")] == ["e1", "e2"]


def _story() -> Step:
    facts: list[Fact] = [
        mapping(),
        written(1),
        invoked("a", 1, at_ms=1_500),
        called("a", faults=("latency",), at_ms=1_501),
        ended("a", result="failed", error="ValueError: no"),
    ]
    (story,) = find(facts, "k1")
    return story


def test_story_is_told_in_lines_by_depth_and_time() -> None:
    """The first with its time of day, the others with theirs after it."""
    first, *lines = lines_of(_story())

    assert first.startswith("00:00:00.000  INSERT orders id=k1, eventID e1, by api dynamodb:PutItem, request r-api; ")
    assert lines == [
        "       +0 ms  Reader → reader: no filter",
        "   +1 500 ms    attempt 1 (first), batch of 1: failed, ValueError: no (5 ms); request a",
        "   +1 501 ms      dynamodb:PutItem (fault latency)",
    ]


def test_colour_is_for_what_went_wrong() -> None:
    """Failures are red, faults yellow, the rest is plain."""
    lines = lines_of(_story(), paint=Paint(coloured=True))

    assert ["\x1b[31m" in line for line in lines] == [False, False, True, False]
    assert ["\x1b[33m" in line for line in lines] == [False, False, False, True]


def test_document_has_all_but_what_is_empty() -> None:
    """Each step in the same form; a verdict against the record is no empty one."""
    told = document(_story())
    (reading,) = told["steps"]
    (attempt,) = reading["steps"]

    assert (told["kind"], told["id"], told["after_ms"], told["at_ms"]) == ("record", "e1", 0, NOW)
    assert "mapping" not in told
    assert (reading["passes"], reading["mapping"]) == (True, "Reader")
    assert (attempt["attempt"], attempt["outcome"], attempt["after_ms"]) == (1, "failed", 1_500)
    assert document(Step(at_ms=0, kind="filter", text="t", passes=False))["passes"] is False


def test_names_of_the_template_are_told() -> None:
    """What a call was made to, by the name that people gave it."""
    run = replace(BEGAN, names={"orders": "Orders", "jobs": "Jobs/Queue", "bucket-1": "Bucket"})

    def told() -> Iterator[str]:
        for service, operation, request in (
            ("sqs", "SendMessage", '{"QueueUrl": "http://sqs/1/jobs", "MessageBody": "x"}'),
            ("sns", "Publish", "Action=Publish&TopicArn=arn:aws:sns:eu-west-1:1:told&Message=x"),
            ("s3", "PutObject", "/bucket-1/some%20key/%C3%BC?x-id=PutObject\na,b/c?d"),
            ("s3", "ListObjectsV2", "/bucket-1?list-type=2"),
            ("s3", "ListBuckets", "/?"),
            ("lambda", "Invoke", '/2015-03-31/functions/audit/invocations?\n{"QueueUrl": "x"}'),
            (
                "lambda",
                "Invoke",
                "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu%3A1%3Afunction%3Aaudit%3Alive/invocations?",
            ),
            ("dynamodb", "BatchExecuteStatement", '{"Statements": [{"Statement": "S"}, {"Statement": "S"}]}'),
            ("dynamodb", "ExecuteStatement", '{"Statement": "SELECT 1"}'),
            ("dynamodb", "BatchWriteItem", '{"RequestItems": {"orders": []}}'),
            ("dynamodb", "PutItem", '{"TableName": "orders", "Item": {"id": {"S": "k1'),
        ):
            facts: list[Fact] = [
                run,
                called("r", operation, service=service, request=request, error="E"),
                ended("r", result="failed"),
            ]
            (story,) = stories(facts)
            yield story.steps[0].text.removesuffix(": E")

    assert list(told()) == [
        "sqs:SendMessage Jobs/Queue",
        "sns:Publish told",
        "s3:PutObject Bucket/some key/ü",
        "s3:ListObjectsV2 Bucket",
        "s3:ListBuckets",
        "lambda:Invoke audit",
        "lambda:Invoke audit",
        "dynamodb:BatchExecuteStatement 2 items",
        "dynamodb:ExecuteStatement SELECT 1",
        "dynamodb:BatchWriteItem Orders",
        "dynamodb:PutItem",
    ]


def test_what_a_call_made_tells_whom_it_was_for() -> None:
    """A call for several records belongs to those that the events, messages or items that it made name."""
    facts: list[Fact] = [
        mapping(),
        written(1, 2),
        invoked("a", 1, 2),
        PUBLISHED,
        written(3, key="k2"),
        sent("m7", text='"k2"'),
        called("a", "PutEvents", service="events", made=("v1",)),
        called("a", "UpdateItem", made=("e3",)),
        called("a", "SendMessage", service="sqs", made=("m7",)),
    ]

    (first,), (second,) = find(facts, "e1"), find(facts, "e2")

    assert texts(first)[3:] == [
        "events:PutEvents",
        "event Placed v1 on bus, by reader",
        "2 calls that did not name it",
    ]
    assert texts(second)[3:] == [
        "dynamodb:UpdateItem",
        "INSERT orders id=k2, eventID e3",
        "sqs:SendMessage",
        "message m7 in queue jobs",
        "1 call that did not name it",
    ]


def test_message_leads_back_through_the_message_that_it_was_made_for() -> None:
    """From queue to queue, as far as the journal reaches."""
    facts: list[Fact] = [
        mapping("Worker", source_arn=QUEUE),
        sent("m1"),
        TO_QUEUE,
        invoked("b", "m1", mapping="Worker"),
        sent("m2", queue="next"),
        called("b", "SendMessage", service="sqs", caller="worker", made=("m2",)),
    ]

    (story,) = find(facts, "m2")

    assert texts(story, "origin") == ["from sqs:SendMessage by worker", "from message m1 in queue jobs"]


def test_invocation_that_is_under_way_is_told_as_such() -> None:
    """By its request id; what it did so far is there."""
    facts: list[Fact] = [
        called("r", caller="api", at_ms=3, faults=("latency",)),
        FaultStruck(at_ms=NOW + 2, kind="invocation-failed", victim="api", request_id="r", text=""),
    ]

    (story,) = find(facts, "r")

    assert (story.at_ms, story.text) == (NOW + 2, "invocation of api: in flight; request r")
    assert texts(story)[1:] == ["fault invocation-failed of api", "dynamodb:PutItem (fault latency)"]
