"""The resources of the API: what each route reads from a request, does, and answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any

from effects.customer_orders_table import CustomerOrdersTable
from effects.item_size import GROWTH_BYTES, LIMIT_BYTES, item_size_bytes
from effects.order_item import placed_item
from effects.orders_table import OrdersTable
from effects.statistics_table import StatisticsTable
from orders.order import Order, Status
from orders.placement import InvalidOrder, is_id, order_from
from orders.statistics import statistics_document
from orders.stored_order import StoredOrder
from web.answer import answer
from web.body import document_of
from web.caller import ADMIN_SCOPE, caller_of
from web.preference import RESERVE_SECONDS, wait_preference, waited_for
from web.problem import Refused, conflict, forbidden, invalid_order, not_found, too_large
from web.query import days_query, page_query

Answer = dict[str, Any]
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The tables behind the API and the time it goes by; each method may raise `Refused`.

    `clock` counts seconds and never goes back, `today` is the day in UTC.
    """

    orders: OrdersTable
    customer_orders: CustomerOrdersTable
    statistics: StatisticsTable
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    today: Callable[[], date]

    def place_order(self, event: Event) -> Answer:
        """Place an order: 202 with a link, since it is judged later. The same order again is answered the same."""
        order = _order(document_of(event))
        if not caller_of(event).may_act_for(order.customer_id):
            fault = {"field": "customerId", "pointer": "#/customerId", "detail": "is not the token's customer_id"}
            raise Refused(forbidden("the token does not allow placing orders for this customer", fault))
        item = placed_item(order)
        size_bytes, limit_bytes = item_size_bytes(item), LIMIT_BYTES - GROWTH_BYTES
        if size_bytes > limit_bytes:
            raise Refused(
                too_large("the order as an item", size_bytes=size_bytes, limit_bytes=limit_bytes, field="lines")
            )
        if self.orders.place(item) != order.content_hash:
            raise Refused(conflict(order.order_id))
        path = f"/orders/{order.order_id}"
        document = {
            "orderId": order.order_id,
            "status": Status.PLACED.value,
            "version": 1,
            "links": {"self": path},
        }
        return answer(HTTPStatus.ACCEPTED, document, {"location": path})

    def show_order(self, event: Event, *, remaining_seconds: float) -> Answer:
        """Show an order; with `Prefer: wait`, once it has left PLACED or when the time is up, whichever is sooner."""
        order_id = event["pathParameters"]["orderId"]
        caller = caller_of(event)
        wait_seconds = wait_preference(event.get("headers") or {})

        def read() -> StoredOrder | None:
            stored = self.orders.read(order_id) if is_id(order_id) else None
            return stored if stored is not None and caller.may_act_for(stored.order.customer_id) else None

        stored = waited_for(
            read,
            lambda stored: stored is None or stored.is_judged,
            seconds=min(wait_seconds or 0, remaining_seconds - RESERVE_SECONDS),
            clock=self.clock,
            sleep=self.sleep,
        )
        if stored is None:
            raise Refused(not_found(f"there is no order {order_id}"))
        applied = {} if wait_seconds is None else {"preference-applied": f"wait={wait_seconds}"}
        return answer(HTTPStatus.OK, stored.document(), applied)

    def list_orders(self, event: Event) -> Answer:
        """List the judged orders of a customer, a page at a time; the list lags behind the orders by seconds."""
        customer_id = event["pathParameters"]["customerId"]
        if not caller_of(event).may_act_for(customer_id):
            raise Refused(forbidden("the token does not allow seeing the orders of this customer"))
        query = page_query(event.get("queryStringParameters") or {})
        if not is_id(customer_id):
            raise Refused(not_found(f"there is no customer {customer_id}"))
        page = self.customer_orders.page(customer_id, limit=query.limit, after_order_id=query.after_order_id)
        following = {} if page.next_order_id is None else {"next": page.next_order_id}
        return answer(HTTPStatus.OK, {"orders": [row.document() for row in page.snapshots]} | following)

    def show_statistics(self, event: Event) -> Answer:
        """Show the windows of some days and their totals; a window is there once it has ended."""
        if not caller_of(event).is_admin:
            raise Refused(forbidden(f"the statistics of the shop need the scope {ADMIN_SCOPE}"))
        days = days_query(event.get("queryStringParameters") or {}, today=self.today())
        rows = [row for day in days for row in self.statistics.day(day)]
        return answer(HTTPStatus.OK, statistics_document(rows))


def _order(document: Any) -> Order:
    try:
        return order_from(document)
    except InvalidOrder as invalid:
        raise Refused(invalid_order(invalid.faults)) from invalid
