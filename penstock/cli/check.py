"""Find what is wrong with a template: filters that match nothing, records that get lost, cycles, wide grants.

Each PATH is a cdk.out directory or one template, JSON or YAML. Each finding has a rule, which --explain and
docs/checks.md tell more of, the evidence and the remedy. Exit code 1 for an error; a warning alone does not fail. A
resource suppresses a rule, with a reason, under Metadata.penstock.suppress. What could not be read or judged is told.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from penstock.cli.arguments import TEMPLATE_HELP, add_json, add_template_options, parameters_of
from penstock.cli.fields import Fields, below
from penstock.terminal import Paint, Progress, program

if TYPE_CHECKING:
    from penstock.checks.judgement import Finding, Judgement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock check``."""
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help=TEMPLATE_HELP)
    add_template_options(parser)
    add_json(parser)
    parser.add_argument(
        "--explain",
        metavar="RULE",
        action=_Explain,
        type=_explanation,
        help="tell what comes of breaking a rule, such as PS301, and what to do; PATH is not needed then",
    )


class _Explain(argparse.Action):
    """Prints and is done, as ``--help`` is."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> NoReturn:
        print(given[1])
        parser.exit()


def _explanation(rule_id: str) -> str:
    """What `docs/checks.md` says of a rule or of suppressions, which whoever has the package alone does not have."""
    from penstock.checks import judgement
    from penstock.checks.registry import RULES

    sections = {rule.id: rule.section for rule in RULES}
    suppressing = inspect.cleandoc(judgement.__doc__ or "").partition("\n\n")[2].replace("::\n", ":\n")
    sections |= {each: (title, "", suppressing) for each, title in judgement.SUPPRESSION_TITLES.items()}
    if rule_id.upper() not in sections:
        raise argparse.ArgumentTypeError(f"there is no rule {rule_id}; there are {', '.join(sections)}")
    return "\n".join((rule_id.upper(), "", *sections[rule_id.upper()]))


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
        if told := [finding.rule for each in judgements.values() for finding in each.findings]:
            print(f"`{program()} check --explain {told[0]}` tells more of a rule")
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
