from __future__ import annotations

import errno

import botocore.exceptions
import pytest
from celery import Celery
from celery.exceptions import BackendStoreError, SoftTimeLimitExceeded
from kombu.exceptions import EncodeError, OperationalError

from celery_push_worker._outages import blame_traceback, is_outage
from celery_push_worker.exceptions import Reason


@pytest.mark.parametrize("error", [OSError, ConnectionError, TimeoutError])
def test_a_connection_that_fails_is_an_outage(error):
    assert is_outage(error())


@pytest.mark.parametrize(
    "error", [ValueError, TypeError, MemoryError, KeyError, UnicodeError]
)
def test_an_error_of_the_code_is_none(error):
    assert not is_outage(error())


def test_an_error_is_judged_by_what_has_caused_it():
    from kombu.exceptions import OperationalError

    caused = OperationalError()
    caused.__cause__ = type("ParamValidationError", (Exception,), {})()

    assert is_outage(OperationalError())
    assert not is_outage(caused)


def answer(code, status=400):
    return botocore.exceptions.ClientError(
        {
            "Error": {"Code": code, "Message": ""},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "PutItem",
    )


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.EndpointConnectionError(endpoint_url="x"),
        botocore.exceptions.ReadTimeoutError(endpoint_url="x"),
        answer("ThrottlingException"),
        answer("AccessDeniedException"),
        answer("InternalServerError", 500),
        type("ServerSelectionTimeoutError", (Exception,), {"__module__": "pymongo"})(),
    ],
    ids=repr,
)
def test_a_client_that_cannot_reach_its_server_tells_of_an_outage(error):
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.ParamValidationError(report="x"),
        answer("ValidationException"),
        answer("com.amazonaws.sqs#InvalidMessageContents"),
        answer("RequestEntityTooLarge", 413),
        EncodeError("x"),
        SoftTimeLimitExceeded(),
        BackendStoreError("x"),
        OSError(errno.ENAMETOOLONG, "File name too long"),
        type("DataError", (Exception,), {"__module__": "django.db.utils"})(),
        type("ResponseError", (Exception,), {"__module__": "redis.exceptions"})(
            "string exceeds maximum allowed size (512MB)"
        ),
    ],
    ids=repr,
)
def test_a_value_that_is_refused_is_none(error):
    assert not is_outage(error)


def test_what_a_tasks_own_code_has_called_is_the_tasks():
    app = Celery("blame", set_as_current=False, broker_url="amqp://127.0.0.1:1")

    @app.task(shared=False)
    def publish():
        app.connection_for_write().ensure_connection(max_retries=1, timeout=0.1)

    try:
        publish.run()
    except OperationalError as exc:
        traceback = exc.__traceback__.tb_next

    @app.task(shared=False)
    def other():
        pass

    assert blame_traceback(traceback, publish) is None
    assert blame_traceback(traceback.tb_next, other) is Reason.BROKER_FAILED
