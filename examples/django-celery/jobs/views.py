from django.conf import settings
from django.http import Http404, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from jobs.catalog import KINDS
from jobs.status import status_of
from jobs.visitor import Visitor


@require_GET
@never_cache
def home(request):
    visitor = Visitor(request.session)
    if visitor.name is None:
        return render(request, "sign_in.html", {"password": bool(settings.SITE_PASSWORD)})
    statuses = [status_of(job) for job in visitor.jobs()]
    return render(request, "home.html", {"name": visitor.name, "kinds": KINDS.values(), "statuses": statuses})


@require_GET
@never_cache
def read_jobs(request):
    """How the visitor's jobs stand: those asked for by `id`, so that finished ones are not read again."""
    asked = request.GET.getlist("id")
    statuses = [status_of(job) for job in Visitor(request.session).jobs() if job.id in asked]
    return JsonResponse({"jobs": [render_status(status) for status in statuses]})


@require_POST
def start(request, kind):
    visitor = Visitor(request.session)
    if kind not in KINDS:
        raise Http404("There is no such job.")
    if visitor.name is None:
        return HttpResponseForbidden("Sign in first.", content_type="text/plain")
    job = visitor.start(KINDS[kind])
    if request.headers.get("Accept") == "application/json":
        return JsonResponse(render_status(status_of(job)), status=201)
    return redirect("home")


@require_POST
def forget(request):
    Visitor(request.session).forget_jobs()
    return redirect("home")


@require_POST
def sign_in(request):
    password = settings.SITE_PASSWORD
    if password and not constant_time_compare(request.POST.get("password", ""), password):
        return render(request, "sign_in.html", {"password": True, "wrong": True}, status=403)
    Visitor(request.session).sign_in(request.POST.get("name", ""))
    return redirect("home")


@require_POST
def sign_out(request):
    Visitor(request.session).sign_out()
    return redirect("home")


def render_status(status):
    html = render_to_string("_job.html", {"status": status})
    return {"id": status.job.id, "state": status.state, "finished": status.finished, "html": html}
