"""The invariants that a stream mapping checks of itself: each is told when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from penstock.errors import BrokenInvariant
from tests.mapping.transcript import StreamTranscript, record


def _repeat_a_record(shard: Any) -> None:
    shard._lanes[0].offer([record(1)])


def _pass_an_unfinished_record(shard: Any) -> None:
    shard.checkpoint = "1"


def _go_back(shard: Any) -> None:
    shard.checkpoint = "0"
    shard.check()
    shard.checkpoint = None


def _call_twice(shard: Any) -> None:
    (awaited,) = shard._outbox.invocations.values()
    shard._outbox.invocations["invocation-99"] = awaited


def _read_while_switched_off(shard: Any) -> None:
    shard.disable()
    shard._read_id = "read-99"


@pytest.mark.parametrize(
    ("break_it", "statement"),
    [
        (_repeat_a_record, "in order, each once"),
        (_pass_an_unfinished_record, "does not pass an unfinished record"),
        (_go_back, "does not go back"),
        (_call_twice, "as many batches in flight as its factor"),
        (_read_while_switched_off, "switched off does not read"),
    ],
)
def test_a_broken_invariant_carries_the_story(break_it: Callable[[Any], None], statement: str) -> None:
    """What is wrong, in which shard, and how it came to that."""
    play = StreamTranscript()
    play.starts()
    play.read("read-1", record(1))
    break_it(play.mapping._shards["shard"])

    with pytest.raises(BrokenInvariant, match=statement) as broken:
        play.mapping.check()
    assert broken.value.story == tuple(play.mapping.story("shard"))
