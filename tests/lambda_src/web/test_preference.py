import pytest

from web.preference import wait_preference, waited_for
from web.problem import Refused


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="5"', 5),
        ("wait=5; foo=bar", 5),
        ("respond-async, wait=5", 5),
        ("wait=60", 20),
        ("wait=0", 0),
        ("respond-async", None),
        ("", None),
    ],
)
def test_wait_is_read_and_capped(prefer: str, seconds: int | None) -> None:
    """The preference is found among others and never goes beyond 20 seconds."""
    assert wait_preference({"prefer": prefer}) == seconds


@pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=soon", "wait=-1", "wait=1.5", "wait=\u0665"])
def test_fails_when_wait_is_no_whole_number(prefer: str) -> None:
    """A wait that cannot be understood is refused, by the header's name."""
    with pytest.raises(Refused) as refused:
        wait_preference({"prefer": prefer})

    assert refused.value.problem.document()["errors"][0]["header"] == "Prefer"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def test_waiting_ends_when_the_value_arrives() -> None:
    """Nobody waits longer than needed."""
    time = Time()
    values = iter([1, 2, 3])

    value = waited_for(lambda: next(values), lambda value: value == 3, seconds=10, clock=time.clock, sleep=time.sleep)

    assert value == 3
    assert time.pauses == [0.1, 0.2]


def test_waiting_ends_when_the_time_is_up() -> None:
    """The last value is given when the time is up, to the second."""
    time = Time()

    assert waited_for(lambda: 1, lambda _: False, seconds=5, clock=time.clock, sleep=time.sleep) == 1
    assert time.now == pytest.approx(5)
    assert max(time.pauses) == 1


@pytest.mark.parametrize("seconds", [0, -3])
def test_without_time_there_is_one_read(seconds: float) -> None:
    """With nothing to wait for, or no time left, the value is read once and given."""
    time = Time()

    assert waited_for(lambda: 1, lambda _: False, seconds=seconds, clock=time.clock, sleep=time.sleep) == 1
    assert time.pauses == []
