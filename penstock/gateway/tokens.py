"""Who holds a token: the JWT authorizer's check of one request.

Source: *Control access to HTTP APIs with JWT authorizers* (which claims, in which order) and *Troubleshooting issues
with HTTP API JWT authorizers* (the answer 401 and its ``www-authenticate``, of which AWS publishes one
description; the others are our words, and the challenge of a 403 is that of RFC 6750). How claims reach the function
is as events captured from AWS show it. Where that leaves a choice, the stricter one is taken.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from penstock.gateway.request import HttpRequest
from penstock.gateway.response import HttpResponse, message
from penstock.template.models import Route

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKeyOf = Callable[[str], "RSAPublicKey | None"]
"""Key id → the issuer's public key, ``None`` for an unknown one."""

ALGORITHMS = {"RS256": "SHA256", "RS384": "SHA384", "RS512": "SHA512"}
"""The RSA-based algorithms, which alone are supported: name in a token's header → name of the hash."""

_SOURCE = re.compile(r"\$request\.(?P<where>header|querystring)\.(?P<name>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """The holder of a good token: its claims as signed; its scopes, ``None`` on a route that asks for none."""

    claims: Mapping[str, Any]
    scopes: tuple[str, ...] | None

    def shown(self) -> dict[str, Any]:
        """Describe it as the event does: every claim a text, a list in brackets, no claim that is null."""
        claims = {name: _shown(value) for name, value in self.claims.items() if value is not None}
        return {"claims": claims, "scopes": None if self.scopes is None else list(self.scopes)}


class _Refused(Exception):
    """The token is not good; says why."""


def bearer_of(request: HttpRequest, route: Route, *, public_key_of: PublicKeyOf, now_ms: int) -> Bearer | HttpResponse:
    """Verify the token of a request to a route with a JWT authorizer, or give the answer that refuses it."""
    assert route.authorizer is not None
    token = _token(request, route.authorizer.identity_sources)
    if token is None:
        return _refusal(401, "Unauthorized", "Bearer")
    wanted = f'Bearer scope="{" ".join(route.scopes)}"'
    try:
        claims = _signed_claims(token, public_key_of)
        _check(claims, issuer=route.authorizer.issuer, audience=route.authorizer.audience, now_s=now_ms / 1000)
    except _Refused as refused:
        challenge = f'{wanted} error="invalid_token" error_description="{refused}"'
        return _refusal(401, "Unauthorized", challenge)
    scopes = _texts(claims.get("scope", claims.get("scp")))
    if route.scopes and not set(route.scopes) & set(scopes):
        return _refusal(403, "Forbidden", f'{wanted} error="insufficient_scope"')
    return Bearer(claims=claims, scopes=scopes if route.scopes else None)


def _refusal(status: int, words: str, challenge: str) -> HttpResponse:
    said = message(status, words)
    return HttpResponse(status=status, headers=(*said.headers, ("www-authenticate", challenge)), body=said.body)


def _token(request: HttpRequest, sources: tuple[str, ...]) -> str | None:
    """Find the token, bare or after ``Bearer``, where the authorizer looks for it."""
    for match in filter(None, map(_SOURCE.fullmatch, sources)):
        if match["where"] == "header":
            given = request.header(match["name"].lower())
        else:
            given = next(iter(parse_qs(request.raw_query).get(match["name"], ())), None)
        if given:
            return given.removeprefix("Bearer ").strip()
    return None


def _signed_claims(token: str, public_key_of: PublicKeyOf) -> dict[str, Any]:
    """Decode a token whose signature holds."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    head, _, signature = token.rpartition(".")
    encoded_header, _, encoded_claims = head.partition(".")
    header, claims = _object(encoded_header), _object(encoded_claims)
    algorithm = ALGORITHMS.get(str(header.get("alg")))
    if algorithm is None:
        raise _Refused("the token's algorithm is not supported")
    key = public_key_of(str(header.get("kid")))
    if key is None:
        raise _Refused("the token's key is unknown to the issuer")
    try:
        key.verify(_bytes(signature), head.encode(), padding.PKCS1v15(), getattr(hashes, algorithm)())
    except InvalidSignature:
        raise _Refused("the token does not have a valid signature") from None
    return claims


def _check(claims: Mapping[str, Any], *, issuer: str, audience: tuple[str, ...], now_s: float) -> None:
    """Evaluate the registered claims; ``client_id`` counts only when there is no ``aud``."""
    if claims.get("iss") != issuer:
        raise _Refused("the token does not have a valid issuer")
    named = claims.get("aud", claims.get("client_id"))
    if not ({named} if isinstance(named, str) else set(_texts(named))) & set(audience):
        raise _Refused("the token does not have a valid audience")
    if not _is_instant(claims.get("exp")) or claims["exp"] <= now_s:
        raise _Refused("the token has expired")
    for name in ("nbf", "iat"):
        if name in claims and not (_is_instant(claims[name]) and claims[name] <= now_s):
            raise _Refused("the token is not valid yet")


def _is_instant(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(encoded: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(encoded))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _Refused("the token is malformed")
    return value


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("the token is malformed") from None


def _texts(value: object) -> tuple[str, ...]:
    """Split what is one text with blanks in it, or a list of texts."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_shown, value))}]"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
