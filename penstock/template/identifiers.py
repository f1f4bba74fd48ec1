"""Physical ids and ARNs, computed: from account, region, stack and logical id alone, the same in every run.

Explicit names are honoured. A name that AWS would make up ends in characters taken from a hash instead of
random ones, so that it looks as it does there (``<stack>-<logical id>-<12 characters>``) and never changes.
The table `IDENTITIES` says per resource type what ``Ref`` and ``Fn::GetAtt`` give (AWS CloudFormation Template
Reference, "Return values" of each type).
"""

from __future__ import annotations

import hashlib
import re
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

STREAM_LABEL: Final = "2026-01-01T00:00:00.000"

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://aws.amazon.com/cloudformation/")
_LOWER: Final = string.ascii_lowercase + string.digits
_UPPER: Final = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The account and region that everything lives in."""

    account_id: str
    region: str

    @property
    def partition(self) -> str:
        """The partition of the region."""
        for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(prefix):
                return partition
        return "aws"

    @property
    def url_suffix(self) -> str:
        """The domain of the partition's services."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def stack_id(self, stack: str) -> str:
        """The ARN that stands for ``AWS::StackId``."""
        unique = uuid.uuid5(_NAMESPACE, stack)
        return f"arn:{self.partition}:cloudformation:{self.region}:{self.account_id}:stack/{stack}/{unique}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How the resources of one type are called.

    ``ref``, ``arn`` and ``attributes`` (``Fn::GetAtt`` name → text) are texts with placeholders: ``{name}``, ``{arn}``,
    ``{account}``, ``{region}``, ``{partition}``, ``{suffix}``, ``{id7}``, ``{id10}``, ``{uuid}``, ``{label}``,
    ``{number}`` (of a function's version), those of ``parents`` (placeholder → the property whose last segment it
    is) and of ``verbatim`` (placeholder → the property as it stands); ``defaults`` is placeholder → value without it.
    ``name_property`` holds the explicit name; without it the name is made up, not longer than ``longest_name``.
    ``fifo_property`` adds ``.fifo`` to a made-up name. ``requires`` is attribute → the property without which it does
    not exist.
    """

    ref: str = "{name}"
    arn: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    verbatim: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    name_property: str = ""
    longest_name: int = 128
    lower_case: bool = False
    fifo_property: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)


_FUNCTION_ARN = "arn:{partition}:lambda:{region}:{account}:function:{name}"
_QUALIFIED = "arn:{partition}:lambda:{region}:{account}:function:{function}"
_TABLE = Identity(
    arn="arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    attributes={"Arn": "{arn}", "StreamArn": "{arn}/stream/{label}", "TableId": "{uuid}"},
    name_property="TableName",
    longest_name=255,
    requires={"StreamArn": "StreamSpecification"},
)
_NAMED_BY_ID = Identity(attributes={"Id": "{name}"})

IDENTITIES: Final[Mapping[str, Identity]] = {
    "AWS::ApiGatewayV2::Api": Identity(
        ref="{id10}",
        arn="arn:{partition}:apigateway:{region}::/apis/{id10}",
        attributes={"ApiId": "{id10}", "ApiEndpoint": "https://{id10}.execute-api.{region}.{suffix}"},
        name_property="Name",
    ),
    "AWS::ApiGatewayV2::Authorizer": Identity(ref="{id7}", attributes={"AuthorizerId": "{id7}"}),
    "AWS::ApiGatewayV2::Integration": Identity(ref="{id7}", attributes={"IntegrationId": "{id7}"}),
    "AWS::ApiGatewayV2::Route": Identity(ref="{id7}", attributes={"RouteId": "{id7}"}),
    "AWS::ApiGatewayV2::Stage": Identity(
        arn="arn:{partition}:apigateway:{region}::/apis/{api}/stages/{name}",
        attributes={"Id": "{name}"},
        parents={"api": "ApiId"},
        name_property="StageName",
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": Identity(
        ref="{resource}|{dimension}|{namespace}",
        attributes={"Id": "{resource}|{dimension}|{namespace}"},
        verbatim={"resource": "ResourceId", "dimension": "ScalableDimension", "namespace": "ServiceNamespace"},
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Identity(
        ref="{arn}",
        arn="arn:{partition}:autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}",
        attributes={"Arn": "{arn}"},
        name_property="PolicyName",
        longest_name=256,
    ),
    "AWS::CDK::Metadata": Identity(),
    "AWS::CloudWatch::Alarm": Identity(
        arn="arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
        attributes={"Arn": "{arn}"},
        name_property="AlarmName",
        longest_name=255,
    ),
    "AWS::CloudWatch::CompositeAlarm": Identity(
        arn="arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
        attributes={"Arn": "{arn}"},
        name_property="AlarmName",
        longest_name=255,
    ),
    "AWS::CloudWatch::Dashboard": Identity(name_property="DashboardName", longest_name=255),
    "AWS::DynamoDB::GlobalTable": _TABLE,
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::Events::EventBus": Identity(
        arn="arn:{partition}:events:{region}:{account}:event-bus/{name}",
        attributes={"Arn": "{arn}", "Name": "{name}"},
        name_property="Name",
        longest_name=256,
    ),
    "AWS::Events::Rule": Identity(
        ref="{bus}|{name}",
        arn="arn:{partition}:events:{region}:{account}:rule/{bus}/{name}",
        attributes={"Arn": "{arn}"},
        parents={"bus": "EventBusName"},
        defaults={"bus": "default"},
        name_property="Name",
        longest_name=64,
    ),
    "AWS::IAM::ManagedPolicy": Identity(
        ref="{arn}",
        arn="arn:{partition}:iam::{account}:policy{path}{name}",
        attributes={"PolicyArn": "{arn}"},
        verbatim={"path": "Path"},
        defaults={"path": "/"},
        name_property="ManagedPolicyName",
    ),
    "AWS::IAM::Policy": Identity(attributes={"Id": "{name}"}, name_property="PolicyName"),
    "AWS::IAM::Role": Identity(
        arn="arn:{partition}:iam::{account}:role{path}{name}",
        attributes={"Arn": "{arn}", "RoleId": "{role_id}"},
        verbatim={"path": "Path"},
        defaults={"path": "/"},
        name_property="RoleName",
        longest_name=64,
    ),
    "AWS::KMS::Alias": Identity(name_property="AliasName"),
    "AWS::KMS::Key": Identity(
        ref="{uuid}",
        arn="arn:{partition}:kms:{region}:{account}:key/{uuid}",
        attributes={"Arn": "{arn}", "KeyId": "{uuid}"},
    ),
    "AWS::Lambda::Alias": Identity(
        ref="{arn}",
        arn=_QUALIFIED + ":{name}",
        attributes={"AliasArn": "{arn}"},
        parents={"function": "FunctionName"},
        name_property="Name",
    ),
    "AWS::Lambda::EventInvokeConfig": _NAMED_BY_ID,
    "AWS::Lambda::EventSourceMapping": Identity(
        ref="{uuid}",
        arn="arn:{partition}:lambda:{region}:{account}:event-source-mapping:{uuid}",
        attributes={"Id": "{uuid}", "EventSourceMappingArn": "{arn}"},
    ),
    "AWS::Lambda::Function": Identity(
        arn=_FUNCTION_ARN, attributes={"Arn": "{arn}"}, name_property="FunctionName", longest_name=64
    ),
    "AWS::Lambda::LayerVersion": Identity(
        ref="{arn}",
        arn="arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
        attributes={"LayerVersionArn": "{arn}"},
        name_property="LayerName",
        longest_name=140,
    ),
    "AWS::Lambda::Permission": _NAMED_BY_ID,
    "AWS::Lambda::Version": Identity(
        ref="{arn}",
        arn=_QUALIFIED + ":{number}",
        attributes={"Version": "{number}", "FunctionArn": "{arn}"},
        parents={"function": "FunctionName"},
    ),
    "AWS::Logs::LogGroup": Identity(
        arn="arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
        attributes={"Arn": "{arn}"},
        name_property="LogGroupName",
        longest_name=512,
    ),
    "AWS::Logs::ResourcePolicy": Identity(name_property="PolicyName"),
    "AWS::S3::Bucket": Identity(
        arn="arn:{partition}:s3:::{name}",
        attributes={
            "Arn": "{arn}",
            "DomainName": "{name}.s3.{suffix}",
            "DualStackDomainName": "{name}.s3.dualstack.{region}.{suffix}",
            "RegionalDomainName": "{name}.s3.{region}.{suffix}",
            "WebsiteURL": "http://{name}.s3-website-{region}.{suffix}",
        },
        name_property="BucketName",
        longest_name=63,
        lower_case=True,
    ),
    "AWS::S3::BucketPolicy": Identity(),
    "AWS::SNS::Subscription": Identity(
        ref="{arn}",
        arn="arn:{partition}:sns:{region}:{account}:{topic}:{uuid}",
        attributes={"Arn": "{arn}"},
        parents={"topic": "TopicArn"},
    ),
    "AWS::SNS::Topic": Identity(
        ref="{arn}",
        arn="arn:{partition}:sns:{region}:{account}:{name}",
        attributes={"TopicArn": "{arn}", "TopicName": "{name}"},
        name_property="TopicName",
        longest_name=256,
        fifo_property="FifoTopic",
    ),
    "AWS::SNS::TopicPolicy": _NAMED_BY_ID,
    "AWS::SQS::Queue": Identity(
        ref="https://sqs.{region}.{suffix}/{account}/{name}",
        arn="arn:{partition}:sqs:{region}:{account}:{name}",
        attributes={
            "Arn": "{arn}",
            "QueueName": "{name}",
            "QueueUrl": "https://sqs.{region}.{suffix}/{account}/{name}",
        },
        name_property="QueueName",
        longest_name=80,
        fifo_property="FifoQueue",
    ),
    "AWS::SQS::QueuePolicy": _NAMED_BY_ID,
    "AWS::StepFunctions::StateMachine": Identity(
        ref="{arn}",
        arn="arn:{partition}:states:{region}:{account}:stateMachine:{name}",
        attributes={"Arn": "{arn}", "Name": "{name}", "StateMachineRevisionId": "INITIAL"},
        name_property="StateMachineName",
        longest_name=80,
    ),
    "Custom::S3BucketNotifications": Identity(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """A resource under its computed names; ``attributes`` lacks what the resource does not have."""

    name: str
    physical_id: str
    arn: str | None
    attributes: Mapping[str, str]


def identify(
    identity: Identity,
    *,
    environment: Environment,
    stack: str,
    logical_id: str,
    properties: Mapping[str, Any],
    number: int = 1,
    stream_label: str = STREAM_LABEL,
) -> Identified:
    """Compute the names of one resource.

    ``properties`` needs to hold only those that `names_needed` lists; ``number`` is that of a function's version.
    """
    seed = f"{environment.account_id}/{environment.region}/{stack}/{logical_id}"
    name = str(properties.get(identity.name_property) or _made_up(identity, stack, logical_id, seed, properties))
    values = {
        "name": name,
        "account": environment.account_id,
        "region": environment.region,
        "partition": environment.partition,
        "suffix": environment.url_suffix,
        "id7": hashed(seed, 7, _LOWER),
        "id10": hashed(seed, 10, _LOWER),
        "role_id": "AROA" + hashed(seed, 17, _UPPER),
        "uuid": unique_id(seed),
        "label": stream_label,
        "number": str(number),
    }
    for placeholder, parent in (*identity.parents.items(), *identity.verbatim.items()):
        given = str(properties.get(parent, identity.defaults.get(placeholder, "")))
        values[placeholder] = last_segment(given) if placeholder in identity.parents else given
    arn = identity.arn.format_map(values) or None
    if values.get("bus") == "default":
        arn = arn and arn.replace("rule/default/", "rule/")
    values["arn"] = arn or ""
    physical_id = identity.ref.format_map(values)
    return Identified(
        name=name,
        physical_id=physical_id.removeprefix("default|"),
        arn=arn,
        attributes={
            attribute: text.format_map(values)
            for attribute, text in identity.attributes.items()
            if identity.requires.get(attribute, attribute) == attribute or properties.get(identity.requires[attribute])
        },
    )


def names_needed(identity: Identity) -> tuple[str, ...]:
    """The properties that the names of a resource of this type depend on."""
    return tuple(
        name
        for name in (
            identity.name_property,
            identity.fifo_property,
            *identity.parents.values(),
            *identity.verbatim.values(),
            *identity.requires.values(),
        )
        if name
    )


def last_segment(identifier: str) -> str:
    """The name at the end of an ARN; a function's name or ARN, whole or partial, loses its qualifier."""
    if ":function:" in identifier:
        return identifier.split(":function:", 1)[1].split(":", maxsplit=1)[0]
    return re.split("[:/]", identifier)[-1] if identifier.startswith("arn:") else identifier.split(":", maxsplit=1)[0]


def unique_id(seed: str) -> str:
    """A UUID that is always the same for one seed."""
    return str(uuid.uuid5(_NAMESPACE, seed))


def hashed(seed: str, length: int, alphabet: str) -> str:
    """So many characters of an alphabet, taken from a hash of the seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        characters.append(alphabet[index])
    return "".join(characters)


def _made_up(identity: Identity, stack: str, logical_id: str, seed: str, properties: Mapping[str, Any]) -> str:
    """A name such as CloudFormation makes up, cut to the longest that the type takes."""
    fifo = ".fifo" if str(properties.get(identity.fifo_property, "")).lower() == "true" else ""
    suffix = f"-{hashed(seed, 12, _UPPER)}{fifo}"
    room = identity.longest_name - len(suffix)
    if len(stack) + 1 + len(logical_id) > room:
        logical_id = logical_id[: max(room - len(stack) - 1, room // 2)]
        stack = stack[: room - len(logical_id) - 1]
    name = f"{stack}-{logical_id}{suffix}"
    return name.lower() if identity.lower_case else name
