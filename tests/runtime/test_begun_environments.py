"""Execution environments that are begun before they are needed."""

from __future__ import annotations

import json
from pathlib import Path

from penstock.runtime.functions import Answer, Failure, Functions
from tests.runtime.workshop import Workshop, gone

TELLS_ITS_PROCESS = """
    import os
    print(os.getpid())
    def lambda_handler(event, context):
        return os.getpid()
"""


async def invoked(functions: Functions, times: int = 1) -> list[int]:
    """The processes that answered."""
    answers = [await functions.invoke("worker:live", b"{}", request_id=f"r-{n}") for n in range(times)]
    return [json.loads(answer.payload) for answer in answers if isinstance(answer, Answer)]


async def warmed(functions: Functions) -> None:
    """Compile what every environment needs: nothing is begun before."""
    await functions.invoke("compiled", b"{}", request_id="r")


def test_first_invocation_takes_what_was_begun(workshop: Workshop) -> None:
    """One process is started, however often it is begun; its Init is told with the first invocation."""
    workshop.function("def lambda_handler(event, context): pass", name="compiled")
    workshop.function(TELLS_ITS_PROCESS)

    async def scenario(functions: Functions) -> list[int]:
        await warmed(functions)
        for _ in range(2):
            await functions.begin("worker:live")
        return await invoked(functions, times=2)

    processes = workshop.run(scenario)

    assert [text for _, text in workshop.log()] == [str(processes[0])]
    assert processes == [processes[0]] * 2
    assert [invocation.init_duration_ms is not None for invocation in workshop.invocations[1:]] == [True, False]


def test_nothing_is_begun_while_nothing_is_compiled(workshop: Workshop, tmp_path: Path) -> None:
    """With an empty cache the first environment compiles alone; a name that is no function begins nothing either."""
    workshop.cache = tmp_path / "fresh"
    workshop.function(TELLS_ITS_PROCESS)

    async def scenario(functions: Functions) -> None:
        await functions.begin("worker")
        await functions.begin("nobody")

    workshop.run(scenario)

    assert workshop.lines == []


def test_begun_environment_that_fails_is_told_by_the_invocation(workshop: Workshop) -> None:
    """A handler that cannot be imported is the first invocation's failure, not the start's."""
    workshop.function("def lambda_handler(event, context): pass", name="compiled")
    workshop.function("raise RuntimeError('no luck')")

    async def scenario(functions: Functions) -> object:
        await warmed(functions)
        await functions.begin("worker")
        return await functions.invoke("worker", b"{}", request_id="r")

    result = workshop.run(scenario)

    assert isinstance(result, Failure)
    assert result.error["errorMessage"] == "no luck"


def test_environment_that_cannot_be_started_is_left_to_the_invocation(workshop: Workshop) -> None:
    """An asset that is gone does not stop the start."""
    workshop.function("def lambda_handler(event, context): pass", name="compiled")
    function = workshop.function(TELLS_ITS_PROCESS)

    async def scenario(functions: Functions) -> None:
        await warmed(functions)
        (function.code / "handlers.py").unlink()
        function.code.rmdir()
        await functions.begin("worker")

    workshop.run(scenario)


def test_close_ends_what_was_begun(workshop: Workshop) -> None:
    """An environment that nobody used leaves no process, whether its Init is over or not."""
    workshop.function("def lambda_handler(event, context): pass", name="compiled")
    workshop.function(TELLS_ITS_PROCESS)
    workshop.function("import os, time\nprint(os.getpid())\ntime.sleep(900)", name="slow")

    async def scenario(functions: Functions) -> None:
        await warmed(functions)
        workshop.first_line.clear()
        await functions.begin("worker")
        await functions.begin("slow")
        await workshop.first_line.wait()

    workshop.run(scenario)

    processes = [int(text) for _, text in workshop.log() if text.isdecimal()]
    assert processes
    assert [process for process in processes if not gone(process)] == []
