"""Tables are defined and removed at an endpoint; what was there before is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.cloud.clock import WallClock
from penstock.cloud.external_tables import ExternalTables
from penstock.cloud.external_tables.endpoint import TABLES, Endpoint
from penstock.errors import EnvironmentProblem, TemplateError
from penstock.template.models import Template
from tests.template.assembly_writer import AssemblyWriter


def table(name: str, **properties: Any) -> dict[str, Any]:
    """A table with a string key."""
    keys = {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    given = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", **keys, **properties}
    return {"Type": "AWS::DynamoDB::Table", "Properties": given}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Template]:
    """Reads a template of these resources."""
    return lambda **resources: AssemblyWriter(tmp_path / "cdk.out").read(resources)


async def names_at(endpoint: Endpoint) -> list[str]:
    """Names of the tables there."""
    return list((await endpoint.call(TABLES, "ListTables", {}))["TableNames"])


def test_tables_are_as_in_the_template_until_the_end(another_dynamodb: str, read: Callable[..., Template]) -> None:
    """Keys, stream and time to live are told to the endpoint; deletion protection does not keep a table there."""
    expiry = {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}
    template = read(
        A=table("Kept", DeletionProtectionEnabled=True, **expiry),
        B=table("Streamed", StreamSpecification={"StreamViewType": "KEYS_ONLY"}),
    )

    async def go() -> tuple[Any, ...]:
        endpoint = Endpoint(another_dynamodb, region="us-east-1")
        tables = ExternalTables(another_dynamodb, template, WallClock())
        streams = await tables.define()
        time_to_live = await endpoint.call(TABLES, "DescribeTimeToLive", {"TableName": "Kept"})
        streamed = await endpoint.call(TABLES, "DescribeTable", {"TableName": "Streamed"})
        during = await names_at(endpoint)
        await tables.close()
        after = await names_at(endpoint)
        await endpoint.close()
        return streams, time_to_live["TimeToLiveDescription"], streamed["Table"], during, after

    streams, time_to_live, streamed, during, after = asyncio.run(go())

    assert list(streams) == [template.tables[1].stream_arn]
    assert time_to_live == {"AttributeName": "expires", "TimeToLiveStatus": "ENABLED"}
    assert streamed["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert (sorted(during), after) == (["Kept", "Streamed"], [])


def test_fails_when_a_table_is_there_already(another_dynamodb: str, read: Callable[..., Template]) -> None:
    """It is named, it stays, and what was defined before it is removed."""
    template = read(A=table("Mine"), B=table("Foreign"))

    async def go() -> list[str]:
        endpoint = Endpoint(another_dynamodb, region="us-east-1")
        foreign = table("Foreign")["Properties"]
        await endpoint.call(TABLES, "CreateTable", foreign)
        tables = ExternalTables(another_dynamodb, template, WallClock())
        try:
            with pytest.raises(EnvironmentProblem, match="already has a table Foreign, which was left as it is"):
                await tables.define()
            await tables.close()
            return await names_at(endpoint)
        finally:
            await endpoint.call(TABLES, "DeleteTable", {"TableName": "Foreign"})
            await endpoint.close()

    assert asyncio.run(go()) == ["Foreign"]


def test_fails_when_the_endpoint_refuses_a_table(another_dynamodb: str, read: Callable[..., Template]) -> None:
    """A template that the endpoint does not take is refused with the logical id."""
    template = read(A=table("Odd", KeySchema=[{"AttributeName": "other", "KeyType": "HASH"}]))

    async def go() -> None:
        tables = ExternalTables(another_dynamodb, template, WallClock())
        try:
            await tables.define()
        finally:
            await tables.close()

    with pytest.raises(TemplateError, match=r"A: .* refuses the table"):
        asyncio.run(go())
