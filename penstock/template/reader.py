"""From a cloud assembly or a template file to a resolved `Template`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from penstock.errors import TemplateError
from penstock.template.apis import read_apis
from penstock.template.assembly import Assembly, StackDocument, read_assembly
from penstock.template.code import CodeReader
from penstock.template.custom_notifications import join_notifications
from penstock.template.event_invoke_configurations import read_event_invoke_configurations
from penstock.template.events import read_buses, read_rules
from penstock.template.exports import Exports
from penstock.template.fidelity import judge, judge_left_out
from penstock.template.functions import read_functions, read_mappings, read_permissions
from penstock.template.identifiers import Environment
from penstock.template.messages import read_queues, read_topics
from penstock.template.models import Template
from penstock.template.parameters import Parameters, check_complete, check_given
from penstock.template.policies import read_resource_policies, read_roles
from penstock.template.refusals import refuse_unsupported
from penstock.template.resources import Resources
from penstock.template.skipping import Skipping
from penstock.template.stack import Stack
from penstock.template.state_machines import read_state_machines
from penstock.template.stores import read_buckets, read_tables

DEFAULT_ACCOUNT_ID: Final = "123456789012"
DEFAULT_REGION: Final = "us-east-1"


def load(
    path: Path,
    *,
    parameters: Mapping[str, str] | None = None,
    skip: Collection[str] = (),
    account_id: str | None = None,
    region: str | None = None,
) -> Template:
    """Read and resolve everything that a ``cdk.out`` directory or one template file defines.

    ``parameters`` are values of parameters (name, or ``<stack>:<name>`` → value). ``skip`` names resources to leave
    out, with what only hangs on them: by logical id or construct path, where needed behind ``<stack>/``, or by ARN what
    other templates define.
    Account and region are those given here, else those of the assembly, else 123456789012 in us-east-1.
    Raises `EnvironmentProblem` for what is not on this disk, `UsageError` for parameters and names that do not fit the
    template, `TemplateError` for what the template asks and this tool cannot do: with logical id, property and what is
    supported.
    """
    assembly = read_assembly(path)
    environment = environment_of(assembly.stacks, account_id, region)
    skipping = Skipping(skip, assembly.stacks)
    stacks = _stacks(assembly, environment, parameters or {}, skipping)
    refuse_unsupported(stacks)
    resources = Resources(join_notifications(resource for stack in stacks for resource in stack.resources()))
    left_out = tuple(each for stack in stacks for each in stack.left_out())
    skipping.check(left_out)
    code = CodeReader(assembly)
    functions = read_functions(resources, code)
    tables = read_tables(resources)
    queues = read_queues(resources)
    buses = read_buses(resources)
    return Template(
        path=path,
        account_id=environment.account_id,
        region=environment.region,
        stacks=tuple(stack.name for stack in stacks),
        resources=resources.by_address,
        functions=functions,
        packages=code.packages,
        mappings=read_mappings(resources, functions, tables, queues),
        event_invoke_configurations=read_event_invoke_configurations(resources, functions),
        permissions=read_permissions(resources, functions),
        tables=tables,
        queues=queues,
        topics=read_topics(resources),
        buckets=read_buckets(resources),
        roles=read_roles(resources),
        buses=buses,
        rules=read_rules(resources, buses),
        state_machines=read_state_machines(resources),
        apis=read_apis(resources, functions),
        resource_policies=read_resource_policies(resources),
        outputs={key: str(stack.output(key)) for stack in stacks for key in stack.output_keys()},
        fidelity=(
            *(entry for resource in resources.by_address.values() for entry in judge(resource)),
            *(judge_left_out(each) for each in left_out),
        ),
        left_out=left_out,
    )


def _stacks(
    assembly: Assembly, environment: Environment, given: Mapping[str, str], skipping: Skipping
) -> Sequence[Stack]:
    """The stacks, each knowing what the others give it."""
    parameters = [Parameters(source, given) for source in assembly.stacks]
    check_given(parameters, given)
    check_complete(parameters)
    exports = Exports()
    stacks = [
        Stack(source, environment=environment, exports=exports, parameters=its_own, skipping=skipping)
        for source, its_own in zip(assembly.stacks, parameters, strict=True)
    ]
    for stack in stacks:
        exports.add(stack)
    return stacks


def environment_of(
    stacks: Sequence[StackDocument], account_id: str | None = None, region: str | None = None
) -> Environment:
    """The one account and region of all stacks."""
    accounts = {account_id} if account_id else {stack.account_id for stack in stacks if stack.account_id}
    regions = {region} if region else {stack.region for stack in stacks if stack.region}
    if len(accounts) > 1 or len(regions) > 1:
        raise TemplateError(
            f"the stacks belong to several environments: {', '.join(sorted(accounts | regions))}",
            remedy="give a cloud assembly with stacks of one account and region",
        )
    return Environment(account_id=next(iter(accounts), DEFAULT_ACCOUNT_ID), region=next(iter(regions), DEFAULT_REGION))
