"""Rows that only move forward: a version or a sequence number in the row itself is the fence.

Rung 1 of the ladder, *by design*. A row is written when it is missing or older than the row in hand, so repetitions and
stragglers change nothing, and the table ends at the newest rows in whatever sequence, from however many shards and
invocations they came. Exact at every crash point, since there is nothing beside the row that could disagree with it.

Conditions: a change carries the whole row; versions of a key rise with its changes; only this module writes the table;
and a row once there is never removed, or a straggler would bring it back. A deletion therefore leaves a tombstone: key
and fence and nothing else.

Cost: 1 write unit a row under 1 KB; singly 1 call, together 1 call for 25 rows. A write in vain costs a unit as well
(source: "DynamoDB read and write operations", on conditional writes).

PartiQL has no statement that writes a row whether or not it is there: INSERT answers DuplicateItem when it is, UPDATE
answers ConditionalCheckFailed when it is not (sources: "PartiQL insert statements for DynamoDB", "PartiQL update
statements for DynamoDB"); and only PartiQL takes conditions and 25 rows a call outside a transaction. So each row comes
with a guess. A right guess is one statement. A wrong one is found out by its answer and followed by the other
statement: one more unit, and never a wrong row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from effects.clients import DynamoDBClient
from effects.connection import THROTTLED
from effects.fold import newest_per_key
from effects.patience import Patience

AttributeValue = Mapping[str, Any]

MAX_STATEMENTS = 25
"""Most statements of one call, no two for the same item (source: "BatchExecuteStatement", API reference)."""

_BUSY = THROTTLED | {
    "InternalServerError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "TransactionConflict",
}
"""Codes of one statement that pass (source: "BatchStatementError", API reference), and of a call that boto3 gave up."""

_MALFORMED = frozenset({"ParamValidationError", "ValidationException"})
"""What boto3 and DynamoDB call a request that they cannot read; it is the whole call's error, whichever row it is."""


class Outcome(StrEnum):
    """What became of a row; both mean that the table holds it or a newer one."""

    WRITTEN = "written"
    STALE = "stale"


class NotWritten(Exception):
    """A row was neither written nor found stale; it may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FencedRow:
    """A row at one version: the values of its key, its fence, and all its other attributes; none make a tombstone.

    `is_first` guesses that the row is not in the table yet.
    """

    key: tuple[str, ...]
    fence: int
    attributes: Mapping[str, AttributeValue]
    is_first: bool = False


def by_version(version: int) -> AttributeValue:
    """Write a fence that counts an item's changes."""
    return {"N": str(version)}


def by_sequence_number(sequence_number: int) -> AttributeValue:
    """Write a fence of stream sequence numbers: up to 40 digits, two more than a DynamoDB number holds, so as text.

    Of one length, since text compares from the left. They rise within one item; of two shards they cannot be compared,
    and no two items may share a row.
    """
    return {"S": f"{sequence_number:040d}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One row and the statement to try next; `exists` once an answer has shown that the row is there."""

    row: FencedRow
    statement: Literal["INSERT", "UPDATE"]
    exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FencedTable:
    """A table, its text key, its fence, and every other attribute that a row may have."""

    client: DynamoDBClient
    name: str
    key: tuple[str, ...]
    attributes: tuple[str, ...]
    fence: str = "version"
    written: Callable[[int], AttributeValue] = by_version

    def write(self, row: FencedRow) -> Outcome:
        """Write one row. 1 call, 1 unit, no guess; raises what boto3 raises."""
        values = {self.fence: self.written(row.fence), **row.attributes}
        gone = [name for name in self.attributes if name not in row.attributes]
        remove = " REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else ""
        try:
            self.client.update_item(
                TableName=self.name,
                Key={name: {"S": value} for name, value in zip(self.key, row.key, strict=True)},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values) + remove,
                ConditionExpression=f"attribute_not_exists(#{self.key[0]}) OR #{self.fence} < :{self.fence}",
                ExpressionAttributeNames={f"#{name}": name for name in (self.key[0], *values, *gone)},
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return Outcome.STALE
            raise
        return Outcome.WRITTEN

    def write_all(self, rows: Sequence[FencedRow], *, patience: Patience) -> list[Outcome | NotWritten]:
        """Write the newest row of each key, and answer for every row given, in their order. Raises nothing of boto3.

        Right guesses cost 1 call for 25 keys and 1 unit a key. What is throttled is tried again as long as there is
        patience; only an answer about the row itself ever counts as stale.
        """
        first = {row.key for row in rows if row.is_first}
        newest = newest_per_key(rows, key=lambda row: row.key, version=lambda row: row.fence)
        tries = [_Try(row=row, statement="INSERT" if row.key in first else "UPDATE") for row in newest]
        ended: dict[tuple[str, ...], Outcome | NotWritten] = {}
        pauses = 0
        while tries:
            busy: list[_Try] = []
            other: list[_Try] = []
            for tried, error in self._executed(tries, patience):
                following = _judge(tried, error)
                if isinstance(following, _Try):
                    (busy if following is tried else other).append(following)
                else:
                    ended[tried.row.key] = following
            pauses += bool(busy)
            if busy and not patience.pause(pauses):
                ended |= {tried.row.key: NotWritten("throttled for too long") for tried in busy}
                busy = []
            tries = other + busy
        return [ended[row.key] for row in rows]

    def _executed(self, tries: Sequence[_Try], patience: Patience) -> Iterator[tuple[_Try, Mapping[str, Any] | None]]:
        """Execute statements, and give each with its error."""
        for begin in range(0, len(tries), MAX_STATEMENTS):
            group = tries[begin : begin + MAX_STATEMENTS]
            if patience.is_over:
                yield from ((tried, {"Code": "not begun, the invocation's time is running out"}) for tried in group)
                continue
            yield from zip(group, self._answers(group), strict=True)

    def _answers(self, group: Sequence[_Try]) -> list[Mapping[str, Any] | None]:
        try:
            answer = self.client.batch_execute_statement(Statements=[self._statement(tried) for tried in group])
        except ClientError as error:
            failed: Mapping[str, Any] = error.response["Error"]
        except BotoCoreError as error:
            failed = {"Code": type(error).__name__}
        else:
            return [response.get("Error") for response in answer["Responses"]]
        if failed["Code"] in _MALFORMED and len(group) > 1:
            # One bad row makes a bad call: alone it does not take its neighbours along.
            return [error for tried in group for error in self._answers([tried])]
        return [failed] * len(group)

    def _statement(self, tried: _Try) -> dict[str, Any]:
        row = tried.row
        key = {name: {"S": value} for name, value in zip(self.key, row.key, strict=True)}
        values = {self.fence: self.written(row.fence), **row.attributes}
        if tried.statement == "INSERT":
            item = key | values
            members = ", ".join(f"'{name}': ?" for name in item)
            return {"Statement": f'INSERT INTO "{self.name}" VALUE {{{members}}}', "Parameters": list(item.values())}
        changes = [f'SET "{name}" = ?' for name in values]
        changes += [f'REMOVE "{name}"' for name in self.attributes if name not in row.attributes]
        conditions = [f'"{name}" = ?' for name in key] + [f'"{self.fence}" < ?']
        return {
            "Statement": f'UPDATE "{self.name}" {" ".join(changes)} WHERE {" AND ".join(conditions)}',
            "Parameters": [*values.values(), *key.values(), values[self.fence]],
            # Tells a newer row from none at all, and is free of charge.
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _judge(tried: _Try, error: Mapping[str, Any] | None) -> Outcome | NotWritten | _Try:
    """Decide what follows from an answer: an end, the other statement, or the same one again."""
    match tried.statement, error["Code"] if error else None:
        case _, None:
            return Outcome.WRITTEN
        case "INSERT", "DuplicateItem":
            return _Try(row=tried.row, statement="UPDATE", exists=True)
        case "UPDATE", "ConditionalCheckFailed":
            exists = tried.exists or bool(error and error.get("Item"))
            return Outcome.STALE if exists else replace(tried, statement="INSERT")
        case _, code if code in _BUSY:
            return tried
        case _, code:
            return NotWritten(code)
