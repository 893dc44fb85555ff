"""Publishes a chord's body with its members' results, or records that it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from celery import exceptions, states
from celery.canvas import maybe_signature
from celery.exceptions import ChordError
from celery.result import ResultSet, allow_join_result

from ._logs import log
from ._outages import is_outage


def publish_body(
    backend: Any, request: Any, read_results: Callable[[], list[Any]]
) -> None:
    """Publish the body of the request's chord, or record that it can never run.

    Outages of store or broker are raised: the member comes back, as a duplicate that is
    counted again.
    """
    callback: Any = maybe_signature(request.chord, app=backend.app)
    try:
        with allow_join_result():
            results = read_results()
        publish(callback, results)
    except ChordError as exc:
        log.error("Chord %r raised: %s", request.group, exc)
        backend.chord_error_from_stack(callback, exc)


def publish(callback: Any, results: list[Any]) -> None:
    try:
        callback.delay(results)
    except Exception as exc:
        if is_outage(exc):
            raise
        raise ChordError(f"Callback error: {exc!r}") from exc


def join(backend: Any, members: Any, known: Mapping[str, Any]) -> Iterator[Any]:
    """Return the results of members, all of which have been stored.

    :param known: results that were read already, by task id.
    :raises ChordError: a member failed, or has no result.
    """
    for member in members.results or ():
        if isinstance(member, ResultSet):
            yield list(join(backend, member, known))
        else:
            yield read_result(backend, member, known.get(member.id))


def read_result(backend: Any, member: Any, meta: Any) -> Any:
    meta = meta or wait_for_result(backend, member)
    if meta["status"] not in states.PROPAGATE_STATES:
        return meta["result"]
    error = meta["result"]
    cause = error if isinstance(error, BaseException) else None
    raise ChordError(repr(error)) from cause  # As Celery says it.


def wait_for_result(backend: Any, member: Any) -> dict[str, Any]:
    # Celery's limit is for all members together, which a large chord exceeds. Here it
    # is for each: a store may take a moment to return what was written.
    timeout = backend.app.conf.result_chord_join_timeout
    try:
        member.get(timeout=timeout, propagate=False)
    except exceptions.TimeoutError as exc:
        raise ChordError(repr(exc)) from exc
    return {"status": member.state, "result": member.result}
