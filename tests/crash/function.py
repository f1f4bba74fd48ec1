"""The function under test as Lambda runs it: execution environments, warm ones first, in virtual time."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.abc import SourceLoader
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch

from penstock.conformance.function import FunctionRules
from penstock.conformance.runs import Handed, Runs
from penstock.conformance.timeline import FUNCTION, Timeline
from penstock.mapping.effects import InvokeFunction
from penstock.mapping.event import encode_event
from penstock.mapping.inputs import FunctionError, Outcome
from tests.crash.cloud import Cloud
from tests.crash.faults import ANSWER, Fault
from tests.crash.invocation import Handler, Invocation
from tests.crash.line import Request

MEANWHILE_MS = 10_000
"""How long an invocation stands that is overtaken and not given up: longer than whatever the others have to wait."""

Answered = Callable[[Outcome], None]


class Function:
    """Invokes a handler; `errors` are what it raised, deaths included."""

    def __init__(self, module: str, *, cloud: Cloud, timeline: Timeline, timeout_ms: int, fault: Fault | None) -> None:
        self.errors: list[BaseException] = []
        self._module = module
        self._cloud = cloud
        self._timeline = timeline
        self._timeout_ms = timeout_ms
        self._fault = fault
        self._free: list[Handler] = []
        self._zombies: list[Invocation] = []
        self._number = 0

    def invoke(self, event: Mapping[str, Any], answered: Answered) -> None:
        """Invoke the handler in a free execution environment, or in a new one; the answer comes in its time."""
        environment = self._free.pop() if self._free else self._new_environment()
        self._number += 1
        invocation = Invocation(self._and_answer(environment), event, number=self._number, timeout_ms=self._timeout_ms)
        self._go_on(invocation, environment, answered)

    def let_zombies_go_on(self) -> None:
        """Let the zombies go on to their end; nobody hears their answers."""
        for zombie in self._zombies:
            zombie.go_on()

    def _go_on(self, invocation: Invocation, environment: Handler, answered: Answered) -> None:
        invocation.go_on()
        if invocation.outcome is None and self._fault is Fault.ZOMBIE:
            self._zombies.append(invocation)
            self._after(self._timeout_ms, lambda: answered(FunctionError()))
        elif invocation.outcome is None:
            self._after(MEANWHILE_MS, lambda: self._go_on(invocation, environment, answered))
        else:
            self._after(invocation.slept_ms, lambda: self._end(invocation, environment, answered))

    def _end(self, invocation: Invocation, environment: Handler, answered: Answered) -> None:
        if invocation.error is not None:
            self.errors.append(invocation.error)
        if not invocation.is_dead:
            self._free.append(environment)
        assert invocation.outcome is not None
        answered(invocation.outcome)

    def _after(self, milliseconds: int, action: Callable[[], None]) -> None:
        self._timeline.plan(self._timeline.now_ms + milliseconds, FUNCTION, action)

    def _new_environment(self) -> Handler:
        """Run the handler's module as a new environment does: wiring included, nothing remembered."""
        module = ModuleType(self._module)
        with (
            patch("boto3.client", self._cloud.client),
            patch("effects.local_payments.LocalPayments", self._cloud.payment_port),
        ):
            exec(_code(self._module), module.__dict__)
        handler: Handler = module.lambda_handler
        return handler

    def _and_answer(self, handler: Handler) -> Handler:
        """Let the answer cross the line as well: it may be lost when all is done."""

        def handle(event: dict[str, Any], context: Any) -> Any:
            answer = handler(event, context)
            invocation = Invocation.here()
            request = Request(
                name=ANSWER, id=f"answer {invocation.number}", perform=lambda: answer, refuse=lambda: answer
            )
            return self._cloud.line.cross(invocation, request)

        return handle


@cache
def _code(module: str) -> CodeType:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert isinstance(spec.loader, SourceLoader)
    code = spec.loader.get_code(module)
    assert code is not None
    return code


class Invocations(Runs):
    """What a world of the conformance cases runs, with this function in place of a case's rules."""

    def __init__(self, function: Function, timeline: Timeline) -> None:
        super().__init__(FunctionRules([], {}, queue=False), timeline)
        self._function = function

    def attempt(self, effect: InvokeFunction, handed: Handed, answer: Answered) -> None:
        """Invoke the function with the event that Lambda would send."""
        self._function.invoke(json.loads(encode_event(effect.records, effect.extras)), answer)
