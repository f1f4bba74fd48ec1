"""What a synthesized template says, resolved: frozen models that the rest of the tool works from.

Everything here is plain data: no intrinsic is left, every name and ARN is the one that the local run uses.
Names are those of CloudFormation in snake case; ``None`` means that the property is absent (or ``-1``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from penstock.errors import TemplateError
from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of one stack, whatever its type.

    ``properties`` is the resolved ``Properties`` object. ``physical_id`` is what ``Ref`` gives, ``attributes`` is what
    ``Fn::GetAtt`` gives (name → value). ``path`` is the construct path without the stack (``Relay/Function``), empty
    in a template that the CDK did not make. ``metadata`` stands as written; ``deletion_policy`` is empty without one.
    """

    logical_id: str
    type: str
    stack: str
    properties: Mapping[str, Any]
    physical_id: str
    arn: str | None
    attributes: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    deletion_policy: str = ""

    @property
    def address(self) -> str:
        """The key of ``Template.resources``: stack and logical id."""
        return f"{self.stack}/{self.logical_id}"

    @property
    def label(self) -> str:
        """What people call it: its construct path, else its logical id."""
        return self.path or self.logical_id


# --- Lambda --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function with its code in a directory.

    ``versions`` are those that the template publishes, ``aliases`` maps alias name → version, ``log_group`` is the name
    of the log group it writes to. ``path`` is the construct path without the stack, the name that people gave it (may
    be empty). ``layers`` are directories in the order of the template; they and ``code`` may have to be made of
    ``Template.packages`` first.
    ``dead_letter_target_arn`` is the queue or topic for events that asynchronous invocation gives up.
    """

    logical_id: str
    stack: str
    path: str
    name: str
    arn: str
    handler: str
    runtime: str
    code: Path
    timeout_seconds: int
    memory_mb: int
    environment: Mapping[str, str]
    role_arn: str
    reserved_concurrency: int | None
    log_group: str
    aliases: Mapping[str, str]
    layers: tuple[Path, ...] = ()
    versions: tuple[str, ...] = ()
    dead_letter_target_arn: str | None = None

    @property
    def label(self) -> str:
        """What people call it: its construct path without a ``/Function`` at the end, else its logical id."""
        return self.path.removesuffix("/Function") or self.logical_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Code that is no directory yet: ``source`` is a zip file, or the text of inline code.

    ``directory`` is where it has to be before the functions start that have it as code or as a layer; ``logical_id`` is
    one of them.
    """

    logical_id: str
    source: Path | str
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """An event source mapping; ``function_arn`` carries the qualifier when the mapping is bound to one."""

    logical_id: str
    stack: str
    uuid: str
    function_arn: str
    event_source_arn: str
    configuration: StreamConfiguration | QueueConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInvokeConfiguration:
    """How a function, version or alias is invoked asynchronously (``AWS::Lambda::EventInvokeConfig``).

    ``function_arn`` carries the qualifier unless it is ``$LATEST``. The defaults of age and attempts are AWS's:
    6 hours, 2 attempts. Destinations are ARNs of a queue, topic, function or bus, on failure of a bucket too.
    """

    logical_id: str
    function_arn: str
    maximum_event_age_in_seconds: int
    maximum_retry_attempts: int
    on_success_arn: str | None
    on_failure_arn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One statement of a function's resource policy (``AWS::Lambda::Permission``)."""

    logical_id: str
    function_arn: str
    action: str
    principal: str
    source_arn: str | None
    source_account: str | None


# --- stores --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A DynamoDB table; ``stream_arn`` and ``stream_view_type`` are ``None`` without a stream."""

    logical_id: str
    stack: str
    name: str
    arn: str
    partition_key: str
    sort_key: str | None
    stream_arn: str | None
    stream_view_type: str | None
    time_to_live_attribute: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketNotification:
    """Send an event of a bucket (``s3:ObjectCreated:*``) to a queue, a topic or a function.

    Only for keys with this prefix and suffix; ``property_path`` is where the template says so.
    """

    event: str
    destination_arn: str
    property_path: str
    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An S3 bucket with its notifications."""

    logical_id: str
    stack: str
    name: str
    arn: str
    notifications: tuple[BucketNotification, ...]


# --- messages and events -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """Where a message goes after ``max_receive_count`` receives."""

    dead_letter_target_arn: str
    max_receive_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An SQS queue; ``redrive`` is ``None`` when it has no dead-letter queue."""

    logical_id: str
    stack: str
    name: str
    arn: str
    url: str
    fifo: bool
    visibility_timeout_seconds: int
    redrive: Redrive | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription of a topic (``AWS::SNS::Subscription`` or one written inside the topic)."""

    logical_id: str
    topic_arn: str
    protocol: str
    endpoint: str
    dead_letter_target_arn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """An SNS topic with its subscriptions."""

    logical_id: str
    stack: str
    name: str
    arn: str
    fifo: bool
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """An event bus; the account's ``default`` bus is not listed, it is always there."""

    logical_id: str
    stack: str
    name: str
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTarget:
    """A target of a rule.

    The defaults of the retry policy are AWS's: 24 hours and 185 attempts. At most one of ``input``,
    ``input_path`` and ``input_transformer`` is set.
    """

    id: str
    arn: str
    role_arn: str | None
    maximum_event_age_in_seconds: int
    maximum_retry_attempts: int
    dead_letter_arn: str | None
    input: str | None
    input_path: str | None
    input_transformer: Mapping[str, Any] | None
    message_group_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a bus; ``event_pattern`` is ``None`` for a rule that only has a schedule.

    ``label`` is what people call it: its construct path, else its logical id.
    """

    logical_id: str
    label: str
    stack: str
    name: str
    arn: str
    event_bus_name: str
    enabled: bool
    event_pattern: Mapping[str, Any] | None
    targets: tuple[RuleTarget, ...]


# --- workflows -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """A Step Functions state machine; ``definition`` is the Amazon States Language text with nothing left to fill.

    ``label`` is what people call it: its construct path, else its logical id.
    """

    logical_id: str
    label: str
    stack: str
    name: str
    arn: str
    role_arn: str
    type: Literal["STANDARD", "EXPRESS"]
    definition: str


# --- HTTP API ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A Lambda proxy integration; ``function_arn`` carries the qualifier when it has one."""

    id: str
    function_arn: str
    payload_format_version: str
    timeout_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtAuthorizer:
    """A JWT authorizer of an HTTP API."""

    id: str
    name: str
    issuer: str
    audience: tuple[str, ...]
    identity_sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of an HTTP API.

    ``key`` is ``<METHOD> <path>`` with ``{name}`` and ``{name+}`` in the path, or ``$default``. ``authorizer``
    is set when ``authorization_type`` is ``JWT``; a caller needs one of ``scopes`` when there are any.
    """

    id: str
    key: str
    integration: Integration
    authorization_type: Literal["NONE", "AWS_IAM", "JWT"]
    authorizer: JwtAuthorizer | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of an HTTP API; ``variables`` is name → value."""

    name: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """An HTTP API (API Gateway V2); ``endpoint`` is its address in AWS, without a stage or a trailing slash."""

    logical_id: str
    stack: str
    id: str
    name: str
    endpoint: str
    routes: tuple[Route, ...]
    stages: tuple[Stage, ...]


# --- permissions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document under its name."""

    name: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role with every policy that the template gives it: inline, ``AWS::IAM::Policy``, customer managed.

    ``aws_managed_policy_arns`` names the policies that AWS keeps; their documents are not in the template.
    """

    logical_id: str
    stack: str
    name: str
    arn: str
    assume_role_policy: Mapping[str, Any]
    policies: tuple[Policy, ...]
    aws_managed_policy_arns: tuple[str, ...]


# --- what is left out -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A resource, or one property of it, that was left out of this run on purpose.

    ``label`` is what people call it: its construct path, else its logical id.
    ``because`` is the address of the resource that was asked to be left out, this one itself or the one that it hangs
    on, or the ARN of one of another template. ``property_path`` is empty for a whole resource, else that of a list
    without the elements that lead there, or, when it is only ``mentioned``, that of a property in which a made-up text
    stands for it.
    """

    stack: str
    logical_id: str
    label: str
    type: str
    property_path: str
    because: str
    mentioned: bool = False

    @property
    def address(self) -> str:
        """Stack and logical id."""
        return f"{self.stack}/{self.logical_id}"

    @property
    def asked_for(self) -> bool:
        """Whether it was named itself, rather than something that it hangs on."""
        return self.because == self.address


# --- fidelity ------------------------------------------------------------------------------------


Verdict = Literal["simulated", "approximated", "not simulated", "unknown", "not supported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyFidelity:
    """How faithfully one property of one resource is followed here.

    ``label`` is what people call the resource. ``property_path`` is ``Targets.RetryPolicy``; it is empty for a type
    that is judged as a whole. ``how`` says in which way a property is approximated, why it has no effect, or what to do
    where a run would refuse it; it may be empty.
    """

    stack: str
    logical_id: str
    label: str
    type: str
    property_path: str
    verdict: Verdict
    how: str


# --- the whole -----------------------------------------------------------------------------------


class Part(Protocol):
    """What one resource of one stack was read as."""

    @property
    def stack(self) -> str:
        """The stack that it stands in."""

    @property
    def logical_id(self) -> str:
        """Its name there."""

    @property
    def name(self) -> str:
        """Its physical name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """All stacks of a cloud assembly (or one template file), resolved.

    ``resources`` is ``<stack>/<logical id>`` → resource, stacks in deployment order. ``outputs`` is output key →
    value over all stacks; where two stacks use one key, the later one's value is given. ``resource_policies`` is
    ARN of a queue, topic or bucket → the policy document attached to it. What is ``left_out`` is nowhere else but in
    ``fidelity``.
    """

    path: Path
    account_id: str
    region: str
    stacks: tuple[str, ...]
    resources: Mapping[str, Resource]
    functions: tuple[Function, ...]
    packages: tuple[Package, ...]
    mappings: tuple[EventSourceMapping, ...]
    event_invoke_configurations: tuple[EventInvokeConfiguration, ...]
    permissions: tuple[Permission, ...]
    tables: tuple[Table, ...]
    queues: tuple[Queue, ...]
    topics: tuple[Topic, ...]
    buckets: tuple[Bucket, ...]
    roles: tuple[Role, ...]
    buses: tuple[EventBus, ...]
    rules: tuple[Rule, ...]
    state_machines: tuple[StateMachine, ...]
    apis: tuple[HttpApi, ...]
    resource_policies: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, str]
    fidelity: tuple[PropertyFidelity, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def unsupported(self) -> tuple[PropertyFidelity, ...]:
        """What this template asks for and the run does not give: not simulated, or unknown to the tool."""
        return tuple(entry for entry in self.fidelity if entry.verdict in ("not simulated", "unknown"))

    @property
    def jwt_authorizers(self) -> tuple[JwtAuthorizer, ...]:
        """The JWT authorizers that routes use, each once."""
        routes = (route for api in self.apis for route in api.routes)
        return tuple({route.authorizer.id: route.authorizer for route in routes if route.authorizer}.values())

    @property
    def jwt_authorizer(self) -> JwtAuthorizer:
        """The first of them; ``TemplateError`` when there is none."""
        for authorizer in self.jwt_authorizers:
            return authorizer
        raise TemplateError(
            "no route has a JWT authorizer", remedy="give an HTTP API a route whose AuthorizationType is JWT"
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope that a route asks for, each once."""
        return tuple(dict.fromkeys(scope for api in self.apis for route in api.routes for scope in route.scopes))

    def resource_of(self, part: Part) -> Resource:
        """The resource that a function, a table, a queue or the like was read from."""
        return self.resources[f"{part.stack}/{part.logical_id}"]

    def function_of(self, function_arn: str) -> Function:
        """The function of an ARN with or without a qualifier; ``TemplateError`` when there is none."""
        for function in self.functions:
            if function.arn == unqualified(function_arn):
                return function
        raise TemplateError(
            f"no function {function_arn} in this template", remedy="define it in one of the stacks that are loaded"
        )


def unqualified(function_arn: str) -> str:
    """The ARN of a function without a version or alias at its end; any other ARN of seven parts or fewer as it is."""
    return ":".join(function_arn.split(":")[:7])
