"""Where the stream mappings put batches that they give up, and the queue that tells of them."""

from __future__ import annotations

import jsii
from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledgement import acknowledge
from stacks.alarms import Alarms
from stacks.dead_letter_queue import DeadLetterQueue
from stacks.stage_settings import StageSettings

# Lambda developer guide, "Retain discarded batches": aws/lambda/<mapping UUID>/<shard id>/<date>/<time>-<UUID>.
_KEY_PREFIX = "aws/lambda/"


class FailureBucket(Construct):
    """Defines the bucket of on-failure records and the stream's dead-letter queue, filled by its notifications.

    Needs settings and alarms. Guarantees that a given-up batch is kept whole, encrypted, and announced. CloudFormation
    does not delete a bucket that is not empty, and nothing here empties it, for it holds the only copy of what failed:
    `make destroy` does, in a stage that keeps nothing.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, alarms: Alarms) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = DeadLetterQueue(
            self,
            "DeadLetters",
            settings=settings,
            alarms=alarms,
            means="A mapping gave up a batch of stream records, and an object in the failure bucket holds the whole "
            "of it.",
            first="receive the messages. Delete one that is S3's own s3:TestEvent, which comes whenever the bucket's "
            "notification is set, so after the first deployment. Any other names an object: find the cause by its "
            "requestContext and the function's log, mend it, and hand the records to the function again, in order.",
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(settings.failure_retention_days))],
            removal_policy=RemovalPolicy[settings.removal_policy.upper()],
        )
        acknowledge(
            self.bucket,
            {
                "AwsSolutions-S1": "Only mappings put objects here, each told to a queue as it comes; who reads or "
                "deletes one is for the account's trail to say, which needs no second bucket."
            },
        )
        self._announce()

    @property
    def objects_in_findings(self) -> str:
        """How cdk-nag spells the ARN of the objects that mappings may put."""
        bucket = self.bucket.node.default_child
        if not isinstance(bucket, s3.CfnBucket):
            raise TypeError("the bucket has no L1 to be named by")
        return f"<{Stack.of(self).get_logical_id(bucket)}.Arn>/{_KEY_PREFIX}*"

    def _announce(self) -> None:
        queue = self.dead_letters.queue
        # The account, not the bucket's ARN: the bucket needs the policy first, so naming it here would be a circle.
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        bucket = self.bucket.node.default_child
        if not isinstance(bucket, s3.CfnBucket):
            raise TypeError("the bucket has no L1 to set the notification on")
        # On the L1: `add_event_notification` would define a custom resource and its function.
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectCreated:*", queue=queue.queue_arn)
            ]
        )
        # S3 sends a test message when the notification is set and refuses it if the policy is not there yet.
        self.bucket.node.add_dependency(queue)


@jsii.implements(lambda_.IEventSourceDlq)
class FailureDestination:
    """The failure bucket as a mapping's on-failure destination, with the least that the function needs.

    `S3OnFailureDestination` of the CDK would let the function read and delete its own evidence. Lambda asks for
    `s3:PutObject` and `s3:ListBucket` (developer guide, "Retain discarded batches").
    """

    def __init__(self, failures: FailureBucket) -> None:
        self._bucket = failures.bucket

    def bind(
        self, target: lambda_.IEventSourceMapping, target_handler: lambda_.IFunction
    ) -> lambda_.DlqDestinationConfig:
        """Grant the function what the mapping needs in its name, and answer where failed batches go."""
        del target
        for action, resource in (
            ("s3:PutObject", self._bucket.arn_for_objects(f"{_KEY_PREFIX}*")),
            ("s3:ListBucket", self._bucket.bucket_arn),
        ):
            target_handler.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
        return lambda_.DlqDestinationConfig(destination=self._bucket.bucket_arn)
