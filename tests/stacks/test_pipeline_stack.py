"""Everything between the API and the tables: what is there, and what must not be."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from stacks.settings import DEV, settings_of
from tests.stacks.synthesized import Properties, Synthesize, Synthesized

FUNCTIONS = ("api", "enrich", "notify", "relay", "replicate", "summarize")


def stream_mappings(synthesized: Synthesized) -> dict[str, Properties]:
    """The mappings that read a stream, by logical id."""
    mappings = synthesized.resources("AWS::Lambda::EventSourceMapping")
    return {name: mapping for name, mapping in mappings.items() if "StartingPosition" in mapping}


def queue_mappings(synthesized: Synthesized) -> dict[str, Properties]:
    """The mappings that read a queue, by logical id."""
    mappings = synthesized.resources("AWS::Lambda::EventSourceMapping")
    return {name: mapping for name, mapping in mappings.items() if "StartingPosition" not in mapping}


def granted(synthesized: Synthesized) -> Iterator[tuple[str, list[str], list[Any]]]:
    """Every statement of every policy of a role: (logical id, actions, resources)."""
    for name, policy in synthesized.resources("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, resources = statement["Action"], statement["Resource"]
            yield (
                name,
                actions if isinstance(actions, list) else [actions],
                resources if isinstance(resources, list) else [resources],
            )


def conditioned(synthesized: Synthesized, role: str, action: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every statement on an action in the policy of a role: (logical id, resource, condition)."""
    for name, policy in synthesized.resources("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"] if name.startswith(role) else ():
            if action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]):
                yield name, statement["Resource"], statement.get("Condition", {})


def test_two_mappings_read_the_stream(stage: Synthesized) -> None:
    """A shard has room for two readers: relay and summarize."""
    names = sorted(stream_mappings(stage))

    assert [name[: len("Relay")] for name in names] == ["Relay", "Summa"]
    assert len({json.dumps(mapping["EventSourceArn"]) for mapping in stream_mappings(stage).values()}) == 1


def test_relay_mapping_is_written_out(dev: Synthesized) -> None:
    """Every property of the relay's mapping that matters stands in the template."""
    relay = dict(dev.only("AWS::Lambda::EventSourceMapping", "RelayStream"))
    patterns = [json.loads(pattern["Pattern"]) for pattern in relay.pop("FilterCriteria")["Filters"]]
    del relay["EventSourceArn"], relay["FunctionName"], relay["DestinationConfig"]

    assert relay == {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": True,
        "Enabled": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": 3600,
        "MaximumRetryAttempts": 10,
        "MetricsConfig": {"Metrics": ["EventCount"]},
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "TumblingWindowInSeconds": 0,
    }
    statuses = ["PLACED", "ACCEPTED", "REJECTED", "PACKED", "SHIPPED"]
    assert patterns == [{"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"status": {"S": statuses}}}}]


def test_summarize_mapping_keeps_its_window_whole(stage: Synthesized) -> None:
    """The window sees every record once: no filter, no bisect, no partial answer, one batch a shard."""
    summarize = stage.only("AWS::Lambda::EventSourceMapping", "SummarizeStream")

    assert summarize["TumblingWindowInSeconds"] == 60
    assert summarize["ParallelizationFactor"] == 1
    assert summarize["BisectBatchOnFunctionError"] is False
    assert "FilterCriteria" not in summarize
    assert "FunctionResponseTypes" not in summarize


def test_stream_mappings_give_up_finitely_into_the_bucket(stage: Synthesized) -> None:
    """Retries and age are finite, and what is given up goes to the failure bucket."""
    (bucket,) = stage.resources("AWS::S3::Bucket")
    for mapping in stream_mappings(stage).values():
        assert mapping["MaximumRetryAttempts"] >= 0
        assert mapping["MaximumRecordAgeInSeconds"] <= 86_400
        assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": [bucket, "Arn"]}}}


def test_queue_mappings_report_failures_and_limit_concurrency(stage: Synthesized) -> None:
    """Each consumer reads its queue with partial answers and a limit of its own."""
    mappings = queue_mappings(stage)

    assert len(mappings) == 3
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
        assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}


def test_only_replicate_waits_for_a_batch(stage: Synthesized) -> None:
    """The read model may lag; what somebody waits for does not."""
    waiting = {
        name[: name.index("Messages")]: (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"])
        for name, mapping in queue_mappings(stage).items()
    }

    assert waiting == {"Enrich": (10, 0), "Notify": (10, 0), "Replicate": (1_000, 5)}


def test_mappings_are_bound_to_the_alias_live(stage: Synthesized) -> None:
    """Each mapping names an alias, so that it is not replaced when what is behind the alias changes."""
    aliases = stage.resources("AWS::Lambda::Alias")
    for mapping in stage.resources("AWS::Lambda::EventSourceMapping").values():
        arn, qualifier = mapping["FunctionName"]["Fn::Join"][1]
        alias = arn["Fn::Select"][1]["Fn::Split"][1]["Ref"]

        assert qualifier == ":live"
        assert aliases[alias]["Name"] == "live"


def test_functions_are_the_six_and_no_other(stage: Synthesized) -> None:
    """No custom resource smuggles in a function of its own."""
    functions = stage.resources("AWS::Lambda::Function").values()
    types = {resource["Type"] for resource in stage.pipeline["Resources"].values()}

    assert sorted(function["Handler"] for function in functions) == [
        f"handlers.{name}.lambda_handler" for name in FUNCTIONS
    ]
    assert not [name for name in types if name.startswith("Custom::") or name == "AWS::CloudFormation::CustomResource"]


def test_functions_say_how_they_run(stage: Synthesized) -> None:
    """Each function has runtime, timeout, memory, its own log group and an asset of its own."""
    functions = stage.resources("AWS::Lambda::Function").values()
    for function in functions:
        log_group = stage.resources("AWS::Logs::LogGroup")[function["LoggingConfig"]["LogGroup"]["Ref"]]

        assert function["Runtime"] == "python3.13"
        assert function["Timeout"] >= 1
        assert function["MemorySize"] >= 128
        assert log_group["RetentionInDays"] >= 1
    assert len({function["Code"]["S3Key"] for function in functions}) == len(FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("api", {"ORDERS_TABLE", "CUSTOMER_ORDERS_TABLE", "STATISTICS_TABLE"}),
        ("relay", {"EVENT_BUS_NAME"}),
        ("summarize", {"STATISTICS_TABLE"}),
        ("enrich", {"ORDERS_TABLE", "IDEMPOTENCY_TABLE"}),
        ("notify", {"TOPIC_ARN", "IDEMPOTENCY_TABLE"}),
        ("replicate", {"CUSTOMER_ORDERS_TABLE"}),
    ],
)
def test_function_has_its_environment(stage: Synthesized, name: str, variables: set[str]) -> None:
    """A function knows the resources that it uses, and its name for logs and metrics."""
    (function,) = (
        function
        for function in stage.resources("AWS::Lambda::Function").values()
        if function["Handler"] == f"handlers.{name}.lambda_handler"
    )
    environment = function["Environment"]["Variables"]

    assert environment.keys() - variables == {
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_LOG_LEVEL",
    }
    assert environment["POWERTOOLS_SERVICE_NAME"] == name
    assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "Penstock"


def test_prod_reserves_concurrency(prod: Synthesized, dev: Synthesized) -> None:
    """In prod every function has its share; in dev none takes from a small account."""
    reserved = [f.get("ReservedConcurrentExecutions") for f in prod.resources("AWS::Lambda::Function").values()]
    unreserved = [f.get("ReservedConcurrentExecutions") for f in dev.resources("AWS::Lambda::Function").values()]

    assert None not in reserved
    assert set(unreserved) == {None}


def test_versions_of_before_stay(stage: Synthesized) -> None:
    """A new version does not delete the one that the alias may have to go back to."""
    versions = [r for r in stage.pipeline["Resources"].values() if r["Type"] == "AWS::Lambda::Version"]

    assert [version["DeletionPolicy"] for version in versions] == 6 * ["Retain"]


def test_no_role_has_a_wildcard_action(stage: Synthesized) -> None:
    """Each grant names its actions and its one resource; no managed policy widens it."""
    for name, actions, resources in granted(stage):
        assert not [action for action in actions if "*" in action], name
        assert "*" not in resources, name
    for name, role in stage.resources("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role, name


@pytest.mark.parametrize(
    ("role", "action", "attributes"),
    [
        (
            "ApiFunction",
            "dynamodb:PutItem",
            "content_hash country customer_id kind lines order_id placed_at status version",
        ),
        (
            "EnrichFunction",
            "dynamodb:UpdateItem",
            "customer_kind distinct_products item_count order_id payment_id reason status total version",
        ),
        ("FulfilmentRole", "dynamodb:UpdateItem", "execution order_id status version"),
        ("FulfilmentRole", "dynamodb:GetItem", "execution order_id status version"),
    ],
)
def test_writers_of_an_order_are_held_to_their_attributes(
    stage: Synthesized, role: str, action: str, attributes: str
) -> None:
    """Whoever writes a part of an order may name that part only, and gets back no more than it changed."""
    conditions = [condition for _, _, condition in conditioned(stage, role, action)]

    assert {"ForAllValues:StringEquals": {"dynamodb:Attributes": attributes.split()}} in [
        {operator: keys for operator, keys in condition.items() if operator.startswith("ForAll")}
        for condition in conditions
    ]
    assert all(
        condition["StringEqualsIfExists"]["dynamodb:ReturnValues"] == ["NONE", "UPDATED_NEW", "UPDATED_OLD"]
        for condition in conditions
        if "StringEqualsIfExists" in condition
    )


@pytest.mark.parametrize(("role", "prefix"), [("EnrichFunction", "payment#*"), ("NotifyFunction", "notification#*")])
def test_idempotency_records_belong_to_one_effect(stage: Synthesized, role: str, prefix: str) -> None:
    """A function that may claim and delete records may do so with its own effect's keys alone."""
    (condition,) = [condition for _, _, condition in conditioned(stage, role, "dynamodb:DeleteItem")]

    assert condition == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [prefix]}}


def test_stream_is_granted_by_its_arn(stage: Synthesized) -> None:
    """Listing every stream of the account is granted to nobody."""
    streams = [resources for _, actions, resources in granted(stage) if "dynamodb:ListStreams" in actions]

    assert len(streams) == 2
    for (resource,) in streams:
        assert "StreamArn" in resource["Fn::ImportValue"]


def test_function_cannot_touch_its_own_evidence(stage: Synthesized) -> None:
    """The readers of the stream may put failed batches and list the bucket, not read or delete them."""
    (bucket,) = stage.resources("AWS::S3::Bucket")
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    on_bucket = [(a, r) for _, actions, r in granted(stage) for a in actions if a.startswith("s3:")]

    assert sorted(action for action, _ in on_bucket) == 2 * ["s3:ListBucket"] + 2 * ["s3:PutObject"]
    for action, (resource,) in on_bucket:
        assert resource == (arn if action == "s3:ListBucket" else {"Fn::Join": ["", [arn, "/aws/lambda/*"]]})


def test_queues_are_encrypted_and_refuse_plain_connections(stage: Synthesized) -> None:
    """Each queue is encrypted at rest and denies whoever comes without TLS."""
    denied = {
        queue["Ref"]
        for policy in stage.resources("AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    queues = stage.resources("AWS::SQS::Queue")

    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert denied == set(queues)


def test_queues_with_a_consumer_have_a_dead_letter_queue(stage: Synthesized) -> None:
    """What is received too often ends in a queue that keeps it longer than it can have lived before."""
    queues = stage.resources("AWS::SQS::Queue")
    arns = [mapping["EventSourceArn"] for mapping in queue_mappings(stage).values()]
    for arn in arns:
        source = queues[arn["Fn::GetAtt"][0]]
        dead_letters = queues[source["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]

        assert source["RedrivePolicy"]["maxReceiveCount"] >= 5
        assert dead_letters["MessageRetentionPeriod"] > source["MessageRetentionPeriod"]


def test_messages_stay_hidden_while_they_may_be_worked_on(stage: Synthesized) -> None:
    """A queue's visibility timeout is six times the timeout of its function, and the batching window."""
    queues, functions = stage.resources("AWS::SQS::Queue"), stage.resources("AWS::Lambda::Function")
    for name, mapping in queue_mappings(stage).items():
        house = name[: name.index("Messages")]
        (function,) = (f for function_id, f in functions.items() if function_id.startswith(f"{house}Function"))
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]

        assert queue["VisibilityTimeout"] == 6 * function["Timeout"] + mapping["MaximumBatchingWindowInSeconds"]


def test_rules_select_the_events_of_their_consumer(stage: Synthesized) -> None:
    """Each consumer gets the events that it is there for."""
    patterns = {
        name[: name.index("Rule")]: rule["EventPattern"] for name, rule in stage.resources("AWS::Events::Rule").items()
    }
    source = {"source": ["penstock.orders"]}

    assert patterns == {
        "Enrich": source | {"detail-type": ["OrderPlaced"]},
        "Notify": source | {"detail-type": ["OrderAccepted", "OrderRejected"]},
        "Replicate": source
        | {
            "detail-type": ["OrderAccepted", "OrderPacked", "OrderShipped"],
            "detail": {"customerKind": ["registered"]},
        },
        "Fulfilment": source | {"detail-type": ["OrderAccepted"], "detail": {"kind": ["order"]}},
    }


def test_rule_targets_retry_and_dead_letter(stage: Synthesized) -> None:
    """What cannot be delivered is tried again, then kept."""
    queues = stage.resources("AWS::SQS::Queue")
    for rule in stage.resources("AWS::Events::Rule").values():
        (target,) = rule["Targets"]

        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] > 0
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in queues
        assert "Input" not in target
        assert "InputPath" not in target
        assert "InputTransformer" not in target


def test_failure_bucket_announces_to_the_dead_letter_queue(stage: Synthesized) -> None:
    """A failed batch that arrives is told to the stream's dead-letter queue, whose policy admits the account."""
    bucket = stage.only("AWS::S3::Bucket")
    (configuration,) = bucket["NotificationConfiguration"]["QueueConfigurations"]
    queue = configuration["Queue"]["Fn::GetAtt"][0]
    (statement,) = (
        statement
        for policy in stage.resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if policy["Queues"] == [{"Ref": queue}] and statement["Effect"] == "Allow"
    )

    assert configuration["Event"] == "s3:ObjectCreated:*"
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_failure_bucket_is_closed(stage: Synthesized) -> None:
    """The bucket is encrypted, private, and only reached over TLS."""
    bucket = stage.only("AWS::S3::Bucket")
    (statement,) = stage.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_every_route_is_authorized_by_iam(stage: Synthesized) -> None:
    """No route is open, the default route included."""
    routes = stage.resources("AWS::ApiGatewayV2::Route").values()

    assert {route["RouteKey"]: route["AuthorizationType"] for route in routes} == {
        "POST /orders": "AWS_IAM",
        "GET /orders/{orderId}": "AWS_IAM",
        "GET /customers/{customerId}/orders": "AWS_IAM",
        "GET /statistics": "AWS_IAM",
        "$default": "AWS_IAM",
    }


def test_every_route_is_authorized_by_jwt_when_there_is_an_issuer(synthesize: Synthesize) -> None:
    """With issuer and audience set, each route wants a token with the scope for reading or for placing."""
    settings = replace(DEV, jwt_issuer="https://issuer.example", jwt_audience="penstock")
    synthesized = synthesize(settings)
    authorizer = synthesized.only("AWS::ApiGatewayV2::Authorizer")
    routes = synthesized.resources("AWS::ApiGatewayV2::Route").values()

    assert authorizer["JwtConfiguration"] == {"Audience": ["penstock"], "Issuer": "https://issuer.example"}
    assert {route["AuthorizationType"] for route in routes} == {"JWT"}
    assert {route["RouteKey"]: route["AuthorizationScopes"] for route in routes} == {
        "POST /orders": ["orders/write"],
        "GET /orders/{orderId}": ["orders/read"],
        "GET /customers/{customerId}/orders": ["orders/read"],
        "GET /statistics": ["orders/read"],
        "$default": ["orders/read"],
    }


def test_stage_throttles_and_logs(stage: Synthesized) -> None:
    """The API limits its callers and logs each request as one JSON object, which names no person."""
    http_stage = stage.only("AWS::ApiGatewayV2::Stage")
    logged = json.loads(http_stage["AccessLogSettings"]["Format"])

    assert http_stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert http_stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0
    assert logged["requestId"] == "$context.requestId"
    assert not [value for value in logged.values() if re.search(r"identity|claims|[pP]ath|header|querystring", value)]


def test_integration_calls_the_alias_with_format_2(stage: Synthesized) -> None:
    """API Gateway invokes the alias, and hands over payload format 2.0."""
    integration = stage.only("AWS::ApiGatewayV2::Integration")

    assert integration["PayloadFormatVersion"] == "2.0"
    assert integration["IntegrationUri"]["Ref"] in stage.resources("AWS::Lambda::Alias")


def test_outputs_are_the_contract(stage: Synthesized) -> None:
    """The demo and the operator find the application by these names."""
    outputs = stage.data["Outputs"].keys() | stage.pipeline["Outputs"].keys()

    assert {name for name in outputs if not name.startswith("ExportsOutput")} == {
        "ApiUrl",
        "OrdersTableName",
        "CustomerOrdersTableName",
        "StatisticsTableName",
        "NotificationTopicArn",
        "EventBusName",
        "FulfilmentStateMachineArn",
        "FailureBucketName",
        "DashboardName",
        "AlarmTopicArn",
    }


def test_stacks_are_bound_by_strong_references(stage: Synthesized) -> None:
    """The pipeline imports from the data stack by exports, not by reading its outputs."""
    text = json.dumps(stage.pipeline)

    assert "Fn::ImportValue" in text
    assert "Fn::GetStackOutput" not in text


def test_logical_ids_of_the_mappings_are_pinned(stage: Synthesized) -> None:
    """A mapping under another logical id is a new one: it has no checkpoint and reads its stream from the horizon.

    They follow from the construct ids, so whoever renames or moves a construct learns of it here, not when deploying.
    """
    assert sorted(stage.resources("AWS::Lambda::EventSourceMapping")) == [
        "EnrichMessages956DE563",
        "NotifyMessages51D72607",
        "RelayStream05EF056E",
        "ReplicateMessages494947C4",
        "SummarizeStreamC187A04C",
    ]


def test_provisioned_concurrency_and_snap_start_change_no_mapping(synthesize: Synthesize) -> None:
    """Warm starts are switched behind the alias: the mappings, and with them their checkpoints, stay."""
    settings = replace(
        DEV,
        account_concurrency=1_000,
        relay=replace(DEV.relay, provisioned_concurrent_executions=1),
        enrich=replace(DEV.enrich, snap_start=True),
    )
    before, after = synthesize(settings_of("dev")), synthesize(settings)
    mapping_type = "AWS::Lambda::EventSourceMapping"

    assert after.resources(mapping_type) == before.resources(mapping_type)
    assert after.only("AWS::Lambda::Alias", "Relay")["ProvisionedConcurrencyConfig"]
    assert after.only("AWS::Lambda::Function", "Enrich")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
