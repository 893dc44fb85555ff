from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import path

from photos import views

urlpatterns = [
    path("", views.home, name="home"),
    path("photos/<int:pk>", views.show, name="photo"),
    path("admin/", admin.site.urls),
    # Only where DEBUG is on and uploads are files.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
