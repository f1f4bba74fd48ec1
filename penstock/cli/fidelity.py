"""Tell how faithfully a template runs here: what is simulated, approximated (how), not simulated or unknown.

Judged is each property of each resource of PATH, a cdk.out directory or one template, JSON or YAML, also of a template
that `penstock run` refuses: what it would refuse is told first, with what to do. Shown is what is not exactly so, by
type and property, with the resources concerned; --all shows everything. `penstock run` ends with the short form.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from penstock.cli import spoken
from penstock.cli.arguments import add_json, add_path, add_template_options, parameters_of
from penstock.cli.fields import Fields
from penstock.terminal import Paint, Progress

if TYPE_CHECKING:
    from penstock.template.models import PropertyFidelity, Verdict

VERDICTS: Final[Mapping[Verdict, str]] = {
    "not supported": "a run refuses it",
    "unknown": "penstock does not know it: whatever it does, it does not do it here",
    "not simulated": "it has no effect here",
    "approximated": "it has an effect here, but not exactly that of AWS",
    "simulated": "",
}
"""Verdict → what it means, the worst first."""

WIDTH = 120
SHOWN_RESOURCES = 5
"""How many resources stand behind one property; ``--all`` names them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdicts on one template, in its order.

    ``refusals`` are what a run would say, ``untold`` what could not be read.
    """

    path: Path
    resources: int
    verdicts: Sequence[PropertyFidelity]
    refusals: Sequence[str] = ()
    untold: Sequence[str] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Verdict → how many, the worst first; all five."""
        counted = Counter(entry.verdict for entry in self.verdicts)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def groups(self, verdict: Verdict) -> dict[tuple[str, str], list[str]]:
        """(type and property, how) → labels of the resources, of one verdict."""
        found: dict[tuple[str, str], list[str]] = {}
        for entry in self.verdicts:
            if entry.verdict == verdict:
                name = f"{entry.type}.{entry.property_path}" if entry.property_path else entry.type
                found.setdefault((name, entry.how), []).append(entry.label)
        return dict(sorted(found.items()))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock fidelity``."""
    add_path(parser)
    add_template_options(parser)
    parser.add_argument("--all", action="store_true", help="show what is simulated too, and every resource by name")
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Judge one template; 0 whatever it is like."""
    with Progress(sys.stderr).during(f"reading {arguments.path}"):
        report = report_on(arguments.path, parameters=parameters_of(arguments), skip=arguments.skip)
    if arguments.json:
        print(json.dumps(as_json(report), indent=2))
    else:
        print("\n".join(lines(report, Paint.of(sys.stdout), everything=arguments.all)))
    return 0


def report_on(path: Path, *, parameters: Mapping[str, str] | None = None, skip: Collection[str] = ()) -> Report:
    """Judge what can be read of a template; takes and raises what `penstock.template.survey.survey` does."""
    from penstock.errors import PenstockError
    from penstock.template.fidelity import judge, judge_left_out
    from penstock.template.reader import load
    from penstock.template.survey import survey

    surveyed = survey(path, parameters=parameters, skip=skip)
    resources = surveyed.resources.by_address.values()
    verdicts = [entry for resource in resources for entry in judge(resource)]
    verdicts += map(judge_left_out, surveyed.left_out)
    unsupported = [f"{entry.stack}/{entry.logical_id}" for entry in verdicts if entry.verdict == "not supported"]
    refusals: list[str] = []
    try:
        load(path, parameters=parameters, skip=[*skip, *unsupported])
    except PenstockError as refusal:
        refusals.append(str(refusal))
    return Report(path=path, resources=len(resources), verdicts=verdicts, refusals=refusals, untold=surveyed.untold)


def lines(report: Report, paint: Paint, *, everything: bool) -> Iterator[str]:
    """What a person reads: counts, then what is not exactly so."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in reversed(report.counts.items()) if count)
    yield f"{report.path}: {report.resources} resources, {len(report.verdicts)} verdicts: {counts or 'none'}"
    for refusal in report.refusals:
        yield f"{paint.bad('a run refuses it')}: {refusal}"
    colours = {"not supported": paint.bad, "unknown": paint.doubtful, "not simulated": paint.doubtful}
    for verdict, meaning in VERDICTS.items():
        groups = report.groups(verdict)
        if groups and (everything or verdict != "simulated"):
            told = colours.get(verdict, str)(verdict)
            yield ""
            yield f"{told}: {meaning}" if meaning else told
            yield from _group_lines(groups, everything)
    for text in report.untold if everything else ():
        yield f"not read: {text}"
    if not everything:
        yield ""
        yield spoken(f"`penstock fidelity {report.path} --all` shows everything")


def _group_lines(groups: Mapping[tuple[str, str], Sequence[str]], everything: bool) -> Iterator[str]:
    for (name, how), labels in groups.items():
        shown = labels if everything or len(labels) <= SHOWN_RESOURCES + 1 else labels[:SHOWN_RESOURCES]
        more = f" and {len(labels) - len(shown)} more" if len(shown) < len(labels) else ""
        yield f"  {name}: {how}" if how else f"  {name}"
        yield textwrap.fill(
            ", ".join(shown) + more, WIDTH, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False
        )


def last_words(report: Report) -> Iterator[str]:
    """What a run ends with: the counts, and what is not exactly so by name."""
    counts = report.counts
    exact = counts["simulated"]
    if exact == len(report.verdicts):
        return
    says = spoken(f"`penstock fidelity {report.path}` says how and where")
    yield f"fidelity: {exact} of {len(report.verdicts)} properties are simulated; {says}"
    for verdict in VERDICTS:
        if verdict != "simulated" and counts[verdict]:
            names = dict.fromkeys(name.rpartition("::")[2] for name, _ in report.groups(verdict))
            yield textwrap.fill(
                f"{verdict}: {', '.join(names)}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )


def as_json(report: Report) -> dict[str, Any]:
    """One report, described by `fields`."""
    return {
        "path": str(report.path),
        "resources": report.resources,
        "counts": report.counts,
        "refusals": list(report.refusals),
        "verdicts": [
            {
                "stack": entry.stack,
                "logical_id": entry.logical_id,
                "label": entry.label,
                "type": entry.type,
                "property": entry.property_path,
                "verdict": entry.verdict,
                "how": entry.how,
            }
            for entry in report.verdicts
        ],
        "not_read": list(report.untold),
    }


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    verdicts = ", ".join(f"`{verdict}`" for verdict in VERDICTS)
    return {
        "path": "the template, as it was given",
        "resources": "how many resources it has",
        "counts.<verdict>": f"how many properties got a verdict; all of {verdicts}",
        "refusals[]": "what `penstock run` would refuse beside types that are not supported, a text each",
        "verdicts[].stack": "the stack of a resource",
        "verdicts[].logical_id": "the resource",
        "verdicts[].label": "the resource as people call it: its construct path, else its logical id",
        "verdicts[].type": "the resource's type",
        "verdicts[].property": "the property, its parts joined by dots; empty for a type that is judged as a whole",
        "verdicts[].verdict": "one of those counted",
        "verdicts[].how": "how it is approximated, or why it is not simulated; may be empty",
        "not_read[]": "what could not be read, a text each; conditions that cannot be decided are taken to hold",
    }
