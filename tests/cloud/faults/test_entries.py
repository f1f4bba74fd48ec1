"""Batch calls whose entries fail one by one: what is left of the call, and how its answer reads."""

from typing import Any

import pytest

from penstock.cloud.faults.entries import BATCHES
from penstock.cloud.faults.refusals import Refusal

REFUSAL = Refusal(code="ThrottlingException", message="Rate exceeded", status=400)


@pytest.mark.parametrize(
    ("operation", "parameters", "rest", "answer", "merged"),
    [
        (
            "PutEvents",
            {"Entries": ["a", "b", "c"]},
            {"Entries": ["a", "c"]},
            {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}, {"EventId": "3"}]},
            {
                "FailedEntryCount": 1,
                "Entries": [
                    {"EventId": "1"},
                    {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"},
                    {"EventId": "3"},
                ],
            },
        ),
        (
            "BatchExecuteStatement",
            {"Statements": ["a", "b", "c"], "ReturnConsumedCapacity": "TOTAL"},
            {"Statements": ["a", "c"], "ReturnConsumedCapacity": "TOTAL"},
            {"Responses": [{"TableName": "t"}, {"Error": {"Code": "ConditionalCheckFailed"}}]},
            {
                "Responses": [
                    {"TableName": "t"},
                    {"Error": {"Code": "ThrottlingError", "Message": "Rate exceeded"}},
                    {"Error": {"Code": "ConditionalCheckFailed"}},
                ]
            },
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": ["a"], "u": ["b", "c"]}},
            {"RequestItems": {"t": ["a"], "u": ["c"]}},
            {"UnprocessedItems": {"u": ["c"]}},
            {"UnprocessedItems": {"u": ["c", "b"]}},
        ),
    ],
)
def test_failed_entry_is_left_out_and_answered(
    operation: str, parameters: Any, rest: Any, answer: Any, merged: Any
) -> None:
    """The second entry fails: the call goes on without it, and the answer tells of it at its place."""
    batch = BATCHES[operation]

    assert len(batch.entries(parameters)) == 3
    assert batch.without(parameters, [1]) == rest
    assert batch.answered(parameters, [1], answer, REFUSAL) == merged
    assert batch.without(parameters, [0, 1, 2]) is None
