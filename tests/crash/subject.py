"""What stands in a row of the matrix: a handler, its history, and the one final state that is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from penstock.template.models import Template
from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.sources import Source
from tests.crash.verdict import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """The mapping of a function as the template has it; `configuration` is None for the API's."""

    timeout_ms: int
    configuration: StreamConfiguration | QueueConfiguration | None
    maximum_receive_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A handler under test.

    `label` is the function's name in the template, `module` what an execution environment imports. `prepare` fills the
    tables, `source` hands out the history, `effects` reads the final state. `exact` is that state for a layout: name →
    content. `effect_of` names the effect of a record, by its ref. `disorder` counts older changes that came into effect
    after newer ones of the same key, where the final state does not tell. `meanwhile` is what others do once the
    history is handed out: before a zombie goes on, things have gone on without it.
    """

    name: str
    label: str
    module: str
    prepare: Callable[[Cloud], None]
    source: Callable[[Deployed, Layout], Source]
    effects: Callable[[Cloud, Source], Effects]
    exact: Callable[[Layout], Mapping[str, Any]]
    effect_of: Callable[[str, Layout], str]
    disorder: Callable[[Cloud], int] = lambda _: 0
    meanwhile: Callable[[Cloud], None] = lambda _: None


def deployed(template: Template, label: str) -> Deployed:
    """Read how a function is deployed."""
    [function] = [function for function in template.functions if function.label == label]
    mappings = [mapping for mapping in template.mappings if template.function_of(mapping.function_arn) == function]
    redrives = [
        queue.redrive.max_receive_count
        for queue in template.queues
        if queue.redrive is not None and mappings and queue.arn == mappings[0].event_source_arn
    ]
    return Deployed(
        timeout_ms=function.timeout_seconds * 1_000,
        configuration=mappings[0].configuration if mappings else None,
        maximum_receive_count=redrives[0] if redrives else 0,
    )


def nothing(_: Cloud) -> None:
    """Prepare nothing."""


def read(text: str) -> Any:
    """Read JSON."""
    return json.loads(text)
