import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from effects.window_fold import Window, WindowFold
from penstock.conformance.function import Behaviour, Call
from penstock.conformance.properties import stream_configuration
from penstock.conformance.stream_record import Written, write
from penstock.conformance.stream_world import STREAM_ARN, CaseShard, StreamWorld
from penstock.mapping.inputs import FunctionError, Returned

WINDOW_SECONDS = 10
A_DAY_MS = 86_000_000


@dataclass(frozen=True, kw_only=True)
class Names:
    """A state that holds the names it has seen, and so may outgrow its limit."""

    names: tuple[str, ...] = ()
    bad: int = 0
    first: str | None = None
    padding: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not (self.names or self.bad)

    def seen(self, sequence_number: str) -> "Names":
        """Note the first of them."""
        return replace(self, first=min(self.first or sequence_number, sequence_number, key=int))

    def count_bad(self) -> "Names":
        """Count a bad record."""
        return replace(self, bad=self.bad + 1)

    def state(self) -> dict[str, Any]:
        """Write the state, padded for each name."""
        padding = "x" * self.padding * len(self.names)
        return {"names": list(self.names), "bad": self.bad, "first": self.first, "padding": padding}


class Function:
    """The function of a world: folds, and fails before or after it does, by chance."""

    reserved_concurrency = None
    timeout_ms = 30_000

    def __init__(self, written: list[Written], *, chance: random.Random, failures: float, padding: int) -> None:
        self.rows: dict[tuple[str, str, str], Names] = {}
        self.overwritten = 0
        self.early = 0
        self._bodies = {one.ref: one.record.body for one in written}
        self._chance = chance
        self._failures = failures
        self._padding = padding
        self._fold = WindowFold(
            read=self._read, count=count, write=self._write, logger=Logger(service="window-fold-test", level="CRITICAL")
        )

    def behave(self, call: Call) -> Behaviour:
        """Handle one call of a window."""
        event = {"Records": [self._bodies[ref] for ref in call.refs], **call.extras}
        self.early += event["isWindowTerminatedEarly"]
        if self._chance.random() < self._failures:
            return Behaviour(outcome=FunctionError())
        answer = self._fold.answer(event, self._fold.fold(event))
        if self._chance.random() < self._failures:
            return Behaviour(outcome=FunctionError())
        return Behaviour(outcome=Returned(payload=answer))

    def _read(self, state: Mapping[str, Any]) -> Names:
        if not state:
            return Names(padding=self._padding)
        return Names(names=tuple(state["names"]), bad=state["bad"], first=state["first"], padding=self._padding)

    def _write(self, window: Window, names: Names) -> None:
        key = (window.start, window.shard_id, str(names.first))
        self.overwritten += key in self.rows
        self.rows[key] = names


def count(names: Names, record: Mapping[str, Any]) -> Names:
    """Count a record by its name."""
    name = record["dynamodb"]["NewImage"]["name"]["S"]
    if name.startswith("bad"):
        raise RuntimeError(name)
    return replace(names, names=(*names.names, name))


def play(seed: int, *, failures: float = 0.0, padding: int = 0) -> tuple[Function, list[str]]:
    """Play a stream of three shards, the last a child of the first, through a mapping with a window."""
    chance = random.Random(seed)
    times = sorted(chance.randrange(0, 60_000) for _ in range(chance.randint(1, 40)))
    names = [f"{chance.choice(['good', 'good', 'good', 'bad'])}{number}" for number in range(len(times))]
    written = [
        write(
            {"ref": name, "at_ms": at_ms, "item": name, "attributes": {"name": {"S": name}}, "shard": _shard(at_ms)},
            number=number,
            view="NEW_AND_OLD_IMAGES",
            stream_arn=STREAM_ARN,
        )
        for number, (name, at_ms) in enumerate(zip(names, times, strict=True), 1)
    ]
    properties = {"BatchSize": chance.randint(1, 10), "TumblingWindowInSeconds": WINDOW_SECONDS}
    configuration, _ = stream_configuration(properties, None)
    function = Function(written, chance=chance, failures=failures, padding=padding)
    world = StreamWorld(
        configuration=configuration,
        shards=[CaseShard(name="parent"), CaseShard(name="other"), CaseShard(name="child", parents=("parent",))],
        writes=written,
        switches=[],
        rules=function,  # type: ignore[arg-type]
        destination_denied=False,
    )
    world.run(A_DAY_MS)
    return function, names


def _shard(at_ms: int) -> str:
    if at_ms % 3 == 0:
        return "other"
    return "parent" if at_ms < 25_000 else "child"


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("padding", [0, 300_000])
def test_every_record_is_in_one_row(seed: int, padding: int) -> None:
    """With failing calls, a shard that ends in a window, and windows that end early, rows add up to the records."""
    function, names = play(seed, failures=0.2, padding=padding)
    counted = [name for row in function.rows.values() for name in row.names]

    assert sorted(counted) == sorted(name for name in names if name.startswith("good")), f"seed {seed}"
    assert sum(row.bad for row in function.rows.values()) == sum(name.startswith("bad") for name in names)


def test_windows_have_one_row_for_each_shard() -> None:
    """Without early ends there is one write for each window and shard that saw something."""
    function, _ = play(7)

    assert len(function.rows) == len({(start, shard) for start, shard, _ in function.rows})
    assert function.overwritten == function.early == 0


def test_what_the_rows_are_named_after_is_needed() -> None:
    """In these worlds rows are overwritten by repeated final calls, and windows do end early and go on."""
    functions = [play(seed, failures=0.2, padding=300_000)[0] for seed in range(20)]

    assert any(function.overwritten for function in functions)
    assert any(function.early for function in functions)
    assert any(
        len(function.rows) > len({(start, shard) for start, shard, _ in function.rows}) for function in functions
    )
