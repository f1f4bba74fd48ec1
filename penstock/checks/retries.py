"""PS2: how a mapping goes on after a failure, and where it starts."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.checks.rule import Evidence, rule
from penstock.checks.subject import SourceMapping, Subject
from penstock.template.properties import Properties

RETENTION_SECONDS = 86_400
"""How long a stream keeps a record. Source: DynamoDB guide, "Change data capture for DynamoDB Streams"."""

_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 60.0
_DOUBLINGS = 9  # 0.2 to 51.2 seconds


def _limit(properties: Properties, name: str) -> int | None:
    """A limit of a mapping; ``None`` where there is none, which CloudFormation writes -1."""
    number = properties.integer(name, None)
    return None if number == -1 else number


@rule(
    "PS201",
    "error",
    "retries without an end",
    over=Subject.streams,
    why="Without limits a record that always fails is tried until the stream forgets it, a day later, and nothing "
    "behind it in its shard is handled meanwhile. What expires in the stream reaches no destination.",
    remedy="Set MaximumRetryAttempts, MaximumRecordAgeInSeconds or both, and an on-failure destination.",
)
def endless(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Neither attempts nor age are limited."""
    limits = [_limit(mapping.properties, name) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
    if limits == [None, None]:
        yield Evidence(resource=mapping.resource, text="neither MaximumRetryAttempts nor MaximumRecordAgeInSeconds")


@rule(
    "PS202",
    "warning",
    "one bad record takes its batch along",
    over=Subject.streams,
    why="Without bisect and without partial answers the whole batch is repeated, and in the end given up, for the sake "
    "of one record; what succeeded is done again each time.",
    remedy="Set BisectBatchOnFunctionError, or answer with batchItemFailures (FunctionResponseTypes: "
    "ReportBatchItemFailures).",
)
def batch_fails_whole(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """More than one record a batch, no window, no way to tell good from bad."""
    properties = mapping.properties
    size = properties.integer("BatchSize", 100)
    told_apart = properties.flag("BisectBatchOnFunctionError", default=False) or mapping.reports_batch_item_failures
    if size > 1 and not told_apart and not properties.integer("TumblingWindowInSeconds", 0):
        yield Evidence(resource=mapping.resource, text=f"batches of {size}, neither bisect nor partial answers")


@rule(
    "PS203",
    "warning",
    "one bad message takes its batch along",
    over=Subject.queues,
    why="Without partial answers one failure returns every message of the batch to the queue: the good ones are done "
    "again, and follow the bad one into the dead-letter queue.",
    remedy="Answer with batchItemFailures (FunctionResponseTypes: ReportBatchItemFailures), or set BatchSize to 1.",
)
def messages_fail_together(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """More than one message a batch without partial answers."""
    size = mapping.properties.integer("BatchSize", 10)
    if size > 1 and not mapping.reports_batch_item_failures:
        yield Evidence(resource=mapping.resource, text=f"batches of {size} without partial answers")


def worst_retry_seconds(*, retries: int, timeout_seconds: int, batch_size: int, bisects: bool) -> tuple[float, str]:
    """Seconds that one bad record may take to its end, and the formula with its numbers.

    Each failed batch is split at once: two calls a level. Then the record alone, or without bisect the whole batch, is
    called once and retried. Waits double from 0.2 to 60 seconds; AWS does not publish them, the first are observed.
    """
    levels = (batch_size - 1).bit_length() if bisects else 0
    doubled = min(retries, _DOUBLINGS)
    waits = _FIRST_BACKOFF_SECONDS * ((1 << doubled) - 1) + _LONGEST_BACKOFF_SECONDS * (retries - doubled)
    calls = 2 * levels + retries + 1
    seconds = calls * timeout_seconds + waits
    formula = f"(2 × {levels} levels + {retries} retries + 1) × {timeout_seconds} s + {waits:g} s of back-off"
    return seconds, f"{formula} = {seconds:g} s"


@rule(
    "PS204",
    "warning",
    "retries that outlast the record age",
    over=Subject.streams,
    why="If one bad record may take longer to its end than a record may be old, the attempts are never used up, and "
    "the records that wait behind it are given up by their age without having been tried once.",
    remedy="Lower MaximumRetryAttempts or the function's timeout, or raise MaximumRecordAgeInSeconds (a day at most).",
)
def outlasting(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """Finite attempts that take longer than the age allows."""
    properties = mapping.properties
    retries = _limit(properties, "MaximumRetryAttempts")
    if retries is None or mapping.function is None:
        return
    age = min(_limit(properties, "MaximumRecordAgeInSeconds") or RETENTION_SECONDS, RETENTION_SECONDS)
    seconds, formula = worst_retry_seconds(
        retries=retries,
        timeout_seconds=subject.function_timeout(mapping.function),
        batch_size=properties.integer("BatchSize", 100),
        bisects=properties.flag("BisectBatchOnFunctionError", default=False),
    )
    if seconds > age:
        yield Evidence(resource=mapping.resource, text=f"{formula}, and a record is given up after {age} s")


@rule(
    "PS205",
    "warning",
    "a mapping that starts at the end",
    over=Subject.streams,
    why="LATEST skips what is written while the mapping is being made, for some minutes, and again whenever a change "
    "replaces the mapping: those records are never handled.",
    remedy="Start at TRIM_HORIZON, and let the function cope with records that come twice.",
)
def starts_at_the_end(subject: Subject, mapping: SourceMapping) -> Iterator[Evidence]:
    """StartingPosition LATEST."""
    if mapping.properties.text("StartingPosition", "") == "LATEST":
        yield Evidence(resource=mapping.resource, text="StartingPosition is LATEST")


RULES = (endless, batch_fails_whole, messages_fail_together, outlasting, starts_at_the_end)
