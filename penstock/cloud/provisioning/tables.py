"""Tables with their streams, time to live and point-in-time recovery."""

from __future__ import annotations

from typing import Any

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.definition import agree, define, selected
from penstock.template.models import Resource
from penstock.template.properties import Properties


def provision_table(resource: Resource, engine: Engine) -> None:
    """Define a table as ``AWS::DynamoDB::Table`` says; billing mode and throughput are told, nothing limits them."""
    properties = Properties.of(resource)
    _define_table(resource, properties, engine)
    _protect(resource, properties, engine)


def provision_global_table(resource: Resource, engine: Engine) -> None:
    """Define the replica of this region of an ``AWS::DynamoDB::GlobalTable``, on demand whatever its billing mode."""
    properties = Properties.of(resource)
    _define_table(resource, properties, engine)
    for replica in properties.objects("Replicas"):
        if replica.text("Region") == engine.region:
            _protect(resource, replica, engine)


def definition_of(resource: Resource) -> dict[str, Any]:
    """The parameters of CreateTable for a table of either type."""
    properties = Properties.of(resource)
    params: dict[str, Any] = {"TableName": resource.physical_id, "BillingMode": "PAY_PER_REQUEST"}
    params |= selected(properties.values, ("AttributeDefinitions", "KeySchema"))
    if resource.type == "AWS::DynamoDB::Table":
        params["BillingMode"] = properties.text("BillingMode", "PROVISIONED")
        if "ProvisionedThroughput" in properties:
            params["ProvisionedThroughput"] = _throughput(properties.object("ProvisionedThroughput"))
    on_demand = params["BillingMode"] == "PAY_PER_REQUEST"
    for indexes in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if properties.objects(indexes):
            params[indexes] = [_index(index, on_demand=on_demand) for index in properties.objects(indexes)]
    if "StreamArn" in resource.attributes:
        view_type = properties.object("StreamSpecification").text("StreamViewType")
        params["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view_type}
    return params


def _define_table(resource: Resource, properties: Properties, engine: Engine) -> None:
    name = {"TableName": resource.physical_id}
    table = define(engine, resource, "dynamodb", "CreateTable", definition_of(resource))["TableDescription"]
    agree(resource, ours=resource.arn, theirs=table["TableArn"])
    if "StreamArn" in resource.attributes:
        _label_stream(resource, engine)
    expiry = properties.object("TimeToLiveSpecification")
    if expiry.values and expiry.flag("Enabled", default=True):
        specification = {"AttributeName": expiry.text("AttributeName"), "Enabled": True}
        define(engine, resource, "dynamodb", "UpdateTimeToLive", {**name, "TimeToLiveSpecification": specification})


def _label_stream(resource: Resource, engine: Engine) -> None:
    """Give the stream the label that the template computed: moto makes one of the time and has no call to set it."""
    table = engine.backend("dynamodb").tables[resource.physical_id]
    table.latest_stream_label = resource.attributes["StreamArn"].rpartition("/")[2]
    described = define(engine, resource, "dynamodb", "DescribeTable", {"TableName": resource.physical_id})
    agree(resource, ours=resource.attributes["StreamArn"], theirs=described["Table"]["LatestStreamArn"])


def _protect(resource: Resource, holder: Properties, engine: Engine) -> None:
    """Switch deletion protection and point-in-time recovery on where the table (or its replica) asks for it."""
    name = {"TableName": resource.physical_id}
    if holder.flag("DeletionProtectionEnabled", default=False):
        define(engine, resource, "dynamodb", "UpdateTable", {**name, "DeletionProtectionEnabled": True})
    if holder.object("PointInTimeRecoverySpecification").flag("PointInTimeRecoveryEnabled", default=False):
        specification = {"PointInTimeRecoveryEnabled": True}
        params = {**name, "PointInTimeRecoverySpecification": specification}
        define(engine, resource, "dynamodb", "UpdateContinuousBackups", params)


def _index(index: Properties, *, on_demand: bool) -> dict[str, Any]:
    selection = selected(index.values, ("IndexName", "KeySchema", "Projection"))
    if "ProvisionedThroughput" in index and not on_demand:
        selection["ProvisionedThroughput"] = _throughput(index.object("ProvisionedThroughput"))
    return selection


def _throughput(throughput: Properties) -> dict[str, int]:
    return {name: throughput.integer(name) for name in throughput.values}
