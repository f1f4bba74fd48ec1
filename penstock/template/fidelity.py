"""How faithfully each property of each known resource type is followed here: a table, and the report made from it.

A type that is not in the table is not supported. A property that is not in its type's table is reported as
unknown, never dropped in silence. Verdicts are ``simulated``, ``approximated: <how>`` and ``not simulated: <why>``;
what is simulated without a word more is read by the code, which a test watches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from penstock.template.models import LeftOut, PropertyFidelity, Resource
from penstock.template.properties import Properties

Verdicts = Mapping[str, "str | Verdicts"]
"""Property → verdict, or the verdicts on what is in it; under an empty name, on a text or number in its place."""

_SIMULATED: Final = "simulated"
_UNKNOWN: Final = "unknown: penstock does not know this property"
_IGNORED: Final = "not simulated: it has no effect here"
_TAGS: Final = "not simulated: nothing here reads tags"
_ENCRYPTED: Final = "not simulated: nothing is encrypted here"
_BILLING: Final = "not simulated: capacity is not limited here"
_DESCRIPTION: Final = "simulated: a text for people, which does nothing in AWS either"
_ALARMS: Final = "approximated: judged on the metrics of a run and told at its end; nobody is notified"
_BY_REFERENCE: Final = "simulated: it belongs to the routes that refer to it"
_IN_BUCKET: Final = "simulated: read as if it stood in the bucket"
_KEPT: Final = "not simulated: all data lives as long as the run"

# A whole type that has no effect here.
_WHOLE_TYPE: Final[Mapping[str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _BILLING,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _BILLING,
    "AWS::CDK::Metadata": "not simulated: it only counts the use of constructs",
    "AWS::CloudWatch::Alarm": _ALARMS,
    "AWS::CloudWatch::CompositeAlarm": _ALARMS,
    "AWS::CloudWatch::Dashboard": "not simulated: there is nothing that shows it",
    "AWS::KMS::Alias": _ENCRYPTED,
    "AWS::KMS::Key": _ENCRYPTED,
    "AWS::Logs::ResourcePolicy": "not simulated: nothing delivers logs here",
}

_PERMISSIONS: Final = "simulated"
_TABLE_POLICY: Final = "not simulated: who may use a table is judged by roles alone"
_KINESIS: Final = "not simulated: there is no Kinesis here"
_RECOVERY: Final = "approximated: switched on, but nothing can be restored"
_OTHER_REGIONS: Final = "not simulated: there is one region here"
# What a table and the replica of a global table say of one table in one region.
_PLACED: Final[Verdicts] = {
    "ContributorInsightsSpecification": _IGNORED,
    "DeletionProtectionEnabled": _SIMULATED,
    "KinesisStreamSpecification": _KINESIS,
    "PointInTimeRecoverySpecification": _RECOVERY,
    "ResourcePolicy": _TABLE_POLICY,
    "SSESpecification": _ENCRYPTED,
    "TableClass": _BILLING,
    "Tags": _TAGS,
}
# What both types of tables say of the table as such.
_TABLE: Final[Verdicts] = {
    "AttributeDefinitions": _SIMULATED,
    "BillingMode": _BILLING,
    "GlobalSecondaryIndexes": _SIMULATED,
    "KeySchema": _SIMULATED,
    "LocalSecondaryIndexes": _SIMULATED,
    "SSESpecification": _ENCRYPTED,
    "StreamSpecification": {
        "ResourcePolicy": _TABLE_POLICY,
        "StreamViewType": "approximated: a stream has one shard, whose records last as long as the run",
    },
    "TableName": _SIMULATED,
    "TimeToLiveSpecification": "approximated: items go within ten minutes of their expiry, in AWS within a few days",
    "WarmThroughput": _BILLING,
}
_GLOBAL_THROUGHPUT: Final[Verdicts] = {
    "ReadOnDemandThroughputSettings": _BILLING,
    "ReadProvisionedThroughputSettings": _BILLING,
}

PROPERTIES: Final[Mapping[str, Verdicts]] = {
    "AWS::ApiGatewayV2::Api": {
        "CorsConfiguration": "not simulated: no CORS headers are added",
        "Description": _DESCRIPTION,
        "DisableExecuteApiEndpoint": "not simulated: the API always answers at its own address",
        "IpAddressType": _IGNORED,
        "Name": _SIMULATED,
        "ProtocolType": _SIMULATED,
        "Tags": _TAGS,
    },
    "AWS::ApiGatewayV2::Authorizer": {
        "ApiId": _BY_REFERENCE,
        "AuthorizerType": _SIMULATED,
        "IdentitySource": _SIMULATED,
        "JwtConfiguration": _SIMULATED,
        "Name": _SIMULATED,
    },
    "AWS::ApiGatewayV2::Integration": {
        "ApiId": _BY_REFERENCE,
        "Description": _DESCRIPTION,
        "IntegrationMethod": "simulated: functions are invoked, for which AWS admits POST alone",
        "IntegrationType": _SIMULATED,
        "IntegrationUri": _SIMULATED,
        "PayloadFormatVersion": _SIMULATED,
        "TimeoutInMillis": _SIMULATED,
    },
    "AWS::ApiGatewayV2::Route": {
        "ApiId": _SIMULATED,
        "AuthorizationScopes": _SIMULATED,
        "AuthorizationType": _SIMULATED,
        "AuthorizerId": _SIMULATED,
        "OperationName": _DESCRIPTION,
        "RouteKey": _SIMULATED,
        "Target": _SIMULATED,
    },
    "AWS::ApiGatewayV2::Stage": {
        "AccessLogSettings": "not simulated: there is no access log",
        "ApiId": _SIMULATED,
        "AutoDeploy": "approximated: what is defined is deployed at once, whatever it says",
        "DefaultRouteSettings": "not simulated: requests are not throttled",
        "Description": _DESCRIPTION,
        "RouteSettings": "not simulated: requests are not throttled",
        "StageName": _SIMULATED,
        "StageVariables": _SIMULATED,
        "Tags": _TAGS,
    },
    "AWS::DynamoDB::GlobalTable": {
        **_TABLE,
        **_GLOBAL_THROUGHPUT,
        "GlobalTableWitnesses": _OTHER_REGIONS,
        "MultiRegionConsistency": _OTHER_REGIONS,
        "Replicas": {
            **_PLACED,
            **_GLOBAL_THROUGHPUT,
            "GlobalSecondaryIndexes": {
                "ContributorInsightsSpecification": _IGNORED,
                "IndexName": "simulated: the index itself is defined for the whole table",
                **_GLOBAL_THROUGHPUT,
            },
            "GlobalTableSettingsReplicationMode": _OTHER_REGIONS,
            "Region": "approximated: the replica of this region, without the others",
            "ReplicaStreamSpecification": {"ResourcePolicy": _TABLE_POLICY},
        },
        "WriteOnDemandThroughputSettings": _BILLING,
        "WriteProvisionedThroughputSettings": _BILLING,
    },
    "AWS::DynamoDB::Table": {
        **_TABLE,
        **_PLACED,
        "OnDemandThroughput": _BILLING,
        "ProvisionedThroughput": _BILLING,
    },
    "AWS::Events::EventBus": {
        "DeadLetterConfig": _IGNORED,
        "Description": _DESCRIPTION,
        "KmsKeyIdentifier": _ENCRYPTED,
        "LogConfig": _IGNORED,
        "Name": _SIMULATED,
        "Tags": _TAGS,
    },
    "AWS::Events::Rule": {
        "Description": _DESCRIPTION,
        "EventBusName": _SIMULATED,
        "EventPattern": _SIMULATED,
        "Name": _SIMULATED,
        "ScheduleExpression": "not simulated: nothing is scheduled",
        "State": _SIMULATED,
        "Targets": {
            "Arn": _SIMULATED,
            "DeadLetterConfig": {"Arn": _SIMULATED},
            "Id": _SIMULATED,
            "Input": _SIMULATED,
            "InputPath": _SIMULATED,
            "InputTransformer": _SIMULATED,
            "RetryPolicy": {"MaximumEventAgeInSeconds": _SIMULATED, "MaximumRetryAttempts": _SIMULATED},
            "RoleArn": _PERMISSIONS,
            "SqsParameters": {"MessageGroupId": _SIMULATED},
        },
    },
    "AWS::IAM::ManagedPolicy": {
        "Description": _DESCRIPTION,
        "ManagedPolicyName": _SIMULATED,
        "Path": _SIMULATED,
        "PolicyDocument": _PERMISSIONS,
        "Roles": _SIMULATED,
    },
    "AWS::IAM::Policy": {"PolicyDocument": _PERMISSIONS, "PolicyName": _SIMULATED, "Roles": _SIMULATED},
    "AWS::IAM::Role": {
        "AssumeRolePolicyDocument": _PERMISSIONS,
        "Description": _DESCRIPTION,
        "ManagedPolicyArns": "approximated: the AWS managed policies that functions are given most; others are refused",
        "MaxSessionDuration": _IGNORED,
        "Path": _SIMULATED,
        "PermissionsBoundary": "not simulated: a boundary takes nothing away here",
        "Policies": _PERMISSIONS,
        "RoleName": _SIMULATED,
        "Tags": _TAGS,
    },
    "AWS::Lambda::Alias": {
        "Description": _DESCRIPTION,
        "FunctionName": _SIMULATED,
        "FunctionVersion": _SIMULATED,
        "Name": _SIMULATED,
        "ProvisionedConcurrencyConfig": "not simulated: environments start when they are needed",
        "RoutingConfig": "not simulated: every invocation goes to FunctionVersion",
    },
    "AWS::Lambda::EventInvokeConfig": {
        "DestinationConfig": {"OnFailure": {"Destination": _SIMULATED}, "OnSuccess": {"Destination": _SIMULATED}},
        "FunctionName": _SIMULATED,
        "MaximumEventAgeInSeconds": _SIMULATED,
        "MaximumRetryAttempts": _SIMULATED,
        "Qualifier": _SIMULATED,
    },
    "AWS::Lambda::EventSourceMapping": {
        "BatchSize": _SIMULATED,
        "BisectBatchOnFunctionError": _SIMULATED,
        "DestinationConfig": {"OnFailure": {"Destination": _SIMULATED}},
        "Enabled": _SIMULATED,
        "EventSourceArn": _SIMULATED,
        "FilterCriteria": {"Filters": {"Pattern": _SIMULATED}},
        "FunctionName": _SIMULATED,
        "FunctionResponseTypes": _SIMULATED,
        "KmsKeyArn": _ENCRYPTED,
        "MaximumBatchingWindowInSeconds": _SIMULATED,
        "MaximumRecordAgeInSeconds": _SIMULATED,
        "MaximumRetryAttempts": _SIMULATED,
        "MetricsConfig": {"Metrics": _SIMULATED},
        "ParallelizationFactor": _SIMULATED,
        "ScalingConfig": {"MaximumConcurrency": _SIMULATED},
        "StartingPosition": _SIMULATED,
        "Tags": _TAGS,
        "TumblingWindowInSeconds": "approximated: the window of an idle shard closes at its end, in AWS minutes later",
    },
    "AWS::Lambda::Function": {
        "Architectures": "approximated: functions run on the architecture of this machine",
        "Code": {
            "": "simulated: a path relative to the template",
            "S3Bucket": "simulated: assets are found by their key, a hash of what they hold",
            "S3Key": _SIMULATED,
            "S3ObjectVersion": _IGNORED,
            "SourceKMSKeyArn": _ENCRYPTED,
            "ZipFile": "approximated: index.py alone; the module cfnresponse is not there",
        },
        "DeadLetterConfig": {"TargetArn": _SIMULATED},
        "Description": _DESCRIPTION,
        "Environment": {"Variables": _SIMULATED},
        "EphemeralStorage": "not simulated: /tmp is that of this machine",
        "FunctionName": _SIMULATED,
        "Handler": _SIMULATED,
        "KmsKeyArn": _ENCRYPTED,
        "Layers": "approximated: their Python is found, in the order of AWS; nothing lies under /opt",
        "LoggingConfig": {
            "ApplicationLogLevel": _IGNORED,
            "LogFormat": _IGNORED,
            "LogGroup": "approximated: lines are shown, not kept in a log group",
            "SystemLogLevel": _IGNORED,
        },
        "MemorySize": "approximated: told to the function, neither limited nor turned into speed",
        "PackageType": "simulated: packages run, images are refused",
        "RecursiveLoop": "not simulated: a loop goes on until it is stopped",
        "ReservedConcurrentExecutions": _SIMULATED,
        "Role": _PERMISSIONS,
        "Runtime": "approximated: the Python that runs penstock",
        "RuntimeManagementConfig": _IGNORED,
        "SnapStart": "not simulated: environments start in full",
        "Tags": _TAGS,
        "Timeout": _SIMULATED,
        "TracingConfig": "not simulated: there is no tracing",
        "VpcConfig": "not simulated: functions reach what this machine reaches",
    },
    "AWS::Lambda::LayerVersion": {
        "CompatibleArchitectures": _IGNORED,
        "CompatibleRuntimes": _IGNORED,
        "Content": {
            "": "simulated: a path relative to the template",
            "S3Bucket": "simulated: assets are found by their key, a hash of what they hold",
            "S3Key": _SIMULATED,
            "S3ObjectVersion": _IGNORED,
        },
        "Description": _DESCRIPTION,
        "LayerName": _SIMULATED,
        "LicenseInfo": _DESCRIPTION,
    },
    "AWS::Lambda::Permission": {
        "Action": _PERMISSIONS,
        "FunctionName": _PERMISSIONS,
        "Principal": _PERMISSIONS,
        "SourceAccount": _PERMISSIONS,
        "SourceArn": _PERMISSIONS,
    },
    "AWS::Lambda::Version": {
        "Description": _DESCRIPTION,
        "FunctionName": _SIMULATED,
        "ProvisionedConcurrencyConfig": "not simulated: environments start when they are needed",
        "RuntimePolicy": _IGNORED,
    },
    "AWS::Logs::LogGroup": {
        "DataProtectionPolicy": _IGNORED,
        "KmsKeyId": _ENCRYPTED,
        "LogGroupClass": _IGNORED,
        "LogGroupName": _SIMULATED,
        "RetentionInDays": "not simulated: lines are shown, not kept",
        "Tags": _TAGS,
    },
    "AWS::S3::Bucket": {
        "AccessControl": _IGNORED,
        "BucketEncryption": "approximated: told on request, nothing is encrypted here",
        "BucketName": _SIMULATED,
        "LifecycleConfiguration": _KEPT,
        "LoggingConfiguration": "not simulated: there is no access log",
        "NotificationConfiguration": {
            "EventBridgeConfiguration": "approximated: objects that are made or removed; of no other change",
            "LambdaConfigurations": _SIMULATED,
            "QueueConfigurations": _SIMULATED,
            "TopicConfigurations": _SIMULATED,
        },
        "ObjectLockEnabled": _IGNORED,
        "OwnershipControls": _IGNORED,
        "PublicAccessBlockConfiguration": "not simulated: nothing here is public",
        "Tags": _TAGS,
        "VersioningConfiguration": _SIMULATED,
    },
    "AWS::S3::BucketPolicy": {"Bucket": _SIMULATED, "PolicyDocument": _PERMISSIONS},
    "AWS::SNS::Subscription": {
        "Endpoint": _SIMULATED,
        "FilterPolicy": _SIMULATED,
        "FilterPolicyScope": _SIMULATED,
        "Protocol": "approximated: delivered to queues and functions; e-mail, SMS and HTTP endpoints get nothing",
        "RawMessageDelivery": _SIMULATED,
        "RedrivePolicy": "approximated: what a queue or a function refuses goes there at once",
        "TopicArn": _SIMULATED,
    },
    "AWS::SNS::Topic": {
        "ContentBasedDeduplication": "approximated: duplicates are dropped by the queues that subscribe",
        "DisplayName": _DESCRIPTION,
        "FifoTopic": _SIMULATED,
        "KmsMasterKeyId": _ENCRYPTED,
        "MaximumMessageSize": _SIMULATED,
        "SignatureVersion": _IGNORED,
        "Subscription": "approximated: delivered to queues and functions; e-mail, SMS and HTTP endpoints get nothing",
        "Tags": _TAGS,
        "TopicName": _SIMULATED,
        "TracingConfig": "not simulated: there is no tracing",
    },
    "AWS::SNS::TopicPolicy": {"PolicyDocument": _PERMISSIONS, "Topics": _SIMULATED},
    "AWS::SQS::Queue": {
        "ContentBasedDeduplication": _SIMULATED,
        "DeduplicationScope": _SIMULATED,
        "DelaySeconds": _SIMULATED,
        "FifoQueue": _SIMULATED,
        "FifoThroughputLimit": "not simulated: queues are not throttled",
        "KmsDataKeyReusePeriodSeconds": _ENCRYPTED,
        "KmsMasterKeyId": _ENCRYPTED,
        "MaximumMessageSize": _SIMULATED,
        "MessageRetentionPeriod": _SIMULATED,
        "QueueName": _SIMULATED,
        "ReceiveMessageWaitTimeSeconds": _SIMULATED,
        "RedriveAllowPolicy": _IGNORED,
        "RedrivePolicy": _SIMULATED,
        "SqsManagedSseEnabled": _ENCRYPTED,
        "Tags": _TAGS,
        "VisibilityTimeout": _SIMULATED,
    },
    "AWS::SQS::QueuePolicy": {"PolicyDocument": _PERMISSIONS, "Queues": _SIMULATED},
    "AWS::StepFunctions::StateMachine": {
        "Definition": _SIMULATED,
        "DefinitionString": _SIMULATED,
        "DefinitionSubstitutions": _SIMULATED,
        "EncryptionConfiguration": _ENCRYPTED,
        "LoggingConfiguration": "not simulated: executions are not logged",
        "RoleArn": _PERMISSIONS,
        "StateMachineName": _SIMULATED,
        "StateMachineType": "approximated: EXPRESS executions are run once and kept, as STANDARD ones are",
        "Tags": _TAGS,
        "TracingConfiguration": "not simulated: there is no tracing",
    },
    "Custom::S3BucketNotifications": {
        "BucketName": _IN_BUCKET,
        "Managed": _IN_BUCKET,
        "NotificationConfiguration": {
            "EventBridgeConfiguration": _IN_BUCKET,
            "LambdaFunctionConfigurations": _IN_BUCKET,
            "QueueConfigurations": _IN_BUCKET,
            "TopicConfigurations": _IN_BUCKET,
        },
        "ServiceToken": "simulated: what its provider does is done; the function is not invoked for it",
        "SkipDestinationValidation": _IGNORED,
    },
}

SUPPORTED_TYPES: Final = tuple(sorted({*PROPERTIES, *_WHOLE_TYPE}))
_TYPES: Final = f"supported types are {', '.join(SUPPORTED_TYPES)}"
_FUNCTIONS: Final = "supported are functions in Python (runtimes python3.x), as a directory, a zip file or inline"


def why_unsupported(resource_type: str, properties: Properties) -> tuple[str, str] | None:
    """Why a resource cannot run here, and what can; ``None`` for one that may."""
    if resource_type not in SUPPORTED_TYPES:
        return "this type is not supported", _TYPES
    if resource_type == "AWS::Lambda::Function":
        if properties.text("PackageType", "Zip") == "Image":
            return "container images are not run here", _FUNCTIONS
        runtime = properties.text("Runtime", None)
        if runtime is not None and not runtime.startswith("python"):
            return f"the runtime {runtime} is not run here", _FUNCTIONS
    return None


def judge(resource: Resource) -> Iterator[PropertyFidelity]:
    """The verdict on each property that a resource has, in the order of the template."""
    if (refused := why_unsupported(resource.type, Properties.of(resource))) is not None:
        yield _verdict(resource, "", f"not supported: {refused[0]}; leave it out with --skip")
    elif resource.type in _WHOLE_TYPE:
        yield _verdict(resource, "", _WHOLE_TYPE[resource.type])
    else:
        yield from _walk(resource, "", resource.properties, PROPERTIES[resource.type])


def judge_left_out(left_out: LeftOut) -> PropertyFidelity:
    """The verdict on what is left out of the run, or named in it although it is left out."""
    because = left_out.because
    if left_out.mentioned:
        text = f"approximated: a made-up text stands for {because}, which --skip leaves out"
    elif left_out.property_path:
        text = f"not simulated: what leads to {because} is left out with it by --skip"
    else:
        text = f"not simulated: left out {'' if left_out.asked_for else f'with {because} '}by --skip"
    return _verdict(left_out, left_out.property_path, text)


def _walk(resource: Resource, path: str, value: Any, verdicts: Verdicts) -> Iterator[PropertyFidelity]:
    """Verdicts below one object; of the elements of a list, each property is judged once."""
    if isinstance(value, list):
        seen: set[str] = set()
        for element in value:
            for entry in _walk(resource, path, element, verdicts):
                if entry.property_path not in seen:
                    seen.add(entry.property_path)
                    yield entry
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            inner_path = f"{path}.{name}" if path else name
            known = verdicts.get(name, _UNKNOWN)
            if not isinstance(known, str) and not isinstance(inner, (Mapping, list)):
                known = known.get("", _UNKNOWN)
            if isinstance(known, str):
                yield _verdict(resource, inner_path, known)
            else:
                yield from _walk(resource, inner_path, inner, known)


def _verdict(resource: Resource | LeftOut, path: str, text: str) -> PropertyFidelity:
    verdict, _, how = text.partition(": ")
    return PropertyFidelity(
        stack=resource.stack,
        logical_id=resource.logical_id,
        label=resource.label,
        type=resource.type,
        property_path=path,
        verdict=cast(Any, verdict),
        how=how,
    )
