"""Invoking functions: how each way of ending looks, and which environment runs what."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from penstock.cloud.clock import WallClock
from penstock.errors import BrokenInvariant
from penstock.runtime.functions import Answer, Failure, Functions, Throttled, TooLarge
from tests.runtime.workshop import Workshop, first_line_and_then, gone

ECHO = """
    import os
    def lambda_handler(event, context):
        return {"event": event, "pid": os.getpid()}
"""


def test_function_answers_with_its_return_value(workshop: Workshop) -> None:
    """What the handler returns comes back as JSON text with the version that ran."""
    workshop.function("def lambda_handler(event, context): return {'doubled': event['n'] * 2}")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b'{"n": 21}', request_id="r-1")

    assert workshop.run(scenario) == Answer(payload=b'{"doubled": 42}', executed_version="$LATEST")


def test_context_tells_request_arn_and_time(workshop: Workshop) -> None:
    """The context holds the request id, the ARN as invoked, the version behind an alias, and the time that is left."""
    function = workshop.function(
        """
        def lambda_handler(event, context):
            return [context.aws_request_id, context.invoked_function_arn, context.function_version,
                    600_000 < context.get_remaining_time_in_millis() <= 900_000, context.memory_limit_in_mb]
        """
    )

    async def scenario(functions: Functions) -> object:
        return await functions.invoke(f"{function.arn}:live", b"{}", request_id="r-1")

    answer = workshop.run(scenario)

    assert isinstance(answer, Answer)
    assert json.loads(answer.payload) == ["r-1", f"{function.arn}:live", "7", True, "256"]
    assert answer.executed_version == "7"


def test_environment_is_reused_and_told_of(workshop: Workshop) -> None:
    """The second invocation finds the environment warm: same process, no init."""
    workshop.function(ECHO)

    async def scenario(functions: Functions) -> list[object]:
        return [await functions.invoke("worker", b"1", request_id=f"r-{n}") for n in range(2)]

    first, second = workshop.run(scenario)

    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert first.payload == second.payload
    cold, warm = workshop.invocations
    assert cold.environment_id == warm.environment_id
    assert cold.init_duration_ms is not None
    assert warm.init_duration_ms is None
    assert (warm.request_id, warm.version, warm.event, warm.result) == ("r-1", "$LATEST", b"1", second)


def test_environment_used_last_is_used_first(workshop: Workshop) -> None:
    """Of two warm environments the one that was busy most recently takes the next invocation."""
    workshop.function(
        """
        import os, time
        def lambda_handler(event, context):
            while event and not os.path.exists(event): pass
            return os.getpid()
        """
    )
    gate = workshop.folder / "gate"

    async def scenario(functions: Functions) -> tuple[object, object, object]:
        waiting = asyncio.create_task(functions.invoke("worker", json.dumps(str(gate)).encode(), request_id="r-1"))
        await asyncio.sleep(0)
        at_once = await functions.invoke("worker", b"null", request_id="r-2")
        gate.touch()
        return at_once, await waiting, await functions.invoke("worker", b"null", request_id="r-3")

    at_once, waited, next_one = workshop.run(scenario)

    assert at_once != waited
    assert next_one == waited


def test_versions_have_environments_of_their_own(workshop: Workshop) -> None:
    """``$LATEST``, the version of an alias and one without an alias never share a process."""
    workshop.functions[:] = [replace(workshop.function(ECHO), versions=("6", "7"))]
    qualifiers = ("", ":live", ":7", ":6", ":$LATEST")

    async def scenario(functions: Functions) -> list[object]:
        return [await functions.invoke(f"worker{each}", b"1", request_id="r") for each in qualifiers]

    latest, live, seven, six, latest_again = workshop.run(scenario)

    assert latest == latest_again
    assert live == seven
    assert len({str(each) for each in (latest, live, six)}) == 3


def test_reserved_concurrency_throttles(workshop: Workshop) -> None:
    """One more invocation than reserved is refused without running, counted over all versions."""
    workshop.function(ECHO, reserved_concurrency=1)

    async def scenario(functions: Functions) -> tuple[object, object]:
        return await asyncio.gather(
            functions.invoke("worker", b"1", request_id="r-1"), functions.invoke("worker:live", b"2", request_id="r-2")
        )

    ran, refused = workshop.run(scenario)

    assert isinstance(ran, Answer)
    assert refused == Throttled(reason="ReservedFunctionConcurrentInvocationLimitExceeded", message="Rate Exceeded.")
    assert [i.request_id for i in workshop.invocations] == ["r-2", "r-1"]


def test_reserved_concurrency_of_zero_throttles_always(workshop: Workshop) -> None:
    """A function that reserves nothing at all is switched off."""
    workshop.function(ECHO, reserved_concurrency=0)

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"1", request_id="r-1")

    assert isinstance(workshop.run(scenario), Throttled)


def test_account_concurrency_throttles_what_reserves_nothing(workshop: Workshop) -> None:
    """Functions without a reservation share what the reservations leave of the account's quota."""
    workshop.function(ECHO)
    workshop.function(ECHO, name="other", reserved_concurrency=4)

    async def scenario(functions: Functions) -> list[object]:
        return await asyncio.gather(*(functions.invoke("worker", b"1", request_id=f"r-{n}") for n in range(2)))

    ran, refused = workshop.run(scenario, concurrent_executions=5)

    assert isinstance(ran, Answer)
    assert refused == Throttled(reason="ConcurrentInvocationLimitExceeded")


def test_timeout_kills_the_environment(workshop: Workshop) -> None:
    """At its timeout a function fails in AWS's words and its process is gone; the next invocation starts cold."""
    workshop.function(
        """
        import os, time
        def lambda_handler(event, context):
            if event:
                print("at work", flush=True)
                time.sleep(900)
            return os.getpid()
        """,
        timeout_seconds=600,
    )

    async def scenario(functions: Functions) -> list[object]:
        passing = asyncio.create_task(first_line_and_then(workshop, seconds=600))
        results = [await functions.invoke("worker", p, request_id=f"r-{n}") for n, p in enumerate((b"0", b"1", b"0"))]
        await passing
        await functions.close()
        return list(results)

    before, timed_out, after = workshop.run(scenario)

    assert timed_out == Failure(
        error={
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: r-1 Error: Task timed out after 600.00 seconds",
        },
        executed_version="$LATEST",
    )
    ((request_id, text),) = workshop.log("platform")
    assert request_id == "r-1"
    assert text.endswith("Z r-1 Task timed out after 600.00 seconds")
    assert before != after
    assert isinstance(before, Answer)
    with pytest.raises(ProcessLookupError):
        os.kill(int(before.payload), 0)


def test_timeout_kills_what_the_function_started(workshop: Workshop) -> None:
    """A process that the handler left behind dies with its environment."""
    workshop.function(
        """
        import subprocess
        def lambda_handler(event, context):
            child = subprocess.Popen(["sleep", "900"])
            print(child.pid, flush=True)
            child.wait()
        """,
        timeout_seconds=600,
    )

    async def scenario(functions: Functions) -> None:
        passing = asyncio.create_task(first_line_and_then(workshop, seconds=600))
        await functions.invoke("worker", b"0", request_id="r-1")
        await passing

    workshop.run(scenario)

    ((_, pid),) = workshop.log()
    assert gone(int(pid))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_process_exit_is_a_function_error(workshop: Workshop, end: str, words: str) -> None:
    """A process that ends under an invocation fails it, and what it had printed is kept."""
    workshop.function(f"import os, sys\ndef lambda_handler(event, context):\n    print('almost')\n    {end}")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"0", request_id="r-1")

    message = f"RequestId: r-1 Error: {words}"
    assert workshop.run(scenario) == Failure(
        error={"errorType": "Runtime.ExitError", "errorMessage": message}, executed_version="$LATEST"
    )
    assert workshop.log() == [("r-1", "almost")]
    assert workshop.log("platform") == [("r-1", f"{message}\nRuntime.ExitError")]


def test_exception_keeps_the_environment_warm(workshop: Workshop) -> None:
    """An exception of the handler is a function error with its trace; the environment goes on."""
    workshop.function(
        """
        def lambda_handler(event, context):
            return event["missing"]
        """
    )

    async def scenario(functions: Functions) -> list[object]:
        return [await functions.invoke("worker", b"{}", request_id=f"r-{n}") for n in range(2)]

    failure, _ = workshop.run(scenario)

    assert isinstance(failure, Failure)
    assert failure.kind == "Unhandled"
    assert failure.error["errorType"] == "KeyError"
    assert failure.error["errorMessage"] == "'missing'"
    assert failure.error["requestId"] == "r-0"
    assert 'return event["missing"]' in failure.error["stackTrace"][0]
    assert json.loads(failure.payload) == failure.error
    assert len({invocation.environment_id for invocation in workshop.invocations}) == 1


def test_unimportable_handler_is_one_clear_error(workshop: Workshop) -> None:
    """A handler that cannot be imported says what is missing; init is tried once more within the invocation."""
    workshop.function("import absent_module")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    failure = workshop.run(scenario)

    assert isinstance(failure, Failure)
    assert failure.error["errorType"] == "Runtime.ImportModuleError"
    assert failure.error["errorMessage"] == "Unable to import module 'handlers': No module named 'absent_module'"
    assert sum("Runtime.ImportModuleError" in text for _, text in workshop.log()) == 2


def test_missing_handler_is_named(workshop: Workshop) -> None:
    """A module without the handler fails by AWS's name for it."""
    workshop.function("", handler="handlers.absent")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    failure = workshop.run(scenario)

    assert isinstance(failure, Failure)
    assert failure.error["errorType"] == "Runtime.HandlerNotFound"


def test_init_that_recovers_is_no_failure(workshop: Workshop) -> None:
    """An init that fails once runs again within the invocation, as Lambda does it."""
    marker = workshop.folder / "marker"
    workshop.function(
        f"""
        import pathlib
        marker = pathlib.Path({str(marker)!r})
        if not marker.exists():
            marker.touch()
            raise RuntimeError("first time")
        def lambda_handler(event, context): return "well"
        """
    )

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    assert workshop.run(scenario) == Answer(payload=b'"well"', executed_version="$LATEST")


def test_init_over_its_limit_counts_into_the_timeout(workshop: Workshop) -> None:
    """An init that takes too long is repeated, now under the function's timeout."""
    workshop.function("import time\ntime.sleep(900)", timeout_seconds=0.2)

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    failure = workshop.run(scenario, init_limit_ms=50)

    assert isinstance(failure, Failure)
    assert failure.error["errorType"] == "Sandbox.Timedout"


def test_exit_during_init_is_a_function_error(workshop: Workshop) -> None:
    """A module that ends the process while it is imported fails the invocation."""
    workshop.function("import os\nos._exit(1)")

    async def scenario(functions: Functions) -> object:
        return await functions.invoke("worker", b"{}", request_id="r-1")

    failure = workshop.run(scenario)

    assert isinstance(failure, Failure)
    assert failure.error["errorMessage"] == "RequestId: r-1 Error: Runtime exited with error: exit status 1"


def test_response_over_the_limit_is_refused(workshop: Workshop) -> None:
    """A response of more than 6 MB is a function error, and its environment does not come back."""
    workshop.function("def lambda_handler(event, context): return 'x' * event")

    async def scenario(functions: Functions) -> list[object]:
        sizes = (b"6291554", b"6291555")
        return [await functions.invoke("worker", size, request_id=f"r-{n}") for n, size in enumerate(sizes)]

    largest, too_large = workshop.run(scenario)

    assert isinstance(largest, Answer)
    assert len(largest.payload) == 6_291_556
    assert isinstance(too_large, Failure)
    assert too_large.error == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


def test_request_over_the_limit_does_not_run(workshop: Workshop) -> None:
    """An event of more than 6 MB is refused before any process starts; one of exactly that size runs."""
    workshop.function("def lambda_handler(event, context): return len(event)")

    async def scenario(functions: Functions) -> list[object]:
        sizes = (6_291_457, 6_291_456)
        return [await functions.invoke("worker", b'"%b"' % (b"x" * (s - 2)), request_id="r") for s in sizes]

    refused, largest = workshop.run(scenario)

    assert refused == TooLarge(limit_bytes=6_291_456)
    assert largest == Answer(payload=b"6291454", executed_version="$LATEST")


def test_environment_lost_between_invocations_is_replaced(workshop: Workshop) -> None:
    """A process that dies while it waits costs the next invocation a cold start and nothing else."""
    workshop.function(ECHO)

    async def scenario(functions: Functions) -> object:
        await functions.invoke("worker", b"1", request_id="r-1")
        (environment,) = functions._environments._all.values()
        await environment.close()
        return await functions.invoke("worker", b"2", request_id="r-2")

    second = workshop.run(scenario)

    assert isinstance(second, Answer)
    assert json.loads(second.payload)["event"] == 2


def test_invocation_keeps_the_clock_from_settling(workshop: Workshop) -> None:
    """An invocation is in flight from cold start to answer."""
    workshop.function(ECHO)
    clock = WallClock()

    async def scenario(functions: Functions) -> dict[str, int]:
        invocation = asyncio.create_task(functions.invoke("worker", b"1", request_id="r-1"))
        await asyncio.sleep(0)
        held = clock.busy_with
        await invocation
        return held

    assert workshop.run(scenario, clock=clock) == {"invocation of Worker": 1}
    assert clock.busy_with == {}


def test_close_cancels_what_is_under_way(workshop: Workshop) -> None:
    """Closing ends the processes at once; whoever waits for an invocation learns that it was cancelled."""
    workshop.function("import os\ndef lambda_handler(event, context):\n    print(os.getpid())\n    while True: pass")

    async def scenario(functions: Functions) -> bool:
        invocation = asyncio.create_task(functions.invoke("worker", b"1", request_id="r-1"))
        await workshop.first_line.wait()
        await functions.close()
        await asyncio.wait([invocation])
        return invocation.cancelled()

    assert workshop.run(scenario)
    assert gone(int(workshop.lines[0].text))


def test_unknown_function_is_our_defect(workshop: Workshop) -> None:
    """The template was resolved before: a function that is not there names the ones that are."""
    function = workshop.function(ECHO)
    live, seven = f"{function.arn}:live", f"{function.arn}:7"

    async def scenario(functions: Functions) -> list[str | None]:
        with pytest.raises(BrokenInvariant, match="no function absent"):
            await functions.invoke("absent", b"1", request_id="r-1")
        known = ("worker", "worker:live", "worker:7", function.arn, live)
        unknown = ("absent", "worker:test", f"{function.arn}:8", function.arn.replace("eu-west-1", "us-east-1"))
        return [functions.arn_of(name) for name in (*known, "worker:", *unknown)]

    assert workshop.run(scenario) == [function.arn, live, seven, function.arn, live, None, *[None] * 4]


def test_close_during_a_cold_start_leaves_no_process(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing at any moment of a cold start ends its process, and the invocation is cancelled."""
    workshop.function("def lambda_handler(event, context): pass")
    started: list[int] = []

    class Told(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            started.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", Told)

    async def scenario(functions: Functions, turns: int) -> bool:
        invocation = asyncio.create_task(functions.invoke("worker", b"1", request_id="r-1"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await functions.close()
        await asyncio.wait([invocation])
        return invocation.cancelled()

    for turns in range(8):
        assert workshop.run(partial(scenario, turns=turns))

    assert len(started) > 8, "a watchman each time, and a worker now and then"
    assert [pid for pid in started if not gone(pid)] == []


def test_caller_that_gives_up_ends_its_environment(workshop: Workshop) -> None:
    """A cancelled invocation kills its process; the next one starts cold."""
    workshop.function(
        """
        import os
        def lambda_handler(event, context):
            print(os.getpid())
            while event: pass
        """
    )

    async def scenario(functions: Functions) -> object:
        invocation = asyncio.create_task(functions.invoke("worker", b"1", request_id="r-1"))
        await workshop.first_line.wait()
        invocation.cancel()
        await asyncio.wait([invocation])
        return await functions.invoke("worker", b"0", request_id="r-2")

    assert workshop.run(scenario) == Answer(payload=b"null", executed_version="$LATEST")
    assert gone(int(workshop.lines[0].text))
    assert len({line.text for line in workshop.lines}) == 2
