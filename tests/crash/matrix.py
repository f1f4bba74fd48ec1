"""The matrix: for each request of a handler's undisturbed run and each fault, the run again with that fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from penstock.template.models import Template
from tests.crash.cloud import Cloud
from tests.crash.faults import ANSWER, Fault, Layout, Strike
from tests.crash.function import Function
from tests.crash.line import Line
from tests.crash.subject import Subject, deployed
from tests.crash.verdict import Verdict, judge
from tests.crash.virtual_time import virtual_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run: the request that was struck (None in an undisturbed run) and what the run came to.

    `crossed` are the names of all requests in order, each with whether it has entries.
    """

    strike: Strike | None
    crossed: tuple[tuple[str, bool], ...]
    errors: tuple[BaseException, ...]
    has_struck: bool
    verdict: Verdict

    @property
    def request(self) -> str:
        """The name of the request that was struck."""
        assert self.strike is not None
        return self.crossed[self.strike.number - 1][0]


@cache
def _cloud() -> Cloud:
    return Cloud()


def play(subject: Subject, template: Template, layout: Layout, strike: Strike | None = None) -> Case:
    """Play a handler's history to its end, with one fault or with none."""
    cloud, line = _cloud(), Line(strike)
    cloud.reset(line)
    subject.prepare(cloud)
    as_deployed = deployed(template, subject.label)
    source = subject.source(as_deployed, layout)
    function = Function(
        subject.module,
        cloud=cloud,
        timeline=source.timeline,
        timeout_ms=as_deployed.timeout_ms,
        fault=strike.fault if strike else None,
    )
    with virtual_time(source.timeline):
        given_up = source.play(function)
        subject.meanwhile(cloud)
        function.let_zombies_go_on()
    verdict = judge(
        subject.effects(cloud, source),
        subject.exact(layout),
        given_up={subject.effect_of(ref, layout) for ref in given_up},
        disordered=subject.disorder(cloud),
    )
    return Case(
        strike=strike,
        crossed=tuple(line.crossed.values()),
        errors=tuple(function.errors),
        has_struck=line.struck,
        verdict=verdict,
    )


def cases(subject: Subject, template: Template, fault: Fault) -> Iterator[Case]:
    """Play every case of a handler and a fault."""
    undisturbed = play(subject, template, fault.layout)
    for number, (name, has_entries) in enumerate(undisturbed.crossed, 1):
        if fault.can_strike(name, has_entries=has_entries):
            yield play(subject, template, fault.layout, Strike(fault=fault, number=number))


def requests(case: Case) -> int:
    """Count the AWS requests of a run."""
    return sum(name != ANSWER for name, _ in case.crossed)
