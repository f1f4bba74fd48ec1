"""moto, faster where it spends most of its time and the answer is the same.

An item that a table answers with is in wire form already; moto walks it by the service model all the same, trying
six spellings of each name. Here it is written as it is. Values are copied without a memo, since they hold no
cycles; a typed value looks at its type once, an item is not listed among all that ever were, which kept each of them in
memory; names of actions are looked up once; ids and receipt handles are drawn at once. Expressions are in
``moto/expressions.py``, updates in ``moto/updates.py``.

What is never used is not loaded: moto's own IAM, the list of all regions, the names of all services.
"""

from __future__ import annotations

import base64
import functools
import json
import random
import string
from typing import Any

from penstock.cloud.moto import expressions, updates

ITEM_OPERATIONS = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"}
    | {"TransactGetItems", "TransactWriteItems"}
)


@functools.cache
def install() -> None:
    """Put the faster ways in place, once per process."""
    from moto.core import base_backend, responses, utils
    from moto.core.authorization import ActionAuthenticatorMixin
    from moto.dynamodb.models import dynamo_type
    from moto.dynamodb.responses import DynamoHandler, DynamoResult
    from moto.sqs import models

    by_model = DynamoResult.execute_result
    transact_write_items = DynamoHandler.transact_write_items

    def execute_result(self: Any, context: Any) -> Any:
        operation = context.operation_model
        if operation.name not in ITEM_OPERATIONS:
            return by_model(self, context)
        members = [name for name in operation.output_shape.members if name != "ConsumedCapacity"]  # constants in moto
        answer = {name: self.result[name] for name in members if self.result.get(name) is not None}
        body = json.dumps(answer, default=_wire_form)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, body

    dynamo_type.DynamoType.__init__ = _make_typed
    dynamo_type.DynamoType.cast_value = _cheaply(dynamo_type.DynamoType.cast_value)
    dynamo_type.DynamoType.__deepcopy__ = lambda self, _memo: copy_of(self)
    dynamo_type.DynamoType.to_regular_json = regular_json
    dynamo_type.Item.__new__ = lambda cls, *_, **__: object.__new__(cls)
    DynamoResult.execute_result = execute_result
    DynamoResult.execute_result_by_model = by_model
    DynamoHandler.transact_write_items = lambda self: DynamoResult(transact_write_items(self).result)
    expressions.install()
    updates.install()
    models.generate_receipt_handle = _receipt_handle
    for module in (responses, models):
        module.camelcase_to_underscores = functools.cache(module.camelcase_to_underscores)
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    responses.gen_amzn_requestid_long = _give_request_id
    for asked in ("_authenticate_and_authorize_normal_action", "_authenticate_and_authorize_s3_action"):
        setattr(ActionAuthenticatorMixin, asked, lambda *_, **__: None)  # switched off in moto; asking loads all of IAM
    base_backend.AccountSpecificBackend._generate_regions = lambda *_: []
    base_backend.allow_unknown_region = lambda: True
    loader = utils.create_loader()
    loader.list_available_services = lambda _: _Everything()  # else every folder of botocore's data is looked into
    utils.create_loader = lambda: loader


class _Everything(tuple[str, ...]):
    """Names of services, any of which may be asked for: one that is not there is missed when its model is read."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


def _give_request_id(headers: dict[str, Any]) -> str:
    """Put a request id into the headers of an answer."""
    request_id = headers["x-amzn-requestid"] = f"{random.getrandbits(208):052X}"
    return request_id


def _receipt_handle() -> str:
    """185 small letters, drawn at once."""
    return "".join(random.choices(string.ascii_lowercase, k=185))


def _make_typed(typed: Any, given: Any) -> None:
    """moto's ``DynamoType.__init__``: of another typed value or of DynamoDB JSON, down to the leaves."""
    kind = type(typed)
    typed.type, value = (given.type, given.value) if type(given) is kind else next(iter(given.items()))
    if typed.type == "L":
        value = [kind(member) for member in value]
    elif typed.type == "M":
        value = {name: kind(member) for name, member in value.items()}
    typed.value = value


def _cheaply(cast_value: property) -> property:
    """moto's ``DynamoType.cast_value``, by which values are compared and found; most stand for themselves."""
    by_type = cast_value.fget
    assert by_type is not None
    return property(lambda typed: typed.value if typed.type in ("S", "B", "BOOL") else by_type(typed))


def copy_of(typed: Any) -> Any:
    """A copy of moto's typed value, down to its leaves."""
    copied = object.__new__(type(typed))
    value = typed.value
    copied.type = typed.type
    if isinstance(value, dict):
        copied.value = {name: copy_of(member) for name, member in value.items()}
    elif isinstance(value, list):
        copied.value = [copy_of(member) if hasattr(member, "value") else member for member in value]
    else:
        copied.value = value
    return copied


def regular_json(typed: Any) -> dict[str, Any]:
    """moto's typed value as plain data: ``{"M": {"a": {"S": "x"}}}``; binary values are bytes."""
    value = typed.value
    if isinstance(value, dict):
        value = {name: regular_json(member) for name, member in value.items()}
    elif isinstance(value, list):
        value = [regular_json(member) if hasattr(member, "value") else member for member in value]
    elif typed.type == "B" and isinstance(value, str):
        value = base64.b64decode(value)
    return {typed.type: value}


def _wire_form(value: Any) -> Any:
    if hasattr(value, "to_regular_json"):
        return value.to_regular_json()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no wire form for {type(value).__name__}")
