"""The application behind a JWT authorizer, end to end: who gets in, and what each one sees."""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from penstock.application import Application
from penstock.cli.run import introduce

ROOT = Path(__file__).parent.parent
ISSUER, AUDIENCE = "https://issuer.example/customers", "orders"
SYNTHESIS = f"""
import runpy
from dataclasses import replace
from stacks import settings
settings.STAGES["prod"] = replace(
    settings.PROD, jwt_issuer="{ISSUER}", jwt_audience="{AUDIENCE}", customer_managed_key=True
)
runpy.run_path("app.py", run_name="__main__")
"""
LINE = {"stockCode": "22728", "quantity": 2, "unitPrice": "3.75", "invoicedAt": "2010-12-01T08:45:00"}


@pytest.fixture(scope="module")
def jwt_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage ``prod`` with an issuer and an audience, and with a key of its own, which changes nothing here."""
    directory = tmp_path_factory.mktemp("assembly") / "cdk.out"
    environment = {**os.environ, "CDK_OUTDIR": str(directory), "CDK_VALIDATION": "false"}
    environment |= {"CDK_CONTEXT_JSON": '{"stage": "prod"}', "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    synth = subprocess.run(
        [sys.executable, "-c", SYNTHESIS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert synth.returncode == 0, synth.stderr
    return directory


@pytest.fixture(scope="module")
def application(jwt_assembly: Path) -> Iterator[Application]:
    """The application, started once, on a clock that jumps."""
    with Application.start(jwt_assembly, clock="jumping", seed=1) as running:
        yield running


def ask(application: Application, method: str, path: str, token: str | None, body: Any = None) -> tuple[int, Any]:
    """Status and JSON body of one request."""
    connection = http.client.HTTPConnection(urlsplit(application.api_url).netloc, timeout=60)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def token(application: Application, *scopes: str, **claims: Any) -> str:
    """A token of the local issuer."""
    return application.token(subject="somebody", scopes=scopes, claims=claims, lifetime_seconds=3600)


def order(order_id: str, customer_id: str) -> dict[str, Any]:
    """An order of a customer."""
    return {"orderId": order_id, "customerId": customer_id, "country": "France", "lines": [LINE]}


def test_customer_sees_only_its_own_orders(application: Application) -> None:
    """What one customer placed is there for it and for an administrator, and does not exist for another."""
    one, two = (token(application, "orders/read", "orders/write", customer_id=name) for name in ("17850", "13047"))
    admin = token(application, "orders/read", "orders/admin")

    assert ask(application, "POST", "/orders", one, order("mine", "17850"))[0] == 202
    application.settle()

    seen = {who: ask(application, "GET", "/orders/mine", who)[0] for who in (one, two, admin)}
    listed = {who: ask(application, "GET", "/customers/17850/orders", who)[0] for who in (one, two, admin)}
    counted = {who: ask(application, "GET", "/statistics", who)[0] for who in (one, two, admin)}
    assert seen == {one: 200, two: 404, admin: 200}
    assert listed == {one: 200, two: 403, admin: 200}
    assert counted == {one: 403, two: 403, admin: 200}


def test_customer_places_only_its_own_orders(application: Application) -> None:
    """An order for somebody else is refused by the function, with the member that is wrong."""
    own = token(application, "orders/write", customer_id="17850")

    status, problem = ask(application, "POST", "/orders", own, order("not-mine", "13047"))

    assert (status, problem["field"]) == (403, "customerId")


def test_route_asks_for_its_scope(application: Application) -> None:
    """Who may only read cannot place, and the other way round; the API says so itself."""
    reader = token(application, "orders/read", customer_id="17850")
    writer = token(application, "orders/write", customer_id="17850")

    assert ask(application, "POST", "/orders", reader, order("x", "17850")) == (403, {"message": "Forbidden"})
    assert ask(application, "GET", "/orders/mine", writer) == (403, {"message": "Forbidden"})


def test_stranger_is_unauthorized(application: Application) -> None:
    """No route, not even the default one, answers without a token."""
    for path in ("/orders/1", "/statistics", "/nothing"):
        assert ask(application, "GET", path, None) == (401, {"message": "Unauthorized"})


def test_token_of_the_command_line_is_admitted(application: Application, jwt_assembly: Path) -> None:
    """`penstock token` and a running application agree on the key; a token that has expired is refused."""

    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "penstock", "token", str(jwt_assembly), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    admitted = printed("--claim", "customer_id=17850")
    expired = printed("--claim", "customer_id=17850", "--lifetime", "-1")

    assert ask(application, "GET", "/customers/17850/orders", admitted)[0] == 200
    assert ask(application, "GET", "/customers/17850/orders", expired)[0] == 401


def test_printed_line_is_admitted(application: Application, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of curl that `penstock run` prints passes the authorizer: the function answers it."""
    introduce(application)

    printed = re.search(r"curl -s -H 'authorization: Bearer (?P<token>.*)' (?P<url>.*)", capsys.readouterr().out)
    assert printed is not None
    status, problem = ask(application, "GET", urlsplit(printed["url"]).path, printed["token"])
    assert (status, problem["detail"]) == (403, "the statistics of the shop need the scope orders/admin")
