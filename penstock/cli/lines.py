"""The lines of `penstock run`: what happens, as it happens."""

from __future__ import annotations

import _thread
import json
import sys
import threading
import time
from typing import TYPE_CHECKING

from penstock.terminal import Paint

if TYPE_CHECKING:
    from penstock.composition import Event
    from penstock.runtime.log import LogLine
    from penstock.story.live import Line

ROUTINE_KEYS = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "function_name", "function_memory_size"}
    | {"function_arn", "function_request_id", "xray_trace_id", "correlation_id", "sampling_rate"}
)
"""What a Powertools log line says of itself; the rest is what the handler wanted to say."""


class Printer:
    """Prints what happens, one line each; called from the application's thread.

    Where it is quiet it prints denials alone. Once nobody reads it any more, as behind ``| head``, it ends the run.
    """

    def __init__(self, *, quiet: bool) -> None:
        from penstock.story.live import Live

        self._quiet = quiet
        self._paint = Paint.of(sys.stdout)
        self._live = Live()
        self._lock = threading.Lock()
        self._unread = False

    def tell(self, event: Event) -> None:
        """Print one event."""
        from penstock.cloud.policies.guard import Denied

        line = None if self._quiet and not isinstance(event, Denied) else self._line(event)
        if line is not None:
            text = self._paint.bad(line.text) if line.wrong else line.text
            self._print(f"{time.strftime('%H:%M:%S')} {text}")

    def _print(self, text: str) -> None:
        with self._lock:
            if self._unread:
                return
            try:
                print(text, flush=True)
            except BrokenPipeError:
                self._unread = True
                _thread.interrupt_main()  # which meets it again at its next line, and ends for it

    def _line(self, event: Event) -> Line | None:
        """An event as a line of text, or ``None`` for what nobody wants to read (metrics, routine logs)."""
        from penstock.cloud.policies.guard import Denied
        from penstock.gateway.gateway import Served
        from penstock.runtime.invocation import Invocation
        from penstock.runtime.log import LogLine
        from penstock.story.live import Line

        match event:
            case Served():
                text = f"{event.method} {event.path} -> {event.status} ({event.duration_ms:.0f} ms)"
                return Line(text, wrong=event.status >= 500)
            case LogLine():
                said = _log(event)
                return None if said is None else Line(said)
            case Denied():
                return Line(event.told(), wrong=True)
            case Invocation():
                return None  # which its fact tells
            case _:
                return self._live.line(event)


def _log(line: LogLine) -> str | None:
    text = line.text
    if text.startswith("{"):
        try:
            entry = json.loads(text)
        except ValueError:
            return f"{line.function.label}| {text}"
        if "_aws" in entry:
            return None
        said = " ".join(f"{key}={value}" for key, value in entry.items() if key not in ROUTINE_KEYS)
        level = "" if entry.get("level") == "INFO" else f"{entry.get('level')} "
        return f"{line.function.label}: {level}{entry.get('message', '')} {said}".rstrip()
    return f"{line.function.label}| {text}" if text.strip() else None
