"""The HTTP API and the function behind it."""

from __future__ import annotations

import json

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms
from stacks.attribute_conditions import only_attributes
from stacks.expiring_log_group import ExpiringLogGroup
from stacks.python_function import PythonFunction
from stacks.stage_settings import StageSettings

# One JSON object a request, without address, path or claims, which would name a person; the integration's error tells
# a refused invocation from a failed one.
_ACCESS_LOG_FORMAT = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "responseLength": "$context.responseLength",
    "authorizerError": "$context.authorizer.error",
    "integrationError": "$context.integrationErrorMessage",
}

# An order as it is placed; what is decided about it later is not the API's to write.
_PLACED = (
    "order_id", "status", "version", "kind", "customer_id", "country", "placed_at", "content_hash", "lines",
)  # fmt: skip


class OrdersApi(Construct):
    """Defines the HTTP API, its routes, its one function, its throttling and its access log.

    Needs the three tables that the function reads or writes. Guarantees an authorizer on every route, `$default`
    included: IAM, or JWT with a scope for reading and one for placing when the stage has an issuer and an audience.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        orders: dynamodb.ITable,
        customer_orders: dynamodb.ITable,
        statistics: dynamodb.ITable,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Function",
            handler="api",
            settings=settings,
            alarms=alarms,
            environment={
                "ORDERS_TABLE": orders.table_name,
                "CUSTOMER_ORDERS_TABLE": customer_orders.table_name,
                "STATISTICS_TABLE": statistics.table_name,
            },
        )
        self.function.allow(["dynamodb:GetItem"], orders.table_arn)
        self.function.allow(["dynamodb:PutItem"], orders.table_arn, only_attributes(*_PLACED))
        self.function.allow(["dynamodb:Query"], customer_orders.table_arn)
        self.function.allow(["dynamodb:Query"], statistics.table_arn)
        self.http_api = apigateway.HttpApi(
            self, "Resource", create_default_stage=False, description="Penstock: orders come in here"
        )
        self._define_stage(settings)
        self._define_routes(settings, self.function)
        self._define_alarms(alarms)

    @property
    def url(self) -> str:
        """Where the API answers, without a slash at the end."""
        return self.http_api.api_endpoint

    def _define_stage(self, settings: StageSettings) -> None:
        access_log = ExpiringLogGroup(self, "AccessLog", settings=settings).log_group
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=settings.throttling_rate_limit, burst_limit=settings.throttling_burst_limit
            ),
        )
        resource = stage.node.default_child
        if not isinstance(resource, apigateway.CfnStage):
            raise TypeError("the stage has no L1 to set the access log on")
        # On the L1: the L2 takes an interface here that would have to be implemented across the language border.
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(_ACCESS_LOG_FORMAT)
        )

    def _define_routes(self, settings: StageSettings, function: PythonFunction) -> None:
        authorizer, scoped = _authorizer(settings)
        read, write = settings.jwt_read_scope, settings.jwt_write_scope
        integration = integrations.HttpLambdaIntegration(
            "Integration", function.alias, payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0
        )
        with_key, method = apigateway.HttpRouteKey.with_, apigateway.HttpMethod
        for route_id, route_key, route_scope in (
            ("PlaceOrder", with_key("/orders", method.POST), write),
            ("GetOrder", with_key("/orders/{orderId}", method.GET), read),
            ("GetCustomerOrders", with_key("/customers/{customerId}/orders", method.GET), read),
            ("GetStatistics", with_key("/statistics", method.GET), read),
            ("AnyOther", apigateway.HttpRouteKey.DEFAULT, read),
        ):
            apigateway.HttpRoute(
                self,
                route_id,
                http_api=self.http_api,
                route_key=route_key,
                integration=integration,
                authorizer=authorizer,
                authorization_scopes=[route_scope] if scoped else None,
            )

    def _define_alarms(self, alarms: Alarms) -> None:
        alarms.add(
            self,
            "ServerErrors",
            metric=self.http_api.metric_server_error(period=PERIOD, statistic="Sum"),
            threshold=alarms.settings.api_server_errors,
            means="The API answered with 5xx.",
            first="find the requests in the access log. With an integrationError the function was refused or timed "
            "out; without one, look for the request's id in the function's log.",
            missing=NOTHING_HAPPENED,
        )
        alarms.add(
            self,
            "Latency",
            metric=self.http_api.metric_latency(period=PERIOD, statistic="p50"),
            threshold=alarms.settings.api_latency_ms,
            lasting=True,
            means="Half of the answers are slow; single ones may be (`Prefer: wait`).",
            first="look for throttled writes to Orders, then for the function's duration and its cold starts.",
            missing=NOTHING_HAPPENED,
        )


def _authorizer(settings: StageSettings) -> tuple[apigateway.IHttpRouteAuthorizer, bool]:
    """Choose the authorizer of every route, and whether its routes carry scopes."""
    if settings.jwt_issuer is None or settings.jwt_audience is None:
        return authorizers.HttpIamAuthorizer(), False
    jwt = authorizers.HttpJwtAuthorizer("Jwt", settings.jwt_issuer, jwt_audience=[settings.jwt_audience])
    return jwt, True
