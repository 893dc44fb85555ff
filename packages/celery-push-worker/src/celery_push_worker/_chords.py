"""Counts the members of a chord by their ids, so that a duplicate counts once.

Celery increments a number for each member that ends: a member whose process dies
between storing its result and the increment is never counted, and one that is delivered
twice counts as two.

Each store's implementation has two steps, both of which may be repeated: record the
member, and publish the body when all members are recorded. Whoever sees that all are
recorded publishes it, under the id that it has had from the start; the records are
deleted afterwards.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from celery import states
from celery.backends.base import BaseKeyValueStoreBackend

from ._chords_redis import CountsInRedis
from ._chords_table import CountsInTable


def adopt(backend: Any) -> Any:
    """Make a result store count by member, if it is one of Celery's that can."""
    kind: Any = type(backend)
    way = find_way(kind)
    if way is not None:
        backend.__class__ = extend(kind, way)
        if "apply_chord" in vars(backend):  # Celery has bound its own to the instance.
            backend.apply_chord = backend._apply_chord_incr  # noqa: SLF001
    return backend


def recount(backend: Any, request: Any, result: Any) -> None:
    """Count a member that succeeded earlier, in case it was not counted then.

    Does nothing for a store that would count it twice.
    """
    if isinstance(backend, (CountsInTable, CountsInRedis)):
        backend.on_chord_part_return(request, states.SUCCESS, result)


@cache
def find_way(kind: Any) -> type | None:
    bases = {f"{base.__module__}.{base.__name__}" for base in kind.__mro__}
    counts, base = kind.on_chord_part_return, BaseKeyValueStoreBackend
    if "celery.backends.dynamodb.DynamoDBBackend" in bases:
        # Without a counter, as in Celery 5.3, a task polls whether all are ready.
        is_celerys = kind.implements_incr and counts is base.on_chord_part_return
        return CountsInTable if is_celerys else None
    if "celery.backends.redis.RedisBackend" in bases:
        is_celerys = counts.__module__ == "celery.backends.redis"
        return CountsInRedis if is_celerys else None
    return None


@cache
def extend(kind: Any, way: Any) -> type:
    """Return the class of a store, with another one in front of it."""

    class Extended(way, kind):  # type: ignore[misc]  # chosen when it is known
        push_worker_kind = getattr(kind, "push_worker_kind", kind)

        def __reduce__(self, *args: Any) -> Any:
            make, (_, *rest) = super().__reduce__(*args)
            return make, (self.push_worker_kind, *rest)

    Extended.__name__ = Extended.__qualname__ = kind.__name__
    return Extended
