"""HTTP APIs with routes, integrations, authorizers and stages: ``AWS::ApiGatewayV2::*`` to models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from penstock.template.functions import qualified_arn
from penstock.template.models import Function, HttpApi, Integration, JwtAuthorizer, Resource, Route, Stage
from penstock.template.properties import Properties
from penstock.template.resources import Resources

# Quotas for HTTP APIs, Amazon API Gateway Developer Guide: an integration takes 30 seconds at most.
DEFAULT_TIMEOUT_MS: Final = 30_000

_IDENTITY_SOURCE = re.compile(r"\$request\.(header|querystring)\.[A-Za-z0-9_-]+")

_INVOCATIONS = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(?P<function>.+)/invocations")


def read_apis(resources: Resources, functions: Sequence[Function]) -> tuple[HttpApi, ...]:
    """All HTTP APIs; another protocol, integration or authorizer is refused by name."""
    integrations = {
        resource.physical_id: _integration(resource, functions)
        for resource in resources.of("AWS::ApiGatewayV2::Integration")
    }
    authorizers = {
        resource.physical_id: _authorizer(resource) for resource in resources.of("AWS::ApiGatewayV2::Authorizer")
    }
    return tuple(
        _api(resource, resources, integrations, authorizers) for resource in resources.of("AWS::ApiGatewayV2::Api")
    )


def _api(
    resource: Resource,
    resources: Resources,
    integrations: Mapping[str, Integration],
    authorizers: Mapping[str, JwtAuthorizer],
) -> HttpApi:
    properties = Properties.of(resource)
    protocol = properties.text("ProtocolType")
    if protocol != "HTTP":
        raise properties.error("ProtocolType", f"APIs of type {protocol} are not served here", "use HTTP")
    for setting in ("Body", "BodyS3Location", "Target"):
        if setting in properties:
            raise properties.error(setting, "this is not read here", "define routes and integrations")
    return HttpApi(
        logical_id=resource.logical_id,
        stack=resource.stack,
        id=resource.physical_id,
        name=properties.text("Name"),
        endpoint=resource.attributes["ApiEndpoint"],
        routes=tuple(
            _route(route, integrations, authorizers)
            for route in resources.of("AWS::ApiGatewayV2::Route")
            if Properties.of(route).text("ApiId") == resource.physical_id
        ),
        stages=tuple(
            _stage(stage)
            for stage in resources.of("AWS::ApiGatewayV2::Stage")
            if Properties.of(stage).text("ApiId") == resource.physical_id
        ),
    )


def _integration(resource: Resource, functions: Sequence[Function]) -> Integration:
    properties = Properties.of(resource)
    kind = properties.text("IntegrationType")
    if kind != "AWS_PROXY" or "IntegrationSubtype" in properties:
        raise properties.error("IntegrationType", f"{kind} integrations are not served here", "use a Lambda proxy")
    version = properties.text("PayloadFormatVersion")
    if version != "2.0":
        raise properties.error("PayloadFormatVersion", f"payload format {version} is not served here", "use 2.0")
    uri = properties.text("IntegrationUri")
    match = _INVOCATIONS.fullmatch(uri)
    target = Properties({"IntegrationUri": match["function"] if match else uri}, properties.place)
    return Integration(
        id=resource.physical_id,
        function_arn=qualified_arn(functions, target, "IntegrationUri"),
        payload_format_version=version,
        timeout_ms=properties.integer("TimeoutInMillis", DEFAULT_TIMEOUT_MS),
    )


def _authorizer(resource: Resource) -> JwtAuthorizer:
    properties = Properties.of(resource)
    kind = properties.text("AuthorizerType")
    if kind != "JWT":
        raise properties.error("AuthorizerType", f"authorizers of type {kind} are not served here", "use JWT or IAM")
    configuration = properties.object("JwtConfiguration")
    audience, sources = configuration.texts("Audience"), properties.texts("IdentitySource")
    if not audience:
        raise configuration.error("Audience", "there is no audience", "name at least one")
    if len(sources) != 1 or not _IDENTITY_SOURCE.fullmatch(sources[0]):
        remedy = "use $request.header.Authorization, or another header or query parameter"
        raise properties.error("IdentitySource", f"a JWT authorizer cannot look into {list(sources)}", remedy)
    return JwtAuthorizer(
        id=resource.physical_id,
        name=properties.text("Name"),
        issuer=configuration.text("Issuer"),
        audience=audience,
        identity_sources=sources,
    )


def _route(
    resource: Resource, integrations: Mapping[str, Integration], authorizers: Mapping[str, JwtAuthorizer]
) -> Route:
    properties = Properties.of(resource)
    integration_id = properties.text("Target").removeprefix("integrations/")
    if integration_id not in integrations:
        raise properties.error("Target", f"there is no integration {integration_id}", "refer to one of this template")
    kind = properties.text("AuthorizationType", "NONE")
    if kind not in ("NONE", "AWS_IAM", "JWT"):
        raise properties.error(
            "AuthorizationType", f"authorization {kind} is not served here", "use NONE, AWS_IAM or JWT"
        )
    authorizer = authorizers.get(properties.text("AuthorizerId", "")) if kind == "JWT" else None
    if kind == "JWT" and authorizer is None:
        raise properties.error("AuthorizerId", "a JWT route needs an authorizer of this template", "add it")
    return Route(
        id=resource.physical_id,
        key=properties.text("RouteKey"),
        integration=integrations[integration_id],
        authorization_type="JWT" if kind == "JWT" else "AWS_IAM" if kind == "AWS_IAM" else "NONE",
        authorizer=authorizer,
        scopes=properties.texts("AuthorizationScopes"),
    )


def _stage(resource: Resource) -> Stage:
    properties = Properties.of(resource)
    variables = properties.object("StageVariables")
    return Stage(
        name=resource.physical_id,
        variables={name: variables.text(name) for name in variables.values},
    )
