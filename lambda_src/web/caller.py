"""Who calls: a program trusted by IAM, or a person with a token.

With the IAM authorizer AWS has admitted the caller to the whole API before this function runs, and it may see every
order. With the JWT authorizer the token's claims travel in the event: the claim `customer_id` names the only customer
whose orders the caller may see and place, and the scope `orders/admin` lifts that. The scopes of the routes
are checked by AWS before; they say what a caller may do, not for whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ADMIN_SCOPE = "orders/admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a caller may act for: everyone, one customer, or nobody."""

    is_admin: bool
    customer_id: str | None = None

    def may_act_for(self, customer_id: str | None) -> bool:
        """Whether the caller may see and place this customer's orders; a guest's order (None) is an admin's alone."""
        return self.is_admin or (customer_id is not None and customer_id == self.customer_id)


def caller_of(event: Mapping[str, Any]) -> Caller:
    """Read the caller from an event; `authorizer.jwt` is there exactly when a JWT authorizer admitted it."""
    authorizer = event["requestContext"].get("authorizer") or {}
    if "jwt" not in authorizer:
        return Caller(is_admin=True)
    claims = authorizer["jwt"].get("claims") or {}
    scopes = str(claims.get("scope", "")).split()
    return Caller(is_admin=ADMIN_SCOPE in scopes, customer_id=claims.get("customer_id"))
