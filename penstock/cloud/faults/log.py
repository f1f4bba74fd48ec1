"""What struck: one entry for each fault that hit something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault that hit.

    ``fault`` is its place in the script, from 0. ``at_ms`` is on the application's clock. ``victim`` is whom it befell:
    the caller of a call, the function of an invocation, the rule of an event. ``service`` and ``operation`` are those
    of a call, else empty. ``request_id`` is the invocation's, empty where there is none. ``item_keys`` are the DynamoDB
    items that a call named, as ``<table>/<name>=<value>``. ``text`` is what was under way, whole: the request of a
    call, the event of an invocation or delivery, the on-failure record; an order or event is found in it. ``batch`` is
    the event of an invocation whose process was killed: all of it is affected, not only what the call was about.
    """

    kind: str
    fault: int
    at_ms: int
    victim: str
    service: str = ""
    operation: str = ""
    moment: str = ""
    request_id: str = ""
    item_keys: tuple[str, ...] = ()
    text: str = ""
    batch: str = ""

    def __str__(self) -> str:
        what = f"{self.service}:{self.operation} of {self.victim}" if self.service else self.victim
        moment = f" {self.moment}" if self.moment else ""
        items = f" ({', '.join(self.item_keys)})" if self.item_keys else ""
        return f"{self.kind}{moment}: {what}{items}"
