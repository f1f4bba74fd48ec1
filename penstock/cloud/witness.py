"""Tells the facts of the cloud: calls that pass the front door, records they write, messages, what strikes them.

An operator's call is told only where something came of it, and without its request where that is a record. A record is
told with the call that wrote it, in one fact for all that the call wrote to a table; one that nobody here wrote (time
to live, a table at another endpoint) is told when it is seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from penstock.cloud.bus import PublishedEvent
from penstock.cloud.callers import Caller
from penstock.cloud.doings import Doing, doing, made, present
from penstock.cloud.faults import Strike
from penstock.cloud.front_door import Call, Proceed
from penstock.cloud.streams import ReadableStream
from penstock.cloud.wire_form import Reply
from penstock.mapping.inputs import StreamRecord
from penstock.story.facts import (
    TEXT_CHARACTERS,
    CallAnswered,
    EventPublished,
    Fact,
    FaultStruck,
    MessageSent,
    RecordsWritten,
)

_CODE = re.compile(rb'"__type": ?"(?:[^"#]*#)?([^"]+)"|<Code>([^<]+)</Code>')


class Witness:
    """An interceptor that tells of every call, and the ear for all that is made within one."""

    def __init__(
        self,
        tell: Callable[[Fact], None],
        *,
        now_ms: Callable[[], int],
        request_id_of: Callable[[str], str],
        is_outside: Callable[[Caller], bool],
    ) -> None:
        """``request_id_of``: session of a caller → the invocation under way. ``is_outside``: he is no part of it."""
        self._tell = tell
        self._now_ms = now_ms
        self._request_id_of = request_id_of
        self._is_outside = is_outside

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Let the call pass and tell how it ended."""
        caller, began_at_ms = call.caller, self._now_ms()
        request_id = self._request_id_of(caller.session) if caller.session else ""
        reply: Reply | None = None
        with doing(caller=caller.name, operation=f"{call.service}:{call.operation}", request_id=request_id) as what:
            try:
                reply = await proceed(call)
            finally:
                self._call_ended(call, what, reply, at_ms=began_at_ms)
        return reply

    def _call_ended(self, call: Call, what: Doing, reply: Reply | None, *, at_ms: int) -> None:
        for place, texts in what.written.items():
            self._tell_written(place, what, texts)
        outside = self._is_outside(call.caller)
        if outside and not (what.made or what.faults):
            return
        told_by_records = outside and bool(what.written)
        self._tell(
            CallAnswered(
                at_ms=at_ms,
                caller=what.caller,
                request_id=what.request_id,
                service=call.service,
                operation=call.operation,
                request="" if told_by_records else call.text()[:TEXT_CHARACTERS],
                status=0 if reply is None else reply.status,
                error="" if reply is None or reply.status < 300 else _code(reply),
                faults=tuple(what.faults),
                made=tuple(what.made),
            )
        )

    def watch(self, table: str, stream: ReadableStream) -> None:
        """Tell of every record of a stream from now on."""
        stream.on_record(partial(self._written, table))

    def _written(self, table: str, shard_id: str, record: StreamRecord) -> None:
        what = present()
        if what is None:
            self._tell_written((table, shard_id), Doing(), [record.encoded])
            return
        what.made.append(record.body["eventID"])
        place = (table, shard_id)
        if place in what.written:
            what.written[place].append(record.encoded)
        else:
            what.written[place] = [record.encoded]

    def _tell_written(self, place: tuple[str, str], what: Doing, texts: list[str]) -> None:
        table, shard_id = place
        self._tell(
            RecordsWritten(
                at_ms=self._now_ms(),
                table=table,
                shard_id=shard_id,
                caller=what.caller,
                operation=what.operation,
                request_id=what.request_id,
                records=tuple(texts),
            )
        )

    def sent(self, queue_name: str, message: Any) -> None:
        """Tell of a message (moto's) that came into a queue."""
        made(message.id)
        what = present() or Doing()
        self._tell(
            MessageSent(
                at_ms=self._now_ms(),
                queue=queue_name,
                message_id=message.id,
                sender=what.caller,
                request_id=what.request_id,
                body=message.body,
                receives=message.approximate_receive_count,
            )
        )

    def published(self, event: PublishedEvent, detail: str) -> None:
        """Tell of an event that the bus took; ``detail`` is its JSON text."""
        made(event.event_id)
        what = present()
        self._tell(
            EventPublished(
                at_ms=event.at_ms,
                event_id=event.event_id,
                bus=event.bus_name,
                detail_type=event.detail_type,
                caller=event.caller,
                request_id="" if what is None else what.request_id,
                detail=detail,
            )
        )

    def struck(self, strike: Strike) -> None:
        """Tell of a fault: that of a call or an on-failure delivery with what it struck, any other by itself."""
        what = present()
        if what is not None and what.caller == strike.victim:
            what.faults.append(" ".join(filter(None, (strike.kind, strike.moment))))
            return
        self._tell(
            FaultStruck(
                at_ms=strike.at_ms,
                kind=strike.kind,
                victim=strike.victim,
                request_id=strike.request_id,
                text=strike.text[:TEXT_CHARACTERS],
            )
        )


def _code(reply: Reply) -> str:
    """The error code of a refusal: that of a JSON protocol or of an XML one, else its status."""
    found = _CODE.search(reply.body)
    return (found[1] or found[2]).decode() if found else str(reply.status)
