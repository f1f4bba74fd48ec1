"""Whatever holds data, encrypted with the stage's own key."""

from __future__ import annotations

from aws_cdk import Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import IConstruct

# What roles use the key through: the services that hold what it encrypts.
_HOLDING = ("dynamodb", "s3", "sns", "sqs")


def encrypt(stack: Stack, key: kms.IKey | None) -> None:
    """Encrypt every table, queue, topic, bucket, bus and log group of a stack with the key, if there is one.

    Called when all is defined, so that nothing is forgotten. Functions and state machines may then use the key, but
    only through the service that holds the data. On the L1 resources and by the key's ARN alone: the L2 would change
    the key's policy, which belongs to a stack of its own. Without a key each keeps the one of AWS that its construct
    chose; so do, in any case, the functions' variables, which are names, and the history of executions.
    """
    if key is None:
        return
    for construct in stack.node.find_all():
        _encrypt(construct, key.key_arn)


def _encrypt(construct: IConstruct, key_arn: str) -> None:
    match construct:
        case dynamodb.CfnTable():
            construct.sse_specification = dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS", kms_master_key_id=key_arn
            )
        case sqs.CfnQueue():
            construct.sqs_managed_sse_enabled = None
            construct.kms_master_key_id = key_arn
        case sns.CfnTopic():
            construct.kms_master_key_id = key_arn
        case s3.CfnBucket():
            construct.bucket_encryption = _bucket_encryption(key_arn)
        case events.CfnEventBus():
            construct.kms_key_identifier = key_arn
        case logs.CfnLogGroup():
            construct.kms_key_id = key_arn
        case lambda_.Function() | stepfunctions.StateMachine():
            _allow(construct.role, key_arn)
        case _:
            pass  # holds no data


def _bucket_encryption(key_arn: str) -> s3.CfnBucket.BucketEncryptionProperty:
    by_default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="aws:kms", kms_master_key_id=key_arn)
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
        # One data key for many objects: fewer calls of KMS.
        bucket_key_enabled=True,
        server_side_encryption_by_default=by_default,
    )
    return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])


def _allow(role: iam.IRole | None, key_arn: str) -> None:
    services = [f"{service}.{Aws.REGION}.amazonaws.com" for service in _HOLDING]
    if role is not None:
        role.add_to_principal_policy(
            iam.PolicyStatement(
                # DynamoDB developer guide, "DynamoDB encryption at rest: Usage notes"; the queues, topics and the
                # bucket ask for the first two of these.
                actions=[
                    "kms:Decrypt",
                    "kms:GenerateDataKey",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                ],
                resources=[key_arn],
                conditions={"StringEquals": {"kms:ViaService": services}},
            )
        )
