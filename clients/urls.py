"""The addresses of the clients."""

from django.urls import path

from clients.api import ClientListView, ClientView, WalkInView

urlpatterns = [
    path("api/clients", ClientListView.as_view()),
    path("api/clients/walk-in", WalkInView.as_view()),
    path("api/clients/<id:id>", ClientView.as_view()),
]
