"""The local issuer: stands for whatever issuer a JWT authorizer trusts, and mints tokens that it admits.

One RSA key signs for every issuer of the template. It is made once and kept in the tool's cache folder, readable by
its owner alone, so that `penstock run` and `penstock token` agree without talking to each other; nothing but a local
run ever trusts it. (It is not derived from the seed: what anybody can compute is no key.) On loopback the issuer
publishes what OpenID Connect Discovery asks for, for whoever wants to verify tokens too.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from penstock.errors import EnvironmentProblem
from penstock.loopback import accepted, endpoint_of, listen
from penstock.template.models import JwtAuthorizer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KEY_FILE = "issuer.pem"
KEY_BITS = 2048


class Issuer:
    """Mints tokens with the key under a cache folder; `start` publishes the public half of it."""

    def __init__(self, cache: Path) -> None:
        """Read the key, or make it; `EnvironmentProblem` when neither can be done."""
        self._key = _key(cache / KEY_FILE)
        self._public = self._key.public_key()
        self._kid = _thumbprint(self._jwk())
        self._runner: web.AppRunner | None = None
        self.url = ""

    def public_key_of(self, kid: str) -> RSAPublicKey | None:
        """Find the public key of this id."""
        return self._public if kid == self._kid else None

    def mint(
        self,
        authorizer: JwtAuthorizer,
        *,
        subject: str,
        scopes: Iterable[str],
        now_ms: int,
        lifetime_seconds: int,
        audience: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Sign a token as the authorizer's issuer does; one of ``claims`` wins over one of the same name made here."""
        issued_at = now_ms // 1000
        payload = {
            "iss": authorizer.issuer,
            "sub": subject,
            "aud": audience if audience is not None else authorizer.audience[0],
            "iat": issued_at,
            "exp": issued_at + lifetime_seconds,
            "scope": " ".join(scopes),
            **(claims or {}),
        }
        signed = f"{_encoded({'alg': 'RS256', 'kid': self._kid, 'typ': 'JWT'})}.{_encoded(payload)}"
        return f"{signed}.{_base64(self._sign(signed.encode()))}"

    async def start(self, issuers: Iterable[str]) -> None:
        """Publish, for each issuer under its host and path, its configuration and the keys."""
        application = web.Application()
        for path, issuer in {_configuration_path(issuer): issuer for issuer in issuers}.items():
            application.router.add_get(path, functools.partial(self._configuration, issuer))
        application.router.add_get("/jwks.json", self._keys)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        self._listening = listen()
        await web.SockSite(self._runner, self._listening).start()
        self.url = endpoint_of(self._listening)

    async def close(self) -> None:
        """Stop publishing; closing twice does nothing."""
        if self._runner is not None:
            await accepted([self._listening])
            await self._runner.cleanup()
            self._runner = None

    def configuration_url(self, issuer: str) -> str:
        """Give the address of an issuer's configuration here, once started."""
        return self.url + _configuration_path(issuer)

    async def _configuration(self, issuer: str, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": issuer,
                "jwks_uri": f"{self.url}/jwks.json",
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [{**self._jwk(), "alg": "RS256", "kid": self._kid, "use": "sig"}]})

    def _jwk(self) -> dict[str, str]:
        numbers = self._public.public_numbers()
        return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}

    def _sign(self, content: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        return self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def _key(path: Path) -> RSAPrivateKey:
    """Read the key; make it first when there is none."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if not path.exists():
            _make_key(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as problem:
        raise EnvironmentProblem(f"{path} cannot be used as the local issuer's key: {problem}; remove it") from problem
    if not isinstance(key, RSAPrivateKey):
        raise EnvironmentProblem(f"{path} is not an RSA key; remove it")
    return key


def _make_key(path: Path) -> None:
    """Make a key that only its owner may read; where two processes do so at once, the first one's stays."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, whole = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        os.link(whole, path)
    except FileExistsError:
        return
    finally:
        os.unlink(whole)


def _configuration_path(issuer: str) -> str:
    """Where an issuer's configuration stands here: under its host and its path."""
    address = urlsplit(issuer)
    return f"/{address.netloc}{address.path.rstrip('/')}/.well-known/openid-configuration"


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """The id of a key that is made from it (RFC 7638)."""
    return _base64(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
