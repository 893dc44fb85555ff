from django.urls import path

from jobs import views

urlpatterns = [
    path("", views.home, name="home"),
    path("jobs", views.read_jobs, name="jobs"),
    path("start/<slug:kind>", views.start, name="start"),
    path("forget", views.forget, name="forget"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
]
