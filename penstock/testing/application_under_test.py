"""The running application as a test holds it: what it may ask, do, break and wait for."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.testing.api import ApiUnderTest
from penstock.testing.clock import ClockUnderTest
from penstock.testing.named import Named
from penstock.testing.resources import BucketUnderTest, QueueUnderTest, TableUnderTest, TopicUnderTest

if TYPE_CHECKING:
    from penstock.application import Application
    from penstock.cloud.cloudwatch.metrics import Metrics
    from penstock.cloud.faults import Strike
    from penstock.story.journal import Received
    from penstock.template.models import Part

T = TypeVar("T")


class ApplicationUnderTest:
    """A template at work for one test, on a clock that jumps.

    Tables, queues and other resources are found by logical id, construct path or physical name.
    """

    def __init__(self, running: Application, clients: dict[str, Any]) -> None:
        """``clients`` keeps clients from test to test: service → client."""
        self.running = running
        """The application as the rest of the tool knows it: `penstock.application.Application`."""
        self._clients = clients

    # --- what there is ---

    @functools.cached_property
    def api(self) -> ApiUnderTest:
        """The (first) HTTP API: ``application.api.post("/orders", json={…}).status``."""
        return ApiUnderTest(self.running)

    @functools.cached_property
    def tables(self) -> Named[TableUnderTest]:
        """The tables: ``tables["Orders"].put({…})``, ``.get(id="1")``, ``.delete(id="1")``, ``.items()``."""
        tables, client = self.running.template.tables, self.client("dynamodb")
        return Named("table", [self._member(TableUnderTest(client, it.name), it) for it in tables])

    @functools.cached_property
    def queues(self) -> Named[QueueUnderTest]:
        """The queues: ``application.queues["DeadLetters"].messages()``, ``.send({…})``."""
        queues = self.running.template.queues
        made = [QueueUnderTest(self.running, self.client("sqs"), name=it.name, url=it.url) for it in queues]
        return Named("queue", [self._member(queue, it) for queue, it in zip(made, queues, strict=True)])

    @functools.cached_property
    def topics(self) -> Named[TopicUnderTest]:
        """The topics: ``application.topics["Alarms"].publish({…})``."""
        topics = self.running.template.topics
        return Named("topic", [self._member(TopicUnderTest(self.client("sns"), it.arn), it) for it in topics])

    @functools.cached_property
    def buckets(self) -> Named[BucketUnderTest]:
        """The buckets: ``application.buckets["Uploads"].put("key", b"…")``, ``.get("key")``, ``.keys()``."""
        buckets = self.running.template.buckets
        return Named("bucket", [self._member(BucketUnderTest(self.client("s3"), it.name), it) for it in buckets])

    @functools.cached_property
    def clock(self) -> ClockUnderTest:
        """The clock: ``application.clock.advance(minutes=5)``, ``.now``."""
        return ClockUnderTest(self.running)

    @property
    def outputs(self) -> Mapping[str, str]:
        """The template's Outputs: key → value."""
        return self.running.outputs

    # --- what happened ---

    @property
    def metrics(self) -> Metrics:
        """What CloudWatch would keep: ``application.metrics.sum("AWS/Lambda", "Errors", FunctionName="Relay")``."""
        return self.running.metrics

    def records(self, function: str) -> list[Received]:
        """What a function received, each attempt of each record by itself (`penstock.story.journal.Received`)."""
        functions = self.running.template.functions
        label: str = Named("function", [self._member(it.label, it) for it in functions])[function]
        return self.running.journal.records(label)

    def story(self) -> list[str]:
        """The way of every record, message and event of this test, as lines to be printed."""
        return list(self.running.journal.stories())

    @property
    def fault_log(self) -> Sequence[Strike]:
        """The faults that struck, in order."""
        return self.running.fault_log

    # --- what a test does ---

    def settle(self, timeout_seconds: float = 180) -> None:
        """Return when nothing is in flight and nothing foreseeable is left to wait for (`Application.settle`)."""
        self.running.settle(timeout_seconds)

    def faults(self, *faults: Mapping[str, Any] | Path, seed: int = 0) -> None:
        """Let this go wrong from now on, and nothing else; without any, nothing goes wrong any more.

        Each is a fault as a script's file has it, ``{"kind": "throttle", "service": "dynamodb"}``, or one `Path` of
        such a file. Raises `UsageError` for what the template does not have.
        """
        from penstock.cloud.faults.script import read_script, script_from

        paths = [fault for fault in faults if isinstance(fault, Path)]
        if paths and len(faults) == 1:
            self.running.arm(read_script(paths[0]))
        else:
            self.running.arm(script_from({"seed": seed, "faults": list(faults)}))

    def publish(self, detail: Mapping[str, Any], *, detail_type: str, source: str, bus: str = "default") -> str:
        """Put an event on a bus, by its name, logical id or construct path, and give the event's id."""
        names = Named("event bus", [("default", "default", "", "default"), *self._buses()])
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "EventBusName": names[bus]}
        answer = self.client("events").put_events(Entries=[entry])["Entries"][0]
        if "EventId" not in answer:
            raise ValueError(f"{answer['ErrorCode']}: {answer['ErrorMessage']}")
        return str(answer["EventId"])

    def client(self, service: str) -> Any:
        """A botocore client of the embedded cloud with the rights of its operator."""
        if service not in self._clients:
            self._clients[service] = self.running.client(service)
        return self._clients[service]

    def _buses(self) -> list[tuple[str, str, str, str]]:
        return [self._member(it.name, it) for it in self.running.template.buses]

    def _member(self, member: T, of: Part) -> tuple[T, str, str, str]:
        return member, of.logical_id, self.running.template.resource_of(of).path, of.name
