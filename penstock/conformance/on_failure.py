"""Compares the on-failure records that reached the destination with those that a case expects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.conformance.parts import flag_of, list_of, mapping_of, one_of, only_keys, refs_of
from penstock.conformance.stream_record import Written

_KEYS = {
    "condition", "covers", "approximateInvokeCount", "functionError", "has_response_context", "has_payload",
    "has_window_info", "may_split",
}  # fmt: skip


def check_on_failure(
    expected: Any, delivered: Sequence[Mapping[str, Any]], by_sequence_number: Mapping[str, Written]
) -> list[str]:
    """Compare the complete list, in order."""
    left = list(delivered)
    problems: list[str] = []
    for number, entry in enumerate(list_of(expected, "on_failure"), start=1):
        part = mapping_of(entry, "an on_failure record")
        only_keys(part, _KEYS, "an on_failure record")
        one_of(part["condition"], ("RetryAttemptsExhausted", "RecordAgeExceeded"), "condition")
        covers = refs_of(part["covers"], "covers")
        taken = _take(left, covers, by_sequence_number, may_split=flag_of(part.get("may_split", False), "may_split"))
        if taken is None:
            happened = [_covered(document, by_sequence_number) for document in left]
            return [*problems, f"on-failure record {number}: expected one that covers {covers}, happened {happened}"]
        for document in taken:
            problems += [f"on-failure record {number}: {problem}" for problem in _compare(part, document)]
        del left[: len(taken)]
    if left:
        more = [_covered(document, by_sequence_number) for document in left]
        problems.append(f"expected no more on-failure records, happened {more}")
    return problems


def _take(
    left: Sequence[Mapping[str, Any]],
    covers: Sequence[str],
    by_sequence_number: Mapping[str, Written],
    *,
    may_split: bool,
) -> list[Mapping[str, Any]] | None:
    """Give the records at the front that cover these refs; ``None`` if they do not."""
    if left and _covers(left[0], covers, by_sequence_number):
        return [left[0]]
    taken: list[Mapping[str, Any]] = []
    together: list[str] = []
    for document in left if may_split else ():
        taken.append(document)
        together += _covered(document, by_sequence_number)
        if together == list(covers):
            return taken
    return None


def _covers(document: Mapping[str, Any], refs: Sequence[str], by_sequence_number: Mapping[str, Written]) -> bool:
    """Tell whether a record covers refs: all from its start to its end, or as many of them as its batch had."""
    covered = _covered(document, by_sequence_number)
    if covered == list(refs):
        return True
    within = [ref for ref in covered if ref in refs]
    count = document["DDBStreamBatchInfo"].get("batchSize")
    ends = bool(covered) and bool(refs) and (covered[0], covered[-1]) == (refs[0], refs[-1])
    return ends and within == list(refs) and count == len(refs)


def _covered(document: Mapping[str, Any], by_sequence_number: Mapping[str, Written]) -> list[str]:
    info = document["DDBStreamBatchInfo"]
    if "startSequenceNumber" not in info:
        return []
    start, end = int(info["startSequenceNumber"]), int(info["endSequenceNumber"])
    shard = by_sequence_number[info["startSequenceNumber"]].shard
    return [
        written.ref
        for number, written in by_sequence_number.items()
        if written.shard == shard and start <= int(number) <= end
    ]


def _compare(part: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    request, response = document["requestContext"], document.get("responseContext")
    payload = document.get("payload")
    happened = {
        "condition": request["condition"],
        "approximateInvokeCount": request["approximateInvokeCount"],
        "functionError": response["functionError"] if response is not None else None,
        "has_response_context": response is not None,
        "has_payload": isinstance(payload, str) and "Records" in json.loads(payload),
        "has_window_info": "timeWindowInfo" in document,
    }
    return [
        f"expected {name} {part[name]!r}, happened {value!r}"
        for name, value in happened.items()
        if name in part and part[name] != value
    ]
