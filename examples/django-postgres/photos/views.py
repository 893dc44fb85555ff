from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from photos.forms import UploadForm
from photos.models import Photo
from photos.tasks import make_thumbnail

NEWEST = 60


@never_cache
def home(request):
    form = UploadForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        photo = form.save()
        make_thumbnail.delay_on_commit(photo.pk)
        return redirect("home")
    photos = list(Photo.objects.all()[:NEWEST])
    is_waiting = any(photo.state == "waiting" for photo in photos)
    return render(request, "photos/home.html", {"form": form, "photos": photos, "is_waiting": is_waiting})


@require_GET
@never_cache
def show(request, pk):
    """One picture of the album, as the page's script asks for it until it has a thumbnail."""
    return render(request, "photos/_photo.html", {"photo": get_object_or_404(Photo, pk=pk)})
