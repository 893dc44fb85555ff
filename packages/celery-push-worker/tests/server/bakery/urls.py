import io
import threading
import time

from django.conf.urls.i18n import i18n_patterns
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseNotModified,
    JsonResponse,
    StreamingHttpResponse,
)
from django.middleware.csrf import get_token
from django.urls import path

closed = threading.Event()
meeting = threading.Barrier(3, timeout=10)


def facts(request):
    facts = {"scheme": request.scheme, "headers": dict(request.headers)}
    return JsonResponse(facts)


def stream(request, chunks):
    def lines():
        try:
            for _ in range(chunks):
                yield b"x" * 1023 + b"\n"
        finally:
            closed.set()

    async def async_lines():
        for line in lines():
            yield line

    # Django would gather the whole of an ordinary generator for such a server.
    kind = async_lines if isinstance(request, ASGIRequest) else lines
    return StreamingHttpResponse(kind(), content_type="text/csv")


def drip(request):
    def drops():
        while True:
            time.sleep(0.2)
            yield b"."

    return StreamingHttpResponse(drops())


def form(request):
    return HttpResponse(get_token(request))


def together(request):
    meeting.wait()
    return HttpResponse("met")


def burn(request):
    raise RuntimeError("burnt")


def break_off(request):
    def lines():
        yield b"begun"
        raise RuntimeError("in the middle")

    return StreamingHttpResponse(lines())


urlpatterns = [
    path("facts/", facts),
    path("empty/", lambda _: HttpResponse(status=204)),
    path("same/", lambda _: HttpResponseNotModified()),
    path("stream/<int:chunks>/", stream),
    path("drip/", drip),
    path("break/", break_off),
    path("burn/", burn),
    path("closed/", lambda _: HttpResponse(str(closed.is_set()))),
    path("form/", form),
    path("together/", together),
    path("file/", lambda _: FileResponse(open(__file__, "rb"))),  # noqa: SIM115
    path("memory/", lambda _: FileResponse(io.BytesIO(b"in memory"))),
    path("large/", lambda _: HttpResponse(b"x" * 4_000_000)),
    *i18n_patterns(path("cakes/", lambda _: HttpResponse("cakes"))),
]
