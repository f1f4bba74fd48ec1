"""Run a synthesized application on this machine until it is stopped.

Starts everything that the template defines: no Docker, no account, no network. Prints the endpoint of AWS calls (the
AWS CLI and the SDKs of a shell are led there by `. .penstock/environment`), the API's address, one line of curl, signed
or with a token, the ways of records as they happen, and each call that a role's policies deny, with the statement that
is missing. Ctrl-C stops it, prints what each function came to, the grants that no function used, and what of the
template was not exactly so.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import JOURNAL
from penstock.cli.alarm_lines import alarm_lines
from penstock.cli.arguments import (
    add_dynamodb_endpoint,
    add_path,
    add_template_options,
    parameters_of,
    whole_number,
)
from penstock.cli.environment_file import ENVIRONMENT, environment_file
from penstock.cli.fidelity import Report, last_words
from penstock.collector import loading
from penstock.errors import TemplateError
from penstock.terminal import Progress, program

if TYPE_CHECKING:
    from penstock.application import Application
    from penstock.template.models import HttpApi, Part, Route, Template

DAY_SECONDS = 86_400
"""How long the token of the printed line is good; our choice: a line is used on the day that it is printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock run``."""
    add = parser.add_argument
    add_path(parser)
    add_template_options(parser)
    port = "port of the HTTP API on 127.0.0.1; 0 takes any free one (default: %(default)s)"
    add("--port", metavar="N", type=whole_number(0, 65535), default=3000, help=port)
    seed = "seed of every id of the run; a fault script has its own (default: %(default)s)"
    add("--seed", metavar="N", type=int, default=0, help=seed)
    add("--faults", metavar="FILE", type=Path, help="a fault script: what goes wrong on purpose (docs/local-run.md)")
    add_dynamodb_endpoint(parser)
    add("--quiet", action="store_true", help="print no more of what happens than denials")


def main(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    began = time.perf_counter()
    with loading(), Progress(sys.stderr).during(f"starting the application of {arguments.path}"):
        from penstock.application import Application
        from penstock.cli.lines import Printer
        from penstock.cloud.faults import read_script

        application = Application.start(
            arguments.path,
            parameters=parameters_of(arguments),
            skip=arguments.skip,
            clock="wall",
            seed=arguments.seed,
            port=arguments.port,
            on_event=Printer(quiet=arguments.quiet).tell,
            dynamodb_endpoint=arguments.dynamodb_endpoint,
            faults=read_script(arguments.faults) if arguments.faults else None,
            journal=JOURNAL,
        )
    with application, environment_file(application):
        stacks = ", ".join(application.template.stacks)
        print(f"{arguments.path} ({stacks}) is up after {time.perf_counter() - began:.1f} s; Ctrl-C stops it")
        introduce(application)
        try:
            application.serve()
        except KeyboardInterrupt:
            _sum_up(application)
    return 0


def _sum_up(application: Application) -> None:
    from penstock.runtime.tallies import table_of

    print("\n".join(["", *table_of(application.tallies)]))
    for kind, count in sorted(Counter(strike.kind for strike in application.fault_log).items()):
        print(f"fault {kind} struck {count} times")
    for line in alarm_lines(application):
        print(line)
    template = application.template
    for bearer, granted in application.unused_grants.items():
        print(f"not used in this run by {bearer}: {', '.join(_with_labels(template, each) for each in granted)}")
    report = Report(path=template.path, resources=len(template.resources), verdicts=template.fidelity)
    print("\n".join(last_words(report)))


def _with_labels(template: Template, text: str) -> str:
    """A text with what people call tables, queues and the like in the place of their physical names."""
    named: list[Part] = [*template.tables, *template.queues, *template.topics, *template.buckets]
    named += template.state_machines
    for each in sorted(named, key=lambda each: -len(each.name)):
        text = text.replace(each.name, template.resource_of(each).label)
    return text


def function_lines(template: Template) -> Iterator[str]:
    """A line for each function: what it reads, and what invokes it."""
    from penstock.template.models import unqualified

    sources = dict(_sources(template))
    for function in template.functions:
        read = [sources[m.event_source_arn] for m in template.mappings if unqualified(m.function_arn) == function.arn]
        invoked = [name for name, arn in _invokers(template) if unqualified(arn) == function.arn]
        does = [f"reads {', '.join(read)}"] if read else []
        does += [f"is invoked by {', '.join(dict.fromkeys(invoked))}"] if invoked else []
        yield f"{function.label:<12} {' and '.join(does)}".rstrip()


def introduce(application: Application) -> None:
    """Say what runs, where it is reached, and one line of curl that it admits."""
    template = application.template
    for line in function_lines(template):
        print(f"  {line}")
    for machine in template.state_machines:
        print(f"  {machine.label:<12} is a state machine")
    for line in _left_out(template):
        print(f"  left out: {line}")
    print(f"AWS endpoint {application.endpoint}")
    print(f"  . {ENVIRONMENT}   leads the AWS CLI and the SDKs of a shell there", flush=True)
    try:
        url = application.api_url
    except TemplateError:
        return
    api = template.apis[0]
    print(f"HTTP API {url}   {', '.join(route.key for route in api.routes)}")
    for issuer, address in application.issuers.items():
        print(f"  for {issuer} stands {address}; `{program()} token` mints tokens")
    for route in sorted(api.routes, key=_effort)[:1]:
        print("  " + " ".join(["curl -s", *_authorized(application, route), *request_of(api, route, url)]), flush=True)


def _sources(template: Template) -> Iterator[tuple[str, str]]:
    """ARN and name of whatever a mapping may read."""
    for table in template.tables:
        yield table.stream_arn or "", f"the stream of {template.resource_of(table).label}"
    for queue in template.queues:
        yield queue.arn, f"the queue {template.resource_of(queue).label}"


def _invokers(template: Template) -> Iterator[tuple[str, str]]:
    """Name of a topic, rule or bucket and the ARN that it hands its events to, once for each."""
    for topic in template.topics:
        for subscription in topic.subscriptions:
            yield f"the topic {template.resource_of(topic).label}", subscription.endpoint
    for rule in template.rules:
        for target in rule.targets:
            fires = "" if rule.event_pattern is not None else " (a schedule, which never fires here)"
            yield f"the rule {template.resource_of(rule).label}{fires}", target.arn
    for bucket in template.buckets:
        for notification in bucket.notifications:
            yield f"the bucket {template.resource_of(bucket).label}", notification.destination_arn


def _left_out(template: Template) -> Iterator[str]:
    """A line for each thing that `--skip` leaves out, with what went with it."""
    for because in dict.fromkeys(each.because for each in template.left_out):
        gone = [each for each in template.left_out if each.because == because and not each.mentioned]
        names = [f"{each.label} {each.property_path}".rstrip() for each in gone if not each.asked_for]
        asked = next((each.label for each in gone if each.asked_for), because)
        yield asked + (f", and with it {', '.join(names)}" if names else "")


def _effort(route: Route) -> tuple[bool, bool]:
    """What there is to be filled in before a route can be asked; what only answers needs the least."""
    return "{" in route.key, not route.key.startswith(("GET ", "ANY "))


def request_of(api: HttpApi, route: Route, url: str) -> Iterator[str]:
    """The words of curl that ask a route, below its stage; a parameter of its path stands there as its name."""
    method, _, path = route.key.partition(" ")
    if method not in ("GET", "ANY", "$default"):
        yield f"-X {method}"
    stages = [stage.name for stage in api.stages]
    stage = "" if "$default" in stages or not stages else f"/{stages[0]}"
    yield url + stage + (re.sub(r"\{(\w+)\+?\}", r"\1", path) or "/")


def _authorized(application: Application, route: Route) -> list[str]:
    """The options of curl that a route's authorizer admits."""
    if route.authorization_type == "NONE":
        return []
    if route.authorization_type == "JWT":
        return [f"-H 'authorization: Bearer {application.token(subject='developer', lifetime_seconds=DAY_SECONDS)}'"]
    key, secret = application.caller_credentials
    return [f"--aws-sigv4 'aws:amz:{application.region}:execute-api' --user {key}:{secret}"]
