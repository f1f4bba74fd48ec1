"""Notifications of buckets: moto finds which of them an object's change concerns; what is sent is ours.

A queue gets its message from moto; topics, functions and the event bus are reached by the services that we run.
Sources: *Amazon S3 Event Notifications*, *Using EventBridge* and *EventBridge event message structure* of the Amazon S3
user guide. The bus is told of objects that are made and removed, and of no other change.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any, Final

from penstock.cloud.deliveries import Deliveries
from penstock.cloud.engine import EngineError
from penstock.cloud.function_destinations import Emit
from penstock.cloud.moto.hooks import hang
from penstock.cloud.moto.messages import sequencer

_SERVICE: Final = "s3.amazonaws.com"

_REASONS: Final = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_DELETIONS: Final = {
    "ObjectRemoved:Delete": "Permanently Deleted",
    "ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
}


def connect_buckets(deliveries: Deliveries, may_notify: Callable[[str, str], bool], emit: Emit) -> None:
    """Make moto notify topics, functions and the default bus through us, in this whole process.

    ``may_notify`` says whether a bucket (ARN) may reach a topic or function (ARN). Who changed the object hears nothing
    of a notification that is not taken.
    """
    from moto.s3 import notifications

    def to_topic_or_function(_: str, event: dict[str, Any], arn: str, __: str) -> None:
        if may_notify(_bucket_arn(event), arn):
            with contextlib.suppress(EngineError):
                deliveries.hand_over(arn, json.dumps(event), subject="Amazon S3 Notification")

    def to_bus(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        entry = entry_of(event_name, bucket, key, account_id=account_id)
        if entry is not None:
            emit(entry, _SERVICE)

    hang(notifications, "_invoke_awslambda", lambda _: to_topic_or_function)
    hang(notifications, "_send_sns_message", lambda _: to_topic_or_function)
    hang(notifications, "_send_event_bridge_message", lambda _: to_bus)


def _bucket_arn(event: dict[str, Any]) -> str:
    """The bucket of a notification, or of the test event that comes when notifications are set."""
    if "Records" in event:
        return str(event["Records"][0]["s3"]["bucket"]["arn"])
    return f"arn:aws:s3:::{event['Bucket']}"


def entry_of(event_name: str, bucket: Any, key: Any, *, account_id: str) -> dict[str, Any] | None:
    """The entry for the default bus on a change of an object; ``None`` for a change that is not told there."""
    name = event_name.removeprefix("s3:")
    shown: dict[str, Any] = {"key": key.name}
    if name in _REASONS:
        what, shown["size"], end = "Created", key.size, {"reason": _REASONS[name]}
    elif name in _DELETIONS:
        what, end = "Deleted", {"reason": "DeleteObject", "deletion-type": _DELETIONS[name]}
    else:
        return None
    if hasattr(key, "etag"):  # a delete marker has none
        shown["etag"] = key.etag.replace('"', "")
    if bucket.is_versioned and key.version_id is not None:
        shown["version-id"] = key.version_id
    ordered = sequencer()
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": shown | {"sequencer": ordered},
        "request-id": ordered,
        "requester": account_id,
        "source-ip-address": "127.0.0.1",
        **end,
    }
    return {
        "Source": "aws.s3",
        "DetailType": f"Object {what}",
        "Detail": json.dumps(detail, ensure_ascii=False),
        "Resources": [bucket.arn],
    }
