"""An application of another team, two stacks of the CDK with global tables, end to end."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.application import Application
from penstock.errors import UsageError
from penstock.template.models import Table

ASSEMBLY = Path(__file__).parent / "applications" / "two_stacks" / "cdk.out"


def table(application: Application, path: str) -> Table:
    """The table with a construct path."""
    template = application.template
    (found,) = (each for each in template.tables if template.resources[f"{each.stack}/{each.logical_id}"].path == path)
    return found


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Application]:
    """The application after three changes of its stock: plenty, too little, and what nobody can judge."""
    with Application.start(ASSEMBLY, clock="jumping", seed=1, parameters={"Threshold": "10"}) as application:
        client = application.client("dynamodb")
        with application.hold():
            for sku, pieces in {"bolt": {"N": "500"}, "nut": {"N": "3"}, "ghost": {"S": "none"}}.items():
                item = {"sku": {"S": sku}, "warehouse": {"S": "north"}, "pieces": pieces}
                client.put_item(TableName=table(application, "StockLevels").name, Item=item)
        application.settle()
        yield application


def test_record_of_one_stack_is_handled_by_a_function_of_the_other(warehouse: Application) -> None:
    """The stream is known by an export; the table that the function writes to, by an output that is asked for."""
    reorders = warehouse.client("dynamodb").scan(TableName=table(warehouse, "Reorders").name)["Items"]

    assert reorders == [{"reorderId": {"S": "nut/north"}, "pieces": {"N": "100"}}]


def test_function_from_a_zip_file_tells_the_buyer(warehouse: Application) -> None:
    """The second stream leads on to a function that comes as a zip file, and to a queue."""
    (buyers,) = (queue for queue in warehouse.template.queues if "Buyers" in queue.logical_id)

    (message,) = warehouse.client("sqs").receive_message(QueueUrl=buyers.url, MaxNumberOfMessages=10)["Messages"]

    assert json.loads(message["Body"]) == {"reorder": "nut/north", "pieces": 100}
    (package,) = warehouse.template.packages
    assert isinstance(package.source, Path)
    assert zipfile.is_zipfile(package.source)


def test_poison_record_reaches_its_destination_alone(warehouse: Application) -> None:
    """What cannot be judged is tried three times and then buried, its neighbours are not."""
    (failures,) = (queue for queue in warehouse.template.queues if "Failures" in queue.logical_id)

    (message,) = warehouse.client("sqs").receive_message(QueueUrl=failures.url, MaxNumberOfMessages=10)["Messages"]

    buried = json.loads(message["Body"])
    assert buried["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert buried["requestContext"]["approximateInvokeCount"] == 3
    assert buried["DDBStreamBatchInfo"]["batchSize"] == 1
    assert buried["DDBStreamBatchInfo"]["streamArn"] == table(warehouse, "StockLevels").stream_arn


def test_global_table_is_that_of_its_region(warehouse: Application) -> None:
    """Index, stream, expiry and recovery are there; what the replica elsewhere asks for is not done here."""
    name = table(warehouse, "StockLevels").name
    client = warehouse.client("dynamodb")
    told = client.describe_table(TableName=name)["Table"]

    assert told["TableArn"] == f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"
    assert [index["IndexName"] for index in told["GlobalSecondaryIndexes"]] == ["byWarehouse"]
    assert told["DeletionProtectionEnabled"] is False
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (expiry["AttributeName"], expiry["TimeToLiveStatus"]) == ("forgetAt", "ENABLED")
    recovery = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_nothing_of_it_is_unknown(warehouse: Application) -> None:
    """Every property that the CDK writes of these constructs has a verdict; other regions are told of."""
    verdicts = {(entry.property_path, entry.verdict) for entry in warehouse.template.fidelity}

    assert [path for path, verdict in verdicts if verdict == "unknown"] == []
    assert ("Replicas.Region", "approximated") in verdicts
    assert ("Replicas.DeletionProtectionEnabled", "simulated") in verdicts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "parameter Threshold; give --parameter Threshold=VALUE"),
        ({"Threshold": "0"}, "'0' is not within MinValue and MaxValue"),
        ({"Treshold": "5"}, "no parameter Treshold; the parameters are: .*Threshold"),
    ],
)
def test_fails_when_its_parameter_is_not_given(given: dict[str, str], said: str) -> None:
    """Nothing starts without what AWS would ask for."""
    with pytest.raises(UsageError, match=said):
        Application.start(ASSEMBLY, clock="jumping", parameters=given)
