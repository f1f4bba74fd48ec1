"""A template in which every property that is said to be simulated stands somewhere, small but running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.template.assembly_writer import AssemblyWriter

CODE = "def lambda_handler(event, context):\n    return {}\n"
_KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
_SORT = [{"AttributeName": "at", "KeyType": "RANGE"}]
_ALL = {"ProjectionType": "ALL"}
_TABLE = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "at")],
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
    "GlobalSecondaryIndexes": [
        {"IndexName": "ByTime", "KeySchema": [{**_SORT[0], "KeyType": "HASH"}], "Projection": _ALL}
    ],
    "KeySchema": [*_KEY, *_SORT],
    "LocalSecondaryIndexes": [{"IndexName": "Local", "KeySchema": [*_KEY, *_SORT], "Projection": _ALL}],
    "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
}
_ALLOWED = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_OF_QUEUE = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com"]}}
        | {"Action": "sqs:SendMessage", "Resource": "*"}
    ]
}
_OF_TOPIC = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}
    ]
}


def _trusted(*services: str) -> dict[str, Any]:
    principal = {"Service": [f"{service}.amazonaws.com" for service in services]}
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}


def _arn(logical_id: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, attribute]}


def _ref(logical_id: str) -> dict[str, Any]:
    return {"Ref": logical_id}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _mapping(**properties: Any) -> dict[str, Any]:
    return _resource(
        "Lambda::EventSourceMapping",
        FunctionName=_ref("Function"),
        FilterCriteria={"Filters": [{"Pattern": '{"a": ["b"]}'}]},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MetricsConfig={"Metrics": ["EventCount"]},
        Enabled=True,
        **properties,
    )


_API = {
    "Api": _resource("ApiGatewayV2::Api", Name="api", ProtocolType="HTTP"),
    "Authorizer": _resource(
        "ApiGatewayV2::Authorizer",
        ApiId=_ref("Api"),
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": "https://issuer.example", "Audience": ["a"]},
        Name="Customers",
    ),
    "Integration": _resource(
        "ApiGatewayV2::Integration",
        ApiId=_ref("Api"),
        IntegrationMethod="POST",
        IntegrationType="AWS_PROXY",
        IntegrationUri=_arn("Function"),
        PayloadFormatVersion="2.0",
        TimeoutInMillis=1000,
    ),
    "Route": _resource(
        "ApiGatewayV2::Route",
        ApiId=_ref("Api"),
        AuthorizationScopes=["read"],
        AuthorizationType="JWT",
        AuthorizerId=_ref("Authorizer"),
        RouteKey="GET /",
        Target={"Fn::Sub": "integrations/${Integration}"},
    ),
    "Stage": _resource(
        "ApiGatewayV2::Stage", ApiId=_ref("Api"), AutoDeploy=True, StageName="$default", StageVariables={"a": "b"}
    ),
}
_FUNCTIONS = {
    "Function": _resource(
        "Lambda::Function",
        Code={"S3Bucket": "assets", "S3Key": "code.zip"},
        DeadLetterConfig={"TargetArn": _arn("DeadLetters")},
        Environment={"Variables": {"A": "b"}},
        FunctionName="function",
        Handler="index.lambda_handler",
        Layers=[_ref("Layer")],
        MemorySize=128,
        PackageType="Zip",
        ReservedConcurrentExecutions=5,
        Role=_arn("Role"),
        Runtime="python3.13",
        Timeout=3,
    ),
    "Layer": _resource("Lambda::LayerVersion", Content={"S3Bucket": "assets", "S3Key": "code.zip"}, LayerName="layer"),
    "Version": _resource("Lambda::Version", FunctionName=_ref("Function")),
    "Alias": _resource(
        "Lambda::Alias", FunctionName=_ref("Function"), FunctionVersion=_arn("Version", "Version"), Name="live"
    ),
    "Permission": _resource(
        "Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName=_ref("Function"),
        Principal="apigateway.amazonaws.com",
        SourceAccount=_ref("AWS::AccountId"),
        SourceArn={"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"},
    ),
    "OfStream": _mapping(
        EventSourceArn=_arn("Table", "StreamArn"),
        BatchSize=10,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": _arn("DeadLetters")}},
        MaximumBatchingWindowInSeconds=1,
        MaximumRecordAgeInSeconds=60,
        MaximumRetryAttempts=1,
        ParallelizationFactor=1,
        StartingPosition="TRIM_HORIZON",
        TumblingWindowInSeconds=0,
    ),
    "OfQueue": _mapping(EventSourceArn=_arn("Queue"), ScalingConfig={"MaximumConcurrency": 2}),
    "OfEvents": _resource(
        "Lambda::EventInvokeConfig",
        DestinationConfig={
            "OnFailure": {"Destination": _arn("Bucket")},
            "OnSuccess": {"Destination": _arn("Bus")},
        },
        FunctionName=_ref("Function"),
        MaximumEventAgeInSeconds=60,
        MaximumRetryAttempts=1,
        Qualifier="live",
    ),
    "ByBucket": _resource(
        "Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName=_ref("Function"),
        Principal="s3.amazonaws.com",
        SourceAccount=_ref("AWS::AccountId"),
    ),
    "Log": _resource("Logs::LogGroup", LogGroupName="log"),
}
_ROLES = {
    "Role": _resource(
        "IAM::Role",
        AssumeRolePolicyDocument=_trusted("lambda", "states", "events"),
        Path="/team/",
        Policies=[{"PolicyName": "inline", "PolicyDocument": _ALLOWED}],
        RoleName="role",
    ),
    "Attached": _resource("IAM::Policy", PolicyDocument=_ALLOWED, PolicyName="attached", Roles=[_ref("Role")]),
    "Managed": _resource(
        "IAM::ManagedPolicy", ManagedPolicyName="managed", Path="/", PolicyDocument=_ALLOWED, Roles=[_ref("Role")]
    ),
}
_MESSAGES = {
    "Queue": _resource(
        "SQS::Queue",
        DelaySeconds=1,
        MaximumMessageSize=1024,
        MessageRetentionPeriod=600,
        QueueName="queue",
        ReceiveMessageWaitTimeSeconds=1,
        RedrivePolicy={"deadLetterTargetArn": _arn("DeadLetters"), "maxReceiveCount": 3},
        VisibilityTimeout=60,
    ),
    "DeadLetters": _resource("SQS::Queue"),
    "FifoQueue": _resource(
        "SQS::Queue", ContentBasedDeduplication=True, DeduplicationScope="messageGroup", FifoQueue=True
    ),
    "QueuePolicy": _resource(
        "SQS::QueuePolicy", PolicyDocument=_OF_QUEUE, Queues=[_ref("Queue"), _ref("DeadLetters"), _ref("FifoQueue")]
    ),
    "Topic": _resource("SNS::Topic", MaximumMessageSize=1048576, TopicName="topic"),
    "FifoTopic": _resource("SNS::Topic", ContentBasedDeduplication=True, FifoTopic=True, TopicName="topic.fifo"),
    "TopicPolicy": _resource("SNS::TopicPolicy", PolicyDocument=_OF_TOPIC, Topics=[_ref("Topic")]),
    "Subscription": _resource(
        "SNS::Subscription",
        Endpoint=_arn("Queue"),
        FilterPolicy={"a": ["b"]},
        FilterPolicyScope="MessageBody",
        Protocol="sqs",
        RawMessageDelivery=True,
        RedrivePolicy={"deadLetterTargetArn": _arn("DeadLetters")},
        TopicArn=_ref("Topic"),
    ),
    "Bus": _resource("Events::EventBus", Name="bus"),
    "Rule": _resource(
        "Events::Rule",
        EventBusName=_ref("Bus"),
        EventPattern={"source": ["a"]},
        Name="rule",
        State="ENABLED",
        Targets=[
            {
                "Id": "a",
                "Arn": _arn("FifoQueue"),
                "SqsParameters": {"MessageGroupId": "g"},
                "Input": "{}",
                "DeadLetterConfig": {"Arn": _arn("DeadLetters")},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
            },
            {"Id": "b", "Arn": _ref("Machine"), "RoleArn": _arn("Role"), "InputPath": "$.detail"},
            {
                "Id": "c",
                "Arn": _arn("Queue"),
                "InputTransformer": {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": "<a>"},
            },
        ],
    ),
}
_STORES = {
    "Table": _resource("DynamoDB::Table", TableName="table", **_TABLE),
    "GlobalTable": _resource(
        "DynamoDB::GlobalTable",
        TableName="global",
        Replicas=[{"Region": _ref("AWS::Region"), "DeletionProtectionEnabled": True}],
        **{name: value for name, value in _TABLE.items() if name != "DeletionProtectionEnabled"},
    ),
    "Bucket": _resource(
        "S3::Bucket",
        BucketName="bucket",
        NotificationConfiguration={
            "EventBridgeConfiguration": {"EventBridgeEnabled": True},
            "LambdaConfigurations": [{"Event": "s3:ObjectRemoved:*", "Function": _arn("Function")}],
            "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": _arn("Queue")}],
            "TopicConfigurations": [{"Event": "s3:ObjectCreated:Put", "Topic": _ref("Topic")}],
        },
        VersioningConfiguration={"Status": "Enabled"},
    ),
    "BucketPolicy": _resource("S3::BucketPolicy", Bucket=_ref("Bucket"), PolicyDocument={"Statement": []}),
    "Machine": _resource(
        "StepFunctions::StateMachine",
        DefinitionString='{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${a}", "End": true}}}',
        DefinitionSubstitutions={"a": "b"},
        RoleArn=_arn("Role"),
        StateMachineName="machine",
        StateMachineType="STANDARD",
    ),
    "OtherMachine": _resource(
        "StepFunctions::StateMachine",
        Definition={"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
        RoleArn=_arn("Role"),
    ),
}
EVERY_PROPERTY: Mapping[str, Any] = {**_API, **_FUNCTIONS, **_ROLES, **_MESSAGES, **_STORES}


def write_every_property(assembly: AssemblyWriter) -> None:
    """Write the template and the function's code."""
    (assembly.asset("code") / "index.py").write_text(CODE)
    assembly.stack(EVERY_PROPERTY)
