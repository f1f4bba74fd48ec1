"""Run the runtime interface client on a clock that jumps: a script for worker processes, which import nothing of ours.

``python shifted_clock.py FILE HANDLER``: ``FILE`` holds, as a signed 64-bit number, how many milliseconds the
application's clock has skipped so far; it is written before each invocation. Wall time as Python tells it
(``time.time``, ``datetime.now`` and what stands on them) is shifted by that; monotonic time is not. Without this, a
lock that a killed invocation left behind would seem to be held while minutes of retries pass in a second. C extensions
that ask the kernel themselves see the machine's clock.
"""

import datetime
import gc
import mmap
import runpy
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

_SKIPPED_MS = struct.Struct("<q")


def shift(path: str) -> None:
    """Shift wall time in this process by what the file holds at the time of asking."""
    with open(path, "rb") as file:
        page = mmap.mmap(file.fileno(), _SKIPPED_MS.size, access=mmap.ACCESS_READ)
    skipped_ms = _SKIPPED_MS.unpack_from
    seconds, nanoseconds = time.time, time.time_ns
    time.time = _Function(lambda: seconds() + skipped_ms(page)[0] / 1000)
    time.time_ns = _Function(lambda: nanoseconds() + skipped_ms(page)[0] * 1_000_000)
    for name in ("gmtime", "localtime", "ctime"):
        setattr(time, name, _at_seconds(getattr(time, name)))
    time.strftime = _Function(_at_tuple(time.strftime))
    time.asctime = _Function(_at_tuple(time.asctime))
    _shift_datetime()


class _Function:
    """A function that, like those of C, is no method where a class has it: ``logging`` keeps ``localtime`` that way."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *given: Any) -> Any:
        return self._function(*given)


def _at_seconds(function: Callable[..., Any]) -> _Function:
    return _Function(lambda seconds=None: function(time.time() if seconds is None else seconds))


def _at_tuple(function: Callable[..., Any]) -> Callable[..., Any]:
    def at(*given: Any) -> Any:
        has_time = bool(given) and not isinstance(given[-1], str)
        return function(*given) if has_time else function(*given, time.localtime())

    return at


def _shift_datetime() -> None:
    """Put our ways in place of two methods of ``datetime``, whose type stays the same: the others ask ``time.time``."""

    def now(cls: Any, tz: Any = None) -> Any:
        return cls.fromtimestamp(time.time(), tz)

    def utcnow(cls: Any) -> Any:
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)  # noqa: UP017 - any Python

    (methods,) = (found for found in gc.get_referents(datetime.datetime.__dict__) if isinstance(found, dict))
    methods["now"] = classmethod(now)
    methods["utcnow"] = classmethod(utcnow)


if __name__ == "__main__":
    shift(sys.argv.pop(1))
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
