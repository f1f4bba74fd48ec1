"""What is left out knowingly, and what goes with it."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import TemplateError, UsageError
from penstock.template.identifiers import IDENTITIES
from penstock.template.skipping import HANGS_ON, LEADS_TO, SENDS_TO
from penstock.template.survey import survey
from tests.template.assembly_writer import AssemblyWriter


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    """Make a resource of a type."""
    return {"Type": f"AWS::{kind}", "Properties": properties}


def arn(logical_id: str) -> dict[str, Any]:
    """Refer to the ARN of a resource."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}


ROLE = resource("IAM::Role", RoleName="worker", AssumeRolePolicyDocument={})
NODE = resource("Lambda::Function", Runtime="nodejs22.x", Handler="a.b", Role=arn("Role"), Code={"ZipFile": "x"})
QUEUE = resource("SQS::Queue", QueueName="orders")


def left_out(assembly: AssemblyWriter, *skip: str) -> dict[str, str]:
    """Load without these: logical id, with the property if it is not the whole, → because of what."""
    entries = assembly.load(skip=skip).left_out
    gone = [each for each in entries if not each.mentioned]
    return {f"{each.logical_id} {each.property_path}".rstrip(): each.because for each in gone}


def test_what_only_hangs_on_a_resource_goes_with_it(assembly: AssemblyWriter) -> None:
    """Alias, mapping, permission, integration and route of a function go, what else there is stays."""
    api = {"ApiId": {"Ref": "Api"}}
    assembly.stack(
        {
            "Role": ROLE,
            "Queue": QUEUE,
            "Resizer": NODE,
            "Version": resource("Lambda::Version", FunctionName={"Ref": "Resizer"}),
            "Live": resource(
                "Lambda::Alias",
                Name="live",
                FunctionName={"Ref": "Resizer"},
                FunctionVersion={"Fn::GetAtt": ["Version", "Version"]},
            ),
            "Feed": resource("Lambda::EventSourceMapping", FunctionName={"Ref": "Live"}, EventSourceArn=arn("Queue")),
            "May": resource("Lambda::Permission", FunctionName=arn("Resizer"), Action="x", Principal="y"),
            "Api": resource("ApiGatewayV2::Api", Name="api", ProtocolType="HTTP"),
            "Call": resource(
                "ApiGatewayV2::Integration",
                **api,
                IntegrationType="AWS_PROXY",
                IntegrationUri={"Fn::Sub": "arn:aws:apigateway:x:lambda:path/y/functions/${Resizer.Arn}/invocations"},
                PayloadFormatVersion="2.0",
            ),
            "Route": resource(
                "ApiGatewayV2::Route",
                **api,
                RouteKey="GET /",
                Target={"Fn::Join": ["/", ["integrations", {"Ref": "Call"}]]},
            ),
        }
    )

    template = assembly.load(skip=["Resizer"])

    gone = {each.logical_id: each.because for each in template.left_out}
    assert gone == dict.fromkeys(["Resizer", "Version", "Live", "Feed", "May", "Call", "Route"], "App/Resizer")
    assert {each.logical_id for each in template.resources.values()} == {"Role", "Queue", "Api"}
    assert [each.logical_id for each in template.left_out if each.asked_for] == ["Resizer"]


def test_fidelity_tells_what_is_left_out(assembly: AssemblyWriter) -> None:
    """Everything that goes has a verdict that says why."""
    assembly.stack(
        {
            "Role": ROLE,
            "Resizer": NODE,
            "May": resource("Lambda::Permission", FunctionName={"Ref": "Resizer"}, Action="x", Principal="y"),
            "Queue": QUEUE,
            "Rule": resource(
                "Events::Rule",
                EventPattern={"source": ["shop"]},
                Targets=[{"Id": "a", "Arn": arn("Resizer")}, {"Id": "b", "Arn": arn("Queue")}],
            ),
        }
    )

    template = assembly.load(skip=["Resizer"])

    told = {
        (entry.logical_id, entry.property_path): (entry.verdict, entry.how)
        for entry in template.fidelity
        if "--skip" in entry.how
    }
    assert told == {
        ("Resizer", ""): ("not simulated", "left out by --skip"),
        ("May", ""): ("not simulated", "left out with App/Resizer by --skip"),
        ("Rule", "Targets"): ("not simulated", "what leads to App/Resizer is left out with it by --skip"),
    }
    (rule,) = template.rules
    assert [target.id for target in rule.targets] == ["b"]


def test_reference_to_what_is_left_out_gives_a_text(assembly: AssemblyWriter) -> None:
    """Environment variables and policies still resolve: by the names of a known type, else by made-up ones."""
    assembly.asset("code")
    variables = {
        "ARN": arn("Clicks"),
        "NAME": {"Ref": "Clicks"},
        "HOST": {"Fn::Sub": "${Clicks.Host}"},
        "ACCOUNT": {"Fn::Select": [4, {"Fn::Split": [":", arn("Clicks")]}]},
        "QUEUE": {"Ref": "Queue"},
    }
    assembly.stack(
        {
            "Role": ROLE,
            "Clicks": resource("Kinesis::Stream"),
            "Queue": QUEUE,
            "Worker": resource(
                "Lambda::Function",
                Runtime="python3.13",
                Handler="a.b",
                Role=arn("Role"),
                Code={"S3Key": "code.zip"},
                Environment={"Variables": variables},
            ),
        }
    )

    template = assembly.load(skip=["Clicks", "Queue"])

    (worker,) = template.functions

    name = worker.environment["NAME"]
    assert name.startswith("App-Clicks-")
    assert worker.environment == {
        "ARN": f"arn:aws:kinesis:us-east-1:123456789012:{name}",
        "NAME": name,
        "HOST": f"{name}-Host",
        "ACCOUNT": "123456789012",
        "QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/orders",
    }
    told = [(entry.property_path, entry.verdict) for entry in template.fidelity if "made-up text" in entry.how]
    assert told == [("Environment", "approximated")]


def test_what_hangs_on_it_goes_across_stacks(assembly: AssemblyWriter) -> None:
    """An import and an output asked for lead to what is left out as well as a reference does."""
    assembly.stack(
        {"News": resource("SNS::Topic")},
        name="Data",
        Outputs={"Topic": {"Value": {"Ref": "News"}, "Export": {"Name": "topic"}}},
    )
    mail = {"Protocol": "email", "Endpoint": "a@example.com"}
    asked = {"Fn::GetStackOutput": {"StackName": "Data", "OutputName": "Topic"}}
    assembly.stack(
        {
            "Strong": resource("SNS::Subscription", TopicArn={"Fn::ImportValue": "topic"}, **mail),
            "Weak": resource("SNS::Subscription", TopicArn=asked, **mail),
        }
    )

    assert left_out(assembly, "News") == dict.fromkeys(["News", "Strong", "Weak"], "Data/News")


def test_list_loses_only_what_leads_there(assembly: AssemblyWriter) -> None:
    """Of a policy for two queues, and of a bucket that notifies two, the other one keeps its own."""
    notifications = [{"Event": "s3:ObjectCreated:*", "Queue": arn(queue)} for queue in ("Queue", "Other")]
    assembly.stack(
        {
            "Queue": QUEUE,
            "Other": resource("SQS::Queue", QueueName="other"),
            "Policy": resource("SQS::QueuePolicy", Queues=[{"Ref": "Queue"}, {"Ref": "Other"}], PolicyDocument={}),
            "Bucket": resource("S3::Bucket", NotificationConfiguration={"QueueConfigurations": notifications}),
        }
    )

    template = assembly.load(skip=["Queue"])

    assert left_out(assembly, "Queue") == dict.fromkeys(
        ["Queue", "Policy Queues", "Bucket NotificationConfiguration.QueueConfigurations"], "App/Queue"
    )
    assert list(template.resource_policies) == ["arn:aws:sqs:us-east-1:123456789012:other"]
    assert [each.destination_arn for each in template.buckets[0].notifications] == list(template.resource_policies)


def test_custom_resource_goes_with_its_provider(assembly: AssemblyWriter) -> None:
    """A custom resource hangs on the function that its ServiceToken names."""
    custom = {"Type": "Custom::Emptied", "Properties": {"ServiceToken": arn("Provider")}}
    assembly.stack({"Role": ROLE, "Provider": NODE, "Emptied": custom})

    assert left_out(assembly, "Provider") == dict.fromkeys(["Provider", "Emptied"], "App/Provider")


@pytest.mark.parametrize("name", ["Media", "App/Media", "Media/Function", "VpcSubnet", "App/VpcSubnet"])
def test_resource_is_named_in_several_ways(assembly: AssemblyWriter, name: str) -> None:
    """Logical id, construct path and what is below it, each alone or behind the stack."""
    assembly.stack({"Role": ROLE, "MediaFunction": NODE, "VpcSubnet": resource("EC2::Subnet")})
    entry = [{"type": "aws:cdk:logicalId", "data": "MediaFunction"}]
    assembly.artifacts["App"]["metadata"]["/App/Media/Function/Resource"] = entry
    del assembly.artifacts["App"]["metadata"]["/App/MediaFunction/Resource"]
    assembly.write()
    wanted = "VpcSubnet" if "Vpc" in name else "MediaFunction"

    survived = survey(assembly.path, skip=[name]).resources.by_address

    assert set(survived) == {"App/Role", "App/MediaFunction", "App/VpcSubnet"} - {f"App/{wanted}"}


def test_what_another_template_has_is_left_out_by_its_arn(assembly: AssemblyWriter) -> None:
    """A mapping of a stream elsewhere goes, a layer elsewhere is taken from its function."""
    stream, layer = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks", "arn:aws:lambda:us-east-1:1:layer:agent:3"
    worker = resource("Lambda::Function", **{**NODE["Properties"], "Runtime": "python3.13", "Layers": [layer]})
    source = {"Fn::Sub": stream.replace("us-east-1", "${AWS::Region}")}
    feed = resource("Lambda::EventSourceMapping", FunctionName={"Ref": "Worker"}, EventSourceArn=source)
    assembly.stack({"Role": ROLE, "Worker": worker, "Feed": feed})

    assert left_out(assembly, stream, layer) == {"Worker Layers": layer, "Feed": stream}
    assert assembly.load(skip=[stream, layer]).functions[0].layers == ()
    with pytest.raises(TemplateError, match=f"--skip {layer}"):
        assembly.load(skip=[stream])
    with pytest.raises(UsageError, match="nothing that could be left out leads to arn:aws:sqs"):
        assembly.load(skip=[stream, layer, "arn:aws:sqs:us-east-1:1:gone"])


def test_fails_when_the_name_is_not_one_resource(assembly: AssemblyWriter) -> None:
    """An unknown name is refused with what may be meant, one in two stacks with how to tell them apart."""
    assembly.stack({"News": resource("SNS::Topic")}, name="One")
    assembly.stack({"News": resource("SNS::Topic")}, name="Two")

    with pytest.raises(UsageError, match=r"no resource Nws to leave out; did you mean News\?"):
        assembly.load(skip=["Nws"])
    with pytest.raises(UsageError, match=r"News is in several stacks; did you mean One/News or Two/News\?"):
        assembly.load(skip=["News"])
    assert [topic.stack for topic in assembly.load(skip=["Two/News"]).topics] == ["One"]


def test_fails_when_failures_would_go_to_what_is_left_out(assembly: AssemblyWriter) -> None:
    """A dead-letter queue is not left out behind the back of the queue that counts on it."""
    redrive = {"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 3}
    assembly.stack({"Dead": resource("SQS::Queue"), "Queue": resource("SQS::Queue", RedrivePolicy=redrive)})

    said = "Queue.RedrivePolicy.deadLetterTargetArn: App/Dead is left out, and this sends there; --skip Queue too"
    with pytest.raises(TemplateError, match=said):
        assembly.load(skip=["Dead"])
    assert left_out(assembly, "Dead", "Queue") == {"Dead": "App/Dead", "Queue": "App/Queue"}


def test_tables_know_types_of_the_tool() -> None:
    """What hangs on what is said of types that have names here, or soon will."""
    for table in (HANGS_ON, LEADS_TO, SENDS_TO):
        assert set(table) - {"AWS::Lambda::EventInvokeConfig"} <= set(IDENTITIES)
