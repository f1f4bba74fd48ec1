"""A grant on a table, narrowed to some attributes of its items."""

from __future__ import annotations

from typing import Any


def only_attributes(*names: str) -> dict[str, dict[str, Any]]:
    """Conditions under which a call may name these attributes, the key's included, and get no others back.

    A read has to say which it wants, and a write may return what it changed, not the item. Source: DynamoDB developer
    guide, "Using IAM policy conditions for fine-grained access control". Whoever writes all of an item,
    as the functions of the read model and of the statistics do, needs none.
    """
    return {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": sorted(names)},
        "StringEqualsIfExists": {
            "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
            "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW", "UPDATED_OLD"],
        },
    }
