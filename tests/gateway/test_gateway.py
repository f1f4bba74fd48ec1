"""The gateway on the wire."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from penstock.cloud.clock import WallClock
from penstock.errors import EnvironmentProblem, TemplateError
from penstock.gateway.gateway import Gateway, Served, listen_on
from penstock.gateway.issuer import Issuer
from penstock.runtime.invocation import Answer, InvocationResult
from penstock.template.models import HttpApi
from tests.gateway.requests import AUTHORIZER, FUNCTION_ARN, a_route, a_stage, an_api

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Function:
    """Stands for the API function: notes each invocation and answers with what it was told to."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []
        self.arns: list[str] = []
        self.answer: bytes | None = None
        self.released = asyncio.Event()
        self.released.set()

    async def invoke(self, function: str, payload: bytes, *, request_id: str) -> InvocationResult:
        """Note the event; the answer is the event itself unless another was set."""
        self.arns.append(function)
        self.events.append(json.loads(payload))
        await self.released.wait()
        return Answer(payload=self.answer or payload, executed_version="1")


Scenario = Callable[[Gateway, Function, aiohttp.ClientSession], Awaitable[None]]


def run(api: HttpApi, scenario: Scenario, *, issuer: Issuer | None = None) -> list[Served]:
    """Run a scenario against a gateway for this API; tells what was served."""
    served: list[Served] = []

    async def main() -> None:
        function = Function()
        gateway = Gateway(
            api,
            invoke=function.invoke,
            may_invoke=lambda *_: True,
            secret_of={KEY: (SECRET, "arn:aws:iam::123456789012:user/operator")}.get,
            public_key_of=issuer.public_key_of if issuer else lambda _: None,
            clock=WallClock(),
            on_request=served.append,
        )
        await gateway.start()
        try:
            async with aiohttp.ClientSession() as client:
                await scenario(gateway, function, client)
        finally:
            await gateway.close()

    asyncio.run(main())
    return served


def test_request_reaches_the_function_and_comes_back() -> None:
    """The function is invoked by its qualified ARN with the event, and its response is the answer."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        function.answer = json.dumps(
            {"statusCode": 202, "headers": {"Location": "/orders/1"}, "cookies": ["a=1", "b=2"], "body": "{}"}
        ).encode()
        async with client.post(f"{gateway.url}/orders?x=1&x=2", json={"orderId": "1"}) as response:
            assert response.status == 202
            assert response.headers["Location"] == "/orders/1"
            assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
            assert len(response.headers["apigw-requestid"]) == 16
            assert await response.text() == "{}"
        assert function.arns == [FUNCTION_ARN]
        (event,) = function.events
        assert event["body"] == '{"orderId": "1"}'
        assert event["queryStringParameters"] == {"x": "1,2"}

    (served,) = run(an_api(a_route("POST /orders")), scenario)

    assert (served.method, served.path, served.route_key) == ("POST", "/orders?x=1&x=2", "POST /orders")
    assert served.status == 202
    assert served.duration_ms > 0


def test_unknown_route_is_not_found() -> None:
    """Without a ``$default`` route what no route takes is 404, and no function hears of it."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        async with client.get(f"{gateway.url}/elsewhere") as response:
            assert response.status == 404
            assert await response.json() == {"message": "Not Found"}
        assert function.events == []

    (served,) = run(an_api(a_route("POST /orders")), scenario)

    assert (served.route_key, served.status) == (None, 404)


def test_default_route_takes_any_path_as_sent() -> None:
    """The ``$default`` route gets every method and path, encoded characters decoded once."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
        writer.write(b"PATCH /a%20b//c%2525/../d?q=%2B+ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
        (event,) = function.events
        assert event["routeKey"] == "$default"
        assert event["rawPath"] == "/a b//c%25/../d"
        assert event["rawQueryString"] == "q=%2B+"
        assert event["queryStringParameters"] == {"q": "+ "}

    run(an_api(a_route("$default")), scenario)


def test_stages_are_told_apart() -> None:
    """A path that names a stage goes there with the stage in its raw path; everything else to ``$default``."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        for path in ("/beta/orders", "/orders"):
            async with client.get(gateway.url + path) as response:
                assert response.status == 200
        contexts = [(e["rawPath"], e["requestContext"]["stage"], e.get("stageVariables")) for e in function.events]  # type: ignore[index]
        assert contexts == [("/beta/orders", "beta", {"color": "blue"}), ("/orders", "$default", None)]

    run(an_api(a_route("GET /orders"), stages=(a_stage(), a_stage("beta", color="blue"))), scenario)


def test_unsigned_request_is_forbidden() -> None:
    """A route with IAM authorization answers 403 to whoever does not sign, without invoking."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        async with client.get(f"{gateway.url}/orders") as response:
            assert response.status == 403
            assert await response.json() == {"message": "Forbidden"}
        assert function.events == []

    run(an_api(a_route("GET /orders", authorization="AWS_IAM")), scenario)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_curl_signs_requests() -> None:
    """curl's own signer is understood, with a query and with a body; a wrong secret is not."""

    async def curl(*arguments: str, secret: str = SECRET) -> tuple[int, str]:
        signer = ("--aws-sigv4", "aws:amz:eu-west-1:execute-api", "--user", f"{KEY}:{secret}")
        process = await asyncio.create_subprocess_exec(
            "curl", "-s", "-w", "\n%{http_code}", *signer, *arguments, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        body, _, status = output.decode().rpartition("\n")
        return int(status), body

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        post = ("-H", "Content-Type: application/json", "-d", '{"orderId": "1"}', f"{gateway.url}/orders")
        get = (f"{gateway.url}/orders?from=2010-12-01&to=2011-12-10",)
        assert (await curl(*post))[0] == 200
        assert (await curl(*get))[0] == 200
        assert await curl(*get, secret="wrong") == (403, '{"message":"Forbidden"}')
        posted, got = function.events
        assert posted["body"] == '{"orderId": "1"}'
        assert got["queryStringParameters"] == {"from": "2010-12-01", "to": "2011-12-10"}
        assert got["requestContext"]["authorizer"]["iam"]["accessKey"] == KEY  # type: ignore[index]

    run(an_api(a_route("ANY /orders", authorization="AWS_IAM")), scenario)


def test_large_body_is_refused() -> None:
    """A body of more than 10 MB is 413, whether its length was announced or not; one of that size passes."""

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 1 << 20):
            yield b"x" * min(1 << 20, size - start)

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        function.answer = b'"small"'
        limit = 10 * 1024 * 1024
        bodies = ((BytesIO(b"x" * limit), 200), (BytesIO(b"x" * (limit + 1)), 413), (pieces(limit + 1), 413))
        for body, status in bodies:
            async with client.post(f"{gateway.url}/", data=body) as response:
                assert response.status == status
                if status == 413:
                    assert await response.json() == {"message": "Request Entity Too Large"}
        assert len(function.events) == 1

    run(an_api(a_route("$default")), scenario)


def test_slow_function_is_unavailable() -> None:
    """Past the integration's timeout the answer is 503; the function goes on."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        function.released.clear()
        async with client.get(f"{gateway.url}/") as response:
            assert response.status == 503
            assert await response.json() == {"message": "Service Unavailable"}
        function.released.set()

    run(an_api(a_route("$default", timeout_ms=50)), scenario)


def test_close_drops_what_is_under_way() -> None:
    """Closing does not wait for a function."""

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        function.released.clear()
        waiting = asyncio.create_task(client.get(f"{gateway.url}/"))
        while not function.events:
            await asyncio.sleep(0)
        await gateway.close()
        await asyncio.wait([waiting])
        if not waiting.exception():
            waiting.result().close()

    run(an_api(a_route("$default")), scenario)


def test_fails_when_the_port_is_taken() -> None:
    """A port in use is named with the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(EnvironmentProblem, match=rf"port {port} .*--port"):
            listen_on(port)


def test_fails_when_the_payload_format_is_another() -> None:
    """What the gateway cannot do is refused by name before anything runs."""
    api = an_api(a_route("GET /orders", payload_format="1.0"))

    with pytest.raises(TemplateError, match=r"payload format 1.0 .* is not supported; use 2.0"):
        Gateway(
            api,
            invoke=Function().invoke,
            may_invoke=lambda *_: True,
            secret_of=lambda _: None,
            public_key_of=lambda _: None,
            clock=WallClock(),
            on_request=lambda _: None,
        )


def test_token_admits(tmp_path: Path) -> None:
    """A route with a JWT authorizer invokes for a good token, and only for one."""
    issuer = Issuer(tmp_path)
    now_ms = WallClock().now_ms()
    token = issuer.mint(AUTHORIZER, subject="me", scopes=["read"], now_ms=now_ms, lifetime_seconds=60)

    async def scenario(gateway: Gateway, function: Function, client: aiohttp.ClientSession) -> None:
        async with client.get(f"{gateway.url}/", headers={"authorization": f"Bearer {token}"}) as response:
            assert response.status == 200
        async with client.get(f"{gateway.url}/", headers={"authorization": f"Bearer {token}x"}) as response:
            assert (response.status, await response.json()) == (401, {"message": "Unauthorized"})
            assert 'error="invalid_token"' in response.headers["www-authenticate"]
        (event,) = function.events
        assert event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "me"  # type: ignore[index]

    run(an_api(a_route("$default", authorization="JWT")), scenario, issuer=issuer)
