"""Find what is wrong with a template: filters that match nothing, records that get lost, cycles, wide grants.

Each PATH is a cdk.out directory or one template, JSON or YAML. Each finding has a rule with a page in docs/checks.md,
the evidence and the remedy. Exit code 1 for an error; a warning alone does not fail. A resource suppresses a rule, with
a reason, under Metadata.penstock.suppress. What could not be read or judged is told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.arguments import TEMPLATE_HELP, add_json, add_template_options, parameters_of
from penstock.cli.fields import Fields, below
from penstock.terminal import Paint, Progress

if TYPE_CHECKING:
    from penstock.checks.judgement import Finding, Judgement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock check``."""
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help=TEMPLATE_HELP)
    add_template_options(parser)
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Judge each path; 1 if there is an error in one of them."""
    from penstock.checks.judgement import judge

    given = parameters_of(arguments)
    judgements: dict[str, Judgement] = {}
    progress = Progress(sys.stderr)
    for path in arguments.paths:
        with progress.during(f"judging {path}"):
            judgements[str(path)] = judge(path, parameters=given, skip=arguments.skip)
    if arguments.json:
        print(json.dumps({path: as_json(judgement) for path, judgement in judgements.items()}, indent=2))
    else:
        for path, judgement in judgements.items():
            for line in lines(path, judgement, Paint.of(sys.stdout)):
                print(line)
    return 1 if any(judgement.errors for judgement in judgements.values()) else 0


def report_errors(path: Path) -> int:
    """Judge a fresh cloud assembly and print its errors alone, for a synth to fail on: 1 if there is one, else 0."""
    from penstock.checks.judgement import judge

    errors = judge(path).errors
    for line in _told(errors, Paint.of(sys.stderr)):
        print(line, file=sys.stderr)
    return 1 if errors else 0


def lines(path: str, judgement: Judgement, paint: Paint) -> Iterator[str]:
    """What a person reads."""
    yield from _told(judgement.findings, paint)
    for finding in judgement.suppressed:
        yield f"suppressed {finding.rule} {finding.label}: {finding.reason}"
    for text in judgement.untold:
        yield f"not judged: {text}"
    warnings = len(judgement.findings) - len(judgement.errors)
    counts = (len(judgement.errors), "error"), (warnings, "warning"), (len(judgement.suppressed), "suppressed")
    yield f"{path}: {', '.join(_counted(count, what) for count, what in counts)}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 or what == "suppressed" else f"{count} {what}s"


def _told(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    for finding in findings:
        coloured = paint.bad if finding.severity == "error" else paint.doubtful
        yield f"{coloured(finding.severity)} {finding.rule} {finding.label}: {finding.title}"
        yield f"    {finding.evidence}"
        yield f"    {finding.remedy} ({finding.page})"


def as_json(judgement: Judgement) -> dict[str, object]:
    """One judgement, described by `fields`."""
    return {
        "findings": [_finding(finding) for finding in judgement.findings],
        "suppressed": [{**_finding(finding), "reason": finding.reason} for finding in judgement.suppressed],
        "not_judged": list(judgement.untold),
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {name: getattr(finding, name) for name in _FINDING_FIELDS}


_FINDING_FIELDS = {
    "rule": "id of the rule, such as PS301",
    "severity": "`error` or `warning`",
    "title": "what is wrong, in general",
    "resource": "what it is wrong with: stack/logical id",
    "label": "the same as people call it: with the construct path in place of the logical id, where there is one",
    "evidence": "what in the template shows it",
    "remedy": "what to do",
    "page": "the page of the rule",
}


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    return {
        **below("<path>.findings[]", _FINDING_FIELDS),
        **below("<path>.suppressed[]", {**_FINDING_FIELDS, "reason": "why the template suppresses it"}),
        "<path>.not_judged[]": "what could not be read or judged, a text each",
    }
