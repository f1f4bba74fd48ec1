"""What a test does with tables, queues, topics and buckets, in plain Python values.

Each speaks to the embedded cloud as its operator, who may do everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

    from penstock.application import Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in a queue, visible or not.

    ``body`` is parsed where it is JSON, else the text. ``attributes`` are its message attributes, name → text or bytes.
    ``receive_count`` is how often it was received, ``group`` the message group of a FIFO queue, else empty.
    """

    message_id: str
    body: Any
    attributes: Mapping[str, str | bytes]
    receive_count: int
    group: str


class TableUnderTest:
    """A table. Values are those of boto3's table resource: numbers are ``int`` or ``Decimal``, never ``float``."""

    def __init__(self, client: Any, name: str) -> None:
        from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

        self.name = name
        self._client = client
        self._serializer: TypeSerializer = TypeSerializer()
        self._deserializer: TypeDeserializer = TypeDeserializer()

    def put(self, item: Mapping[str, Any]) -> None:
        """Write an item, as PutItem does."""
        self._client.put_item(TableName=self.name, Item=self._typed(item))

    def get(self, **key: Any) -> dict[str, Any] | None:
        """The item with this whole key, read consistently; ``None`` when there is none."""
        answer = self._client.get_item(TableName=self.name, Key=self._typed(key), ConsistentRead=True)
        return self._plain(answer["Item"]) if "Item" in answer else None

    def delete(self, **key: Any) -> None:
        """Delete the item with this whole key, if there is one."""
        self._client.delete_item(TableName=self.name, Key=self._typed(key))

    def items(self) -> list[dict[str, Any]]:
        """All items, in no order to rely on."""
        pages = self._client.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        return [self._plain(item) for page in pages for item in page["Items"]]

    def _typed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._serializer.serialize(value) for name, value in values.items()}

    def _plain(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._deserializer.deserialize(value) for name, value in item.items()}


class QueueUnderTest:
    """A queue."""

    def __init__(self, application: Application, client: Any, *, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self._application = application
        self._client = client

    def messages(self) -> list[Message]:
        """All messages that are in the queue, oldest first: looked at, not received."""
        return [
            Message(
                message_id=message.id,
                body=_parsed(message.body),
                attributes={
                    name: value.get("StringValue", value.get("BinaryValue", ""))
                    for name, value in message.message_attributes.items()
                },
                receive_count=message.approximate_receive_count,
                group=message.group_id or "",
            )
            for message in self._application.messages(self.name)
        ]

    def send(self, body: Any, *, group: str | None = None, attributes: Mapping[str, str] | None = None) -> str:
        """Send a message and give its id; a body that is no text is sent as JSON, ``attributes`` are text attributes.

        ``group`` is the message group, which a FIFO queue asks for.
        """
        shown = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
        fifo = {"MessageGroupId": group} if group is not None else {}
        answer = self._client.send_message(QueueUrl=self.url, MessageBody=_text(body), MessageAttributes=shown, **fifo)
        return str(answer["MessageId"])


class TopicUnderTest:
    """A topic."""

    def __init__(self, client: Any, arn: str) -> None:
        self.arn = arn
        self._client = client

    def publish(self, message: Any, *, subject: str | None = None, attributes: Mapping[str, str] | None = None) -> str:
        """Publish a message, one that is no text as JSON, and give its id; ``attributes`` are text attributes."""
        shown = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
        titled = {"Subject": subject} if subject is not None else {}
        answer = self._client.publish(TopicArn=self.arn, Message=_text(message), MessageAttributes=shown, **titled)
        return str(answer["MessageId"])


class BucketUnderTest:
    """A bucket."""

    def __init__(self, client: Any, name: str) -> None:
        self.name = name
        self._client = client

    def put(self, key: str, body: bytes | str) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self.name, Key=key, Body=body.encode() if isinstance(body, str) else body)

    def get(self, key: str) -> bytes:
        """The content of an object; botocore's ``NoSuchKey`` when there is none."""
        content: bytes = self._client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def keys(self) -> list[str]:
        """The keys of all objects, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
