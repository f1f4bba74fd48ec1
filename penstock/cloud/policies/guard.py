"""The guard of the front door: a call that the deployed role could not make fails here too.

It stands at the door for functions and state machines, and beside the services that act of their own accord: the
event bus, notifications of buckets and topics, the HTTP API, and mappings, which act in their function's name. The
operator and the developer are the account's administrators and pass.

A decision is made once for each principal, action, resource and context; what was asked for is kept and tells, at the
end, which grants nobody used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.cloud.callers import Caller
from penstock.cloud.engine import EngineError, Reply
from penstock.cloud.front_door import Call, Proceed
from penstock.cloud.policies.access import Access, Ask, Principal
from penstock.cloud.policies.context import OF_THE_CALL, Asking, NotKnown, Surroundings, context_of
from penstock.cloud.policies.evaluation import Decision, decide
from penstock.cloud.policies.in_force import PoliciesInForce, Statements
from penstock.cloud.policies.refusal import message_of, refusal
from penstock.cloud.policies.requests import Place, asked
from penstock.cloud.policies.table_requests import Unmapped
from penstock.cloud.policies.usage import unused
from penstock.errors import TemplateError
from penstock.template.models import Function, Template

HAND_OVER: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
"""Service → the action by which another service hands it a message or an event."""

_TOPICS, _BUCKETS = "sns.amazonaws.com", "s3.amazonaws.com"
_DOING: Final = {"sqs": "send messages", "sns": "publish", "lambda": "invoke it"}
_POLICY_TYPES: Final = {
    "sqs": "AWS::SQS::QueuePolicy",
    "sns": "AWS::SNS::TopicPolicy",
    "lambda": "AWS::Lambda::Permission",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """An access that was denied, told once.

    ``message`` is AWS's. ``statement`` is what is missing, ready to be pasted into ``where``; ``None`` when no
    statement would help: another one denies it, or it is not known here what to ask for.
    """

    principal: str
    message: str
    where: str
    statement: Mapping[str, Any] | None

    def told(self) -> str:
        """The denial for a person: what AWS says, then the missing statement as JSON."""
        if self.statement is None:
            return f"{self.principal}: DENIED {self.message} ({self.where})"
        return f"{self.principal}: DENIED {self.message}\n  missing in {self.where}: {json.dumps(self.statement)}"


class Guard:
    """Judges every access of one running application; an interceptor of its front door."""

    def __init__(
        self,
        template: Template,
        *,
        now_ms: Callable[[], int],
        machine_of: Callable[[str], str | None],
        on_denied: Callable[[Denied], None],
    ) -> None:
        """Raises `TemplateError` for policies that cannot be evaluated here."""
        self.policies = PoliciesInForce(template)
        self._template = template
        self._queue_arns = {queue.arn for queue in template.queues}
        self._bucket_arns = {bucket.arn for bucket in template.buckets}
        self._place = Place(account_id=template.account_id, region=template.region, machine_of=machine_of)
        self._now_ms = now_ms
        self._on_denied = on_denied
        self._functions = {(function.label, function.role_arn): function for function in template.functions}
        self._partition_keys = dict(_partition_keys(template))
        self._principals: dict[str, Principal] = {}
        self._in_force: dict[tuple[str, str], tuple[Statements, Statements, tuple[str, ...]]] = {}
        self._decisions: dict[Access, Decision] = {}
        self._answers: dict[tuple[str, str, str, str | None], str | None] = {}
        self._told: set[tuple[str, str]] = set()

    @property
    def accesses(self) -> Mapping[Access, Decision]:
        """Each distinct access of the run so far → how it was decided, in order of first asking."""
        return self._decisions

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Let a call pass, or answer it as a service that denies it."""
        if ":role/" not in call.caller.arn:
            return await proceed(call)
        denial = self._denial_of(call)
        if denial is not None:
            return refusal(call, denial)
        reply = await proceed(call)
        hidden = self._hidden(call) if reply.status == 404 else None
        return reply if hidden is None else refusal(call, hidden)

    def denial(self, principal: Principal, ask: Ask, *, source_arn: str | None = None) -> str | None:
        """Why a principal may not do something, in AWS's words; ``None`` when it may."""
        known = (principal.user, ask.action, ask.resource, source_arn)
        if known in self._answers:
            return self._answers[known]
        identity, resource, keys = self._statements(principal, ask.resource)
        try:
            context = context_of(keys, self._asking(principal, ask, source_arn)) if keys else {}
        except NotKnown as unknown:
            return self._refuse_unknown(principal, f"{ask.action}: {unknown}")
        access = Access(
            principal=principal, action=ask.action, resource=ask.resource, context=tuple(sorted(context.items()))
        )
        decision = self._decisions.get(access)
        if decision is None:
            decision = self._decisions[access] = decide(access, identity=identity, resource=resource)
            if not decision.allowed:
                self._tell(access, decision)
        answer = None if decision.allowed else message_of(access, decision)
        if OF_THE_CALL.isdisjoint(keys):
            self._answers[known] = answer
        return answer

    def require(self, service: str, ask: Ask, *, source_arn: str, role_arn: str | None = None) -> None:
        """Raise `EngineError` unless a service may act in the name of a resource, itself or through a role."""
        principal = _service(service)
        if role_arn is not None:
            if not self.policies.trusts(role_arn, service, source_arn):
                raise EngineError("AccessDeniedException", f"{service} is not allowed to assume role {role_arn}")
            principal = self._role(service.partition(".")[0], role_arn, service.partition(".")[0])
        denial = self.denial(principal, ask, source_arn=source_arn)
        if denial is not None:
            raise EngineError("AccessDeniedException", denial)

    def may_invoke(self, function_arn: str, route_arn: str) -> bool:
        """Whether an HTTP API may invoke a function (``AWS::Lambda::Permission``)."""
        return self._may("apigateway.amazonaws.com", "lambda:InvokeFunction", function_arn, route_arn)

    def may_subscribe(self, topic_arn: str, endpoint: str) -> bool:
        """Whether a topic may send to a queue or invoke a function; another queue is its maker's affair."""
        known = endpoint in self._queue_arns or ":function:" in endpoint
        return not known or self._may_hand_over(_TOPICS, endpoint, topic_arn)

    def may_notify(self, bucket_arn: str, destination: str) -> bool:
        """Whether a bucket may send to a queue, publish to a topic or invoke a function."""
        return self._may_hand_over(_BUCKETS, destination, bucket_arn)

    def check_notifications(self) -> None:
        """Refuse a bucket's notification that nobody would let in, as S3 does when it is set."""
        for bucket in self._template.buckets:
            for notification in bucket.notifications:
                destination = notification.destination_arn
                if not self.may_notify(bucket.arn, destination):
                    service = destination.split(":")[2]
                    raise TemplateError(
                        f"the policy of {destination} does not let {_BUCKETS} {_DOING[service]}",
                        logical_id=bucket.logical_id,
                        property_path=notification.property_path,
                        remedy=f"allow the Service {_BUCKETS} to {HAND_OVER[service]} in an {_POLICY_TYPES[service]}",
                    )

    def _may_hand_over(self, service: str, destination: str, source_arn: str) -> bool:
        return self._may(service, HAND_OVER[destination.split(":")[2]], destination, source_arn)

    def _may(self, service: str, action: str, resource: str, source_arn: str) -> bool:
        principal = _service(service)
        return self.denial(principal, Ask(action=action, resource=resource), source_arn=source_arn) is None

    def function_denial(self, function: Function, asks: Sequence[Ask]) -> str | None:
        """Why a function's role may not do all of this, as its event source mapping must; ``None`` when it may."""
        principal = self._role(function.label, function.role_arn, function.name)
        return next((denial for ask in asks if (denial := self.denial(principal, ask)) is not None), None)

    def unused_grants(self) -> dict[str, list[str]]:
        """Label of who bears a role → each action and resource that its policies allow and that nobody asked for."""
        found: dict[str, list[str]] = {}
        for grant in unused(self.policies.roles, self._decisions):
            label = self.policies.bearers[grant.bearer]
            found.setdefault(label, []).append(f"{grant.action} on {grant.resource.split(':', 5)[-1]}")
        return found

    def _denial_of(self, call: Call) -> str | None:
        principal = self._principal(call.caller)
        try:
            asks = asked(call, self._place)
        except Unmapped as unmapped:
            return self._refuse_unknown(principal, str(unmapped))
        return next((denial for ask in asks if (denial := self.denial(principal, ask)) is not None), None)

    def _hidden(self, call: Call) -> str | None:
        """Why a caller may not be told that an object is not there: who may not list a bucket (*GetObject*, S3 API)."""
        bucket_arn = f"arn:aws:s3:::{call.request.path.split('/')[1]}"
        reads = call.service == "s3" and call.operation in ("GetObject", "HeadObject")
        if not reads or bucket_arn not in self._bucket_arns:
            return None
        return self.denial(self._principal(call.caller), Ask(action="s3:ListBucket", resource=bucket_arn))

    def _principal(self, caller: Caller) -> Principal:
        principal = self._principals.get(caller.access_key)
        if principal is None:
            function = self._functions.get((caller.name, caller.arn))
            session = caller.name if function is None else function.name
            principal = self._principals[caller.access_key] = self._role(caller.name, caller.arn, session)
        return principal

    def _role(self, label: str, role_arn: str, session: str) -> Principal:
        function = self._functions.get((label, role_arn))
        account_id, role_name = self._place.account_id, role_arn.rpartition("/")[2]
        return Principal(
            kind="role",
            label=label,
            arn=role_arn,
            user=f"arn:aws:sts::{account_id}:assumed-role/{role_name}/{session}",
            function_arn=None if function is None else function.arn,
        )

    def _statements(self, principal: Principal, resource_arn: str) -> tuple[Statements, Statements, tuple[str, ...]]:
        """The statements that may speak of an access, and the condition keys that they depend on."""
        found = self._in_force.get((principal.arn, resource_arn))
        if found is None:
            identity = self.policies.roles[principal.arn] if principal.kind == "role" else ()
            resource = self.policies.of_resource(resource_arn)
            keys = sorted({key for statement in (*identity, *resource) for key in statement.context_keys()})
            found = self._in_force[principal.arn, resource_arn] = (identity, resource, tuple(keys))
        return found

    def _asking(self, principal: Principal, ask: Ask, source_arn: str | None) -> Asking:
        surroundings = Surroundings(
            account_id=self._place.account_id,
            region=self._place.region,
            now_ms=self._now_ms(),
            source_arn=source_arn,
            partition_keys=self._partition_keys,
        )
        return Asking(principal=principal, ask=ask, surroundings=surroundings)

    def _tell(self, access: Access, decision: Decision) -> None:
        principal = access.principal
        statement: dict[str, Any] = {"Effect": "Allow", "Action": access.action, "Resource": access.resource}
        where = f"a policy of the role {principal.arn.rpartition('/')[2]}"
        if principal.kind == "service":
            where = f"the policy of {access.resource}"
            statement["Principal"] = {"Service": principal.arn}
            source = dict(access.context).get("aws:sourcearn")
            if source is not None:
                statement["Condition"] = {"ArnEquals": {"aws:SourceArn": source[0]}}
        if decision.denied_by is not None:
            where = f"the statement {decision.denied_by.origin!r} denies it"
        self._on_denied(
            Denied(
                principal=principal.label,
                message=message_of(access, decision),
                where=where,
                statement=statement if decision.denied_by is None else None,
            )
        )

    def _refuse_unknown(self, principal: Principal, what: str) -> str:
        """Deny what cannot be judged, and say so once."""
        message = f"User: {principal.user} is not authorized: penstock does not know what to ask of {what}"
        if (principal.user, what) not in self._told:
            self._told.add((principal.user, what))
            where = "penstock cannot judge it, so it lets nobody through"
            self._on_denied(Denied(principal=principal.label, message=message, where=where, statement=None))
        return message


def _service(name: str) -> Principal:
    return Principal(kind="service", label=name, arn=name, user=name)


def _partition_keys(template: Template) -> Sequence[tuple[tuple[str, str | None], str]]:
    """(table, index or ``None``) → partition key."""
    found: list[tuple[tuple[str, str | None], str]] = []
    for table in template.tables:
        found.append(((table.name, None), table.partition_key))
        properties = template.resource_of(table).properties
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            for index in properties.get(kind, ()):
                hashed = next(key["AttributeName"] for key in index["KeySchema"] if key["KeyType"] == "HASH")
                found.append(((table.name, index["IndexName"]), hashed))
    return found
