"""How many executions a stage may run at once, and whether its functions fit in."""

from __future__ import annotations

from collections.abc import Mapping

from stacks.function_settings import FunctionSettings
from stacks.mapping_settings import QueueMappingSettings, StreamMappingSettings
from stacks.refusal import require, require_at_least

# Lambda developer guide, "Configuring reserved concurrency": so much of the account's concurrency stays unreserved.
UNRESERVABLE_EXECUTIONS = 100


def check_account(account_concurrency: int, functions: Mapping[str, FunctionSettings]) -> None:
    """Refuse to set aside, reserved or provisioned, more than Lambda lets an account of this concurrency."""
    require_at_least(10, "so much has the newest account", account_concurrency=account_concurrency)
    aside = sum(executions_set_aside(function) for function in functions.values())
    require(
        aside == 0 or aside <= account_concurrency - UNRESERVABLE_EXECUTIONS,
        f"{aside} executions are reserved or provisioned, but of account_concurrency={account_concurrency} Lambda "
        f"keeps {UNRESERVABLE_EXECUTIONS} unreserved: reserve less, or ask for a higher quota and raise "
        "account_concurrency",
    )


def check_streams(
    expected_shards: int, functions: Mapping[str, FunctionSettings], mappings: Mapping[str, StreamMappingSettings]
) -> None:
    """Refuse a reader of the stream that may run fewer invocations than its shards ask for at once."""
    require_at_least(1, "a stream has one", expected_shards=expected_shards)
    for name, mapping in mappings.items():
        reserved, factor = functions[name].reserved_concurrent_executions, mapping.parallelization_factor
        require(
            reserved is None or expected_shards * factor <= reserved,
            f"reserved_concurrent_executions={reserved} of {name} is less than expected_shards={expected_shards} × "
            f"parallelization_factor={factor}: shards would wait for one another; raise the first or lower the factor",
        )


def check_queues(
    account_concurrency: int, functions: Mapping[str, FunctionSettings], mappings: Mapping[str, QueueMappingSettings]
) -> None:
    """Refuse mappings that receive messages for more invocations than may run: a throttled message counts as received.

    A stream's batch that is throttled is tried again without using up an attempt, so streams are not counted here.
    """
    pool = account_concurrency
    for function in functions.values():
        pool -= function.reserved_concurrent_executions or 0
    unreserved = 0
    for name, mapping in mappings.items():
        reserved = functions[name].reserved_concurrent_executions
        unreserved += mapping.max_concurrency if reserved is None else 0
        require(
            reserved is None or mapping.max_concurrency <= reserved,
            f"max_concurrency={mapping.max_concurrency} of {name} exceeds its "
            f"reserved_concurrent_executions={reserved}: throttled messages would count as received; "
            "lower the first or raise the second",
        )
    require(
        unreserved < pool,
        f"max_concurrency of the queues without a reservation adds up to {unreserved}, but only {pool} executions of "
        f"account_concurrency={account_concurrency} are unreserved, for the API and the streams, too: lower it",
    )


def executions_set_aside(function: FunctionSettings) -> int:
    """Executions that no other function of the account can have: reserved, or provisioned without a reservation."""
    return function.reserved_concurrent_executions or function.provisioned_concurrent_executions or 0
