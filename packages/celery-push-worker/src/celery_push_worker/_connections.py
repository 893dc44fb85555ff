"""Closes connections to broker and result store; they are reopened when needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._logs import log

if TYPE_CHECKING:
    from celery import Celery


class IdleWatch:
    """Closes connections that may have been lost while the instance was suspended.

    The platform suspends an instance between requests, and the network drops its
    connections: the next use would wait for a response that never comes.
    https://yandex.cloud/en/docs/serverless-containers/concepts/container
    """

    def __init__(self, app: Celery, idle_seconds: float) -> None:
        self.app = app
        self.idle_seconds = idle_seconds
        self.last_used = time.time()

    def wake(self) -> None:
        """Call at the start of a request."""
        # The wall clock: others may stop during suspension.
        if time.time() - self.last_used > self.idle_seconds:
            close_idle(self.app)
        self.rest()

    def rest(self) -> None:
        """Call at the end of a request."""
        self.last_used = time.time()


def close_idle(app: Celery) -> None:
    """Close connections that no request uses now. The client objects are kept."""
    for thing in [*find_broker_clients(app), *find_store_clients(app)]:
        with suppress(Exception):
            close(thing)
    log.debug("Closed connections after a pause")


def close(thing: Any) -> None:
    pool = getattr(thing, "connection_pool", None)
    if pool is not None:  # Redis
        pool.disconnect(inuse_connections=False)
    else:  # botocore: clears the pool of sockets; the client remains usable
        thing.close()


def find_store_clients(app: Celery) -> Iterator[Any]:
    # Looked up in the instance: attribute access would create a client.
    made = vars(app.backend)
    yield from (made[name] for name in ("_client", "client") if made.get(name))


def find_broker_clients(app: Celery) -> Iterator[Any]:
    # Looked up in the instance: attribute access would create it.
    pool: Any = vars(app).get("_pool")
    for connection in list(pool._resource.queue) if pool else ():  # noqa: SLF001  there is no public list
        transport_connection = getattr(connection, "_connection", None)
        for channel in list(getattr(transport_connection, "channels", None) or []):
            if client := getattr(channel, "_sqs", None):
                yield client
            predefined = getattr(channel, "_predefined_queue_clients", None) or {}
            yield from list(predefined.values())
