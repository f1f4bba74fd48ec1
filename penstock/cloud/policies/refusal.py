"""A denied call's answer, in the words, the protocol and the status of its service.

Source: messages and codes of AWS as users quote them: DynamoDB, EventBridge and Step Functions answer 400
``AccessDeniedException``; SQS 403 ``AccessDenied``, its action in lower case; SNS 403 ``AuthorizationError``, its
action as ``SNS:Publish``; Lambda 403 ``AccessDeniedException``; S3 403 ``AccessDenied``, its resource in quotation
marks.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from penstock.cloud.engine import Reply
from penstock.cloud.faults.refusals import REQUEST_ID
from penstock.cloud.front_door import Call
from penstock.cloud.policies.access import Access
from penstock.cloud.policies.evaluation import Decision

_IDENTIFIED = {"x-amzn-requestid": REQUEST_ID}


def message_of(access: Access, decision: Decision) -> str:
    """What AWS says to a principal that it denies an action."""
    service, _, name = access.action.partition(":")
    action = {"sqs": access.action.lower(), "sns": f"SNS:{name}"}.get(service, access.action)
    resource = f'"{access.resource}"' if service == "s3" else access.resource
    because = decision.because.replace(access.action, action)
    return f"User: {access.principal.user} is not authorized to perform: {action} on resource: {resource} {because}"


def refusal(call: Call, message: str) -> Reply:
    """The answer to a denied call."""
    match call.service:
        case "s3":
            return _of_s3(call, message)
        case "sns":
            return _xml(
                '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
                f"<Code>AuthorizationError</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            )
        case "lambda":
            headers = {**_IDENTIFIED, "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException"}
            return Reply(status=403, headers=headers, body=json.dumps({"Message": message}).encode())
        case "sqs":
            kind = "application/x-amz-json-1.0"
            headers = {**_IDENTIFIED, "content-type": kind, "x-amzn-query-error": "AccessDenied;Sender"}
            document = {"__type": "com.amazon.coral.service#AccessDeniedException", "message": message}
            return Reply(status=403, headers=headers, body=json.dumps(document).encode())
        case _:
            kind = call.request.headers.get("content-type", "application/x-amz-json-1.0")
            headers = {**_IDENTIFIED, "content-type": kind}
            document = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": message}
            return Reply(status=400, headers=headers, body=json.dumps(document).encode())


def _of_s3(call: Call, message: str) -> Reply:
    if call.request.method == "HEAD":
        return Reply(status=403, headers={}, body=b"")
    return _xml(f"<Error><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>")


def _xml(text: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Reply(status=403, headers={"content-type": "application/xml"}, body=body)
