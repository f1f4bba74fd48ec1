"""Whom a JWT authorizer admits, and how it refuses the others."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from penstock.gateway.issuer import Issuer
from penstock.gateway.response import HttpResponse
from penstock.gateway.tokens import Bearer, bearer_of
from penstock.template.models import Route
from tests.gateway.requests import AUTHORIZER, a_request, a_route

NOW_MS = 1_583_348_638_390
ROUTE = a_route("GET /orders", authorization="JWT")
SCOPED = a_route("GET /orders", authorization="JWT", scopes=("orders/read", "orders/admin"))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """The local issuer with a key of its own."""
    return Issuer(tmp_path_factory.mktemp("cache"))


def minted(issuer: Issuer, scopes: tuple[str, ...] = (), **claims: Any) -> str:
    """A token of now, good for a minute; claims as given instead."""
    return issuer.mint(AUTHORIZER, subject="me", scopes=scopes, claims=claims, now_ms=NOW_MS, lifetime_seconds=60)


def judged(issuer: Issuer, token: str | None, route: Route = ROUTE, *, later_ms: int = 0) -> Bearer | HttpResponse:
    """What becomes of a request with this token."""
    headers = () if token is None else (("Authorization", token),)
    request = a_request(headers=headers)
    return bearer_of(request, route, public_key_of=issuer.public_key_of, now_ms=NOW_MS + later_ms)


def challenge(answer: Bearer | HttpResponse) -> str:
    """The header www-authenticate of a 401."""
    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.body) == (401, b'{"message":"Unauthorized"}')
    return dict(answer.headers)["www-authenticate"]


def encoded(value: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("prefix", ["", "Bearer "])
def test_good_token_is_admitted(issuer: Issuer, prefix: str) -> None:
    """A token of the issuer is good until it expires, bare or after Bearer; its claims are as signed."""
    answer = judged(issuer, prefix + minted(issuer, groups=["a", "b"]))

    assert isinstance(answer, Bearer)
    assert answer.scopes is None
    assert answer.claims == {
        "iss": AUTHORIZER.issuer,
        "sub": "me",
        "aud": "orders",
        "iat": NOW_MS // 1000,
        "exp": NOW_MS // 1000 + 60,
        "scope": "",
        "groups": ["a", "b"],
    }


def test_missing_token_is_unauthorized(issuer: Issuer) -> None:
    """Without a token the challenge says no more than how to bring one."""
    assert challenge(judged(issuer, None)) == "Bearer"


def test_refusal_is_worded_as_aws_does(issuer: Issuer) -> None:
    """The header is, to the letter, the one that AWS publishes."""
    answer = judged(issuer, minted(issuer, aud="another"))

    assert challenge(answer) == (
        'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"'
    )


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "https://issuer.example/pool/"}, "valid issuer"),
        ({"iss": None}, "valid issuer"),
        ({"aud": "orders shop"}, "valid audience"),
        ({"aud": ["another"]}, "valid audience"),
        ({"aud": ["another"], "client_id": "orders"}, "valid audience"),
        ({"exp": NOW_MS // 1000}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "4102444800"}, "expired"),
        ({"nbf": NOW_MS // 1000 + 1}, "not valid yet"),
        ({"iat": NOW_MS // 1000 + 1}, "not valid yet"),
        ({"iat": "yesterday"}, "not valid yet"),
    ],
)
def test_bad_claim_is_unauthorized(issuer: Issuer, claims: dict[str, Any], words: str) -> None:
    """Each claim that is evaluated is refused when it does not hold."""
    assert words in challenge(judged(issuer, minted(issuer, **claims)))


def test_token_expires_with_the_clock(issuer: Issuer) -> None:
    """The application's clock says when a token's time is over."""
    token = minted(issuer)

    assert isinstance(judged(issuer, token, later_ms=59_000), Bearer)
    assert "expired" in challenge(judged(issuer, token, later_ms=60_000))


@pytest.mark.parametrize("claims", [{"aud": ["another", "shop"]}, {"client_id": "shop"}])
def test_one_audience_of_many_is_enough(issuer: Issuer, claims: dict[str, Any]) -> None:
    """Any of the token's audiences may be any of the authorizer's; the client's id counts when there is none."""
    own = minted(issuer, **claims)
    if "aud" not in claims:
        header, payload, _ = own.split(".")
        kept = json.loads(base64.urlsafe_b64decode(payload + "=="))
        del kept["aud"]
        own = _signed(issuer, f"{header}.{encoded(kept)}")

    assert isinstance(judged(issuer, own), Bearer)


def _signed(issuer: Issuer, content: str) -> str:
    signature = issuer._key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_forged_token_is_unauthorized(issuer: Issuer, tmp_path: Path) -> None:
    """Another key, other claims under a signature, no signature at all, or another algorithm: none gets in."""
    header, payload, signature = minted(issuer).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    other = minted(Issuer(tmp_path))
    forged = {
        f"{header}.{encoded({**claims, 'sub': 'root'})}.{signature}": "valid signature",
        f"{header}.{payload}.": "valid signature",
        f"{encoded({'alg': 'none', 'kid': kid})}.{payload}.": "algorithm",
        f"{encoded({'alg': 'HS256', 'kid': kid})}.{payload}.{signature}": "algorithm",
        other: "unknown",
        f"{header}.{other.split('.')[1]}.{other.split('.')[2]}": "valid signature",
    }

    assert {token: words for token, words in forged.items() if words not in challenge(judged(issuer, token))} == {}


@pytest.mark.parametrize("token", ["token", "a.b.c", "..", "Basic eA==", "é.é.é", f"{encoded([1])}.{encoded({})}.x"])
def test_text_that_is_no_token_is_unauthorized(issuer: Issuer, token: str) -> None:
    """Whatever is sent instead of a token is refused, not stumbled over."""
    assert "malformed" in challenge(judged(issuer, token))


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "orders/read orders/write"}, ("orders/read", "orders/write")),
        ({"scope": ["orders/admin"]}, ("orders/admin",)),
    ],
)
def test_one_scope_of_the_route_is_enough(issuer: Issuer, claims: dict[str, Any], scopes: tuple[str, ...]) -> None:
    """Any scope of the route admits; the function is told all that the token has."""
    answer = judged(issuer, minted(issuer, **claims), SCOPED)

    assert isinstance(answer, Bearer)
    assert answer.scopes == scopes


def test_missing_scope_is_forbidden(issuer: Issuer) -> None:
    """A good token without a scope of the route is 403."""
    answer = judged(issuer, minted(issuer, ("orders/write", "orders/rea")), SCOPED)

    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')
    assert dict(answer.headers)["www-authenticate"] == (
        'Bearer scope="orders/read orders/admin" error="insufficient_scope"'
    )


def test_scope_may_be_named_scp(issuer: Issuer) -> None:
    """Some issuers call the claim scp."""
    header, payload, _ = minted(issuer).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    del claims["scope"]
    token = _signed(issuer, f"{header}.{encoded({**claims, 'scp': ['orders/read']})}")

    assert isinstance(judged(issuer, token, SCOPED), Bearer)


def test_token_may_come_in_the_query(issuer: Issuer) -> None:
    """The authorizer looks where its identity source says, and nowhere else."""
    route = replace(ROUTE, authorizer=replace(AUTHORIZER, identity_sources=("$request.querystring.token",)))
    token = minted(issuer)
    request = a_request(query=f"a=1&token={token}")

    assert isinstance(bearer_of(request, route, public_key_of=issuer.public_key_of, now_ms=NOW_MS), Bearer)
    assert challenge(judged(issuer, token, route)) == "Bearer"
