"""What a running application keeps when all that happened in it is forgotten: addresses, credentials, warm processes.

Everything belongs to one event loop. `penstock.composition` is what is made anew.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack

from penstock import CACHE
from penstock.cloud.callers import Callers
from penstock.gateway.gateway import listen_on
from penstock.gateway.issuer import Issuer
from penstock.loopback import endpoint_of, listen
from penstock.runtime.environments import Environments
from penstock.runtime.packages import unpack
from penstock.template.models import Function, Template


class Premises:
    """The lasting parts of one running application, whose clocks jump or not; `open` makes them."""

    def __init__(self, template: Template, *, seed: int, jumps: bool) -> None:
        """``seed`` makes the credentials."""
        self._template = template
        self._jumps = jumps
        self.callers = Callers(account_id=template.account_id, seed=str(seed))
        self._issuer: Issuer | None = None
        self._exits = AsyncExitStack()

    async def open(self, *, port: int) -> None:
        """Listen, for the first API on ``port``, and be ready to start processes.

        Raises `EnvironmentProblem`, and `TemplateError` for a package that cannot be unpacked.
        """
        self._door = listen()
        self._exits.callback(self._door.close)
        self.endpoint = endpoint_of(self._door)
        self._apis: dict[str, socket.socket] = {}
        for api in self._template.apis:
            listening = self._apis[api.id] = listen_on(0 if self._apis else port)
            self._exits.callback(listening.close)
        await asyncio.to_thread(unpack, self._template.packages)
        self.environments = Environments(cache=CACHE, environment_of=self._variables_of, jumps=self._jumps)
        self._exits.push_async_callback(self.environments.close)

    def at_door(self) -> socket.socket:
        """The front door's socket, to be closed by who serves it: it goes on listening all the same."""
        return self._door.dup()

    def at_api(self, api_id: str) -> socket.socket:
        """The socket of an API, as `at_door`."""
        return self._apis[api_id].dup()

    async def issuer(self) -> Issuer:
        """The issuer of the tokens that the APIs take; from the first call on it publishes its keys."""
        if self._issuer is None:
            self._issuer = await asyncio.to_thread(Issuer, CACHE)
            self._exits.push_async_callback(self._issuer.close)
            await self._issuer.start(authorizer.issuer for authorizer in self._template.jwt_authorizers)
        return self._issuer

    def forget_the_gone(self) -> None:
        """Let nobody in with the credentials of what has ended: a call of its may still wait at the door."""
        self.callers.keep(self.environments.ids)

    async def close(self) -> None:
        """End everything, the last made first."""
        await self._exits.aclose()

    def _variables_of(self, function: Function, environment_id: str) -> Mapping[str, str]:
        caller = self.callers.register(function.label, function.role_arn, session=environment_id)
        return {
            "AWS_ACCESS_KEY_ID": caller.access_key,
            "AWS_SECRET_ACCESS_KEY": caller.secret_key,
            "AWS_SESSION_TOKEN": "local",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self._template.region,
            "AWS_DEFAULT_REGION": self._template.region,
        }
