"""Tables, buckets, queues, topics, buses, state machines and roles of a template."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.template.models import Policy, Redrive
from tests.template.assembly_writer import AssemblyWriter
from tests.template.test_template_functions import ARN, worker

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


def queue(name: str = "orders", **properties: Any) -> dict[str, Any]:
    """Make a queue."""
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **properties}}


def test_table_knows_keys_stream_and_expiry(assembly: AssemblyWriter) -> None:
    """A table has its keys, its stream and the attribute by which items expire."""
    properties = {
        "TableName": "Orders",
        "KeySchema": [
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "day", "KeyType": "RANGE"},
        ],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expiration", "Enabled": True},
    }

    table = assembly.read({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}).tables[0]

    assert (table.name, table.partition_key, table.sort_key) == ("Orders", "id", "day")
    assert table.stream_arn == f"{table.arn}/stream/2026-01-01T00:00:00.000"
    assert table.stream_view_type == "NEW_AND_OLD_IMAGES"
    assert table.time_to_live_attribute == "expiration"


def test_table_without_extras_has_none(assembly: AssemblyWriter) -> None:
    """A plain table has neither stream nor expiry; one whose expiry is off has none either."""
    properties = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "expiration", "Enabled": "false"},
    }

    table = assembly.read({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}).tables[0]

    assert (table.sort_key, table.stream_arn, table.stream_view_type) == (None, None, None)
    assert table.time_to_live_attribute is None


def test_queue_knows_its_dead_letter_queue(assembly: AssemblyWriter) -> None:
    """A queue has its visibility timeout and where a message goes that is received too often."""
    template = assembly.read(
        {
            "Queue": queue(
                VisibilityTimeout=180,
                RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3},
            ),
            "Dead": queue("dead.fifo", FifoQueue=True),
        }
    )

    live, dead = template.queues
    assert live.url == "https://sqs.us-east-1.amazonaws.com/123456789012/orders"
    assert (live.visibility_timeout_seconds, live.fifo) == (180, False)
    assert live.redrive == Redrive(dead_letter_target_arn=dead.arn, max_receive_count=3)
    assert (dead.fifo, dead.redrive) == (True, None)


def test_topic_has_its_subscriptions(assembly: AssemblyWriter) -> None:
    """Subscriptions written inside the topic and beside it belong to it."""
    inside = {"Protocol": "email", "Endpoint": "someone@example.com"}
    beside = {
        "TopicArn": {"Ref": "Topic"},
        "Protocol": "sqs",
        "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
    }
    template = assembly.read(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news", "Subscription": [inside]}},
            "Queue": queue(),
            "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": beside},
        }
    )

    email, to_queue = template.topics[0].subscriptions
    assert (email.protocol, email.endpoint) == ("email", "someone@example.com")
    assert (to_queue.protocol, to_queue.endpoint) == ("sqs", QUEUE_ARN)


def test_bucket_notifies_a_queue(assembly: AssemblyWriter) -> None:
    """A notification has event, queue, prefix and suffix."""
    rules = [{"Name": "prefix", "Value": "aws/lambda/"}]
    notification = {
        "Event": "s3:ObjectCreated:*",
        "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
        "Filter": {"S3Key": {"Rules": rules}},
    }
    properties = {"BucketName": "failures", "NotificationConfiguration": {"QueueConfigurations": [notification]}}

    bucket = assembly.read({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}, "Queue": queue()}).buckets[
        0
    ]

    found = bucket.notifications[0]
    assert bucket.arn == "arn:aws:s3:::failures"
    assert (found.event, found.destination_arn, found.prefix, found.suffix) == (
        "s3:ObjectCreated:*",
        QUEUE_ARN,
        "aws/lambda/",
        "",
    )


def test_bucket_notifies_topics_and_functions(assembly: AssemblyWriter) -> None:
    """Each notification has its destination and the place in the template where it stands."""
    configuration = {
        "TopicConfigurations": [{"Event": "s3:ObjectRemoved:*", "Topic": {"Ref": "Topic"}}],
        "LambdaConfigurations": [{"Event": "s3:ObjectCreated:Put", "Function": {"Ref": "Live"}}],
    }
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": configuration}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}},
        **worker(),
    }

    (bucket,) = assembly.read(resources).buckets

    assert [(found.destination_arn, found.property_path) for found in bucket.notifications] == [
        ("arn:aws:sns:us-east-1:123456789012:news", "NotificationConfiguration.TopicConfigurations"),
        (f"{ARN}:live", "NotificationConfiguration.LambdaConfigurations"),
    ]


def bus_and_rule(target: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """Make a bus with a rule that sends to a queue."""
    targets = [{"Id": "Target0", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, **(target or {})}]
    defaults = {
        "Name": "placed",
        "EventBusName": {"Ref": "Bus"},
        "EventPattern": {"source": ["orders"]},
        "Targets": targets,
    }
    return {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "orders"}},
        "Queue": queue(),
        "Dead": queue("dead"),
        "Rule": {"Type": "AWS::Events::Rule", "Properties": {**defaults, **properties}},
    }


def test_rule_has_targets_with_retry_and_dead_letters(assembly: AssemblyWriter) -> None:
    """A target has its retry policy, its dead-letter queue and its input."""
    target = {
        "RetryPolicy": {"MaximumEventAgeInSeconds": 600, "MaximumRetryAttempts": 3},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}},
        "InputPath": "$.detail",
    }

    template = assembly.read(bus_and_rule(target))

    rule = template.rules[0]
    assert (rule.name, rule.event_bus_name, rule.enabled) == ("placed", "orders", True)
    assert rule.arn == "arn:aws:events:us-east-1:123456789012:rule/orders/placed"
    assert rule.event_pattern == {"source": ["orders"]}
    found = rule.targets[0]
    assert (found.arn, found.input_path, found.input) == (QUEUE_ARN, "$.detail", None)
    assert (found.maximum_event_age_in_seconds, found.maximum_retry_attempts) == (600, 3)
    assert found.dead_letter_arn == "arn:aws:sqs:us-east-1:123456789012:dead"


def test_rule_takes_the_defaults_of_the_bus(assembly: AssemblyWriter) -> None:
    """Without a retry policy a target is tried for 24 hours and 185 times; a disabled rule is known as such."""
    template = assembly.read(bus_and_rule(State="DISABLED", EventBusName="default"))

    rule = template.rules[0]
    assert (rule.enabled, rule.event_bus_name) == (False, "default")
    assert rule.targets[0].maximum_event_age_in_seconds == 86_400
    assert rule.targets[0].maximum_retry_attempts == 185


def state_machine(**properties: Any) -> dict[str, Any]:
    """Make a state machine."""
    defaults = {"StateMachineName": "ship", "RoleArn": "arn:aws:iam::123456789012:role/ship"}
    return {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {**defaults, **properties}}}


def test_state_machine_has_its_definition_as_text(assembly: AssemblyWriter) -> None:
    """Intrinsics and substitutions in a definition are filled in; an object becomes text."""
    text = {
        "Fn::Join": ["", ['{"StartAt":"${first}","States":{"A":{"Type":"Pass","Result":"', {"Ref": "Queue"}, '"}}}']]
    }
    resources = {**state_machine(DefinitionString=text, DefinitionSubstitutions={"first": "A"}), "Queue": queue()}

    machine = assembly.read(resources).state_machines[0]

    assert (machine.name, machine.type) == ("ship", "STANDARD")
    assert machine.arn == "arn:aws:states:us-east-1:123456789012:stateMachine:ship"
    definition = json.loads(machine.definition)
    assert definition["StartAt"] == "A"
    assert definition["States"]["A"]["Result"] == "https://sqs.us-east-1.amazonaws.com/123456789012/orders"


def test_role_gathers_all_its_policies(assembly: AssemblyWriter) -> None:
    """A role has its inline policies, those attached to it and customer managed ones; AWS's own are named."""
    document = {"Version": "2012-10-17", "Statement": []}
    aws_managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    template = assembly.read(
        {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": document,
                    "Policies": [{"PolicyName": "inline", "PolicyDocument": document}],
                    "ManagedPolicyArns": [aws_managed, {"Ref": "Managed"}],
                },
            },
            "Attached": {
                "Type": "AWS::IAM::Policy",
                "Properties": {"PolicyName": "attached", "PolicyDocument": document, "Roles": [{"Ref": "Role"}]},
            },
            "Other": {
                "Type": "AWS::IAM::Policy",
                "Properties": {"PolicyName": "other", "PolicyDocument": document, "Roles": ["someone"]},
            },
            "Managed": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"ManagedPolicyName": "managed", "PolicyDocument": document},
            },
        }
    )

    role = template.roles[0]
    assert [policy.name for policy in role.policies] == [
        "inline",
        "attached",
        "arn:aws:iam::123456789012:policy/managed",
    ]
    assert role.policies[0] == Policy(name="inline", document=document)
    assert role.aws_managed_policy_arns == (aws_managed,)


def test_resource_policy_is_found_by_arn(assembly: AssemblyWriter) -> None:
    """Policies of queues, topics and buckets are kept under the ARN of what they protect."""
    document = {"Version": "2012-10-17", "Statement": []}
    template = assembly.read(
        {
            "Queue": queue(),
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "failures"}},
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": document},
            },
            "BucketPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document},
            },
        }
    )

    assert template.resource_policies == {QUEUE_ARN: document, "arn:aws:s3:::failures": document}


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (
            {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": []}}},
            "Table.KeySchema: there is no partition key",
        ),
        (
            {"Queue": queue(RedrivePolicy={"deadLetterTargetArn": "arn:gone", "maxReceiveCount": 3})},
            r"Queue.RedrivePolicy.deadLetterTargetArn: arn:gone is no AWS::SQS::Queue",
        ),
        (
            {
                "Topic": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {"Subscription": [{"Protocol": "lambda", "Endpoint": "arn:x"}]},
                }
            },
            "Topic.Subscription.0.Endpoint: arn:x is no AWS::Lambda::Function or AWS::Lambda::Alias",
        ),
        (
            {
                "Bucket": {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {"NotificationConfiguration": {"LambdaConfigurations": [{"Function": "arn:x"}]}},
                }
            },
            "Bucket.NotificationConfiguration.LambdaConfigurations.0.Function: arn:x is no AWS::Lambda::Function",
        ),
        (
            {
                "Topic": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {
                        "FifoTopic": True,
                        "TopicName": "news.fifo",
                        "Subscription": [{"Protocol": "lambda", "Endpoint": {"Ref": "Live"}}],
                    },
                },
                **worker(),
            },
            "Topic.Subscription.0.Protocol: a FIFO topic invokes no function; subscribe a queue",
        ),
        (
            {
                "Queue": queue("orders.fifo", FifoQueue=True),
                "Bucket": {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {
                        "NotificationConfiguration": {"QueueConfigurations": [{"Queue": {"Fn::GetAtt": "Queue.Arn"}}]}
                    },
                },
            },
            "Bucket.NotificationConfiguration.QueueConfigurations.0.Queue: a bucket notifies no FIFO queue or topic",
        ),
        (bus_and_rule({"Arn": "arn:aws:lambda:::function:x"}), "Rule.Targets.0.Arn: .* is no AWS::SQS::Queue or AWS"),
        (bus_and_rule({"Input": "{}", "InputPath": "$"}), "Input and InputPath exclude one another"),
        (bus_and_rule({"Input": "hello"}), "Input: this is no JSON; .*needs quotation marks"),
        (bus_and_rule({"InputPath": "detail"}), "InputPath: detail is no path"),
        (bus_and_rule({"InputTransformer": {}}), "InputTemplate: this property is missing"),
        (bus_and_rule({"InputTransformer": {"InputTemplate": "x" * 8193}}), "InputTemplate: the template is too long"),
        (
            bus_and_rule({"InputTransformer": {"InputTemplate": "1", "InputPathsMap": {"awsId": "$.id"}}}),
            "InputPathsMap.awsId: names that begin with AWS are reserved",
        ),
        (
            bus_and_rule({"InputTransformer": {"InputTemplate": "1", "InputPathsMap": {"id": "$.a[?(@.b)]"}}}),
            r"InputPathsMap.id: .* is no path",
        ),
        (
            bus_and_rule(
                {"InputTransformer": {"InputTemplate": "1", "InputPathsMap": {f"v{n}": "$" for n in range(101)}}}
            ),
            "InputPathsMap: there are too many variables",
        ),
        (bus_and_rule(EventBusName="other"), "Rule.EventBusName: there is no bus other"),
        (bus_and_rule(EventPattern=None), "neither a pattern nor a schedule"),
        (state_machine(), "Machine.DefinitionString: the state machine has no definition"),
        (state_machine(DefinitionString="{"), "the definition is not JSON"),
        (
            state_machine(Definition={"StartAt": "A", "States": {"A": {"Type": "Pass", "QueryLanguage": "JSONata"}}}),
            "JSONata is not executed here",
        ),
        (
            {
                "Queue": queue(),
                "One": {
                    "Type": "AWS::SQS::QueuePolicy",
                    "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {}},
                },
                "Two": {
                    "Type": "AWS::SQS::QueuePolicy",
                    "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {}},
                },
            },
            "Two.Queues: Queue has another policy already",
        ),
    ],
)
def test_fails_when_a_resource_is_wrong(assembly: AssemblyWriter, resources: dict[str, Any], said: str) -> None:
    """What AWS would refuse, or this tool cannot do, is refused with logical id and property."""
    with pytest.raises(TemplateError, match=said):
        assembly.read(resources)
