"""moto's tables, made to behave like DynamoDB's: every repair, by name, for one version of moto.

Each can be left out; the contract tests show for each what is then wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from penstock.cloud.repairs.batches import BATCHES
from penstock.cloud.repairs.definition import NowMs, Repair
from penstock.cloud.repairs.queries import QUERIES
from penstock.cloud.repairs.records import SHARD_ITERATORS, STREAM_RECORDS
from penstock.cloud.repairs.sizes import ITEM_SIZES
from penstock.cloud.repairs.statements import STATEMENTS
from penstock.cloud.repairs.transactions import REQUEST_TOKENS, TRANSACTIONS
from penstock.cloud.repairs.updates import UPDATES
from penstock.cloud.repairs.value_types import VALUE_TYPES
from penstock.cloud.repairs.values import EMPTY_VALUES, NUMBERS
from penstock.errors import EnvironmentProblem

__all__ = ["REPAIRS", "SUPPORTED_MOTO", "Repair", "install", "require_supported_moto"]

SUPPORTED_MOTO: Final = "5.2.5"

REPAIRS: Final[Mapping[str, Repair]] = {
    repair.name: repair
    for repair in (
        UPDATES,
        BATCHES,
        TRANSACTIONS,
        STATEMENTS,
        REQUEST_TOKENS,
        QUERIES,
        STREAM_RECORDS,
        SHARD_ITERATORS,
        EMPTY_VALUES,
        NUMBERS,
        VALUE_TYPES,
        ITEM_SIZES,
    )
}
"""Name → repair, in the order in which they are put in place: of two that wrap the same method, the later one is asked
first."""

_ORIGINALS: dict[tuple[Any, str], Any] = {}


def require_supported_moto(version: str) -> None:
    """Stop with `EnvironmentProblem` at another version of moto than the one that the repairs were made for."""
    if version != SUPPORTED_MOTO:
        raise EnvironmentProblem(
            f"moto {version} is installed, but the repairs of this tool are pinned to {SUPPORTED_MOTO}; "
            f"install moto=={SUPPORTED_MOTO}"
        )


def install(*, now_ms: NowMs, without: Collection[str] = ()) -> None:
    """Put the repairs in place, for the whole process, all but those named; repairs that were there are undone first.

    ``now_ms`` is the application's clock, by which tokens and iterators age.
    """
    import moto

    require_supported_moto(moto.__version__)
    assert set(without) <= REPAIRS.keys(), f"no such repair: {set(without) - REPAIRS.keys()}"
    for (owner, name), original in _ORIGINALS.items():
        setattr(owner, name, original)
    for repair in REPAIRS.values():
        if repair.name in without:
            continue
        for owner, name, replace in repair.patches(now_ms):
            current = getattr(owner, name)
            _ORIGINALS.setdefault((owner, name), current)
            setattr(owner, name, replace(current))
