"""Explain why records pass the filters of an event source mapping, or do not.

RECORDS holds one record a line, as a function receives it, or events with "Records"; "-" is the standard input. For
each record: whether it passes and, for each filter that it does not pass, the first condition that failed, the values
seen there and a hint. At the end: how many records each filter, and each of its conditions alone, let through.

  penstock filter --pattern '{"dynamodb": {"NewImage": {"total": {"N": [12]}}}}' records.jsonl
  penstock filter --template cdk.out --mapping Relay/Stream records.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.arguments import TEMPLATE_HELP, add_json, add_template_options, parameters_of
from penstock.cli.fields import Fields
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.mapping.filters import ExplainedFilter, Explanation, Source
    from penstock.template.models import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One record: its place in the file (``3``, or ``3[0]`` in an event), and what each filter says."""

    place: str
    explanations: tuple[Explanation, ...]

    @property
    def passes(self) -> bool:
        """Whether one of the filters lets it through; without any, all records pass."""
        return not self.explanations or any(explanation.passes for explanation in self.explanations)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock filter``."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--pattern", metavar="FILE|JSON", help="one filter pattern, or the file that holds it")
    where.add_argument("--template", metavar="PATH", type=Path, help=TEMPLATE_HELP)
    add_template_options(parser)
    parser.add_argument(
        "--mapping",
        metavar="NAME",
        help="with --template: the mapping whose filters are meant, by construct path, logical id or function",
    )
    parser.add_argument("records", metavar="RECORDS", help="a file of JSON records, one a line; - is standard input")
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Explain every record; 0 whether records pass or not."""
    from penstock.mapping.filters import ExplainedFilter

    records = list(_records(arguments.records))
    patterns, source = _patterns(arguments, records)
    filters = [ExplainedFilter(pattern, source=source) for pattern in patterns]
    judged = [
        _Judged(place=place, explanations=tuple(each.explain(record) for each in filters)) for place, record in records
    ]
    if arguments.json:
        print(json.dumps(_as_json(filters, patterns, judged), indent=2))
    else:
        for line in (*_record_lines(judged), "", *_summary_lines(filters, judged)):
            print(line)
    return 0


def _patterns(arguments: argparse.Namespace, records: Sequence[tuple[str, Any]]) -> tuple[Sequence[str], Source]:
    """Get the patterns, and the kind of source: the mapping's, or what the first record comes from."""
    if arguments.template:
        if not arguments.mapping:
            raise UsageError("--template needs --mapping: the mapping whose filters are meant")
        return _filters_of(arguments)
    if arguments.mapping or arguments.parameters or arguments.skip:
        raise UsageError("--mapping, --parameter and --skip go with --template, not with --pattern")
    text = arguments.pattern
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except OSError as problem:
            raise UsageError(f"--pattern {text} is neither JSON nor a file: {problem.strerror}; give either") from None
        except UnicodeDecodeError:
            raise UsageError(f"--pattern {text} is no text file; give one that holds a pattern, or JSON") from None
    of_queue = any(record.get("eventSource") == "aws:sqs" for _, record in records[:1])
    return [text], "sqs" if of_queue else "dynamodb"


def _filters_of(arguments: argparse.Namespace) -> tuple[Sequence[str], Source]:
    """Get the filters of one mapping, of a template that need not run here."""
    from penstock.checks.subject import Subject
    from penstock.template.survey import survey

    path, name = arguments.template, arguments.mapping
    surveyed = survey(path, parameters=parameters_of(arguments), skip=arguments.skip)
    mappings = [mapping for mapping in Subject(surveyed).mappings if mapping.kind != "other"]
    meant = [mapping for mapping in mappings if name in (mapping.resource.logical_id, mapping.resource.label)]
    meant = meant or [mapping for mapping in mappings if mapping.function and name in _names_of(mapping.function)]
    if len(meant) == 1:
        return meant[0].patterns, "sqs" if meant[0].kind == "queue" else "dynamodb"
    known = ", ".join(mapping.resource.label for mapping in meant or mappings) or "none"
    if meant:
        raise UsageError(f"{path} has several mappings called {name}; give one of {known}")
    raise UsageError(f"{path} has no mapping {name} of a DynamoDB stream or a queue; it has: {known}")


def _names_of(function: Resource) -> tuple[str, str]:
    return function.logical_id, function.label.removesuffix("/Function")


def _records(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the records, each with its place."""
    for number, line in enumerate(_lines(name), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as problem:
            raise UsageError(f"{name}, line {number}: this is no JSON: {problem}; give one record a line") from None
        if not isinstance(value, dict):
            raise UsageError(f"{name}, line {number}: this is no JSON object; give one record a line")
        if "Records" not in value:
            yield str(number), value
            continue
        inside = value["Records"]
        if not isinstance(inside, list) or not all(isinstance(record, dict) for record in inside):
            raise UsageError(f"{name}, line {number}: Records is no list of objects; give the event of a function")
        yield from ((f"{number}[{index}]", record) for index, record in enumerate(inside))


def _lines(name: str) -> list[bytes]:
    """Read the lines as bytes, whose ends are none of those that a text in JSON may hold."""
    if name == "-":
        return sys.stdin.buffer.read().splitlines()
    try:
        return Path(name).read_bytes().splitlines()
    except OSError as problem:
        raise UsageError(f"{name} cannot be read: {problem.strerror}; give a file of records, or -") from None


def _record_lines(judged: Sequence[_Judged]) -> Iterator[str]:
    """A line for a record that passes, and one for each filter that one does not pass."""
    from penstock.story.verdict import told_failure

    for record in judged:
        if record.passes:
            by = [str(number) for number, each in enumerate(record.explanations, start=1) if each.passes]
            yield f"{record.place}: passes" + (f" (filter {', '.join(by)})" if by else "")
            continue
        for number, explanation in enumerate(record.explanations, start=1):
            yield f"{record.place}: fails filter {number} at {told_failure(explanation)}"


def _summary_lines(filters: Sequence[ExplainedFilter], judged: Sequence[_Judged]) -> Iterator[str]:
    from penstock.mapping.filters import written

    yield f"{sum(record.passes for record in judged)} of {len(judged)} records pass"
    for index, explained in enumerate(filters):
        passed, held = _counts(index, explained, judged)
        yield f"filter {index + 1}: {passed}"
        for condition, count in zip(explained.conditions, held, strict=True):
            yield f"  {condition.path} {json.dumps(written(condition))}: {count}"


def _counts(index: int, explained: ExplainedFilter, judged: Sequence[_Judged]) -> tuple[int, list[int]]:
    """How many records one filter lets through, and each of its conditions alone."""
    explanations = [record.explanations[index] for record in judged]
    held = [sum(each.holds[place] for each in explanations) for place in range(len(explained.conditions))]
    return sum(each.passes for each in explanations), held


def _as_json(
    filters: Sequence[ExplainedFilter], patterns: Sequence[str], judged: Sequence[_Judged]
) -> dict[str, object]:
    """The output, described by `fields`."""
    return {
        "records": [
            {
                "place": record.place,
                "passes": record.passes,
                "failures": [
                    _failure(number, each) for number, each in enumerate(record.explanations, 1) if each.failure
                ],
            }
            for record in judged
        ],
        "filters": [
            _filter(index, explained, pattern, judged)
            for index, (explained, pattern) in enumerate(zip(filters, patterns, strict=True))
        ],
        "passed": sum(record.passes for record in judged),
        "total": len(judged),
    }


def _failure(number: int, explanation: Explanation) -> dict[str, object]:
    from penstock.mapping.filters import written

    failure = explanation.failure
    assert failure is not None
    condition = failure.condition
    wanted = written(condition)
    return {"filter": number, "path": condition.path, "wants": wanted, "seen": list(failure.seen), "hint": failure.hint}


def _filter(index: int, explained: ExplainedFilter, pattern: str, judged: Sequence[_Judged]) -> dict[str, object]:
    from penstock.mapping.filters import written

    passed, held = _counts(index, explained, judged)
    conditions = [
        {"path": condition.path, "wants": written(condition), "passed": count}
        for condition, count in zip(explained.conditions, held, strict=True)
    ]
    return {"pattern": pattern, "passed": passed, "conditions": conditions}


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    return {
        "records[].place": "the record's line in the file, `3`, or `3[0]` in an event; in the order of the file",
        "records[].passes": "whether one of the filters lets it through; without filters, all pass",
        "records[].failures[].filter": "a filter that it does not pass, counted from 1",
        "records[].failures[].path": "the field of the first condition that failed",
        "records[].failures[].wants…": "the condition, as a pattern spells it",
        "records[].failures[].seen[]…": "the values there, as they are in the record; none if there is nothing",
        "records[].failures[].hint": "what is probably meant; may be empty",
        "filters[].pattern": "a filter's text; in the order of the mapping",
        "filters[].passed": "how many records it lets through",
        "filters[].conditions[].path": "the field of one of its conditions",
        "filters[].conditions[].wants…": "the condition, as a pattern spells it",
        "filters[].conditions[].passed": "how many records meet this condition, whatever the others say",
        "passed": "how many records pass",
        "total": "how many records there are",
    }
