"""The condition keys that have a value here, and where each value comes from.

Source: IAM user guide, "AWS global condition context keys"; "Using IAM policy conditions for fine-grained access
control" (DynamoDB); "Amazon EventBridge condition keys"; "Amazon S3 condition keys". A key that is not listed is
refused when a policy that names it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from penstock.cloud.policies.access import Ask, Principal

Values = tuple[str, ...] | None


class NotKnown(Exception):
    """A condition key has a value in AWS that is not known here; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What condition keys are made of besides the call.

    ``source_arn`` is the resource in whose name a service acts. ``partition_keys`` is (table name, index name or
    ``None``) → the name of the partition key.
    """

    account_id: str
    region: str
    now_ms: int
    source_arn: str | None
    partition_keys: Mapping[tuple[str, str | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """An access as the condition keys see it."""

    principal: Principal
    ask: Ask
    surroundings: Surroundings


def context_of(keys: Iterable[str], asking: Asking) -> dict[str, tuple[str, ...]]:
    """The values of these condition keys (lower case); a key that the request does not have is left out."""
    found = ((key, _VALUES[key](asking)) for key in keys)
    return {key: values for key, values in found if values is not None}


Source = Callable[[Asking], Values]


def _of_role(value: Callable[[Principal], str | None]) -> Source:
    def source(asking: Asking) -> Values:
        found = value(asking.principal) if asking.principal.kind == "role" else None
        return None if found is None else (found,)

    return source


def _of_service(value: Callable[[Asking], str | None]) -> Source:
    def source(asking: Asking) -> Values:
        found = value(asking) if asking.principal.kind == "service" else None
        return None if found is None else (found,)

    return source


def _parameter(service: str, name: str) -> Source:
    """A parameter of the call, under its name in the API."""

    def source(asking: Asking) -> Values:
        value = asking.ask.details.get(name) if asking.ask.action.startswith(f"{service}:") else None
        return None if value is None else (str(value),)

    return source


def _instant(asking: Asking) -> Values:
    return (datetime.fromtimestamp(asking.surroundings.now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),)


def _leading_keys(asking: Asking) -> Values:
    """The partition key values that a DynamoDB call names."""
    ask = asking.ask
    if not ask.action.startswith("dynamodb:") or ask.action == "dynamodb:Scan":
        return None
    if "Statement" in ask.details:
        raise NotKnown("dynamodb:LeadingKeys of a PartiQL statement")
    table, _, index = ask.resource.partition(":table/")[2].partition("/index/")
    name = asking.surroundings.partition_keys.get((table, index or None))
    if name is None:
        raise NotKnown(f"dynamodb:LeadingKeys of {ask.resource}")
    found = (value.get("S") or value.get("N") or value.get("B") for value in _partition_values(name, ask.details))
    return tuple(dict.fromkeys(str(value) for value in found))


def _partition_values(name: str, details: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in details.get("Items", ()):
        if name in item:
            yield item[name]
    names = details.get("ExpressionAttributeNames", {})
    for written, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", details.get("KeyConditionExpression", "")):
        if names.get(written, written) == name:
            yield details["ExpressionAttributeValues"][value]


_EXPRESSIONS: Final = (
    "ProjectionExpression",
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
)
_ATTRIBUTE = re.compile(r"(?<![\w.:#])(#?[A-Za-z_]\w*)(?!\w|\s*\()")
_WORDS: Final = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"})


def _attributes(asking: Asking) -> Values:
    """The top-level attributes that a DynamoDB call names."""
    if not asking.ask.action.startswith("dynamodb:"):
        return None
    details = asking.ask.details
    if "Statement" in details:
        raise NotKnown("dynamodb:Attributes of a PartiQL statement")
    names = details.get("ExpressionAttributeNames", {})
    written = [word for part in _EXPRESSIONS for word in _ATTRIBUTE.findall(details.get(part) or "")]
    found = {names.get(word, word) for word in written if word.upper() not in _WORDS}
    found.update(*(item.keys() for item in details.get("Items", ())), details.get("AttributesToGet") or ())
    return tuple(sorted(found))


_VALUES: Final[Mapping[str, Source]] = {
    "aws:currenttime": _instant,
    "aws:epochtime": _instant,
    "aws:principalaccount": _of_role(lambda principal: principal.arn.split(":")[4]),
    "aws:principalarn": _of_role(lambda principal: principal.arn),
    "aws:principalisawsservice": lambda asking: (str(asking.principal.kind == "service").lower(),),
    "aws:principalservicename": _of_service(lambda asking: asking.principal.arn),
    "aws:principaltype": _of_role(lambda _: "AssumedRole"),
    "aws:requestedregion": lambda asking: (asking.surroundings.region,),
    "aws:resourceaccount": lambda asking: (asking.surroundings.account_id,),
    "aws:securetransport": lambda _: ("true",),
    "aws:sourceaccount": _of_service(lambda asking: asking.surroundings.source_arn and asking.surroundings.account_id),
    "aws:sourcearn": _of_service(lambda asking: asking.surroundings.source_arn),
    "aws:viaawsservice": lambda _: ("false",),
    "dynamodb:attributes": _attributes,
    "dynamodb:enclosingoperation": _parameter("dynamodb", "EnclosingOperation"),
    "dynamodb:leadingkeys": _leading_keys,
    "dynamodb:returnconsumedcapacity": _parameter("dynamodb", "ReturnConsumedCapacity"),
    "dynamodb:returnvalues": _parameter("dynamodb", "ReturnValues"),
    "dynamodb:select": _parameter("dynamodb", "Select"),
    "events:detail-type": _parameter("events", "DetailType"),
    "events:source": _parameter("events", "Source"),
    # Of calls of KMS alone, and nothing is encrypted here.
    "kms:viaservice": lambda _: None,
    "lambda:sourcefunctionarn": _of_role(lambda principal: principal.function_arn),
    "s3:delimiter": _parameter("s3", "delimiter"),
    "s3:max-keys": _parameter("s3", "max-keys"),
    "s3:prefix": _parameter("s3", "prefix"),
    "s3:resourceaccount": lambda asking: (asking.surroundings.account_id,),
    "s3:x-amz-acl": _parameter("s3", "x-amz-acl"),
    "s3:x-amz-server-side-encryption": _parameter("s3", "x-amz-server-side-encryption"),
    "sns:endpoint": _parameter("sns", "Endpoint"),
    "sns:protocol": _parameter("sns", "Protocol"),
}

KEYS: Final = frozenset(_VALUES)
"""The condition keys that have a value here, in lower case."""

OF_THE_CALL: Final = frozenset(key for key in KEYS if not key.startswith(("aws:", "lambda:"))) | {
    "aws:currenttime",
    "aws:epochtime",
}
"""The keys whose values differ from call to call of one principal for one action on one resource."""
