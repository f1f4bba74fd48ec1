"""Why a record does not pass: the condition that failed, what was seen there, and what to write instead."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from penstock.mapping.filters import ExplainedFilter, Failure, Source, compile_filters, parse, written

CASES = json.loads((Path(__file__).parents[2] / "conformance" / "filters.json").read_text())["cases"]
TAKEN = [case for case in CASES if case["expect"] != "invalid"]


def pattern_of(case: dict[str, Any]) -> str:
    """The text of a case's pattern."""
    text: str = case.get("pattern_text") or json.dumps(case["pattern"])
    return text


def failure(pattern: dict[str, Any], record: dict[str, Any], source: Source = "dynamodb") -> Failure:
    """The failure that a filter tells for a record."""
    told = ExplainedFilter(json.dumps(pattern), source=source).explain(record).failure
    assert told is not None
    return told


def inserted(image: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A stream record of a new item."""
    return {"eventName": "INSERT", "dynamodb": {"NewImage": image, **others}}


def of_image(pattern: dict[str, Any]) -> dict[str, Any]:
    """A pattern for the new image."""
    return {"dynamodb": {"NewImage": pattern}}


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case["id"])
def test_explanation_agrees_with_the_recorded_answer(case: dict[str, Any]) -> None:
    """What passes has no failure, and what does not has one."""
    explained = ExplainedFilter(pattern_of(case), source=case["source"])

    assert explained.explain(case["record"]).passes is case["expect"]


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case["id"])
def test_explanation_agrees_with_the_mapping_on_records_of_other_cases(case: dict[str, Any]) -> None:
    """Whatever record meets a filter, the compiled test and the explanation say the same."""
    explained = ExplainedFilter(pattern_of(case), source=case["source"])
    passes = compile_filters([pattern_of(case)], source=case["source"])
    others = random.Random(case["id"]).sample(TAKEN, 40)

    for other in others:
        told = explained.explain(other["record"])
        assert told.passes is passes(other["record"]), other["id"]
        if told.failure is not None:
            assert told.failure.condition in explained.conditions, other["id"]


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case["id"])
def test_condition_written_again_reads_the_same(case: dict[str, Any]) -> None:
    """What is told as wanted is what the pattern says."""
    for condition in ExplainedFilter(pattern_of(case), source=case["source"]).conditions:
        again = parse(json.dumps({condition.path: written(condition)}))

        assert again.rules[0].conditions[0].matchers == condition.matchers


@pytest.mark.parametrize(
    "entry",
    [
        "a", True, None, 12, 1.5, -3, 0, 1e300, 1e40, 10**39,
        {"numeric": [">", 1]}, {"numeric": [">=", 1]}, {"numeric": ["<", 2.5]}, {"numeric": ["<=", 2]},
        {"numeric": [">=", 1, "<", 2]}, {"numeric": [">", 1, "<=", 2]},
        {"exists": True}, {"exists": False}, {"prefix": "a"}, {"suffix": "b"},
        {"prefix": {"equals-ignore-case": "a"}}, {"suffix": {"equals-ignore-case": "b"}},
        {"equals-ignore-case": "a"}, {"wildcard": "a*b"}, {"cidr": "10.0.0.0/24"},
        {"anything-but": ["a", "b"]}, {"anything-but": [1]}, {"anything-but": {"prefix": ["a", "b"]}},
        {"anything-but": {"equals-ignore-case": ["a"]}},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_entry_is_written_as_it_was(entry: Any) -> None:
    """Each operator is written in the words of its pattern."""
    (condition,) = parse(json.dumps({"a": [entry]})).rules[0].conditions

    assert written(condition) == [entry]
    assert json.dumps(written(condition)) == json.dumps([entry])


def test_first_failed_condition_is_told_with_all_values_seen() -> None:
    """Conditions count in the order written, and an array shows its elements."""
    pattern = of_image({"a": {"S": ["x"]}, "tags": {"SS": ["red"]}, "z": {"S": ["y"]}})

    told = failure(pattern, inserted({"a": {"S": "x"}, "tags": {"SS": ["green", "blue"]}}))

    assert told.condition.path == "dynamodb.NewImage.tags.SS"
    assert told.seen == ("green", "blue")
    assert told.hint == ""


def test_of_alternatives_the_one_that_comes_furthest_is_told() -> None:
    """With $or, the failure of the alternative that was nearly met says most."""
    pattern = {"$or": [{"a": ["1"], "b": ["2"]}, {"c": ["3"], "d": ["4"], "e": ["5"]}, {"f": ["6"]}]}

    assert failure(pattern, {"c": "3", "d": "4"}).condition.path == "e"
    assert failure(pattern, {"a": "1"}).condition.path == "b"
    assert failure(pattern, {}).condition.path == "a"


def test_each_condition_is_counted_alone_and_once() -> None:
    """A condition beside $or belongs to several rules and stays one."""
    explained = ExplainedFilter('{"a": ["1"], "$or": [{"b": ["2"]}, {"c": ["3"]}]}', source="event-bus")

    told = explained.explain({"a": "9", "c": "3"})

    assert [condition.path for condition in explained.conditions] == ["a", "b", "c"]
    assert told.holds == (False, False, True)
    assert not told.passes
    assert explained.explain({"a": "1", "c": "3"}).passes


HINTS: list[tuple[str, Any, Any, str]] = [
    (
        "a number written as a number",
        of_image({"total": {"N": [12]}}),
        inserted({"total": {"N": "12"}}),
        'numbers travel as text: write "N": ["12"]',
    ),
    (
        "a number in a set",
        of_image({"ages": {"NS": ["x", 7]}}),
        inserted({"ages": {"NS": ["6", "7"]}}),
        'numbers travel as text: write "NS": ["7"]',
    ),
    (
        "numeric on a number",
        of_image({"total": {"N": [{"numeric": [">", 10]}]}}),
        inserted({"total": {"N": "12"}}),
        "numbers travel as text, which numeric never compares: list the values as texts, or decide in the function",
    ),
    ("a number, and the text is none", {"a": [1]}, {"a": "one"}, ""),
    ("a number, and the text is no finite one", {"a": [1]}, {"a": "NaN"}, ""),
    ("another number", {"a": [1]}, {"a": 2}, ""),
    (
        "number text of another spelling",
        of_image({"total": {"N": ["12.0"]}}),
        inserted({"total": {"N": "12"}}),
        'numbers are compared as text, and the record says "12"',
    ),
    ("another number text", of_image({"total": {"N": ["13"]}}), inserted({"total": {"N": "12"}}), ""),
    (
        "a text for a number",
        {"a": ["5"]},
        {"a": 5},
        "the record holds 5, which is no text: write it without quotation marks",
    ),
    (
        "a text for true",
        of_image({"paid": {"BOOL": ["x", "true"]}}),
        inserted({"paid": {"BOOL": True}}),
        "the record holds true, which is no text: write it without quotation marks",
    ),
    ("a text for another number", {"a": ["6"]}, {"a": 5}, ""),
    (
        "another case",
        {"eventName": ["insert"]},
        inserted({}),
        'upper and lower case differ: write it as the record does, or {"equals-ignore-case": …}',
    ),
    ("spaces", {"a": ["x "]}, {"a": "x"}, "the spaces around it differ, and nothing is trimmed"),
    (
        "the second text in another case",
        {"a": ["q", "x"]},
        {"a": ["z", "X"]},
        'upper and lower case differ: write it as the record does, or {"equals-ignore-case": …}',
    ),
    ("another text", {"a": ["x"]}, {"a": "y"}, ""),
    ("another text than a prefix", {"a": [{"prefix": "x"}]}, {"a": "y"}, ""),
    ("presence", {"a": [{"exists": False}]}, {"a": "y"}, '{"exists": false} wants that nothing stands here'),
    (
        "presence or a text",
        {"a": [{"exists": False}, "Y"]},
        {"a": "y"},
        'upper and lower case differ: write it as the record does, or {"equals-ignore-case": …}',
    ),
    (
        "body of a stream record",
        {"body": {"a": ["x"]}},
        inserted({}),
        'a stream record has no body at its root: write {"dynamodb": {"NewImage": …}}',
    ),
    (
        "data of a stream record",
        {"data": {"a": ["x"]}},
        inserted({}),
        'a stream record has no data at its root: write {"dynamodb": {"NewImage": …}}',
    ),
    (
        "an image at the root",
        {"OldImage": {"a": {"S": ["x"]}}},
        inserted({}),
        'a stream record has no OldImage at its root: write {"dynamodb": {"OldImage": …}}',
    ),
    (
        "keys at the root",
        {"Keys": {"a": {"S": ["x"]}}},
        inserted({}),
        'a stream record has no Keys at its root: write {"dynamodb": {"Keys": …}}',
    ),
    (
        "dynamodb of a message",
        {"dynamodb": {"a": ["x"]}},
        {"body": "{}"},
        'a message has no dynamodb: write {"body": …}',
    ),
    ("data of a message", {"data": {"a": ["x"]}}, {"body": "{}"}, 'a message has no data: write {"body": …}'),
    ("detail of a message", {"detail": {"a": ["x"]}}, {"body": "{}"}, 'a message has no detail: write {"body": …}'),
    (
        "a name deep down",
        of_image({"a": {"M": {"b": {"S": ["x"]}}}}),
        inserted({"a": {"M": {"c": {"S": "x"}}}}),
        "no b there: at dynamodb.NewImage.a.M the record holds c",
    ),
    (
        "something else at the root",
        {"other": ["x"]},
        inserted({}),
        "no other there: at its root the record holds eventName, dynamodb",
    ),
    (
        "something else of a message",
        {"other": ["x"]},
        {"body": "{}"},
        "no other there: at its root the record holds body",
    ),
    ("a body where there is neither", {"body": ["x"]}, {"a": 1}, "no body there: at its root the record holds a"),
    ("detail where there is no body", {"detail": ["x"]}, {"a": 1}, "no detail there: at its root the record holds a"),
    (
        "a root in another case",
        {"EventName": ["INSERT"]},
        inserted({}),
        "names are case-sensitive: the record says eventName",
    ),
    (
        "a name in another case",
        of_image({"Status": {"S": ["x"]}}),
        inserted({"id": {"S": "1"}, "status": {"S": "x"}}),
        "names are case-sensitive: the record says status",
    ),
    (
        "the new image of a removal",
        of_image({"a": {"S": ["x"]}}),
        {"eventName": "REMOVE", "dynamodb": {"OldImage": {"a": {"S": "x"}}}},
        "REMOVE has no NewImage, only OldImage",
    ),
    (
        "the old image of an insert",
        {"dynamodb": {"OldImage": {"a": {"S": ["x"]}}}},
        inserted({"a": {"S": "x"}}),
        "INSERT has no OldImage, only NewImage",
    ),
    (
        "an image that the view does not carry",
        of_image({"a": {"S": ["x"]}}),
        {"eventName": "INSERT", "dynamodb": {"Keys": {"a": {"S": "x"}}, "StreamViewType": "KEYS_ONLY"}},
        "the stream carries KEYS_ONLY, and so no NewImage",
    ),
    (
        "an image that nothing explains",
        of_image({"a": {"S": ["x"]}}),
        {"eventName": "INSERT", "dynamodb": {"Keys": {"a": {"S": "x"}}}},
        "no NewImage there: at dynamodb the record holds Keys",
    ),
    (
        "no image below it",
        {"dynamodb": {"Other": ["x"]}},
        inserted({}),
        "no Other there: at dynamodb the record holds NewImage",
    ),
    (
        "an image of something else",
        {"detail": {"NewImage": ["x"]}},
        {"detail": {"OldImage": 1}},
        "no NewImage there: at detail the record holds OldImage",
    ),
    (
        "no type",
        of_image({"status": ["x"]}),
        inserted({"status": {"S": "x"}}),
        'the type is missing: write {"S": ["x"]}',
    ),
    (
        "no type on the way",
        of_image({"address": {"city": {"S": ["x"]}}}),
        inserted({"address": {"M": {"city": {"S": "x"}}}}),
        'the type is missing: write {"M": {"city": …}}',
    ),
    (
        "another type",
        of_image({"total": {"S": ["12"]}}),
        inserted({"total": {"N": "12"}}),
        'the attribute is of type N, not S: write "N"',
    ),
    (
        "existence of an object",
        of_image({"status": [{"exists": True}]}),
        inserted({"status": {"S": "x"}}),
        'exists looks at values, and this is an object: write {"S": [{"exists": true}]}',
    ),
    (
        "an object that is no attribute",
        {"a": ["x"]},
        {"a": {"b": 1, "c": 2}},
        "an object stands here, and conditions are met by values: it holds b, c",
    ),
    (
        "an image as a value",
        {"dynamodb": {"NewImage": ["x"]}},
        inserted({"S": {"S": "x"}}),
        "an object stands here, and conditions are met by values: it holds S",
    ),
    (
        "an object named as a type outside a stream",
        {"a": {"b": {"c": ["x"]}}},
        {"a": {"b": {"c": {"S": "x"}}}},
        "an object stands here, and conditions are met by values: it holds S",
    ),
    (
        "an attribute of two keys",
        of_image({"a": ["x"]}),
        inserted({"a": {"S": "x", "N": "1"}}),
        "an object stands here, and conditions are met by values: it holds S, N",
    ),
    (
        "an attribute of no known type",
        of_image({"a": ["x"]}),
        inserted({"a": {"Q": "x"}}),
        "an object stands here, and conditions are met by values: it holds Q",
    ),
    (
        "anything but, and nothing is there",
        {"a": [{"anything-but": ["x"]}]},
        {"b": 1},
        'anything-but wants some value: add {"exists": false} if none will do',
    ),
    ("a name below a scalar", {"a": {"b": ["x"]}}, {"a": 1}, ""),
    ("an empty array", {"a": ["x"]}, {"a": []}, ""),
    (
        "a name below an array",
        {"a": {"b": ["x"]}},
        {"a": [{"c": 1}, [{"d": 1, "c": 2}]]},
        "no b there: at a the record holds c, d",
    ),
    (
        "different elements",
        {"a": {"b": ["1"], "c": ["2"]}},
        {"a": [{"b": "1", "c": "9"}, {"b": "8", "c": "2"}]},
        "it holds, but for no element of the array for which the conditions before it hold",
    ),
]


@pytest.mark.parametrize(("pattern", "record", "hint"), [each[1:] for each in HINTS], ids=[each[0] for each in HINTS])
def test_hint_names_the_mistake(pattern: dict[str, Any], record: dict[str, Any], hint: str) -> None:
    """Each common mistake has words of its own; where the values say all, there are none."""
    assert failure(pattern, record).hint == hint


@pytest.mark.parametrize(
    ("pattern", "body", "hint"),
    [
        ({"body": ["x"]}, '{"a": 1}', 'the body is JSON: only an object fits it, such as "body": {"key": ["…"]}'),
        ({"body": ["1"]}, "1", 'the body is JSON: only an object fits it, such as "body": {"key": ["…"]}'),
        ({"body": {"a": ["x"]}}, "x", 'the body is no JSON: only an array fits it, such as "body": [{"prefix": "…"}]'),
        ({"body": ["x"]}, "y", ""),
        ({"body": {"a": ["x"]}}, '{"A": "x"}', "names are case-sensitive: the record says A"),
        ({"other": ["x"]}, "{}", "no other there: at its root the record holds body"),
    ],
)
def test_hint_tells_text_from_json(pattern: dict[str, Any], body: str, hint: str) -> None:
    """A body is text or JSON, and a pattern fits only one of them."""
    assert failure(pattern, {"body": body}, "sqs").hint == hint


def test_condition_about_another_kind_of_body_does_not_hold_alone() -> None:
    """A filter that wants nothing inside of a body that is text lets no text through, as a mapping does."""
    explained = ExplainedFilter('{"a": ["1"], "body": {"x": [{"exists": false}]}}', source="sqs")

    assert explained.explain({"a": "1", "body": "text"}).holds == (True, False)
    assert explained.explain({"a": "1", "body": "{}"}).holds == (True, True)
    assert explained.explain({"a": "1", "body": "{}"}).passes


def test_number_as_a_whole_body_fits_no_array() -> None:
    """A lone number is JSON, so a pattern for text does not pass it, whatever the number."""
    explained = ExplainedFilter('{"body": [1]}', source="sqs").explain({"body": "1"})

    assert not explained.passes
    assert explained.holds == (False,)
    assert compile_filters(['{"body": [1]}'], source="sqs")({"body": "1"}) is False


def test_values_of_a_body_are_seen_inside_of_it() -> None:
    """What was seen is the JSON value, not the text of the body."""
    assert failure({"body": {"total": [12]}}, {"body": '{"total": 13}'}, "sqs").seen == (13,)
