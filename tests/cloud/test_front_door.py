"""The front door: who calls what, through which interceptors."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from penstock.cloud.call_counter import CallCounter
from penstock.cloud.callers import Caller, Callers
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine, Reply, Request
from penstock.cloud.front_door import Call, FrontDoor, Proceed, operation_of
from penstock.cloud.queues import Queues
from penstock.loopback import endpoint_of, listen

FUNCTION_ROLE = "arn:aws:iam::123456789012:role/relay"


def with_door(
    use: Callable[[Callable[[str, Caller], Any], Callers, Queues], Any], *interceptors: Any
) -> tuple[Any, JumpingClock]:
    """Open a door, let ``use`` make calls in a thread of its own, close it."""

    async def go() -> tuple[Any, JumpingClock]:
        clock = JumpingClock()
        engine = Engine(account_id="123456789012", region="us-east-1")
        callers = Callers(account_id="123456789012", seed="0")
        queues = Queues(engine, clock)
        services = {"sqs.ReceiveMessage": queues.receive_call}
        door = FrontDoor(engine, callers, clock, interceptors=interceptors, services=services)
        await door.start()

        def client(service: str, caller: Caller) -> Any:
            from botocore.config import Config
            from botocore.session import Session

            session = Session()
            session.set_credentials(caller.access_key, caller.secret_key)
            config = Config(retries={"total_max_attempts": 1}, account_id_endpoint_mode="disabled")
            return session.create_client(service, region_name="us-east-1", endpoint_url=door.endpoint, config=config)

        try:
            return await asyncio.to_thread(use, client, callers, queues), clock
        finally:
            await door.close()
            clock.close()

    return asyncio.run(go())


def test_call_is_counted_under_its_caller() -> None:
    """A function's role is known by its credentials, whatever the service."""
    counter = CallCounter()

    def use(client: Any, callers: Callers, queues: Queues) -> None:
        relay = callers.register("Relay", FUNCTION_ROLE)
        client("sqs", relay).create_queue(QueueName="q")
        client("sns", relay).create_topic(Name="t")
        s3 = client("s3", callers.operator)
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="a/b c", Body=b"x")
        assert s3.get_object(Bucket="bucket", Key="a/b c")["Body"].read() == b"x"

    with_door(use, counter)

    assert counter.calls == {
        ("Relay", "sqs", "CreateQueue"): 1,
        ("Relay", "sns", "CreateTopic"): 1,
        ("operator", "s3", "CreateBucket"): 1,
        ("operator", "s3", "PutObject"): 1,
        ("operator", "s3", "GetObject"): 1,
    }


def test_interceptors_are_passed_in_order() -> None:
    """An interceptor may answer itself; those behind it then see nothing."""
    seen: list[str] = []

    class Refuse:
        async def __call__(self, call: Call, proceed: Proceed) -> Reply:
            seen.append(f"{call.service}.{call.operation}")
            return Reply(status=400, headers={"content-type": "application/x-amz-json-1.0"}, body=b'{"__type":"Nope"}')

    counter = CallCounter()

    def use(client: Any, callers: Callers, queues: Queues) -> str:
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as refused:
            client("dynamodb", callers.operator).list_tables()
        return str(refused.value.response["Error"]["Code"])

    code, _ = with_door(use, Refuse(), counter)

    assert (code, seen, counter.calls) == ("Nope", ["dynamodb.ListTables"], {})


def test_fails_when_the_caller_is_unknown() -> None:
    """Credentials of another cloud open nothing."""

    def use(client: Any, callers: Callers, queues: Queues) -> str:
        from botocore.exceptions import ClientError

        stranger = Caller(name="x", arn="x", access_key="AKIASTRANGER", secret_key="x")
        with pytest.raises(ClientError) as refused:
            client("dynamodb", stranger).list_tables()
        return str(refused.value.response["Error"]["Code"])

    assert with_door(use)[0] == "UnrecognizedClientException"


def test_receive_in_a_form_waits_as_well() -> None:
    """As SDKs asked until they spoke JSON to queues: answered in XML, after a wait on the clock."""

    def use(client: Any, callers: Callers, queues: Queues) -> list[str]:
        sqs = client("sqs", callers.operator)
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        form = {"Action": "ReceiveMessage", "Version": "2012-11-05", "QueueUrl": url, "WaitTimeSeconds": "20"}

        def receive() -> str:
            headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
            request = AWSRequest("POST", f"{sqs.meta.endpoint_url}/", data=urlencode(form), headers=headers)
            credentials = Credentials(callers.operator.access_key, callers.operator.secret_key)
            SigV4Auth(credentials, "sqs", "us-east-1").add_auth(request)
            return str(URLLib3Session().send(request.prepare()).text)

        sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=15)
        return [receive(), receive()]

    (first, second), clock = with_door(use)

    assert "<Body>later</Body>" in first
    assert ("<ReceiveMessageResponse" in second, "<Message>" in second) == (True, False)
    assert 34_000 < clock.skipped_ms < 36_000


def test_long_polling_waits_on_the_clock() -> None:
    """A receive that waits for a delayed message takes no wall time on a jumping clock."""

    def use(client: Any, callers: Callers, queues: Queues) -> list[str]:
        sqs = client("sqs", callers.operator)
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=15)
        assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
        return [message["Body"] for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]]

    bodies, clock = with_door(use)

    assert bodies == ["later"]
    assert 14_000 < clock.skipped_ms < 16_000


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("PUT", "/b/k", "", "PutObject"),
        ("GET", "/b", "list-type=2", "ListObjectsV2"),
        ("GET", "/b", "", "ListObjects"),
        ("DELETE", "/b/k/l", "", "DeleteObject"),
        ("GET", "/b/k", "tagging", "GetObjectTagging"),
        ("HEAD", "/b/k", "", "HeadObject"),
    ],
)
def test_operation_of_a_rest_call_is_named(method: str, path: str, query: str, operation: str) -> None:
    """A REST request is named by its method, path and query."""
    request = Request(method=method, path=path, query=query, headers={}, body=b"")

    assert operation_of("s3", request) == operation


@pytest.mark.parametrize(
    ("path", "query", "kind", "body", "text"),
    [
        ("/", "", "application/x-amz-json-1.1", b'{"a": "b+c"}', '{"a": "b+c"}'),
        (
            "/1/jobs",
            "",
            "application/x-www-form-urlencoded",
            b"Action=Publish&Message=a%2Fb+c",
            "Action=Publish&Message=a/b c",
        ),
        ("/b/k", "", "", b"", "/b/k?"),
        ("/b/k", "x-id=PutObject", "text/csv", b"a,1", "/b/k?x-id=PutObject\na,1"),
    ],
)
def test_request_is_told_as_text(path: str, query: str, kind: str, body: bytes, text: str) -> None:
    """Its body, below the path where that says what it is for."""
    request = Request(method="POST", path=path, query=query, headers={"content-type": kind}, body=body)
    caller = Callers(account_id="123456789012", seed="0").operator

    assert Call(caller=caller, service="s3", operation="x", region="eu-west-1", request=request).text() == text


def test_call_before_the_door_opens_waits() -> None:
    """Who knows the address early is answered as soon as the door is open."""

    async def go() -> int:
        listening = listen()
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        clock = JumpingClock()
        engine = Engine(account_id="123456789012", region="us-east-1")
        door = FrontDoor(engine, Callers(account_id="123456789012", seed="0"), clock)
        await door.start(listening)
        assert door.endpoint == endpoint_of(listening)
        status = int((await reader.readline()).split()[1])
        writer.close()
        await door.close()
        clock.close()
        return status

    assert asyncio.run(go()) == 403
