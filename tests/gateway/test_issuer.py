"""The local issuer: its key, and what it publishes."""

from __future__ import annotations

import asyncio
import base64
import stat
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from penstock.errors import EnvironmentProblem
from penstock.gateway.issuer import KEY_FILE, Issuer
from tests.gateway.requests import AUTHORIZER


def token_of(issuer: Issuer) -> str:
    """A token of one moment: the same key gives the same text."""
    return issuer.mint(AUTHORIZER, subject="me", scopes=["read"], now_ms=0, lifetime_seconds=60)


def test_key_is_kept_for_its_owner(tmp_path: Path) -> None:
    """The key is made once, where only its owner can read it, and used again."""
    first = token_of(Issuer(tmp_path / "cache"))

    assert token_of(Issuer(tmp_path / "cache")) == first
    assert stat.S_IMODE((tmp_path / "cache" / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [KEY_FILE]


def test_keys_differ_between_folders(tmp_path: Path) -> None:
    """Another folder has another key: nothing anywhere else trusts it."""
    assert token_of(Issuer(tmp_path / "one")) != token_of(Issuer(tmp_path / "two"))


def test_fails_when_the_key_is_none(tmp_path: Path) -> None:
    """A file that holds no RSA key is named with the way out."""
    elliptic = ec.generate_private_key(ec.SECP256R1())
    texts = (b"", elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for text in texts:
        (tmp_path / KEY_FILE).write_bytes(text)
        with pytest.raises(EnvironmentProblem, match=r"issuer\.pem .*remove it"):
            Issuer(tmp_path)


def test_whoever_reads_what_is_published_can_verify(tmp_path: Path) -> None:
    """The configuration stands under the issuer's host and path and leads to the key that signed."""
    issuer = Issuer(tmp_path)
    token = token_of(issuer)

    async def go() -> None:
        await issuer.start([AUTHORIZER.issuer, AUTHORIZER.issuer])
        try:
            async with aiohttp.ClientSession() as client:
                url = issuer.configuration_url(AUTHORIZER.issuer)
                assert url == f"{issuer.url}/issuer.example/pool/.well-known/openid-configuration"
                async with client.get(url) as answer:
                    configuration = await answer.json()
                async with client.get(configuration["jwks_uri"]) as answer:
                    (key,) = (await answer.json())["keys"]
        finally:
            await issuer.close()
        assert configuration["issuer"] == AUTHORIZER.issuer
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
        assert issuer.public_key_of(key["kid"]) is not None
        modulus, exponent = (int.from_bytes(decoded(key[name]), "big") for name in "ne")
        signed, _, signature = token.rpartition(".")
        public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        public.verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())

    asyncio.run(go())


def decoded(text: str) -> bytes:
    """The bytes of one part."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
