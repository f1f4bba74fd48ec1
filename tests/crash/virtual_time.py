"""Time as the functions read it: the timeline of the run, and what the running invocation has slept."""

from __future__ import annotations

import datetime
import importlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from penstock.conformance.timeline import EPOCH_MS, Timeline
from tests.crash.invocation import Invocation
from tests.lambda_src.conftest import ENVIRONMENT

_IDEMPOTENCY = "aws_lambda_powertools.utilities.idempotency"
_READ_TIME = ("base", "persistence.base", "persistence.datarecord", "persistence.dynamodb")
"""The modules of Powertools idempotency that read the time, each as `dt.datetime.now()` (observed on 3.37.0)."""


@contextmanager
def virtual_time(timeline: Timeline) -> Iterator[None]:
    """Give the functions their environment and this timeline's time, in which sleep takes none of ours."""

    class Now(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp((EPOCH_MS + timeline.now_ms + Invocation.here().slept_ms) / 1_000, tz)

    def sleep(seconds: float) -> None:
        Invocation.here().slept_ms += round(seconds * 1_000)

    with ExitStack() as stack:
        more = {
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
            "POWERTOOLS_SERVICE_NAME": "crash",
        }
        stack.enter_context(patch.dict(os.environ, ENVIRONMENT | more))
        stack.enter_context(patch("time.sleep", sleep))
        # Metrics are printed; and Powertools keeps them by process, where here several environments share one.
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", "No application metrics to publish")
        # What Powertools says of the plain handlers, and is shown by the matrix.
        warnings.filterwarnings("ignore", "Couldn't determine the remaining time left")
        for name in _READ_TIME:
            module = importlib.import_module(f"{_IDEMPOTENCY}.{name}")
            virtual = SimpleNamespace(datetime=Now, timedelta=datetime.timedelta, timezone=datetime.timezone)
            stack.enter_context(patch.object(module, "dt", virtual))
        yield
