"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from config.docs import DocsView, SchemaView
from config.health import HealthView, ReadinessView
from config.metrics import MetricsView
from staff.wire.paths import IdConverter

register_converter(IdConverter, "id")

handler400 = "staff.wire.handlers.bad_request"
handler403 = "staff.wire.handlers.forbidden"
handler404 = "staff.wire.handlers.not_found"
handler500 = "staff.wire.handlers.server_error"

urlpatterns = [
    path("", include("bookings.urls")),
    path("api/schema", SchemaView.as_view()),
    path("api/docs", DocsView.as_view()),
    path("healthz", HealthView.as_view()),
    path("readyz", ReadinessView.as_view()),
    path("metrics", MetricsView.as_view()),
    path("", include("bookings.dialects.urls")),
    path("", include("clients.urls")),
    path("", include("notifications.urls")),
    path("", include("staff.urls")),
    path("admin/", admin.site.urls),
    path("admin", RedirectView.as_view(url="/admin/", permanent=True)),
]
