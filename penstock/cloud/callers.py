"""Who calls: every role of the template has credentials of its own, so that a call names its caller.

The keys are made up per run, never leave this machine and open nothing but this embedded cloud.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A principal with its credentials; ``name`` is what people call it (a function's logical id, ``operator``).

    ``session`` tells the bearers of one role apart: for a function, it is the id of an execution environment.
    """

    name: str
    arn: str
    access_key: str
    secret_key: str
    session: str = ""


class Callers:
    """The principals of one running application, found by access key."""

    def __init__(self, *, account_id: str, seed: str) -> None:
        """``seed`` makes the keys: equal seeds give equal keys."""
        self.account_id = account_id
        self._seed = seed
        self._by_key: dict[str, Caller] = {}
        self.operator = self.register("operator", f"arn:aws:iam::{account_id}:user/operator")
        self.developer = self.register("developer", f"arn:aws:iam::{account_id}:user/developer")

    def register(self, name: str, arn: str, *, session: str = "") -> Caller:
        """Give a principal its credentials; the same name, ARN and session get the same ones."""
        digest = sha256("/".join(filter(None, (self._seed, name, arn, session))).encode()).hexdigest()
        prefix = "ASIA" if ":role/" in arn else "AKIA"
        key, secret = prefix + digest[:16].upper(), digest[16:56]
        caller = Caller(name=name, arn=arn, access_key=key, secret_key=secret, session=session)
        self._by_key[caller.access_key] = caller
        return caller

    def keep(self, sessions: Collection[str]) -> None:
        """Forget the credentials of all sessions but these; those of no session stay."""
        kept = {"", *sessions}
        self._by_key = {key: caller for key, caller in self._by_key.items() if caller.session in kept}

    def by_access_key(self, access_key: str) -> Caller | None:
        """The principal with this key, or ``None`` for a key that this application did not give out."""
        return self._by_key.get(access_key)
