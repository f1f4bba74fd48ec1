"""find what is wrong with a template: filters that match nothing, records that get lost, cycles, wide grants.

PATH is a cdk.out directory or one template, JSON or YAML. Each finding has a rule with a page in docs/checks.md, the
evidence and the remedy. Exit code 1 for an error; a warning alone does not fail. A resource suppresses a rule, with a
reason, under Metadata.penstock.suppress. What could not be read or judged is told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.checks.judgement import Finding, Judgement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock check``."""
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a cdk.out directory or a template file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def main(arguments: argparse.Namespace) -> int:
    """Judge each path; 1 if there is an error in one of them."""
    from penstock.checks.judgement import judge

    judgements = {str(path): judge(path) for path in arguments.paths}
    if arguments.json:
        print(json.dumps({path: as_json(judgement) for path, judgement in judgements.items()}, indent=2))
    else:
        for path, judgement in judgements.items():
            for line in lines(path, judgement):
                print(line)
    return 1 if any(judgement.errors for judgement in judgements.values()) else 0


def report_errors(path: Path) -> int:
    """Judge a fresh cloud assembly and print its errors alone, for a synth to fail on: 1 if there is one, else 0."""
    from penstock.checks.judgement import judge

    errors = judge(path).errors
    for line in _told(errors):
        print(line, file=sys.stderr)
    return 1 if errors else 0


def lines(path: str, judgement: Judgement) -> Iterator[str]:
    """What a person reads."""
    yield from _told(judgement.findings)
    for finding in judgement.suppressed:
        yield f"suppressed {finding.rule} {finding.resource}: {finding.reason}"
    for text in judgement.untold:
        yield f"not judged: {text}"
    warnings = len(judgement.findings) - len(judgement.errors)
    counts = (len(judgement.errors), "errors"), (warnings, "warnings"), (len(judgement.suppressed), "suppressed")
    yield f"{path}: {', '.join(f'{count} {what}' for count, what in counts)}"


def _told(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.severity} {finding.rule} {finding.resource}: {finding.title}"
        yield f"    {finding.evidence}"
        yield f"    {finding.remedy} ({finding.page})"


def as_json(judgement: Judgement) -> dict[str, object]:
    """``findings``, ``suppressed`` (the same with a ``reason``) and ``not_judged``, texts."""
    return {
        "findings": [_finding(finding) for finding in judgement.findings],
        "suppressed": [{**_finding(finding), "reason": finding.reason} for finding in judgement.suppressed],
        "not_judged": list(judgement.untold),
    }


def _finding(finding: Finding) -> dict[str, str]:
    names = ("rule", "severity", "title", "resource", "evidence", "remedy", "page")
    return {name: getattr(finding, name) for name in names}
