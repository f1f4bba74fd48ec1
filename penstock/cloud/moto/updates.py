"""moto's UpdateItem, with less work where the answer is the same.

A caller who asks for nothing back still has the item copied once and written out twice in full; here it is not.
"""

from __future__ import annotations

import functools
from typing import Any

QUIET_PARAMETERS = frozenset(
    {"TableName", "Key", "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames", "ReturnValues"}
    | {"ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure", "ReturnConsumedCapacity"}
)
"""With other parameters UpdateItem is left to moto's handler as it is."""


@functools.cache
def install() -> None:
    """Put the faster way in place, once per process."""
    from moto.dynamodb.responses import DynamoHandler

    answer = DynamoHandler.update_item

    def update_item(handler: Any) -> Any:
        body = handler.body
        quiet = QUIET_PARAMETERS.issuperset(body) and body.get("ReturnValues", "NONE") == "NONE"
        return _answer_quietly(handler) if quiet and body.get("UpdateExpression", "").strip() else answer(handler)

    DynamoHandler.update_item = update_item


def _answer_quietly(handler: Any) -> Any:
    """moto's handler for UpdateItem, as far as it goes for an update that gives nothing back."""
    from moto.dynamodb.comparisons import create_condition_expression_parser
    from moto.dynamodb.exceptions import ProvidedKeyDoesNotExist
    from moto.dynamodb.responses import DynamoResult, validate_attributes_used

    body, backend = handler.body, handler.dynamodb_backend
    table = backend.get_table(body["TableName"])
    if not all(name in table.attribute_keys for name in body["Key"]):
        raise ProvidedKeyDoesNotExist
    expression = body["UpdateExpression"].strip()
    names_used, values_used = _placeholders_in(expression)
    names, values = body.get("ExpressionAttributeNames", {}), handler._get_expr_attr_values()
    condition = create_condition_expression_parser(body.get("ConditionExpression"), names, values)
    condition.parse()
    validate_attributes_used(names, [*names_used, *condition.expr_attr_names_found])
    validate_attributes_used(values, [*values_used, *condition.expr_attr_values_found], "Values")
    backend.update_item(
        body["TableName"],
        body["Key"],
        update_expression=expression,
        expression_attribute_names=names,
        expression_attribute_values=values,
        condition_expression=body.get("ConditionExpression"),
        return_values_on_condition_check_failure=body.get("ReturnValuesOnConditionCheckFailure"),
    )
    return DynamoResult({})


@functools.lru_cache(maxsize=512)
def _placeholders_in(expression: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The placeholders of names and of values in an update expression."""
    from moto.dynamodb.parsing.ast_nodes import ExpressionAttributeName, ExpressionAttributeValue
    from moto.dynamodb.parsing.expressions import UpdateExpressionParser

    tree = UpdateExpressionParser.make(expression)
    names = (clause.get_attribute_name_placeholder() for clause in tree.find_clauses([ExpressionAttributeName]))
    values = (clause.get_value_name() for clause in tree.find_clauses([ExpressionAttributeValue]))
    return tuple(names), tuple(values)
