"""The preference `wait` (RFC 7240): how long a caller would rather wait than be told that an order is still PLACED."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from web.problem import Refused, invalid_header

LONGEST_SECONDS = 20
"""Our choice, below the 30 s after which an HTTP API gives up on an integration."""

RESERVE_SECONDS = 1.0
"""Time kept for the last read and the answer."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0

_T = TypeVar("_T")


def wait_preference(headers: Mapping[str, str]) -> int | None:
    """Read `wait` from the header `Prefer`, at most 20 s; None when it is not asked for.

    Other preferences are ignored, as the RFC has it. Raises `Refused` for a wait that is no whole number of seconds.
    """
    for preference in headers.get("prefer", "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = value.strip().strip('"')
            if not re.fullmatch(r"[0-9]{1,9}", seconds):
                raise Refused(invalid_header("Prefer", "must give wait as a whole number of seconds, such as wait=5"))
            return min(int(seconds), LONGEST_SECONDS)
    return None


def waited_for(
    read: Callable[[], _T],
    arrived: Callable[[_T], bool],
    *,
    seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> _T:
    """Read at once, and again after pauses from 0.1 s to 1 s until it has arrived or the time is up.

    `clock` counts seconds and never goes back.
    """
    ends_at = clock() + seconds
    pause = _FIRST_PAUSE_SECONDS
    value = read()
    while not arrived(value) and (left := ends_at - clock()) > 0:
        sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        value = read()
    return value
