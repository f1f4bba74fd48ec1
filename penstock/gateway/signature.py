"""Who signed a request: the IAM authorizer's check by AWS Signature Version 4.

Source: *AWS Signature Version 4 for API requests*, create a signed request. What AWS refuses is refused: a client
that leaves its query unsorted (curl before 8.3 with several parameters out of order) fails there as well.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from penstock.gateway.request import HttpRequest

SecretOf = Callable[[str], "tuple[str, str] | None"]
"""Access key → secret key and ARN of the principal, ``None`` for an unknown one."""

SERVICE = "execute-api"

_ALLOWED_SKEW_MS = 5 * 60 * 1000
"""*Elements of an AWS API request signature*: a request must arrive within five minutes of its date."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request,\s*"
    r"SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The principal whose key signed a request."""

    access_key: str
    arn: str


def signer_of(request: HttpRequest, *, secret_of: SecretOf, region: str, now_ms: int) -> Signer | None:
    """Verify a request's signature; ``None`` when it is missing, malformed, out of date, or wrong.

    ``now_ms`` is wall time: whoever signs reads the machine's clock.
    """
    given = _AUTHORIZATION.fullmatch(request.header("authorization") or "")
    signed_at = request.header("x-amz-date") or ""
    if given is None or not _in_date(signed_at, now_ms):
        return None
    access_key, date, scope_region, service, signed, signature = given.groups()
    names = signed.split(";")
    known = secret_of(access_key)
    if known is None or (date, scope_region, service) != (signed_at[:8], region, SERVICE) or "host" not in names:
        return None
    secret, arn = known
    content_hash = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in (None, content_hash):
        return None
    key = _signing_key(secret, date, region)
    for canonical in _canonical_requests(request, names, content_hash):
        scope = f"{date}/{region}/{SERVICE}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{signed_at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        if hmac.compare_digest(_hmac(key, to_sign).hex(), signature):
            return Signer(access_key=access_key, arn=arn)
    return None


def _in_date(signed_at: str, now_ms: int) -> bool:
    try:
        instant = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(instant.timestamp() * 1000 - now_ms) <= _ALLOWED_SKEW_MS


def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical_requests(request: HttpRequest, names: list[str], content_hash: str) -> Iterator[str]:
    """Spell the request as signed, with the query encoded as prescribed, and as sent (where signers differ)."""
    headers = "".join(f"{name}:{' '.join((request.header(name) or '').split())}\n" for name in names)
    pairs = [pair.partition("=")[::2] for pair in request.raw_query.split("&") if pair]
    prescribed = [(quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in pairs]
    for spelled in (prescribed, pairs):
        query = "&".join(f"{name}={value}" for name, value in sorted(spelled))
        lines = (request.method, _canonical_path(request.raw_path), query, headers, ";".join(names), content_hash)
        yield "\n".join(lines)


def _canonical_path(raw_path: str) -> str:
    """Normalize a path and encode it once more, as every service but S3 wants it."""
    kept: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if raw_path.endswith("/") and kept else ""
    return quote("/" + "/".join(kept) + end, safe="/-_.~")
