"""moto, faster where it spends most of its time and the answer is the same.

An item that a table answers with is in wire form already; moto walks it by the service model all the same, trying
six spellings of each name. Here it is written as it is. Names of actions are looked up once.
"""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

ITEM_OPERATIONS = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"}
)


@functools.cache
def install() -> None:
    """Put the faster ways in place, once per process."""
    from moto.core import responses
    from moto.dynamodb.responses import DynamoResult
    from moto.sqs import models

    by_model = DynamoResult.execute_result

    def execute_result(self: Any, context: Any) -> Any:
        operation = context.operation_model
        if operation.name not in ITEM_OPERATIONS:
            return by_model(self, context)
        members = operation.output_shape.members
        answer = {name: self.result[name] for name in members if self.result.get(name) is not None}
        body = json.dumps(answer, default=_wire_form)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, body

    DynamoResult.execute_result = execute_result
    DynamoResult.execute_result_by_model = by_model
    for module in (responses, models):
        module.camelcase_to_underscores = functools.cache(module.camelcase_to_underscores)
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)


def _wire_form(value: Any) -> Any:
    if hasattr(value, "to_regular_json"):
        return value.to_regular_json()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no wire form for {type(value).__name__}")
