"""The guard: who is let through, how a denial reads, and what is kept of it. Judged by the application's template."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.cloud.callers import Callers
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine, EngineError
from penstock.cloud.front_door import FrontDoor
from penstock.cloud.policies.access import Ask
from penstock.cloud.policies.guard import Denied, Guard
from penstock.cloud.policies.mapping_rights import MappingRights
from penstock.errors import TemplateError
from penstock.mapping.effects import DeliverToDestination
from penstock.template.models import Function, Permission, Policy, Role, Template
from penstock.template.reader import load


@pytest.fixture(scope="module")
def template(cloud_assembly: Path) -> Template:
    """The application's template."""
    return load(cloud_assembly)


def function(template: Template, label: str) -> Function:
    """A function by what people call it."""
    return next(function for function in template.functions if function.label == label)


def guard_of(template: Template, told: list[Denied] | None = None) -> Guard:
    """A guard of a template; what it tells lands in the list."""
    heard = [] if told is None else told
    return Guard(template, now_ms=lambda: 0, machine_of=lambda _: None, on_denied=heard.append)


def with_role(template: Template, label: str, change: Callable[[Role], Role]) -> Template:
    """The template with the role of a function changed."""
    arn = function(template, label).role_arn
    return replace(template, roles=tuple(change(role) if role.arn == arn else role for role in template.roles))


def granting(*statements: dict[str, Any]) -> Callable[[Role], Role]:
    """A role with these statements alone."""
    return lambda role: replace(role, policies=(Policy(name="P", document={"Statement": list(statements)}),))


def refused(guard: Guard, template: Template, label: str, service: str, operation: str, **parameters: Any) -> Any:
    """The error that botocore makes of a function's denied call."""

    async def go() -> Any:
        clock = JumpingClock()
        engine = Engine(account_id=template.account_id, region=template.region)
        for bucket in template.buckets:
            engine.call("s3", "CreateBucket", {"Bucket": bucket.name})
        callers = Callers(account_id=template.account_id, seed="0")
        caller = callers.register(label, function(template, label).role_arn)
        door = FrontDoor(engine, callers, clock, interceptors=[guard])
        await door.start()

        def call() -> Any:
            from botocore.config import Config
            from botocore.session import Session

            session = Session()
            session.set_credentials(caller.access_key, caller.secret_key)
            config = Config(account_id_endpoint_mode="disabled")
            client = session.create_client(
                service, region_name=template.region, endpoint_url=door.endpoint, config=config
            )
            with pytest.raises(ClientError) as error:
                getattr(client, operation)(**parameters)
            return error.value.response

        try:
            return await asyncio.to_thread(call)
        finally:
            await door.close()
            clock.close()

    return asyncio.run(go())


DENIALS: dict[str, tuple[str, dict[str, Any], tuple[str, int], str, str]] = {
    "dynamodb": (
        "put_item",
        {"TableName": "T", "Item": {}},
        ("AccessDeniedException", 400),
        "dynamodb:PutItem",
        "arn:aws:dynamodb:us-east-1:123456789012:table/T",
    ),
    "sqs": (
        "send_message",
        {"QueueUrl": "http://q/123456789012/q", "MessageBody": "m"},
        ("AccessDenied", 403),
        "sqs:sendmessage",
        "arn:aws:sqs:us-east-1:123456789012:q",
    ),
    "sns": (
        "publish",
        {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"},
        ("AuthorizationError", 403),
        "SNS:Publish",
        "arn:aws:sns:us-east-1:123456789012:t",
    ),
    "s3": ("get_object", {"Bucket": "b", "Key": "k"}, ("AccessDenied", 403), "s3:GetObject", '"arn:aws:s3:::b/k"'),
    "events": (
        "put_events",
        {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]},
        ("AccessDeniedException", 400),
        "events:PutEvents",
        "arn:aws:events:us-east-1:123456789012:event-bus/default",
    ),
    "stepfunctions": (
        "start_execution",
        {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"},
        ("AccessDeniedException", 400),
        "states:StartExecution",
        "arn:aws:states:us-east-1:123456789012:stateMachine:m",
    ),
}
"""Service → a call that `Relay` may not make, and the code, status, action and resource of AWS's answer."""


@pytest.mark.parametrize("service", DENIALS)
def test_denied_call_fails_as_in_aws(template: Template, service: str) -> None:
    """Code, status and message are those of the service; an SDK reads them as ever."""
    operation, parameters, answer, action, resource = DENIALS[service]
    relay = function(template, "Relay")
    role_name = relay.role_arn.rpartition("/")[2]

    error = refused(guard_of(template), template, "Relay", service, operation, **parameters)

    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == answer
    assert error["Error"]["Message"] == (
        f"User: arn:aws:sts::123456789012:assumed-role/{role_name}/{relay.name} is not authorized to perform: {action} "
        f"on resource: {resource} because no identity-based policy allows the {action} action"
    )


@pytest.mark.parametrize(
    ("operation", "lists", "code"),
    [
        ("get_object", False, "AccessDenied"),
        ("get_object", True, "NoSuchKey"),
        ("head_object", False, "403"),
        ("head_object", True, "404"),
    ],
)
def test_who_may_not_list_a_bucket_learns_of_no_missing_object(
    template: Template, operation: str, lists: bool, code: str
) -> None:
    """S3 says that access is denied, since it does not tell what is not there; the missing statement is told."""
    bucket = template.buckets[0]
    grants = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket.arn}/*"}]
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket.arn}
    told: list[Denied] = []
    guard = guard_of(with_role(template, "Relay", granting(*grants, *[listing] * lists)), told)

    error = refused(guard, template, "Relay", "s3", operation, Bucket=bucket.name, Key="missing")

    assert error["Error"]["Code"] == code
    assert [denied.statement for denied in told] == [listing] * (not lists)


def test_denial_is_told_once_with_the_missing_statement(template: Template) -> None:
    """However often a call is denied, a person hears of it once, with what to paste."""
    told: list[Denied] = []
    guard = guard_of(template, told)

    for _ in range(2):
        refused(guard, template, "Relay", "dynamodb", "get_item", TableName="T", Key={})

    (denied,) = told
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/T"
    assert denied.statement == {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table}
    assert denied.told().endswith(json.dumps(denied.statement))
    assert [(access.action, decision.allowed) for access, decision in guard.accesses.items()] == [
        ("dynamodb:GetItem", False)
    ]


def test_operation_that_cannot_be_judged_is_refused(template: Template) -> None:
    """What an operation asks for is known or it is denied, and the message says so."""
    told: list[Denied] = []

    error = refused(
        guard_of(template, told), template, "Relay", "dynamodb", "create_backup", TableName="T", BackupName="backup"
    )

    assert error["Error"]["Code"] == "AccessDeniedException"
    assert error["Error"]["Message"].endswith("penstock does not know what to ask of dynamodb:CreateBackup")
    assert [denied.statement for denied in told] == [None]


def test_condition_that_differs_from_call_to_call_is_judged_at_each(template: Template) -> None:
    """A decision about one partition key is none about another."""
    orders = next(table for table in template.tables if "Orders" in table.logical_id and table.stream_arn)
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": orders.arn,
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}},
    }
    guard = guard_of(with_role(template, "Relay", granting(statement)))
    relay = function(template, "Relay")

    def may_read(key: str) -> bool:
        details = {"Items": [{orders.partition_key: {"S": key}}]}
        return (
            guard.function_denial(relay, [Ask(action="dynamodb:GetItem", resource=orders.arn, details=details)]) is None
        )

    assert [may_read(key) for key in ("mine", "yours", "mine")] == [True, False, True]


def test_service_is_let_in_by_the_resources_policy_alone(template: Template) -> None:
    """A rule may send to the queue whose policy names it, and to no other."""
    guard = guard_of(template)
    rule = next(rule for rule in template.rules if "Enrich" in rule.logical_id)
    (target,) = rule.targets
    ask = Ask(action="sqs:SendMessage", resource=target.arn)

    guard.require("events.amazonaws.com", ask, source_arn=rule.arn)

    with pytest.raises(EngineError, match=r"User: events\.amazonaws\.com is not authorized .* no resource-based"):
        guard.require("events.amazonaws.com", ask, source_arn=f"{rule.arn}2")


def test_target_with_a_role_needs_the_role_and_its_trust(template: Template) -> None:
    """The bus starts a state machine as the target's role: its policy must allow it, its trust admit the bus."""
    rule = next(rule for rule in template.rules if "Fulfilment" in rule.logical_id)
    (target,) = rule.targets
    ask = Ask(action="states:StartExecution", resource=target.arn)
    guard = guard_of(template)

    guard.require("events.amazonaws.com", ask, source_arn=rule.arn, role_arn=target.role_arn)

    with pytest.raises(EngineError, match=r"scheduler\.amazonaws\.com is not allowed to assume role"):
        guard.require("scheduler.amazonaws.com", ask, source_arn=rule.arn, role_arn=target.role_arn)


def test_api_invokes_by_permission_of_the_route(template: Template) -> None:
    """``AWS::Lambda::Permission`` names the routes: one that it does not name invokes nothing."""
    guard = guard_of(template)
    api = template.apis[0]
    route = f"arn:aws:execute-api:us-east-1:123456789012:{api.id}/$default/POST/orders"
    function_arn = api.routes[0].integration.function_arn

    assert guard.may_invoke(function_arn, route)
    assert not guard.may_invoke(function_arn, route.replace(api.id, "stranger"))
    assert not guard.may_invoke(function_arn.removesuffix(":live"), route)


def test_mapping_reads_and_delivers_as_its_functions_role(template: Template) -> None:
    """Each right of a mapping is its function's, and is missed when the role does not give it."""
    mapping = next(mapping for mapping in template.mappings if "Relay" in mapping.logical_id)
    relay = function(template, "Relay")
    record = DeliverToDestination(
        delivery_id="1",
        kind="s3",
        destination_arn=mapping.configuration.on_failure_destination,  # type: ignore[union-attr, arg-type]
        object_key="aws/lambda/uuid/shard/object",
        body="{}",
        records=1,
    )
    bare = with_role(template, "Relay", granting())

    rights = MappingRights(guard_of(template), relay, mapping.event_source_arn)
    without = MappingRights(guard_of(bare), relay, mapping.event_source_arn)

    assert rights.read_denial() is None
    rights.require_delivery(record)
    assert "dynamodb:GetRecords" in (without.read_denial() or "")
    with pytest.raises(EngineError, match="s3:PutObject"):
        without.require_delivery(record)
    with pytest.raises(EngineError, match="s3:PutObject"):
        rights.require_delivery(replace(record, object_key="elsewhere/object"))


def test_fails_when_a_function_cannot_assume_its_role(template: Template) -> None:
    """Lambda must be trusted by the role, or the function could not be deployed."""
    trust = {
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]
    }
    broken = with_role(template, "Relay", lambda role: replace(role, assume_role_policy=trust))

    with pytest.raises(TemplateError, match=r"RelayFunction\w+\.Role: .* cannot be assumed by lambda\.amazonaws\.com"):
        guard_of(broken)


@pytest.mark.parametrize(("account", "admitted"), [("123456789012", True), ("210987654321", False)])
def test_trust_may_name_the_resources_that_it_is_for(template: Template, account: str, admitted: bool) -> None:
    """What keeps a confused deputy away, as the CDK writes it for state machines, is judged by the resource's ARN."""
    function_arn = function(template, "Relay").arn
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Condition": {
                    "ArnLike": {"aws:SourceArn": function_arn.replace("123456789012", account)},
                    "StringEquals": {"aws:SourceAccount": account},
                },
            }
        ]
    }
    confined = with_role(template, "Relay", lambda role: replace(role, assume_role_policy=trust))

    if admitted:
        guard_of(confined)
    else:
        with pytest.raises(TemplateError, match="cannot be assumed by"):
            guard_of(confined)


def test_fails_when_a_managed_policy_is_not_known(template: Template) -> None:
    """Its statements are not in the template, so somebody must know them."""
    managed = ("arn:aws:iam::aws:policy/ReadOnlyAccess",)
    broken = with_role(template, "Relay", lambda role: replace(role, aws_managed_policy_arns=managed))

    with pytest.raises(TemplateError, match="AWS managed policy ReadOnlyAccess are not known here; write them"):
        guard_of(broken)


def test_known_managed_policy_is_evaluated(template: Template) -> None:
    """The policies that functions are given most are known by name."""
    managed = ("arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",)
    changed = with_role(template, "Relay", lambda role: replace(role, policies=(), aws_managed_policy_arns=managed))
    mapping = next(mapping for mapping in template.mappings if "Relay" in mapping.logical_id)

    assert MappingRights(guard_of(changed), function(template, "Relay"), mapping.event_source_arn).read_denial() is None


def test_managed_policy_of_functions_in_a_vpc_is_known(template: Template) -> None:
    """The CDK gives it to each function with a VPC, which runs here without one."""
    managed = ("arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",)
    changed = with_role(template, "Relay", lambda role: replace(role, policies=(), aws_managed_policy_arns=managed))
    mapping = next(mapping for mapping in template.mappings if "Relay" in mapping.logical_id)

    denial = MappingRights(guard_of(changed), function(template, "Relay"), mapping.event_source_arn).read_denial()

    assert denial is not None


def test_fails_when_a_queue_does_not_take_a_buckets_notifications(template: Template) -> None:
    """S3 refuses such a notification when it is set."""
    with pytest.raises(TemplateError, match=r"FailuresBucket\w+\.NotificationConfiguration\.QueueConfigurations"):
        guard_of(replace(template, resource_policies={})).check_notifications()


def test_topic_sends_where_the_queue_lets_it(template: Template) -> None:
    """A subscribed queue of the template is asked; one that somebody made at run time is theirs."""
    guard = guard_of(template)
    (topic,) = (topic for topic in template.topics if "Notify" in topic.logical_id)

    assert not guard.may_subscribe(topic.arn, template.queues[0].arn)
    assert guard.may_subscribe(topic.arn, "arn:aws:sqs:us-east-1:123456789012:made-by-a-person")


def test_topic_and_bucket_invoke_where_the_function_lets_them(template: Template) -> None:
    """A function's resource policy names the service and where it comes from; without it nobody is let in."""
    relay = function(template, "Relay").arn
    topic, bucket = template.topics[0].arn, template.buckets[0].arn
    permissions = [
        Permission(
            logical_id=f"By{service}",
            function_arn=relay,
            action="lambda:InvokeFunction",
            principal=f"{service}.amazonaws.com",
            source_arn=source_arn,
            source_account=account,
        )
        for service, source_arn, account in (("sns", topic, None), ("s3", bucket, template.account_id))
    ]
    guard = guard_of(replace(template, permissions=tuple(permissions)))

    assert (guard.may_subscribe(topic, relay), guard.may_notify(bucket, relay)) == (True, True)
    assert (guard.may_subscribe(bucket, relay), guard.may_notify(topic, relay)) == (False, False)
    assert not guard_of(replace(template, permissions=())).may_subscribe(topic, relay)


def test_grants_that_no_run_can_use_are_not_called_unused(template: Template) -> None:
    """Nothing is encrypted and nothing has a network here: without those grants the function would fail in AWS."""
    grants = [{"Effect": "Allow", "Action": f"{service}:Do", "Resource": "*"} for service in ("kms", "ec2", "sqs")]
    guard = guard_of(with_role(template, "Relay", granting(*grants)))

    assert guard.unused_grants()["Relay"] == ["sqs:Do on *"]


def test_unused_grants_are_listed_by_function(template: Template) -> None:
    """What a role may do and did not is told under its function; logs, which no run here can use, are not."""
    guard = guard_of(template)
    relay = function(template, "Relay")
    before = guard.unused_grants()["Relay"]

    mapping = next(mapping for mapping in template.mappings if "Relay" in mapping.logical_id)
    MappingRights(guard, relay, mapping.event_source_arn).read_denial()

    used = set(before) - set(guard.unused_grants()["Relay"])
    assert {text.partition(" ")[0] for text in used} == {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    }
    assert not any(text.startswith("logs:") for texts in guard.unused_grants().values() for text in texts)
