"""`penstock token`: what it prints, and how it refuses."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template.assembly_writer import AssemblyWriter

ROOT = Path(__file__).parent.parent.parent
API: dict[str, Any] = {
    "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "orders", "ProtocolType": "HTTP"}},
}


@pytest.fixture
def assembly(tmp_path: Path) -> AssemblyWriter:
    """A cloud assembly with one function behind a JWT authorizer."""
    of_api = {"ApiId": {"Ref": "Api"}}
    properties: dict[str, dict[str, Any]] = {
        "Authorizer": {
            **of_api,
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Issuer": "https://issuer.example", "Audience": ["orders", "shop"]},
            "Name": "Customers",
        },
        "Integration": {
            **of_api,
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]},
            "PayloadFormatVersion": "2.0",
        },
        "Route": {
            **of_api,
            "AuthorizationScopes": ["orders/read"],
            "AuthorizationType": "JWT",
            "AuthorizerId": {"Ref": "Authorizer"},
            "RouteKey": "GET /orders",
            "Target": {"Fn::Sub": "integrations/${Integration}"},
        },
    }
    function = {
        "Code": {"S3Key": "code.zip"},
        "Handler": "a.b",
        "Runtime": "python3.13",
        "Role": "arn:aws:iam::1:role/a",
    }
    resources = {name: {"Type": f"AWS::ApiGatewayV2::{name}", "Properties": has} for name, has in properties.items()}
    written = AssemblyWriter(tmp_path / "cdk.out")
    written.asset("code")
    written.stack({**API, **resources, "Function": {"Type": "AWS::Lambda::Function", "Properties": function}})
    return written


def mint(assembly: AssemblyWriter, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder of the cloud assembly."""
    command = [sys.executable, "-m", "penstock", "token", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=assembly.path.parent, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def claims_of(text: str) -> dict[str, Any]:
    """The claims of a token."""
    payload = text.strip().split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def test_token_is_for_the_authorizer_of_the_template(assembly: AssemblyWriter) -> None:
    """Unasked, a token has the template's issuer and audience, and every scope that a route asks for."""
    claims = claims_of(mint(assembly).stdout)

    assert (claims["iss"], claims["aud"], claims["sub"]) == ("https://issuer.example", "orders", "developer")
    assert claims["scope"] == "orders/read"
    assert claims["exp"] - claims["iat"] == 3600


def test_token_says_what_it_is_told(assembly: AssemblyWriter) -> None:
    """Subject, scopes, claims, audience and lifetime are as given; a list or an object is one."""
    options = ("--subject", "me", "--scope", "a", "--scope", "b", "--audience", "shop", "--lifetime", "60")
    claims = claims_of(mint(assembly, *options, "--claim", "customer_id=17850", "--claim", 'groups=["x","y"]').stdout)

    assert (claims["sub"], claims["scope"], claims["aud"]) == ("me", "a b", "shop")
    assert (claims["customer_id"], claims["groups"]) == ("17850", ["x", "y"])
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize("claim", ["customer_id", "=1", "groups=[x"])
def test_fails_when_a_claim_is_malformed(assembly: AssemblyWriter, claim: str) -> None:
    """A claim without a name or a value, or with broken JSON, is a usage error."""
    assert mint(assembly, "--claim", claim).returncode == 2


def test_fails_when_no_route_takes_a_token(assembly: AssemblyWriter) -> None:
    """Without a JWT authorizer there is nothing to mint for."""
    assembly.stack(API)

    ended = mint(assembly)

    assert (ended.returncode, "no route has a JWT authorizer" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr
