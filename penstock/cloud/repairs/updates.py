"""UpdateItem: one change of one item, or none.

moto puts an item of nothing but its key first (an INSERT), then updates it in place (a second record); an update that
fails halfway stays half done, and a value set from the item itself is shared with the place that it came from.

Source: UpdateItem (API reference); Using update expressions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock.cloud.repairs import changes
from penstock.cloud.repairs.changes import Condition
from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead
from penstock.cloud.repairs.sizes import weigh


def _update_item(
    backend: Any,
    table_name: str,
    key: dict[str, Any],
    *,
    update_expression: str,
    expression_attribute_names: dict[str, str] | None,
    expression_attribute_values: dict[str, Any] | None,
    attribute_updates: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    condition_expression: str | None = None,
    return_values_on_condition_check_failure: str | None = None,
) -> Any:
    """moto's ``update_item``; ``attribute_updates`` and ``expected`` are the parameters that expressions replaced."""
    from moto.dynamodb.comparisons import get_expected
    from moto.dynamodb.exceptions import ConditionalCheckFailed

    table = backend.get_table(table_name)
    condition = Condition(
        expression=condition_expression,
        names=expression_attribute_names or {},
        values=expression_attribute_values or {},
        returns_old=return_values_on_condition_check_failure == "ALL_OLD",
    )
    change = changes.update(table, key, update_expression, condition)
    if expected and not get_expected(expected).expr(change.old):
        raise ConditionalCheckFailed
    if attribute_updates:
        change.new.validate_no_empty_key_values(attribute_updates, table.attribute_keys)
        change.new.update_with_attribute_updates(attribute_updates)
        weigh(change.new)
    change.commit()
    return change.new


def _patches(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.models import DynamoDBBackend

    yield DynamoDBBackend, "update_item", instead(_update_item)


UPDATES = Repair(
    name="updates",
    behaviour="UpdateItem changes an item at once or not at all, with one record even where it makes the item.",
    patches=_patches,
)
