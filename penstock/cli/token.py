"""Mint a token that the JWT authorizer of the template admits in a local run.

Prints one signed token (RS256) for the template's issuer and audience. The key is kept in .penstock/ of the current
folder and `penstock run`, started from the same folder, trusts it:

  curl -H "authorization: Bearer $(penstock token --claim customer_id=17850)" http://127.0.0.1:3000/orders/1
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from typing import Any

from penstock.cli.arguments import add_json, add_path, add_template_options, parameters_of
from penstock.cli.fields import Fields

LIFETIME_SECONDS = 3600
"""How long a token is good unless asked otherwise; what Amazon Cognito gives access tokens."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock token``."""
    add = parser.add_argument
    add_path(parser)
    add_template_options(parser)
    add("--subject", metavar="NAME", default="developer", help="who holds it: its claim sub (default: %(default)s)")
    add("--scope", metavar="SCOPE", action="append", help="a scope; may be repeated (default: all that routes ask for)")
    add(
        "--claim",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_claim,
        help="one more claim, or another value of one; an object or a list is given as JSON; may be repeated",
    )
    add("--audience", metavar="NAME", help="the claim aud (default: the first that the authorizer takes)")
    add(
        "--lifetime",
        metavar="SECONDS",
        type=int,
        default=LIFETIME_SECONDS,
        help="how long it is good; below 0 it has expired already (default: %(default)s)",
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Print one token."""
    from penstock import CACHE
    from penstock.gateway.issuer import Issuer
    from penstock.template.reader import load

    template = load(arguments.path, parameters=parameters_of(arguments), skip=arguments.skip)
    token = Issuer(CACHE).mint(
        template.jwt_authorizer,
        subject=arguments.subject,
        scopes=template.scopes if arguments.scope is None else arguments.scope,
        now_ms=time.time_ns() // 1_000_000,
        audience=arguments.audience,
        claims=dict(arguments.claim),
        lifetime_seconds=arguments.lifetime,
    )
    print(json.dumps({"token": token, "claims": _claims_of(token)}, indent=2) if arguments.json else token)
    return 0


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    return {
        "token": "the signed token, for the header `authorization: Bearer …`",
        "claims.<name>…": "what it claims; `iat` and `exp` are seconds since 1970",
    }


def _claims_of(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _claim(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not name or not given:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    if not value.startswith(("{", "[")):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"the value of {name} is not JSON: {problem}") from None
