"""HTTP APIs of a template."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import TemplateError
from tests.template.assembly_writer import AssemblyWriter

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:api"


def api(
    *,
    api: dict[str, Any] | None = None,
    integration: dict[str, Any] | None = None,
    authorizer: dict[str, Any] | None = None,
    route: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make an API with one route under a JWT authorizer, some properties replaced."""
    of_api = {"ApiId": {"Ref": "Api"}}
    properties = {
        "Function": {
            "FunctionName": "api",
            "Code": {"S3Key": "code.zip"},
            "Handler": "api.handler",
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::123456789012:role/api",
        },
        "Api": {"Name": "Orders", "ProtocolType": "HTTP", **(api or {})},
        "Integration": {
            **of_api,
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]},
            "PayloadFormatVersion": "2.0",
            **(integration or {}),
        },
        "Authorizer": {
            **of_api,
            "Name": "Jwt",
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Issuer": "https://issuer.example", "Audience": ["orders"]},
            **(authorizer or {}),
        },
        "Route": {
            **of_api,
            "RouteKey": "GET /orders/{orderId}",
            "AuthorizationType": "JWT",
            "AuthorizerId": {"Ref": "Authorizer"},
            "AuthorizationScopes": ["orders:read"],
            "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
            **(route or {}),
        },
        "Stage": {**of_api, "StageName": "$default", "AutoDeploy": True, "StageVariables": {"colour": "blue"}},
    }
    types = {"Function": "AWS::Lambda::Function"}
    return {
        name: {"Type": types.get(name, f"AWS::ApiGatewayV2::{name}"), "Properties": given}
        for name, given in properties.items()
    }


def test_api_is_read_whole(assembly: AssemblyWriter) -> None:
    """An API has routes with integration and authorizer, and its stages."""
    found = assembly.read(api()).apis[0]

    route = found.routes[0]
    assert found.endpoint == f"https://{found.id}.execute-api.us-east-1.amazonaws.com"
    assert (route.key, route.authorization_type, route.scopes) == ("GET /orders/{orderId}", "JWT", ("orders:read",))
    assert (route.integration.function_arn, route.integration.timeout_ms) == (FUNCTION_ARN, 30_000)
    assert route.authorizer is not None
    assert (route.authorizer.issuer, route.authorizer.audience) == ("https://issuer.example", ("orders",))
    assert (found.stages[0].name, found.stages[0].variables) == ("$default", {"colour": "blue"})


def test_integration_is_found_in_an_invocation_uri(assembly: AssemblyWriter) -> None:
    """A function named by the URI of API Gateway's own Lambda path is found too."""
    uri = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"}

    found = assembly.read(api(integration={"IntegrationUri": uri})).apis[0]

    assert found.routes[0].integration.function_arn == FUNCTION_ARN


def test_iam_route_needs_no_authorizer(assembly: AssemblyWriter) -> None:
    """IAM and open routes have no authorizer of their own."""
    iam = {"AuthorizationType": "AWS_IAM", "AuthorizerId": None, "AuthorizationScopes": None}

    route = assembly.read(api(route=iam)).apis[0].routes[0]

    assert (route.authorization_type, route.authorizer, route.scopes) == ("AWS_IAM", None, ())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"api": {"ProtocolType": "WEBSOCKET"}}, "Api.ProtocolType: APIs of type WEBSOCKET"),
        ({"api": {"Body": {}}}, "Api.Body"),
        ({"integration": {"IntegrationType": "HTTP_PROXY"}}, "HTTP_PROXY integrations are not served here"),
        ({"integration": {"PayloadFormatVersion": "1.0"}}, "payload format 1.0"),
        ({"integration": {"IntegrationUri": "arn:aws:lambda:::function:other"}}, "no function of this template"),
        ({"authorizer": {"AuthorizerType": "REQUEST"}}, "authorizers of type REQUEST"),
        ({"authorizer": {"IdentitySource": ["$context.path"]}}, r"Authorizer.IdentitySource: .*cannot look into"),
        ({"authorizer": {"IdentitySource": []}}, r"Authorizer.IdentitySource: .*cannot look into \[\]"),
        ({"authorizer": {"JwtConfiguration": {"Issuer": "https://i"}}}, "Audience: there is no audience"),
        ({"route": {"Target": "integrations/none"}}, "no integration none"),
        ({"route": {"AuthorizationType": "CUSTOM"}}, "authorization CUSTOM"),
        ({"route": {"AuthorizerId": "none"}}, "needs an authorizer of this template"),
    ],
)
def test_fails_when_an_api_cannot_be_served(assembly: AssemblyWriter, changed: dict[str, Any], said: str) -> None:
    """What the gateway does not serve is refused with logical id and property."""
    with pytest.raises(TemplateError, match=said):
        assembly.read(api(**changed))
