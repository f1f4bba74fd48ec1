"""cdk-nag's packs find nothing in any stage and variant but what is acknowledged with a reason."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stacks.settings import DEV, PROD
from stacks.stage_settings import StageSettings
from stacks.table_settings import Autoscaled, Provisioned
from tests.stacks.synthesized import new_app

# Below the root, which finds Node for the CDK that these import.
# isort: split
from aws_cdk import Stack
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.data_stack import DataStack
from stacks.pipeline_stack import PipelineStack
from stacks.reviews import review

SCALED = Autoscaled(min_capacity=100, max_capacity=4_000, target_utilization_percent=70)
VARIANTS = {
    "dev": DEV,
    "prod": PROD,
    "everything": replace(
        PROD,
        customer_managed_key=True,
        jwt_issuer="https://issuer.example",
        jwt_audience="penstock",
        monitoring=replace(PROD.monitoring, alarm_address="operator@example.com"),
        tables=replace(PROD.tables, orders=Provisioned(read=SCALED, write=SCALED)),
        api=replace(PROD.api, provisioned_concurrent_executions=5),
        relay=replace(PROD.relay, snap_start=True),
    ),
}
Findings = Callable[[Callable[[Construct], object]], set[str]]


@pytest.fixture
def findings(tmp_path: Path) -> Findings:
    """Synthesizes under review, and gives the rules that complain."""

    def found(define: Callable[[Construct], object]) -> set[str]:
        app = new_app(tmp_path)
        define(app)
        review(app)
        try:
            app.synth()
        except RuntimeError as failed:
            return set(re.findall(r"Acknowledge with '(?:AwsSolutions|Serverless)::(.*)'", str(failed)))
        return set()

    return found


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)
def test_reviewers_find_nothing(settings: StageSettings, findings: Findings) -> None:
    """No finding of a pack is left without an answer."""

    def define(app: Construct) -> None:
        data = DataStack(app, "Data", settings=settings)
        PipelineStack(app, "Pipeline", settings=settings, data=data)

    assert findings(define) == set()


def test_reviewers_find_what_is_not_acknowledged(findings: Findings) -> None:
    """A queue without a dead-letter queue and without TLS is found by both packs."""
    assert findings(lambda app: sqs.Queue(Stack(app, "Stack"), "Queue")) == {
        "AwsSolutions-SQS3",
        "AwsSolutions-SQS4",
        "Serverless-SQSRedrivePolicy",
    }
