"""A run, its mappings and its invocations, as the journal keeps them."""

from __future__ import annotations

from pathlib import Path

from penstock import __version__
from penstock.runtime.invocation import Answer, Failure, Invocation, Throttled, TooLarge
from penstock.story.facts import InvocationEnded, MappingDefined, RunBegan
from penstock.story.journal import Journal
from penstock.template.models import EventSourceMapping, Function, Template

ANSWER_CHARACTERS = 500
"""How much is kept of an answer that names no batch item failure; our choice."""

NAMED = frozenset({"Table", "GlobalTable", "Queue", "Topic", "Bucket", "EventBus", "Rule", "StateMachine"}) | {
    "EventSourceMapping"
}
"""The kinds of resources that stories name."""


def run_began(template: Template, *, path: Path, seed: int, clock: str, now_ms: int) -> RunBegan:
    """What a story must know of a run: its names, shown by construct path where there is one."""
    names: dict[str, str] = {}
    for resource in template.resources.values():
        if resource.type.rpartition(":")[2] not in NAMED:
            continue
        shown = resource.path.removesuffix("/Table") or resource.logical_id
        physical = (resource.arn or resource.physical_id).rpartition(":")[2].rpartition("/")[2]
        names |= {physical: shown, resource.logical_id: shown}
    return RunBegan(
        at_ms=now_ms,
        version=__version__,
        path=str(path),
        stacks=template.stacks,
        seed=seed,
        clock=clock,
        names=names,
        keys={table.name: "/".join(filter(None, (table.partition_key, table.sort_key))) for table in template.tables},
    )


def mapping_defined(definition: EventSourceMapping, function: Function, *, now_ms: int) -> MappingDefined:
    """What a story must know of a mapping."""
    configuration = definition.configuration
    return MappingDefined(
        at_ms=now_ms,
        mapping=definition.logical_id,
        function=function.label,
        source_arn=definition.event_source_arn,
        filters=tuple(configuration.filters),
        reports_batch_item_failures=configuration.reports_batch_item_failures,
    )


def tell_invocation(journal: Journal, invocation: Invocation, *, now_ms: int) -> None:
    """Keep how an invocation ended."""
    result, error, answer = _ending(invocation)
    journal.tell_end(
        InvocationEnded(
            at_ms=now_ms,
            started_at_ms=invocation.started_at_ms,
            function=invocation.function.label,
            request_id=invocation.request_id,
            result=result,
            error=error,
            answer=answer,
            duration_ms=round(invocation.duration_ms, 3),
            init_duration_ms=None if invocation.init_duration_ms is None else round(invocation.init_duration_ms, 3),
            environment_id=invocation.environment_id,
            read_units=invocation.usage.read_units,
            write_units=invocation.usage.write_units,
        ),
        invocation.event,
    )


def _ending(invocation: Invocation) -> tuple[str, str, str]:
    """(Result, error, answer) of an invocation, in the words of the fact."""
    match invocation.result:
        case Answer(payload=payload):
            answer = payload.decode(errors="replace")
            return "returned", "", answer if b"itemIdentifier" in payload else answer[:ANSWER_CHARACTERS]
        case Failure(error=error):
            return "failed", f"{error.get('errorType')}: {error.get('errorMessage')}", ""
        case Throttled(reason=reason):
            return "throttled", reason, ""
        case TooLarge() as refused:
            return "too large", refused.message, ""
