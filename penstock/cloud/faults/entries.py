"""Batch calls whose entries fail one by one: taken out of the request, answered as the service answers a failed one.

Source: API reference: BatchWriteItem (``UnprocessedItems``), BatchExecuteStatement (``Responses[].Error``), PutEvents
(``Entries[].ErrorCode``), SendMessageBatch (``Failed``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.cloud.faults.refusals import Refusal

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How the entries of one operation are listed, kept and answered.

    ``without`` gives the parameters of a call that leaves out the entries at these places, or ``None`` when none is
    left. ``answered`` puts failed entries into the answer to that call (``{}`` when there was none).
    """

    entries: Callable[[Parameters], Sequence[Any]]
    without: Callable[[Parameters, Collection[int]], Parameters | None]
    answered: Callable[[Parameters, Collection[int], Answer, Refusal], Answer]


def _listed(name: str) -> Callable[[Parameters], Sequence[Any]]:
    return lambda parameters: list(parameters.get(name) or ())


def _kept(name: str) -> Callable[[Parameters, Collection[int]], Parameters | None]:
    def without(parameters: Parameters, failed: Collection[int]) -> Parameters | None:
        kept = [entry for place, entry in enumerate(parameters[name]) if place not in failed]
        return {**parameters, name: kept} if kept else None

    return without


def _in_place(
    name: str, answer_name: str, failure: Callable[[Refusal], Answer]
) -> Callable[[Parameters, Collection[int], Answer, Refusal], Answer]:
    """Answers stand at the places of their entries."""

    def answered(parameters: Parameters, failed: Collection[int], answer: Answer, refusal: Refusal) -> Answer:
        others = iter(answer.get(answer_name, ()))
        places = range(len(parameters[name]))
        return {**answer, answer_name: [failure(refusal) if place in failed else next(others) for place in places]}

    return answered


def _put_events_answered(parameters: Parameters, failed: Collection[int], answer: Answer, refusal: Refusal) -> Answer:
    def failure(refusal: Refusal) -> Answer:
        return {"ErrorCode": refusal.code, "ErrorMessage": refusal.message}

    merged = _in_place("Entries", "Entries", failure)(parameters, failed, answer, refusal)
    return {**merged, "FailedEntryCount": int(answer.get("FailedEntryCount", 0)) + len(failed)}


def _writes(parameters: Parameters) -> Sequence[tuple[str, Any]]:
    return [(table, write) for table, writes in parameters.get("RequestItems", {}).items() for write in writes]


def _by_table(writes: Sequence[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, write in writes:
        tables.setdefault(table, []).append(write)
    return tables


def _fewer_writes(parameters: Parameters, failed: Collection[int]) -> Parameters | None:
    kept = [write for place, write in enumerate(_writes(parameters)) if place not in failed]
    return {**parameters, "RequestItems": _by_table(kept)} if kept else None


def _unprocessed(parameters: Parameters, failed: Collection[int], answer: Answer, _: Refusal) -> Answer:
    refused = [write for place, write in enumerate(_writes(parameters)) if place in failed]
    before = [(table, write) for table, writes in answer.get("UnprocessedItems", {}).items() for write in writes]
    return {**answer, "UnprocessedItems": _by_table([*before, *refused])}


def _failed_messages(parameters: Parameters, failed: Collection[int], answer: Answer, refusal: Refusal) -> Answer:
    sender = refusal.status < 500
    mine = [
        {"Id": entry["Id"], "Code": refusal.code, "Message": refusal.message, "SenderFault": sender}
        for place, entry in enumerate(parameters["Entries"])
        if place in failed
    ]
    return {"Successful": [], **answer, "Failed": [*answer.get("Failed", ()), *mine]}


_STATEMENT_CODES = {
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
    "ThrottlingException": "ThrottlingError",
}
"""What BatchExecuteStatement calls these in its entries (API reference, BatchStatementError)."""


def _failed_statement(refusal: Refusal) -> Answer:
    return {"Error": {"Code": _STATEMENT_CODES.get(refusal.code, refusal.code), "Message": refusal.message}}


BATCHES: Final[Mapping[str, Batch]] = {
    "BatchExecuteStatement": Batch(
        entries=_listed("Statements"),
        without=_kept("Statements"),
        answered=_in_place("Statements", "Responses", _failed_statement),
    ),
    "BatchWriteItem": Batch(entries=_writes, without=_fewer_writes, answered=_unprocessed),
    "PutEvents": Batch(entries=_listed("Entries"), without=_kept("Entries"), answered=_put_events_answered),
    "SendMessageBatch": Batch(entries=_listed("Entries"), without=_kept("Entries"), answered=_failed_messages),
}
"""Operation → how its entries fail one by one."""
