"""Table streams: what moto's tables write becomes stream records in AWS's form.

A `Stream` takes the place of moto's own stream shard in a table, so every way of writing an item ends here,
inside the write. Readers are woken by the write instead of polling for it.

Source: Change data capture for DynamoDB Streams (DynamoDB developer guide); record fields and sizes as in
recorded events. Our choice: one shard per stream, never closed; records stay for the run.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, Protocol

from penstock.mapping.inputs import Shard, StreamRecord

FIRST_SEQUENCE_NUMBER = 100_000_000_000_000_000_001
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)
SHARD_ID = "shardId-00000001541626099285-f35f62ef"


class Item(Protocol):
    """moto's item, as far as it matters here."""

    attrs: Mapping[str, Any]

    def size(self) -> int:
        """Size in bytes."""

    """Name → moto's typed value, which has ``type`` and ``value``."""


class ReadableStream(Protocol):
    """A table's stream, as its readers see it."""

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards that the stream has now; it may grow."""

    @property
    def behind(self) -> bool:
        """Whether records may follow of writes that were made already: who is at the tip now need not stay there."""

    def on_write(self, reader: Callable[[], object]) -> None:
        """Call ``reader`` when anything here has changed; it must not read at once but ask its loop to."""

    def on_record(self, witness: Callable[[str, StreamRecord], object]) -> None:
        """Call ``witness`` with each record (and its shard's id) as it is made or, elsewhere, seen."""

    def read(self, shard_id: str, after: str | None, limit: int, /) -> tuple[StreamRecord, ...]:
        """Records of a shard after a sequence number, or from the oldest."""

    def tip(self, shard_id: str, /) -> str:
        """The sequence number of a shard's newest record, or one before the first."""

    def ends_at(self, shard_id: str, after: str | None, /) -> bool:
        """Whether the shard is closed and nothing follows this sequence number (``None``: nothing at all)."""


class Stream:
    """The stream of one table, and the stand-in for moto's ``StreamShard``."""

    shards = (Shard(shard_id=SHARD_ID),)
    behind = False

    def __init__(
        self,
        *,
        arn: str,
        region: str,
        view_type: str,
        key_names: tuple[str, ...],
        now_ms: Callable[[], int],
        new_event_id: Callable[[], str],
    ) -> None:
        """``view_type`` is the StreamViewType; ``key_names`` are the table's key attributes, partition key first."""
        self.arn = arn
        self.region = region
        self.view_type = view_type
        self._key_names = key_names
        self._now_ms = now_ms
        self._new_event_id = new_event_id
        self.created_on = datetime.fromtimestamp(now_ms() / 1000, tz=UTC)
        self.records: list[StreamRecord] = []
        self._by_time_to_live = False
        self._readers: list[Callable[[], object]] = []
        self._witnesses: list[Callable[[str, StreamRecord], object]] = []

    def on_record(self, witness: Callable[[str, StreamRecord], object]) -> None:
        """Call ``witness`` with each record, within the write."""
        self._witnesses.append(witness)

    def on_write(self, reader: Callable[[], object]) -> None:
        """Call ``reader`` at each new record; it must not read at once but ask its loop to."""
        self._readers.append(reader)

    def read(self, _: str, after: str | None, limit: int) -> tuple[StreamRecord, ...]:
        """Records after a sequence number, or from the oldest."""
        start = 0 if after is None else int(after) - FIRST_SEQUENCE_NUMBER + 1
        return tuple(self.records[start : start + limit])

    def tip(self, _: str) -> str:
        """The sequence number of the newest record, or the one before the first."""
        return str(FIRST_SEQUENCE_NUMBER + len(self.records) - 1)

    def ends_at(self, _: str, __: str | None) -> bool:
        """Never: the shard stays open."""
        return False

    @contextmanager
    def written_by_time_to_live(self) -> Iterator[None]:
        """Changes made within are those of the service, not of a caller."""
        self._by_time_to_live = True
        try:
            yield
        finally:
            self._by_time_to_live = False

    def write(
        self,
        old: Mapping[str, Any] | None,
        new: Mapping[str, Any] | None,
        *,
        sizes: tuple[int, int] | None = None,
    ) -> None:
        """Add the record of one item change, in DynamoDB JSON; a change that changes nothing adds none.

        ``sizes`` are the bytes of both where they are known already.
        """
        if old is not None and new is not None and _same(old, new):
            return
        now_ms = self._now_ms()
        sequence_number = str(FIRST_SEQUENCE_NUMBER + len(self.records))
        image = new if new is not None else old
        assert image is not None
        keys = {name: image[name] for name in self._key_names}
        change: dict[str, Any] = {"ApproximateCreationDateTime": float(now_ms // 1000), "Keys": keys}
        size = item_bytes(keys)
        if new is not None and self.view_type in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["NewImage"] = new
            size += sizes[1] if sizes is not None else item_bytes(new)
        if old is not None and self.view_type in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["OldImage"] = old
            size += sizes[0] if sizes is not None else item_bytes(old)
        change |= {"SequenceNumber": sequence_number, "SizeBytes": size, "StreamViewType": self.view_type}
        body: dict[str, Any] = {
            "eventID": self._new_event_id(),
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": change,
            "eventSourceARN": self.arn,
        }
        if self._by_time_to_live:
            body["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        record = record_of(body, created_at_ms=now_ms)
        self.records.append(record)
        for witness in self._witnesses:
            witness(SHARD_ID, record)
        for wake in self._readers:
            wake()

    # What moto calls on its own StreamShard.

    @property
    def id(self) -> str:
        """The shard's id."""
        return SHARD_ID

    starting_sequence_number = FIRST_SEQUENCE_NUMBER

    @property
    def items(self) -> list[StreamRecord]:
        """The records, for moto's iterators."""
        return self.records

    def add(self, old: Item | None, new: Item | None) -> None:
        """Take an item change from moto's table."""
        self.write(
            attributes_of(old) if old is not None else None,
            attributes_of(new) if new is not None else None,
            sizes=(old.size() if old is not None else 0, new.size() if new is not None else 0),
        )

    def get(self, start: int, quantity: int) -> list[dict[str, Any]]:
        """Records by sequence number, for GetRecords."""
        first = start - FIRST_SEQUENCE_NUMBER
        return [dict(record.body) for record in self.records[first : first + quantity]]

    def to_json(self) -> dict[str, Any]:
        """The shard as DescribeStream tells it."""
        return {"ShardId": SHARD_ID, "SequenceNumberRange": {"StartingSequenceNumber": str(FIRST_SEQUENCE_NUMBER)}}


def record_of(body: Mapping[str, Any], *, created_at_ms: int) -> StreamRecord:
    """A record for the mappings, of what the function will see."""
    encoded = _ENCODER.encode(body)
    return StreamRecord(
        sequence_number=body["dynamodb"]["SequenceNumber"],
        item_key=_key_text(body["dynamodb"]["Keys"]),
        created_at_ms=created_at_ms,
        body=body,
        encoded=encoded,
        encoded_bytes=len(encoded.encode()),
    )


def _key_text(keys: Mapping[str, Mapping[str, str]]) -> str:
    """A key as ``json.dumps`` writes it, in a fraction of the time: names, types and values are all texts."""
    members = [f'{_quoted(name)}: {{"{kind}": {_quoted(keys[name][kind])}}}' for name in keys for kind in keys[name]]
    return f"{{{', '.join(members)}}}"


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether attributes are equal by value: a set has no order, a number no spelling."""
    return old == new or (old.keys() == new.keys() and all(_same_value(old[name], new[name]) for name in old))


def _same_value(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old == new or old.keys() != new.keys():
        return old == new
    ((kind, before),) = old.items()
    after = new[kind]
    match kind:
        case "N":
            return Decimal(before) == Decimal(after)
        case "NS":
            return set(map(Decimal, before)) == set(map(Decimal, after))
        case "SS" | "BS":
            return set(before) == set(after)
        case "L":
            return len(before) == len(after) and all(map(_same_value, before, after))
        case "M":
            return _same(before, after)
        case _:
            return False


def attach(table: Any, stream: Stream) -> None:
    """Make a moto table write to this stream."""
    table.stream_shard = stream


def attributes_of(item: Item) -> dict[str, Any]:
    """moto's item in DynamoDB JSON, to be read only: images of an item share what did not change."""
    return {name: _plain(typed) for name, typed in item.attrs.items()}


def _plain(typed: Any) -> dict[str, Any]:
    """moto's typed value as DynamoDB JSON; binary values as base64 text. A list or map is written out once."""
    if typed.type not in ("L", "M"):
        return _written(typed)
    if not hasattr(typed, "plain"):
        typed.plain = _written(typed)
    plain: dict[str, Any] = typed.plain
    return plain


def _written(typed: Any) -> dict[str, Any]:
    value = typed.value
    match typed.type:
        case "M":
            value = {name: _plain(member) for name, member in value.items()}
        case "L":
            value = [_plain(member) for member in value]
        case "SS" | "NS" | "BS":
            value = [_text(member) for member in value]
        case "B":
            value = _text(value)
    return {typed.type: value}


def _text(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def item_bytes(attributes: Mapping[str, Any]) -> int:
    """Size of attributes in DynamoDB JSON by the service's rule, in bytes (DynamoDB item sizes and formats)."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in attributes.items())


def _value_bytes(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return number_bytes(value)
        case "B":
            return len(base64.b64decode(value))
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(member.encode()) for member in value)
        case "NS":
            return sum(number_bytes(member) for member in value)
        case "BS":
            return sum(len(base64.b64decode(member)) for member in value)
        case "L":
            return 3 + sum(1 + _value_bytes(member) for member in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(member) for name, member in value.items())
        case _:
            raise ValueError(f"unknown attribute type {kind}")


def number_bytes(text: str) -> int:
    """About one byte for two significant digits, one for the exponent, one for a sign; zero takes one."""
    if text.isdecimal():
        return (len(text.lstrip("0")) + 1) // 2 + 1
    digits = text.lstrip("-").lower().partition("e")[0]
    whole, _, fraction = digits.partition(".")
    whole = whole.lstrip("0")
    if not fraction.strip("0"):
        fraction = ""
    pairs = (len(whole) + 1) // 2 + (len(fraction) + 1) // 2
    return (pairs or 0) + 1 + text.startswith("-")
