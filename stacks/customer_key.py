"""The stage's own key, and who may use it."""

from __future__ import annotations

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.stage_settings import StageSettings

# The services that put something into an encrypted queue or topic in their own name: EventBridge into the consumers'
# queues and the dead-letter queues, S3 into the stream's dead-letter queue, CloudWatch into the topic of alarms. SNS
# is not among them: it delivers mail, and nothing here subscribes a queue.
_DELIVERING = ("events.amazonaws.com", "s3.amazonaws.com", "cloudwatch.amazonaws.com")


class CustomerKey(Construct):
    """Defines a KMS key that turns once a year, with a policy for each service that delivers.

    Needs the settings. Guarantees that a service uses it for this account alone, and that a role needs a grant of its
    own, which `encrypt` gives to those that work on what is encrypted.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Resource",
            description=f"Penstock: tables, queues, topics, logs and failed batches of {settings.stage}",
            enable_key_rotation=True,
            rotation_period=Duration.days(365),
            # Deleting it makes unreadable what it encrypted, so AWS waits; a month is the longest.
            pending_window=Duration.days(30),
            removal_policy=RemovalPolicy[settings.removal_policy.upper()],
        )
        self._admit(
            [iam.ServicePrincipal(service) for service in _DELIVERING],
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
        # EventBridge user guide, "Encrypting EventBridge event buses": the bus itself asks for the key's description.
        self._admit(
            [iam.ServicePrincipal("events.amazonaws.com")],
            ["kms:DescribeKey"],
            {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
        # CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
        self._admit(
            [iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
            [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ],
            {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": (
                        f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
                    )
                }
            },
        )

    def _admit(
        self, principals: list[iam.IPrincipal], actions: list[str], conditions: dict[str, dict[str, str]]
    ) -> None:
        # In a key's policy, `*` is the key that it stands on.
        self.key.add_to_resource_policy(
            iam.PolicyStatement(principals=principals, actions=actions, resources=["*"], conditions=conditions)
        )
