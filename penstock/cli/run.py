"""Run a synthesized application on this machine until it is stopped.

Starts everything that the template defines: no Docker, no account, no network. Prints the API's address, one
working signed curl line, and what each function does as it happens. Ctrl-C stops it.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import TemplateError, UsageError

if TYPE_CHECKING:
    from penstock.application import Application, Event
    from penstock.runtime.log import LogLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `penstock run`."""
    add = parser.add_argument
    add("path", nargs="?", type=Path, default=Path("cdk.out"), help="cloud assembly or template (default: cdk.out)")
    add("--port", type=int, default=3000, help="port of the HTTP API on 127.0.0.1 (default: 3000; 0: any)")
    add("--seed", type=int, default=0, help="seed of every id of the run (default: 0)")
    add("--quiet", action="store_true", help="do not print what functions do")


def main(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port {arguments.port} is no port; give one from 0 to 65535")
    began = time.perf_counter()
    from penstock.application import Application

    printer = Printer(quiet=arguments.quiet)
    with Application.start(
        arguments.path, clock="wall", seed=arguments.seed, port=arguments.port, on_event=printer.tell
    ) as application:
        print(f"{arguments.path} is up after {time.perf_counter() - began:.1f} s; Ctrl-C stops it")
        _introduce(application)
        try:
            application.serve()
        except KeyboardInterrupt:
            print("\nstopping", file=sys.stderr)
    return 0


def _introduce(application: Application) -> None:
    template = application.template
    for function in template.functions:
        sources = [m.event_source_arn.split(":", 5)[5] for m in template.mappings if function.arn in m.function_arn]
        print(f"  {function.logical_id:<32} {', '.join(sources) or 'invoked directly'}")
    print(f"AWS endpoint {application.endpoint}")
    try:
        url = application.api_url
    except TemplateError:
        return
    key, secret = application.caller_credentials
    body = {
        "orderId": "1",
        "customerId": "17850",
        "country": "France",
        "lines": [{"stockCode": "22728", "quantity": 2, "unitPrice": "3.75", "invoicedAt": "2010-12-01T08:45:00"}],
    }
    print(f"HTTP API {url}   try:")
    sign = f"--aws-sigv4 'aws:amz:{application.region}:execute-api' --user {key}:{secret}"
    print(f"  curl -s {sign} -H 'content-type: application/json' {url}/orders -d '{json.dumps(body)}'")
    print(f"  curl -s {sign} -H 'prefer: wait=5' {url}/orders/1", flush=True)


class Printer:
    """Prints what happens, one line each; called from the application's thread."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()

    def tell(self, event: Event) -> None:
        """Print one event."""
        text = None if self._quiet else describe(event)
        if text is not None:
            with self._lock:
                print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def describe(event: Event) -> str | None:
    """An event as a line of text, or ``None`` for what nobody wants to read (metrics, routine logs)."""
    from penstock.gateway.gateway import Served
    from penstock.runtime.invocation import Answer, Failure, Invocation, Throttled
    from penstock.runtime.log import LogLine

    match event:
        case Served():
            return f"{event.method} {event.path} -> {event.status} ({event.duration_ms:.0f} ms)"
        case LogLine():
            return _log(event)
        case Invocation():
            match event.result:
                case Answer():
                    how = "ok" if b"itemIdentifier" not in event.result.payload else "some records failed"
                case Failure():
                    how = f"FAILED {event.result.error.get('errorType')}: {event.result.error.get('errorMessage')}"
                case Throttled():
                    how = f"throttled ({event.result.reason})"
                case _:
                    how = "refused: event too large"
            cold = f", cold start {event.init_duration_ms:.0f} ms" if event.init_duration_ms is not None else ""
            return f"{event.function.logical_id}: {how} ({event.duration_ms:.0f} ms{cold})"


def _log(line: LogLine) -> str | None:
    text = line.text
    if text.startswith("{"):
        try:
            entry = json.loads(text)
        except ValueError:
            return f"{line.function.logical_id}| {text}"
        if "_aws" in entry:
            return None
        return f"{line.function.logical_id}| {entry.get('level', '')} {entry.get('message', text)}"
    return f"{line.function.logical_id}| {text}" if text.strip() else None
