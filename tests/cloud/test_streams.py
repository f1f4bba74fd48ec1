"""Stream records made from what moto's tables write."""

import json
from typing import Any

import pytest

from penstock.cloud.streams import SHARD_ID, Stream, item_bytes, record_of

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"


def stream(view_type: str = "NEW_AND_OLD_IMAGES") -> Stream:
    """A stream of a table with the key ``pk``, at one second past the epoch."""
    ids = iter(f"{n:032x}" for n in range(100))
    return Stream(
        arn=ARN,
        region="eu-west-1",
        view_type=view_type,
        key_names=("pk",),
        now_ms=lambda: 1_999,
        new_event_id=ids.__next__,
    )


ITEM = {"pk": {"S": "a"}, "n": {"N": "42"}}
CHANGED = {"pk": {"S": "a"}, "n": {"N": "43"}}


def test_insert_has_the_fields_of_a_recorded_event() -> None:
    """The record of an insert carries region, version, whole seconds and size as AWS writes them."""
    one = stream()

    one.write(None, ITEM)

    assert one.records[0].body == {
        "eventID": "0" * 32,
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1.0,
            "Keys": {"pk": {"S": "a"}},
            "NewImage": ITEM,
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 9,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": ARN,
    }


@pytest.mark.parametrize(
    ("view_type", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_view_type_decides_the_images(view_type: str, images: set[str]) -> None:
    """A record carries the images of its stream's view type."""
    one = stream(view_type)

    one.write(ITEM, CHANGED)

    assert set(one.records[0].body["dynamodb"]) & {"NewImage", "OldImage"} == images
    assert one.records[0].body["eventName"] == "MODIFY"


def test_write_that_changes_nothing_leaves_no_record() -> None:
    """A put of what is there already is not in the stream."""
    one = stream()

    one.write(ITEM, dict(ITEM))

    assert one.records == []


def test_removal_by_time_to_live_names_the_service() -> None:
    """A removal by the service has a userIdentity, one by a caller has none."""
    one = stream()

    with one.written_by_time_to_live():
        one.write(ITEM, None)
    one.write(CHANGED, None)

    by_service, by_caller = (record.body for record in one.records)
    assert by_service["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert "userIdentity" not in by_caller


def test_read_goes_on_after_a_sequence_number() -> None:
    """Reading starts at the oldest record or after a given one; after the tip there is nothing."""
    one = stream()
    for n in range(5):
        one.write(None, {"pk": {"S": str(n)}})
    first = one.read(SHARD_ID, None, 2)

    rest = one.read(SHARD_ID, first[-1].sequence_number, 10)

    assert [record.item_key for record in (*first, *rest)] == [f'{{"pk": {{"S": "{n}"}}}}' for n in range(5)]
    assert one.read(SHARD_ID, one.tip(SHARD_ID), 10) == ()


def test_item_key_is_the_json_of_the_key() -> None:
    """Names and values with quotes, backslashes, control characters and letters beyond ASCII are told apart as JSON."""
    keys = {'p"k': {"S": 'a"}}, \\ \x00 \n é \U0001f600'}, "ß": {"N": "-1.5"}}
    body = {"dynamodb": {"Keys": keys, "SequenceNumber": "1"}}

    assert record_of(body, created_at_ms=0).item_key == json.dumps(keys)


def test_readers_are_woken_by_the_write() -> None:
    """Each record wakes who reads."""
    one, woken = stream(), []
    one.on_write(lambda: woken.append(len(one.records)))

    one.write(None, ITEM)
    one.write(ITEM, CHANGED)

    assert woken == [1, 2]


@pytest.mark.parametrize(
    ("attribute", "size"),
    [
        ({"S": "ä"}, 2),
        ({"N": "42"}, 2),
        ({"N": "-1.5"}, 4),
        ({"B": "AAEC"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "a"}]}, 5),
        ({"M": {"k": {"S": "a"}}}, 6),
    ],
)
def test_item_bytes_follow_the_rule(attribute: dict[str, Any], size: int) -> None:
    """Names and values are counted by the service's rule."""
    assert item_bytes({"x": attribute}) == 1 + size
