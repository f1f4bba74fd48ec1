"""What a call asks for: the actions and resources that AWS evaluates for each operation.

Source: service authorization reference, "Actions, resources, and condition keys" of each service; an operation that
is not known here is refused, never let through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import unescape

from penstock.cloud.front_door import Call
from penstock.cloud.policies import table_requests
from penstock.cloud.policies.access import Ask
from penstock.cloud.policies.table_requests import Unmapped
from penstock.template.functions import name_and_qualifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where calls are made. ``machine_of`` finds the state machine (ARN) that waits for a task token."""

    account_id: str
    region: str
    machine_of: Callable[[str], str | None]

    def arn(self, service: str, last: str) -> str:
        """The ARN of something here; what is an ARN already stays as it is."""
        return last if last.startswith("arn:") else f"arn:aws:{service}:{self.region}:{self.account_id}:{last}"


def asked(call: Call, place: Place) -> tuple[Ask, ...]:
    """Everything that a call must be allowed to do, in order; empty when AWS asks for no permission.

    Raises `Unmapped` for an operation that is not known here.
    """
    find = _SERVICES.get(call.service)
    if find is None:
        raise Unmapped(f"{call.service}:{call.operation}")
    return tuple(find(call, place))


def _tables(call: Call, place: Place) -> Iterable[Ask]:
    return table_requests.asked(call.operation, call.parameters(), lambda last: place.arn("dynamodb", last))


_QUEUE_ACTIONS: Final = frozenset(
    {"AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "CreateQueue", "DeleteMessage", "DeleteQueue"}
    | {"GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueueTags"}
    | {"PurgeQueue", "ReceiveMessage", "RemovePermission", "SendMessage", "SetQueueAttributes", "StartMessageMoveTask"}
    | {"TagQueue", "UntagQueue"}
)


def _queues(call: Call, place: Place) -> Iterable[Ask]:
    parameters = call.parameters() or _form(call)
    action = call.operation.removesuffix("Batch")
    if call.operation == "ListQueues":
        yield Ask(action="sqs:ListQueues", resource=place.arn("sqs", "*"))
    elif action in _QUEUE_ACTIONS:
        name = parameters.get("QueueUrl") or parameters.get("QueueName") or parameters.get("SourceArn") or ""
        yield Ask(
            action=f"sqs:{action}",
            resource=place.arn("sqs", name if name.startswith("arn:") else name.rpartition("/")[2]),
        )
    else:
        raise Unmapped(f"sqs:{call.operation}")


_TOPIC_ACTIONS: Final = frozenset(
    {"AddPermission", "ConfirmSubscription", "CreateTopic", "DeleteTopic", "GetDataProtectionPolicy"}
    | {"GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource", "Publish", "RemovePermission"}
    | {"SetTopicAttributes", "Subscribe", "TagResource", "UntagResource"}
)


def _topics(call: Call, place: Place) -> Iterable[Ask]:
    form = _form(call)
    action = call.operation.removesuffix("Batch")
    if action in ("ListSubscriptions", "ListTopics"):
        yield Ask(action=f"sns:{action}", resource=place.arn("sns", "*"))
        return
    if action not in _TOPIC_ACTIONS:
        raise Unmapped(f"sns:{call.operation}")
    topic = form.get("TopicArn") or form.get("TargetArn") or form.get("ResourceArn") or form.get("Name")
    # A text message has no topic: AWS then asks for the action on the telephone number.
    yield Ask(
        action=f"sns:{action}",
        resource=place.arn("sns", topic) if topic else form.get("PhoneNumber", "*"),
        details=form,
    )


def _events(call: Call, place: Place) -> Iterable[Ask]:
    if call.operation != "PutEvents":
        raise Unmapped(f"events:{call.operation}")
    for entry in call.parameters().get("Entries") or ():
        bus = str(entry.get("EventBusName") or "default")
        yield Ask(
            action="events:PutEvents",
            resource=bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}"),
            details=entry,
        )


_MACHINE_PARAMETERS: Final = {
    "DescribeExecution": "executionArn",
    "DescribeStateMachine": "stateMachineArn",
    "DescribeStateMachineForExecution": "executionArn",
    "GetExecutionHistory": "executionArn",
    "ListExecutions": "stateMachineArn",
    "RedriveExecution": "executionArn",
    "StartExecution": "stateMachineArn",
    "StartSyncExecution": "stateMachineArn",
    "StopExecution": "executionArn",
}
"""Operation → the parameter that is the ARN of its resource."""

_TASK_OPERATIONS: Final = frozenset({"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"})


def _machines(call: Call, place: Place) -> Iterable[Ask]:
    parameters = call.parameters()
    if call.operation in _TASK_OPERATIONS:
        # A token that nobody waits for is no machine's: the service then says so to who may answer any.
        machine = place.machine_of(str(parameters.get("taskToken"))) or place.arn("states", "stateMachine:*")
        yield Ask(action=f"states:{call.operation}", resource=machine)
        return
    if call.operation == "ListStateMachines":
        yield Ask(action="states:ListStateMachines", resource=place.arn("states", "stateMachine:*"))
        return
    name = _MACHINE_PARAMETERS.get(call.operation)
    if name is None or name not in parameters:
        raise Unmapped(f"states:{call.operation}")
    yield Ask(action=f"states:{call.operation}", resource=str(parameters[name]))


_BUCKET_OPERATIONS: Final = {
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketVersioning": "GetBucketVersioning",
    "HeadBucket": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
}
_OBJECT_OPERATIONS: Final = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObject": "DeleteObject",
    "DeleteObjectTagging": "DeleteObjectTagging",
    "GetObject": "GetObject",
    "GetObjectAttributes": "GetObjectAttributes",
    "GetObjectTagging": "GetObjectTagging",
    "HeadObject": "GetObject",
    "ListParts": "ListMultipartUploadParts",
    "PutObject": "PutObject",
    "PutObjectTagging": "PutObjectTagging",
    "UploadPart": "PutObject",
}


def _objects(call: Call, _: Place) -> Iterator[Ask]:
    bucket, _slash, key = unquote(call.request.path).lstrip("/").partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    query = dict(parse_qsl(call.request.query, keep_blank_values=True))
    details = {**query, **{name: value for name, value in call.request.headers.items() if name.startswith("x-amz-")}}
    source = call.request.headers.get("x-amz-copy-source")
    if call.operation == "ListBuckets":
        yield Ask(action="s3:ListAllMyBuckets", resource="arn:aws:s3:::*")
    elif call.operation in _BUCKET_OPERATIONS:
        yield Ask(action=f"s3:{_BUCKET_OPERATIONS[call.operation]}", resource=arn, details=details)
    elif call.operation in ("CopyObject", "UploadPartCopy") and source is not None:
        yield Ask(action="s3:GetObject", resource=f"arn:aws:s3:::{unquote(source).lstrip('/').partition('?')[0]}")
        yield Ask(action="s3:PutObject", resource=f"{arn}/{key}", details=details)
    elif call.operation == "DeleteObjects":
        for named in re.findall(r"<Object>(.*?)</Object>", call.request.body.decode(), re.DOTALL):
            action = "s3:DeleteObjectVersion" if "<VersionId>" in named else "s3:DeleteObject"
            for key in re.findall(r"<Key>(.*?)</Key>", named, re.DOTALL):
                yield Ask(action=action, resource=f"{arn}/{unescape(key)}")
    elif call.operation in _OBJECT_OPERATIONS:
        version = "Version" if "versionId" in query and call.operation in ("GetObject", "DeleteObject") else ""
        yield Ask(action=f"s3:{_OBJECT_OPERATIONS[call.operation]}{version}", resource=f"{arn}/{key}", details=details)
    else:
        raise Unmapped(f"s3:{call.operation}")


def _functions(call: Call, place: Place) -> Iterable[Ask]:
    if call.operation != "Invoke":
        raise Unmapped(f"lambda:{call.operation}")
    yield Ask(action="lambda:InvokeFunction", resource=place.arn("lambda", f"function:{invoked_function(call)}"))


def invoked_function(call: Call) -> str:
    """What an Invoke names: ``name`` or ``name:qualifier``, however it is spelled."""
    name, qualifier = name_and_qualifier(unquote(call.request.path.split("/")[-2]))
    qualifier = dict(parse_qsl(call.request.query)).get("Qualifier") or qualifier
    return f"{name}:{qualifier}" if qualifier else name


def _identity(call: Call, _: Place) -> Iterable[Ask]:
    """GetCallerIdentity needs no permission ("Actions, resources, and condition keys for AWS STS")."""
    if call.operation != "GetCallerIdentity":
        raise Unmapped(f"sts:{call.operation}")
    return ()


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.request.body.decode(), keep_blank_values=True))


_SERVICES: Final[Mapping[str, Callable[[Call, Place], Iterable[Ask]]]] = {
    "dynamodb": _tables,
    "events": _events,
    "lambda": _functions,
    "s3": _objects,
    "sns": _topics,
    "sqs": _queues,
    "states": _machines,
    "streams.dynamodb": _tables,
    "sts": _identity,
}
