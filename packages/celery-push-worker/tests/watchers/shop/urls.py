from django.urls import path

from celery_push_worker.django import view
from shop.celery import app

urlpatterns = [path("worker/", view(app))]
