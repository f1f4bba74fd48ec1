"""Updates that are plain, held against moto's own; and those that are not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from penstock.cloud.engine import Engine
from penstock.cloud.moto.plain_updates import Assignment, plan_of, updated

NAMES = {"#s": "status", "#v": "version", "#k": "id"}
ITEM = {"id": {"S": "1"}, "status": {"S": "old"}, "version": {"N": "3"}, "lines": {"L": [{"M": {"a": {"N": "1"}}}]}}
VALUES = {":s": {"S": "new"}, ":one": {"N": "1"}, ":m": {"M": {"x": {"S": "y"}}}}


@pytest.fixture
def table() -> Any:
    """moto's table with one item."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    engine.call(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "t",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": ITEM})
    return engine.backend("dynamodb").get_table("t")


def by_moto(old: Any, table: Any, expression: str) -> Any:
    """The item as moto's own way leaves it."""
    from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
    from moto.dynamodb.parsing.expressions import UpdateExpressionParser
    from moto.dynamodb.parsing.validators import UpdateExpressionValidator

    item = copy.deepcopy(old)
    validator = UpdateExpressionValidator(
        UpdateExpressionParser.make(expression),
        expression_attribute_names=NAMES,
        expression_attribute_values=VALUES,
        item=item,
        table=table,
    )
    validated = validator.validate()
    validated.normalize()
    UpdateExpressionExecutor(validated, item, NAMES).execute()
    return item


@pytest.mark.parametrize(
    "expression",
    [
        "SET #s = :s",
        "SET #s = :s, #v = #v + :one",
        "set #v=#v-:one,#s=:m",
        " SET  #s = :one , #v = :s ",
        "SET #s = #v + :one, #v = :one",
        "SET shown = :s, #v = version - :one",
        "SET added=:m",
    ],
)
def test_plain_update_leaves_the_item_as_moto_does(table: Any, expression: str) -> None:
    """Values, sums and differences come out the same, each seen from the item as it was."""
    (old,) = table.all_items()
    before = copy.deepcopy(old)

    new = updated(table, old, expression, NAMES, VALUES)

    assert new.to_json() == by_moto(old, table, expression).to_json()
    assert old.to_json() == before.to_json()
    assert new.attrs["lines"] is old.attrs["lines"]


@pytest.mark.parametrize(
    "expression",
    [
        "SET #s = :s REMOVE #v",
        "SET #s.#v = :s",
        "SET #s[0] = :s",
        "SET #s = if_not_exists(#s, :s)",
        "SET status = :s",
        "SET #s = count + :one",
        "SET #s = :s, #s = :one",
        "SET version = :s, #v = :one",
        "SET #unknown = :s",
        "SET #s = #v",
        "SET #s = :s + :one",
        "SET #s = :s,",
        "REMOVE #s",
        "",
    ],
)
def test_other_expressions_are_left_to_moto(expression: str) -> None:
    """Paths, functions, other clauses, reserved words and whatever is wrong are not plain."""
    assert plan_of(expression, NAMES) is None


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("SET #k = :s", VALUES),
        ("SET #s = :missing", VALUES),
        ("SET #v = #v + :s", VALUES),
        ("SET #v = #s + :one", VALUES),
        ("SET #s = :s", VALUES | {":s": {"S": "x" * 400_000}}),
    ],
)
def test_what_might_be_refused_is_left_to_moto(table: Any, expression: str, values: dict[str, Any]) -> None:
    """A key, a value that is not given, a sum of what is no number, an item near the limit."""
    (old,) = table.all_items()
    assert plan_of(expression, NAMES) is not None

    assert updated(table, old, expression, NAMES, values) is None


def test_plan_names_attributes_and_not_their_placeholders() -> None:
    """The same text with other names is another plan."""
    assert plan_of("SET #s = :s", {"#s": "a"}) == (Assignment(name="a", placeholder=":s"),)
    assert plan_of("SET #s = :s", {"#s": "b"}) == (Assignment(name="b", placeholder=":s"),)
