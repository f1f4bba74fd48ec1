"""What a function sees of a clock that jumps."""

from __future__ import annotations

import json
import time

from penstock.cloud.clock import JumpingClock, WallClock
from penstock.runtime.functions import Answer, Functions
from tests.runtime.workshop import Workshop

TELL = """
    import calendar, datetime, logging, sys, time
    UTC = datetime.timezone.utc
    def lambda_handler(event, context):
        return {
            "time": time.time(),
            "time_ns": time.time_ns() / 1e9,
            "gmtime": calendar.timegm(time.gmtime()),
            "strftime": float(time.strftime("%s", time.gmtime())),
            "ctime": calendar.timegm(time.strptime(time.ctime())),
            "asctime": calendar.timegm(time.strptime(time.asctime())),
            "now": datetime.datetime.now().timestamp(),
            "aware": datetime.datetime.now(UTC).timestamp(),
            "utcnow": datetime.datetime.utcnow().replace(tzinfo=UTC).timestamp(),
            "today": datetime.datetime.today().timestamp(),
            "logged": calendar.timegm(logging.Formatter().converter()),
            "given": time.gmtime(0).tm_year,
            "subclass": type(type("Mine", (datetime.datetime,), {}).now()).__name__,
            "remaining": context.get_remaining_time_in_millis(),
            "main": sys.argv[1:],
        }
"""
HOUR_MS = 3_600_000


def test_function_sees_the_time_that_was_skipped(workshop: Workshop) -> None:
    """However it asks for wall time, it is the application's; the time that remains is that of its timeout."""
    workshop.function(TELL)
    clock = JumpingClock()
    told = []

    async def scenario(functions: Functions) -> None:
        for hours in (0, 1, 24):
            clock.skipped_ms = hours * HOUR_MS
            before = clock.now_ms() // 1000
            answer = await functions.invoke("worker", b"{}", request_id="r")
            assert isinstance(answer, Answer), answer
            told.append((before, clock.now_ms() // 1000 + 1, json.loads(answer.payload)))

    workshop.run(scenario, clock=clock)

    for before, after, seen in told:
        assert (seen.pop("given"), seen.pop("subclass")) == (1970, "Mine")
        assert seen.pop("main") == ["handlers.lambda_handler"]
        assert 600_000 < seen.pop("remaining") <= 900_000
        assert {name: at for name, at in seen.items() if not before <= at <= after} == {}
    assert len({invocation.environment_id for invocation in workshop.invocations}) == 1


def test_function_on_wall_time_runs_unchanged(workshop: Workshop) -> None:
    """Nothing is put in place of Python's own clock where none is needed."""
    workshop.function("import time\ndef lambda_handler(event, context): return [type(time.time).__name__, time.time()]")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r")

    before = time.time()
    answer = workshop.run(scenario, clock=WallClock())

    assert isinstance(answer, Answer)
    kind, at = json.loads(answer.payload)
    assert kind == "builtin_function_or_method"
    assert before <= at <= time.time()


def test_file_of_skipped_time_is_removed(workshop: Workshop) -> None:
    """Nothing is left behind when the functions are closed."""
    workshop.function("def lambda_handler(event, context): return 1")
    paths = []

    async def scenario(functions: Functions) -> None:
        skipped = functions._environments._skipped
        assert skipped is not None
        paths.append(skipped.path)
        assert paths[0].exists()

    workshop.run(scenario, clock=JumpingClock())

    assert not paths[0].exists()
