"""What an answer says about its batch."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.mapping.responses import ALL_DONE, ALL_FAILED, SomeFailed, read_report

BATCH = ("1", "2", "3")


@pytest.mark.parametrize(
    "payload",
    [None, {}, [], "", {"batchItemFailures": []}, {"batchItemFailures": None}, {"statusCode": 200}],
)
def test_an_answer_without_failures_means_that_all_is_done(payload: Any) -> None:
    """Every empty form that AWS was seen to accept."""
    assert read_report(payload, BATCH) is ALL_DONE


@pytest.mark.parametrize(
    "entries",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": 1}],
        [{"itemIdentifier": ["1"]}],
        [{"itemIdentifier": "nope"}],
        [{"foo": 123}],
        [{"foo": None}],
        [{}],
        ["1"],
        [None],
        [{"itemIdentifier": "1"}, {"itemIdentifier": ""}],
        "x",
        {"itemIdentifier": "1"},
        0,
        False,
    ],
)
def test_a_malformed_list_of_failures_fails_the_whole_batch(entries: Any) -> None:
    """One bad entry spoils the good ones."""
    assert read_report({"batchItemFailures": entries}, BATCH) is ALL_FAILED


@pytest.mark.parametrize("payload", ["done", 1, 0, True, False, [1], [{"batchItemFailures": []}]])
def test_an_answer_that_is_no_object_fails_the_whole_batch(payload: Any) -> None:
    """Unless it is empty, it cannot be read."""
    assert read_report(payload, BATCH) is ALL_FAILED


def test_the_failures_are_those_named() -> None:
    """In any order, repeated or not."""
    entries = [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}, {"itemIdentifier": "3"}]

    assert read_report({"batchItemFailures": entries}, BATCH) == SomeFailed(item_identifiers=frozenset({"2", "3"}))


def test_an_entry_without_content_may_name_nothing() -> None:
    """With the other choice it is passed over, alone or beside others."""
    alone = read_report({"batchItemFailures": [{}]}, BATCH, empty_entry_fails=False)
    beside = read_report({"batchItemFailures": [{}, {"itemIdentifier": "2"}]}, BATCH, empty_entry_fails=False)
    other = read_report({"batchItemFailures": [{"foo": 1}]}, BATCH, empty_entry_fails=False)

    assert (alone, beside, other) == (ALL_DONE, SomeFailed(item_identifiers=frozenset({"2"})), ALL_FAILED)
