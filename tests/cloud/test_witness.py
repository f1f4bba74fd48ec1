"""What the cloud tells: what a call made is put down to it, and to nothing that it merely set going."""

import asyncio
import json
from dataclasses import replace

import pytest

from penstock.cloud.callers import Callers
from penstock.cloud.clock import WallClock
from penstock.cloud.doings import doing, made, present
from penstock.cloud.faults import Strike
from penstock.cloud.front_door import Call, ConnectionBroken
from penstock.cloud.streams import Stream
from penstock.cloud.wire_form import Reply, Request
from penstock.cloud.witness import Witness
from penstock.story.facts import CallAnswered, Fact, FaultStruck, RecordsWritten

CALLERS = Callers(account_id="123456789012", seed="0")
FUNCTION = CALLERS.register("Relay", "arn:aws:iam::123456789012:role/relay", session="environment")
OK = Reply(status=200, headers={}, body=b"{}")


class Scene:
    """A witness, what it told, and a table whose stream it watches."""

    def __init__(self) -> None:
        self.told: list[Fact] = []
        self.witness = Witness(
            self.told.append,
            now_ms=lambda: 5,
            request_id_of={"environment": "r"}.__getitem__,
            is_outside=lambda caller: caller is CALLERS.operator,
        )
        ids = iter(range(1, 100))
        self.stream = Stream(
            arn="arn:s",
            region="eu-west-1",
            view_type="KEYS_ONLY",
            key_names=("id",),
            now_ms=WallClock().now_ms,
            new_event_id=lambda: f"e{next(ids)}",
        )
        self.witness.watch("orders", self.stream)

    def write(self, key: str) -> None:
        """Change an item."""
        self.stream.write(None, {"id": {"S": key}})

    def calls(self, *keys: str, operator: bool = False, reply: Reply = OK, breaks: bool = False) -> None:
        """Play a call that writes these items."""

        async def proceed(_: Call) -> Reply:
            for key in keys:
                self.write(key)
            if breaks:
                raise ConnectionBroken
            return reply

        request = Request(method="POST", path="/", query="", headers={}, body=b'{"TableName":"orders"}')
        caller = CALLERS.operator if operator else FUNCTION
        call = Call(caller=caller, service="dynamodb", operation="PutItem", region="eu-west-1", request=request)
        asyncio.run(self.witness(call, proceed))

    def of(self, kind: type[Fact]) -> list[Fact]:
        """What was told of a kind."""
        return [fact for fact in self.told if isinstance(fact, kind)]


def test_records_are_told_with_the_call_that_wrote_them() -> None:
    """One fact for all of them, before that of the call, which names them."""
    scene = Scene()
    scene.calls("a", "b")

    written, call = scene.told
    assert isinstance(written, RecordsWritten)
    assert (written.table, written.caller, written.operation, written.request_id) == (
        "orders",
        "Relay",
        "dynamodb:PutItem",
        "r",
    )
    assert [json.loads(text)["eventID"] for text in written.records] == ["e1", "e2"]
    assert call == CallAnswered(
        at_ms=5,
        caller="Relay",
        request_id="r",
        service="dynamodb",
        operation="PutItem",
        request='{"TableName":"orders"}',
        status=200,
        error="",
        faults=(),
        made=("e1", "e2"),
    )


def test_record_that_no_call_wrote_is_told_at_once() -> None:
    """What time to live removes has no caller."""
    scene = Scene()
    scene.write("a")

    (written,) = scene.told
    assert isinstance(written, RecordsWritten)
    assert (written.caller, written.operation, len(written.records)) == ("", "", 1)


def test_operators_call_is_told_if_something_came_of_it() -> None:
    """Looking is nobody's business; what the operator wrote is in the record and not kept with his request."""
    scene = Scene()
    scene.calls(operator=True)
    assert scene.told == []

    scene.calls("a", operator=True)
    (call,) = scene.of(CallAnswered)
    assert isinstance(call, CallAnswered)
    assert (call.caller, call.request, call.made) == ("operator", "", ("e1",))


def test_operators_request_is_kept_if_no_record_tells_it() -> None:
    """An invocation has no other way to tell which object it was for."""
    scene = Scene()

    async def proceed(_: Call) -> Reply:
        made("r1")
        return OK

    request = Request(method="PUT", path="/files/a%20b", query="x-id=PutObject", headers={}, body=b"a,1")
    call = Call(caller=CALLERS.operator, service="s3", operation="PutObject", region="eu-west-1", request=request)
    asyncio.run(scene.witness(call, proceed))

    (told,) = scene.of(CallAnswered)
    assert isinstance(told, CallAnswered)
    assert (told.request, told.made) == ("/files/a%20b?x-id=PutObject\na,1", ("r1",))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"__type":"com.amazonaws.dynamodb.v20120810#ValidationException"}', "ValidationException"),
        (b'{"__type": "AccessDenied"}', "AccessDenied"),
        (b"<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>", "NotFound"),
        (b"no", "400"),
    ],
)
def test_refusal_is_told_by_its_code(body: bytes, error: str) -> None:
    """In the words of the service's protocol, else by its status."""
    scene = Scene()
    scene.calls(reply=Reply(status=400, headers={}, body=body))

    (call,) = scene.told
    assert isinstance(call, CallAnswered)
    assert (call.status, call.error) == (400, error)


def test_broken_connection_is_told_with_what_was_done() -> None:
    """The caller heard nothing, the service did its work."""
    scene = Scene()
    with pytest.raises(ConnectionBroken):
        scene.calls("a", breaks=True)

    call = scene.told[-1]
    assert isinstance(call, CallAnswered)
    assert (call.status, call.made) == (0, ("e1",))


def test_strike_is_told_with_what_it_struck() -> None:
    """A fault of a call belongs to the call, one of an event or a batch stands by itself."""
    scene = Scene()
    strike = Strike(kind="process-killed", fault=0, at_ms=5, victim="Relay", service="events", moment="during")
    with doing(caller="Relay") as call:
        scene.witness.struck(strike)
        scene.witness.struck(replace(strike, kind="event-doubled", victim="Rule", service="", moment="", text="{}"))

    assert call.faults == ["process-killed during"]
    assert scene.told == [FaultStruck(at_ms=5, kind="event-doubled", victim="Rule", request_id="", text="{}")]


def test_what_is_over_makes_nothing() -> None:
    """A task that began within a call and goes on after it is not at work for that call."""

    async def scenario() -> tuple[list[str], bool]:
        later = asyncio.Event()

        async def go_on() -> bool:
            made("within")
            await later.wait()
            made("after")
            return present() is None

        with doing(caller="Relay") as what:
            task = asyncio.create_task(go_on())
            await asyncio.sleep(0)
        later.set()
        return what.made, await task

    assert asyncio.run(scenario()) == (["within"], True)
