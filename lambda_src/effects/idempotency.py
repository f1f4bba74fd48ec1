"""Powertools idempotency for effects outside DynamoDB, set up so that its traps cannot be fallen into.

Rung 4 of the ladder. A record in a table says that a key is in progress, then that it is completed, with the result.

Cost: 2 calls and 2 write units beside the effect; a repetition costs 1 and 1.

What is still possible: the process dies, or the completion fails, after the effect. The key stays in progress until the
time of that invocation has run out, repetitions fail meanwhile and come back, and then the effect is done again. So it
is done at least once, and at most once more for each such crash; only the receiver can close that gap, by a key of its
own. An effect that raises is forgotten at once and may be tried again: it must not raise when it has taken effect.

The traps (observed on Powertools 3.37.0), and what keeps a caller out of them:

- A layer that serves two functions keeps the first one's configuration: each call here makes a layer of its own.
- Without a registered Lambda context an invocation that dies blocks its key for as long as results are kept: the
  context is an argument of the effect, and the lock ends with the time that is left.
- A key that is a request id, or all of an event, is another one when the event is repeated: the key is a function of
  the request, to be written from business identity or a stream record's `eventID`.
- A JMESPath that finds nothing disables idempotency with a warning: there is none here, and an empty key raises.
- The default prefix is the name of a Python function, so that renaming it forgets everything: the prefix is given.
- The default is to forget after an hour, which a dead-letter queue outlasts: kept as long as any queue can keep a
  message.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from effects.clients import DynamoDBClient

KEPT_SECONDS = 14 * 24 * 60 * 60
"""How long a result is remembered: as long as a queue can keep a message (source: "Amazon SQS message quotas"), which
brings its age along into a dead-letter queue and back."""

_T_contra = TypeVar("_T_contra", contravariant=True)


class OnceOnly(Protocol[_T_contra]):
    """An effect that is done once for each key; it raises when the same key is in progress elsewhere."""

    def __call__(self, request: _T_contra, context: LambdaContext) -> str:
        """Do it, or give the result of the time before."""
        ...


def once_only(
    effect: Callable[[_T_contra], str],
    *,
    key: Callable[[_T_contra], str],
    name: str,
    client: DynamoDBClient,
    table: str,
) -> OnceOnly[_T_contra]:
    """Wrap an effect whose result is text.

    `key` gives the business identity of a request; `name` tells this effect's keys from those of others in the same
    table and must never change. The effect raises `IdempotencyKeyError` for an empty key.
    """
    config = IdempotencyConfig(
        raise_on_no_idempotency_key=True, expires_after_seconds=KEPT_SECONDS, hash_function="sha256"
    )
    layer = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

    def perform(*, identity: str, request: Any) -> str:  # noqa: ARG001
        return effect(request)

    perform_once = idempotent_function(
        perform, data_keyword_argument="identity", config=config, persistence_store=layer, key_prefix=name
    )

    def perform_in(request: _T_contra, context: LambdaContext) -> str:
        config.register_lambda_context(context)
        return str(perform_once(identity=key(request), request=request))

    return perform_in
