"""Posts the invoices to the API as a customer's program would: signed or with a token, over kept connections.

What the network or the service could not answer is posted again under the same order id, which is safe: the API
answers the same order the same way.
"""

from __future__ import annotations

import http.client
import json
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from urllib.parse import urlsplit

from penstock.demo.observation import Answer
from penstock.demo.orders import Invoice
from penstock.errors import EnvironmentProblem

CONNECTIONS = 4
ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
ANSWER_TIMEOUT_SECONDS = 35.0
"""An HTTP API answers within 30 seconds, if only with 503 ("Quotas for HTTP APIs")."""

MAX_FAILED_IN_A_ROW = 10
"""Orders that could not be posted, none between them that could; our choice: beyond this the API is down."""

Connect = Callable[[str, int], http.client.HTTPConnection]
Sign = Callable[[str, str, bytes], Mapping[str, str]]


def signer(credentials: tuple[str, str], region: str) -> Sign:
    """Sign requests to an HTTP API with SigV4: (method, URL, body) → all headers of the request."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    access_key, secret_key = credentials
    authority = SigV4Auth(Credentials(access_key, secret_key), "execute-api", region)

    def sign(method: str, url: str, body: bytes) -> Mapping[str, str]:
        request = AWSRequest(method=method, url=url, data=body, headers={"Content-Type": "application/json"})
        authority.add_auth(request)
        return dict(request.headers.items())

    return sign


def bearer(token: str) -> Sign:
    """Give each request the same token, for an API behind a JWT authorizer."""

    def sign(_method: str, _url: str, _body: bytes) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    return sign


def order_document(invoice: Invoice) -> dict[str, object]:
    """The body of ``POST /orders`` for an invoice; money travels as text, an empty description not at all."""
    lines = []
    for line in invoice.lines:
        document: dict[str, object] = {
            "stockCode": line.stock_code,
            "quantity": line.quantity,
            "unitPrice": format(line.unit_price, "f"),
            "invoicedAt": line.invoiced_at.isoformat(),
        }
        if line.description:
            document["description"] = line.description
        lines.append(document)
    customer = {"customerId": invoice.customer_id} if invoice.customer_id else {}
    return {"orderId": invoice.invoice_no, **customer, "country": invoice.country, "lines": lines}


class Sender:
    """Posts to one API. ``connect`` and ``pause`` stand for the network and for waiting between attempts."""

    def __init__(
        self,
        *,
        api_url: str,
        sign: Sign,
        connect: Connect | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = f"{api_url.rstrip('/')}/orders"
        address = urlsplit(self._url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._path = address.path
        self._sign = sign
        self._connect = connect or _connect
        self._pause = pause

    def send(self, invoices: Sequence[Invoice], *, on_answer: Callable[[Answer], None]) -> dict[str, Answer]:
        """Post all of them; the answers by order id. ``on_answer`` is called as they come, on the calling thread.

        Raises `EnvironmentProblem` when the API is down.
        """
        idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        for _ in range(CONNECTIONS):
            idle.put(self._connect(self._host, self._port))

        def post(invoice: Invoice) -> Answer:
            connection = idle.get()
            try:
                return self._post(connection, json.dumps(order_document(invoice)).encode())
            finally:
                idle.put(connection)

        answers: dict[str, Answer] = {}
        failed_in_a_row = 0
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="demo-sender")
        try:
            posts = {pool.submit(post, invoice): invoice.invoice_no for invoice in invoices}
            for done in as_completed(posts):
                answer = answers[posts[done]] = done.result()
                on_answer(answer)
                failed_in_a_row = failed_in_a_row + 1 if _worth_another(answer) else 0
                if failed_in_a_row > MAX_FAILED_IN_A_ROW:
                    raise EnvironmentProblem(
                        f"the API answers no order: {answer.problem}; run 'penstock run' to see what its function says"
                    )
        finally:
            pool.shutdown(cancel_futures=True)
            while not idle.empty():
                idle.get().close()
        return answers

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> Answer:
        problems: list[str] = []
        while True:
            answer = self._attempt(connection, body)
            if not _worth_another(answer) or len(problems) + 1 == ATTEMPTS:
                return Answer(status=answer.status, problem=answer.problem, retried=tuple(problems))
            problems.append(answer.problem)
            self._pause(FIRST_PAUSE_SECONDS * 2 ** (len(problems) - 1))

    def _attempt(self, connection: http.client.HTTPConnection, body: bytes) -> Answer:
        try:
            connection.request("POST", self._path, body=body, headers=dict(self._sign("POST", self._url, body)))
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            return Answer(status=None, problem=f"{type(problem).__name__}: {problem}")
        if response.status == 202:
            return Answer(status=202)
        return Answer(status=response.status, problem=f"{response.status} {_problem(content)}".rstrip())


def _connect(host: str, port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_SECONDS)


def _worth_another(answer: Answer) -> bool:
    return answer.status is None or answer.status == 429 or answer.status >= 500


def _problem(content: bytes) -> str:
    """A problem document in one line (RFC 9457), or the answer as it is."""
    text = content.decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return text[:300]
    if not isinstance(document, dict):
        return text[:300]
    parts = [str(document[name]) for name in ("title", "detail", "message") if document.get(name)]
    return ": ".join(parts)[:300] or text[:300]
