"""Transactions: all of the actions or none, without a trace of those that were cancelled.

moto writes as it goes and, when an action fails, puts a copy of the whole table in the table's place: records of what
never happened stay in the stream, and whoever holds the table itself sees nothing from then on.

Source: TransactWriteItems, TransactGetItems (API reference); Managing complex workflows with transactions. Our choice:
what is wrong with one action's values is that action's ``ValidationError``; what is wrong with an expression, a table's
name or the request fails the request.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from penstock.cloud.repairs import changes
from penstock.cloud.repairs.changes import Change, Condition
from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead

ACTION_LIMIT = 100
SIZE_LIMIT_BYTES = 4 * 1024 * 1024
TOKEN_LIFETIME_MS = 600_000

Reason = tuple[str | None, str | None, dict[str, Any] | None]
"""Why an action cancelled its transaction: (code, message, item), or nothing at all for one that would have passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of a transaction: which item, and how its change is prepared."""

    table: Any
    key: Mapping[str, Any]
    prepare: Callable[[], Change]


def commit_together(actions: Sequence[Action]) -> None:
    """Commit all actions, or raise moto's ``TransactionCanceledException`` with one reason an action, in order."""
    from moto.dynamodb.exceptions import (
        MockValidationException,
        MultipleTransactionsException,
        TransactionCanceledException,
    )

    items = {(action.table.name, json.dumps(action.key, sort_keys=True, default=repr)) for action in actions}
    if len(items) < len(actions):
        raise MultipleTransactionsException
    prepared, reasons = [], list[Reason]()
    for action in actions:
        try:
            prepared.append(action.prepare())
            reasons.append((None, None, None))
        except Exception as error:  # noqa: BLE001 - whatever is no reason is raised again
            reasons.append(reason_of(error))
    if len(prepared) < len(actions):
        raise TransactionCanceledException(reasons)
    if sum(_size(change) for change in prepared) > SIZE_LIMIT_BYTES:
        raise MockValidationException("The aggregate size of the items in the transaction exceeds 4 MB")
    for change in prepared:
        change.commit()


def reason_of(error: Exception) -> Reason:
    """What a refusal of one write is called among others; raises what is wrong with the request as a whole."""
    from moto.dynamodb import exceptions as refusals

    whole_request = (
        refusals.InvalidUpdateExpression,
        refusals.InvalidConditionExpression,
        refusals.DuplicateUpdateExpression,
        refusals.TooManyClauses,
    )
    if isinstance(error, refusals.ConditionalCheckFailed):
        return "ConditionalCheckFailed", str(error.message), getattr(error, "item", None)
    if isinstance(error, refusals.MockValidationException) and not isinstance(error, whole_request):
        return "ValidationError", str(error.message), None
    if isinstance(error, refusals.ValidationException):
        return "ValidationError", str(error.message), None
    if isinstance(error, refusals.JsonRESTError) and "DuplicateItem" in str(error.error_type):
        return "DuplicateItem", str(error.message), None
    raise error


def _size(change: Change) -> int:
    return int(max(item.size() if item is not None else 0 for item in (change.old, change.new)))


_KINDS = {"Put", "Update", "Delete", "ConditionCheck"}


def _transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    from moto.dynamodb.exceptions import TooManyTransactionsException, TransactWriteSingleOpException

    if len(transact_items) > ACTION_LIMIT:
        raise TooManyTransactionsException
    if any(len(item) != 1 or not item.keys() <= _KINDS for item in transact_items):
        raise TransactWriteSingleOpException
    commit_together([_action(backend, *next(iter(item.items()))) for item in transact_items])


def _action(backend: Any, kind: str, action: Mapping[str, Any]) -> Action:
    table = backend.get_table(action["TableName"])
    condition = Condition.of(action)
    match kind:
        case "Put":
            item = action["Item"]
            prepare = partial(changes.put, table, item, condition)
            return Action(table=table, key=changes.key_in(table, item), prepare=prepare)
        case "Update":
            prepare = partial(changes.update, table, action["Key"], action["UpdateExpression"], condition)
        case "Delete":
            prepare = partial(changes.delete, table, action["Key"], condition)
        case _:
            prepare = partial(changes.check, table, action["Key"], condition)
    return Action(table=table, key=action["Key"], prepare=prepare)


def _refuse_none(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(handler: Any) -> Any:
        from moto.dynamodb.exceptions import MockValidationException

        if not handler.body["TransactItems"]:
            raise MockValidationException(
                "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            )
        return act(handler)

    return answer


def _transactions(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb import models, responses

    for operation in ("transact_get_items", "transact_write_items"):
        yield responses.DynamoHandler, operation, _refuse_none
    yield models.DynamoDBBackend, "transact_write_items", instead(_transact_write_items)
    yield responses, "TRANSACTION_MAX_ITEMS", instead(ACTION_LIMIT)


def _request_tokens(now_ms: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.responses import DynamoHandler

    for operation in ("transact_write_items", "execute_transaction"):
        yield DynamoHandler, operation, partial(_once, now_ms)


def _once(now_ms: NowMs, act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a request with a token act once in ten minutes; a repetition is answered like the first."""
    from moto.core.exceptions import JsonRESTError

    def answer(handler: Any) -> Any:
        token = handler.body.get("ClientRequestToken")
        if token is None:
            return act(handler)
        done = vars(handler.dynamodb_backend).setdefault("_done_by_token", {})
        _forget(done, now_ms())
        asked = _fingerprint(handler.body)
        if token not in done:
            answered = act(handler)
            done[token] = (now_ms() + TOKEN_LIFETIME_MS, asked, answered)
            return answered
        _, first_asked, answered = done[token]
        if asked != first_asked:
            message = "Request contains a client request token that was used with other parameters"
            raise JsonRESTError("IdempotentParameterMismatchException", message)
        return answered

    return answer


def done_by(backend: Any, token: str | None) -> object | None:
    """What a client request token did, as long as it is known: the same object for a repetition as for the first."""
    done: dict[str, object] = vars(backend).get("_done_by_token", {})
    return done.get(token) if token is not None else None


def _forget(done: dict[str, tuple[int, bytes, Any]], now_ms: int) -> None:
    """Forget the tokens whose time is over; the oldest stand first."""
    while done and done[oldest := next(iter(done))][0] <= now_ms:
        del done[oldest]


def _fingerprint(body: Mapping[str, Any]) -> bytes:
    asked = {name: body[name] for name in ("TransactItems", "TransactStatements") if name in body}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=repr).encode()).digest()


TRANSACTIONS = Repair(
    name="transactions",
    behaviour="A transaction writes all or nothing, and a cancelled one leaves no record and no iterator blind.",
    patches=_transactions,
)
REQUEST_TOKENS = Repair(
    name="request tokens",
    behaviour="A client request token makes a transaction happen once in ten minutes; other parameters are refused.",
    patches=_request_tokens,
)
