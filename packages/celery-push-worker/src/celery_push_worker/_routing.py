"""Which queues a task's message goes to, found before it is sent.

Over SQS, exchanges and bindings exist only in a process's memory: what is published to
an exchange that has no binding there is lost, without an error. A worker has those of
the queues that it consumes; here, every process has those of all of the app's queues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from celery.exceptions import QueueNotFound
from kombu.transport.virtual.exchange import DirectExchange, TopicExchange

from .exceptions import PushWorkerError, UnboundExchangeError, UnknownQueueError

if TYPE_CHECKING:
    from celery import Celery

EXCHANGES: Mapping[str, Any] = {
    "direct": DirectExchange(None),
    "topic": TopicExchange(None),
}
"""By type. SQS has no others."""

ROUTE = ("queue", "exchange", "routing_key")
"""Options of tasks, calls and routes that say where a message goes."""


def check_route(app: Celery, task: str, options: dict[str, Any]) -> None:
    """Reject a task whose message would go to a queue that is not predefined.

    The queues are added to the options, to be declared with their bindings.

    :raises UnknownQueueError: names the queue and the known ones.
    :raises UnboundExchangeError: the message would go to no queue.
    """
    known = list_known(app)
    if known is None:
        return
    queues = find_queues(app, task, options)
    for queue in queues:
        if queue.name not in known:
            raise UnknownQueueError(task, queue.name, known)
    options["declare"] = options.get("declare") or queues


def find_problems(
    app: Celery, task: str, options: Mapping[str, Any], *args: Any
) -> Iterator[PushWorkerError]:
    """Yield the errors that sending a registered task would raise.

    :param options: of the call; the task's own come after them.
    :param args: arguments and keyword arguments, for a router that looks at them.
    """
    known = list_known(app)
    if known is None:
        return
    own = {name: getattr(app.tasks[task], name, None) for name in ROUTE}
    wanted = {name: options.get(name) or own[name] for name in ROUTE}
    given = {name: value for name, value in wanted.items() if value is not None}
    router: Any = app.amqp.router
    try:
        queues = find_queues(app, task, router.route(given, task, *args))
    except QueueNotFound as exc:  # The project creates no missing queues.
        yield PushWorkerError(*exc.args)
        return
    except UnboundExchangeError as exc:
        yield exc
        return
    for queue in queues:
        if queue.name not in known:
            yield UnknownQueueError(task, queue.name, known)


def list_known(app: Celery) -> list[str] | None:
    """Return the names of the predefined queues, None if nothing is known of them."""
    options = app.conf.broker_transport_options or {}
    return sorted(options.get("predefined_queues") or {}) or None


def find_queues(app: Celery, task: str, options: Mapping[str, Any]) -> list[Any]:
    """Return the queues to which a message with these options goes, as Celery sends it.

    :raises UnboundExchangeError: there is none.
    """
    amqp: Any = app.amqp
    queue: Any = options.get("queue")
    exchange: Any = options.get("exchange")
    key: Any = options.get("routing_key")
    if queue is None and exchange is None:
        queue = amqp.default_queue
    elif isinstance(queue, str):
        queue = amqp.queues[queue]
    own: Any = getattr(queue, "exchange", None)  # None with a list of bindings.
    kind = options.get("exchange_type") or getattr(own, "type", "direct")
    if queue and kind == "direct" and not (exchange and key):
        return [queue]
    if queue and exchange is None:
        exchange = own.name or amqp.default_exchange
        key = key or queue.routing_key or app.conf.task_default_routing_key
    name = getattr(exchange, "name", exchange)
    queues = {each.name: each for each in (*amqp.queues.values(), queue) if each}
    bound = [each for each in queues.values() if is_bound(each, name, key)]
    if not bound:
        raise UnboundExchangeError(task, name, key)
    return bound


def is_bound(queue: Any, exchange: str, key: str | None) -> bool:
    # Kombu forgets the exchange of a queue that has a list of bindings.
    return any(
        bound.exchange.name == exchange
        and matches(bound.exchange.type, bound.routing_key or "", key or "")
        for bound in queue.bindings or [queue]
    )


def matches(kind: str, pattern: str, key: str) -> bool:
    exchange = EXCHANGES.get(kind)
    if exchange is None:
        return False
    table = [exchange.prepare_bind("", "", pattern, None)]
    return bool(exchange.lookup(table, "", key, None))
