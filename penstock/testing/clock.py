"""The application's clock, in a test's hands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.application import Application


class ClockUnderTest:
    """The one clock of the application. It jumps: it never waits for what only time would bring."""

    def __init__(self, application: Application) -> None:
        self._application = application

    @property
    def now(self) -> datetime:
        """The application's time, in UTC."""
        return datetime.fromtimestamp(self._application.now_ms() / 1000, UTC)

    def advance(
        self,
        delta: timedelta = timedelta(0),
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
    ) -> None:
        """Move on by the sum of what is given, and return when that time has come (`Application.advance`).

        What is in flight ends first; timers on the way fire in their order and what they start ends before the clock
        goes on. What is due at the very end may be in flight then: `settle` waits for it.
        """
        whole = delta + timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        self._application.advance(round(whole.total_seconds() * 1000))
