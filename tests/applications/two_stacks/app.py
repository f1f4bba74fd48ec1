#!/usr/bin/env python3
"""Warehouse: stock levels in two regions, reorders when something runs low.

Synthesized by `CDK_OUTDIR=$PWD/cdk.out python3 app.py`; of cdk.out, what only the CDK reads was left out.
"""
import os
import zipfile
from pathlib import Path

from aws_cdk import (
    App,
    CfnParameter,
    CrossStackReferences,
    Duration,
    Environment,
    ReferenceStrength,
    RemovalPolicy,
    Stack,
    Tags,
    aws_dynamodb as ddb,
    aws_lambda as lambda_,
    aws_lambda_event_sources as sources,
    aws_sqs as sqs,
)

HERE = Path(__file__).parent


class StorageStack(Stack):
    def __init__(self, scope, id, **kwargs):
        super().__init__(scope, id, **kwargs)

        self.stock = ddb.TableV2(
            self,
            "StockLevels",
            partition_key=ddb.Attribute(name="sku", type=ddb.AttributeType.STRING),
            sort_key=ddb.Attribute(name="warehouse", type=ddb.AttributeType.STRING),
            billing=ddb.Billing.on_demand(max_read_request_units=100),
            dynamo_stream=ddb.StreamViewType.NEW_AND_OLD_IMAGES,
            time_to_live_attribute="forgetAt",
            global_secondary_indexes=[
                ddb.GlobalSecondaryIndexPropsV2(
                    index_name="byWarehouse",
                    partition_key=ddb.Attribute(name="warehouse", type=ddb.AttributeType.STRING),
                )
            ],
            contributor_insights_specification=ddb.ContributorInsightsSpecification(enabled=True),
            point_in_time_recovery_specification=ddb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            replicas=[
                ddb.ReplicaTableProps(
                    region="us-east-1",
                    table_class=ddb.TableClass.STANDARD_INFREQUENT_ACCESS,
                    deletion_protection=True,
                )
            ],
            removal_policy=RemovalPolicy.DESTROY,
        )

        self.reorders = ddb.TableV2(
            self,
            "Reorders",
            partition_key=ddb.Attribute(name="reorderId", type=ddb.AttributeType.STRING),
            billing=ddb.Billing.provisioned(
                read_capacity=ddb.Capacity.fixed(5),
                write_capacity=ddb.Capacity.autoscaled(max_capacity=20),
            ),
            dynamo_stream=ddb.StreamViewType.NEW_IMAGE,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # We want to be able to replace this one without touching the consumers first.
        CrossStackReferences.of(self.reorders).produce(ReferenceStrength.WEAK)


class ProcessingStack(Stack):
    def __init__(self, scope, id, *, storage, **kwargs):
        super().__init__(scope, id, **kwargs)

        threshold = CfnParameter(self, "Threshold", type="Number", min_value=1, max_value=1000,
                                 description="reorder when fewer pieces than this are left")

        low_stock = lambda_.Function(
            self,
            "LowStock",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="main.handle",
            code=lambda_.Code.from_asset(str(HERE / "low_stock")),
            timeout=Duration.seconds(20),
            environment={
                "REORDERS_TABLE": storage.reorders.table_name,
                "THRESHOLD": threshold.value_as_string,
            },
        )
        storage.reorders.grant_write_data(low_stock)
        low_stock.add_event_source(
            sources.DynamoEventSource(
                storage.stock,
                starting_position=lambda_.StartingPosition.LATEST,
                batch_size=50,
                retry_attempts=2,
                bisect_batch_on_error=True,
                report_batch_item_failures=True,
                filters=[lambda_.FilterCriteria.filter({"eventName": lambda_.FilterRule.or_("INSERT", "MODIFY")})],
                on_failure=sources.SqsDlq(sqs.Queue(self, "LowStockFailures")),
            )
        )

        buyers = sqs.Queue(self, "Buyers", visibility_timeout=Duration.seconds(60))
        notify = lambda_.Function(
            self,
            "NotifyBuyer",
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler="notify.handler",
            code=lambda_.Code.from_asset(zipped("notify_buyer")),
            environment={"QUEUE_URL": buyers.queue_url},
        )
        buyers.grant_send_messages(notify)
        notify.add_event_source(
            sources.DynamoEventSource(storage.reorders, starting_position=lambda_.StartingPosition.TRIM_HORIZON)
        )


def zipped(name):
    """Our layers and functions with a build step come out of the build as zip files."""
    path = HERE / "build" / f"{name}.zip"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((HERE / name).glob("*.py")):
            entry = zipfile.ZipInfo(file.name, (2024, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_text())
    return str(path)


env = Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region="eu-west-1")
app = App(outdir=os.environ.get("CDK_OUTDIR"))
storage = StorageStack(app, "WarehouseStorage", env=env)
processing = ProcessingStack(app, "WarehouseProcessing", env=env, storage=storage)
Tags.of(app).add("team", "warehouse")
app.synth()
