"""The application behind a JWT authorizer, end to end: who gets in, and what each one sees."""

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
from penstock.testing import ApplicationUnderTest

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
def application(jwt_assembly: Path) -> Iterator[ApplicationUnderTest]:
    """The application, started once, on a clock that jumps."""
    with Application.start(jwt_assembly, clock="jumping", seed=1) as running:
        yield ApplicationUnderTest(running, {})


def claims(*scopes: str, **others: str) -> dict[str, str]:
    """What a token of somebody claims."""
    return {"sub": "somebody", "scope": " ".join(scopes), **others}


def order(order_id: str, customer_id: str) -> dict[str, Any]:
    """An order of a customer."""
    return {"orderId": order_id, "customerId": customer_id, "country": "France", "lines": [LINE]}


def test_customer_sees_only_its_own_orders(application: ApplicationUnderTest) -> None:
    """What one customer placed is there for it and for an administrator, and does not exist for another."""
    one, two = (claims("orders/read", "orders/write", customer_id=name) for name in ("17850", "13047"))
    admin = claims("orders/read", "orders/admin")

    assert application.api.post("/orders", json=order("mine", "17850"), as_=one).status == 202
    application.settle()

    paths = ("/orders/mine", "/customers/17850/orders", "/statistics")
    seen = [[application.api.get(path, as_=who).status for path in paths] for who in (one, two, admin)]
    assert seen == [[200, 200, 403], [404, 403, 403], [200, 200, 200]]


def test_customer_places_only_its_own_orders(application: ApplicationUnderTest) -> None:
    """An order for somebody else is refused by the function, with the member that is wrong."""
    own = claims("orders/write", customer_id="17850")

    refused = application.api.post("/orders", json=order("not-mine", "13047"), as_=own)

    assert (refused.status, refused.json["field"]) == (403, "customerId")


def test_route_asks_for_its_scope(application: ApplicationUnderTest) -> None:
    """Who may only read cannot place, and the other way round; the API says so itself."""
    reader, writer = (claims(scope, customer_id="17850") for scope in ("orders/read", "orders/write"))

    read = application.api.get("/orders/mine", as_=writer)
    written = application.api.post("/orders", json=order("x", "17850"), as_=reader)

    assert [(answer.status, answer.json) for answer in (read, written)] == [(403, {"message": "Forbidden"})] * 2


def test_stranger_is_unauthorized(application: ApplicationUnderTest) -> None:
    """No route, not even the default one, answers without a token."""
    for path in ("/orders/1", "/statistics", "/nothing"):
        answer = application.api.get(path, as_=None)
        assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})


def test_token_of_the_command_line_is_admitted(application: ApplicationUnderTest, jwt_assembly: Path) -> None:
    """`penstock token` and a running application agree on the key; a token that has expired is refused."""

    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "penstock", "token", str(jwt_assembly), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    admitted = printed("--claim", "customer_id=17850")
    expired = printed("--claim", "customer_id=17850", "--lifetime", "-1")

    tokens = {"admitted": admitted, "expired": expired}
    answers = {
        name: application.api.get("/customers/17850/orders", headers={"authorization": f"Bearer {token}"}).status
        for name, token in tokens.items()
    }
    assert answers == {"admitted": 200, "expired": 401}


def test_printed_line_is_admitted(application: ApplicationUnderTest, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of curl that `penstock run` prints passes the authorizer: the function answers it."""
    introduce(application.running)

    printed = re.search(r"curl -s -H 'authorization: Bearer (?P<token>.*)' (?P<url>.*)", capsys.readouterr().out)
    assert printed is not None
    headers = {"authorization": f"Bearer {printed['token']}"}
    answer = application.api.get(urlsplit(printed["url"]).path, headers=headers)
    assert (answer.status, answer.json["detail"]) == (403, "the statistics of the shop need the scope orders/admin")
