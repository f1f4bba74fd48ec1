"""Functions made of a few lines each, in folders of their own."""

from __future__ import annotations

import asyncio
import os
import textwrap
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from penstock.cloud.clock import Clock, WallClock
from penstock.runtime.environments import Environments
from penstock.runtime.functions import Functions, Invocation, LogLine
from penstock.template.models import Function

PATIENCE_SECONDS = 300
"""How long something that must come may take on a busy machine."""

Result = TypeVar("Result")


class Workshop:
    """Makes functions, runs scenarios with them, and keeps what was told: log lines and invocations."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self.functions: list[Function] = []
        self.lines: list[LogLine] = []
        self.invocations: list[Invocation] = []
        self.first_line = asyncio.Event()
        self.provided: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "AKIDROLE"}
        self.environment_of: Callable[[Function, str], Mapping[str, str]] = lambda *_: self.provided

    def function(
        self,
        source: str,
        *,
        name: str = "worker",
        handler: str = "handlers.lambda_handler",
        timeout_seconds: float = 900,
        reserved_concurrency: int | None = None,
        environment: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> Function:
        """Write `source` as the module ``handlers`` of a function of this name."""
        code = self.folder / name
        code.mkdir()
        (code / "handlers.py").write_text(textwrap.dedent(source))
        made = Function(
            logical_id=name.capitalize(),
            stack="Stack",
            path="",
            name=name,
            arn=f"arn:aws:lambda:eu-west-1:123456789012:function:{name}",
            handler=handler,
            runtime="python3.13",
            code=code,
            # AWS knows whole seconds; a test has no time for one.
            timeout_seconds=cast("int", timeout_seconds),
            memory_mb=256,
            environment=environment or {},
            role_arn="arn:aws:iam::123456789012:role/worker",
            reserved_concurrency=reserved_concurrency,
            log_group=f"/aws/lambda/{name}",
            aliases=aliases or {"live": "7"},
        )
        self.functions.append(made)
        return made

    def run(
        self,
        scenario: Callable[[Functions], Awaitable[Result]],
        *,
        clock: Clock | None = None,
        init_limit_ms: int = PATIENCE_SECONDS * 1000,
        **settings: Any,
    ) -> Result:
        """Run a scenario with all functions made so far, and close them."""

        async def main() -> Result:
            its_clock = clock or WallClock()
            environments = Environments(
                cache=self.cache, environment_of=self._provide, jumps=its_clock.jumps, init_limit_ms=init_limit_ms
            )
            functions = Functions(
                self.functions,
                clock=its_clock,
                environments=environments,
                on_log=self.hear,
                on_invocation=self.invocations.append,
                **settings,
            )
            try:
                return await scenario(functions)
            finally:
                await functions.close()
                await environments.close()

        return asyncio.run(main())

    def _provide(self, function: Function, environment_id: str) -> Mapping[str, str]:
        return self.environment_of(function, environment_id)

    def hear(self, line: LogLine) -> None:
        """Keep a log line."""
        self.lines.append(line)
        self.first_line.set()

    def log(self, stream: str = "stdout") -> list[tuple[str | None, str]]:
        """Give what was written to a stream, in order: request id and text."""
        return [(line.request_id, line.text) for line in self.lines if line.stream == stream]


async def first_line_and_then(workshop: Workshop, *, seconds: float) -> None:
    """Wait until a handler says that it is at work, and have so many seconds pass at once for what the loop limits."""
    await workshop.first_line.wait()
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]


def gone(pid: int) -> bool:
    """Whether a process is ended, sooner or later; one that is dead but not waited for counts."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.001)
    return False
