"""Powertools idempotency for effects outside DynamoDB, set up so that its traps cannot be fallen into.

Rung 4 of the ladder: 2 more calls and 2 more write units an effect, and after a crash between effect and completion the
effect repeats once the lock has run out. The traps: a layer shared by two functions of code keeps the first one's
configuration, so each call here makes a layer of its own; the key's prefix is given, since the default one changes when
a Python function is renamed; a missing key is an error instead of a warning; without a registered Lambda context a
timeout blocks the key for an hour (observed on Powertools 3.37.0).
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from effects.clients import DynamoDBClient

KEPT_SECONDS = 14 * 24 * 60 * 60
"""How long a result is remembered: as long as a queue can keep a message (source: "Amazon SQS message quotas")."""

_T_contra = TypeVar("_T_contra", contravariant=True)


class OnceOnly(Protocol[_T_contra]):
    """An effect that is done once for each key; it raises when the same key is in progress elsewhere."""

    def __call__(self, request: _T_contra, context: LambdaContext) -> str:
        """Do it, or give the result of the time before."""
        ...


def once_only(
    effect: Callable[[_T_contra], str], *, key: str, name: str, client: DynamoDBClient, table: str
) -> OnceOnly[_T_contra]:
    """Wrap an effect whose result is text.

    `key` names the field of the request dataclass that is its business identity, `name` tells this effect's keys from
    those of others in the same table and must never change.
    """
    config = IdempotencyConfig(
        event_key_jmespath=key,
        raise_on_no_idempotency_key=True,
        expires_after_seconds=KEPT_SECONDS,
        hash_function="sha256",
    )
    layer = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

    def perform(*, request: Any) -> str:
        return effect(request)

    perform_once = idempotent_function(
        perform, data_keyword_argument="request", config=config, persistence_store=layer, key_prefix=name
    )

    def perform_in(request: _T_contra, context: LambdaContext) -> str:
        config.register_lambda_context(context)
        return str(perform_once(request=request))

    return perform_in
