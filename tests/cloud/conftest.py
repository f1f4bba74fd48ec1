"""An engine whose messages are stamped by a clock that stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from penstock.cloud.engine import Engine
from penstock.cloud.moto import messages as moto_messages
from tests.cloud.some_queues import ACCOUNT

NOW_MS = 1_583_348_638_390


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS


@pytest.fixture
def time() -> Iterator[Time]:
    """The time by which messages are stamped."""
    standing = Time()
    moto_messages.follow(lambda: standing.now_ms)
    yield standing
    moto_messages.follow(lambda: NOW_MS)


@pytest.fixture
def engine(time: Time, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that holds nothing."""
    started = Engine(account_id=ACCOUNT, region="eu-west-1")
    from moto.sqs import models

    monkeypatch.setattr(models, "unix_time_millis", lambda *_: float(time.now_ms))
    monkeypatch.setattr(models, "unix_time", lambda *_: time.now_ms / 1000)
    return started
