"""The foreign addresses, at the host root beside the native API (contract §2-§4)."""

from django.urls import path

from bookings.dialects.simplespa import views as simplespa

urlpatterns = [
    path("api/v1/appointments.php", simplespa.AppointmentsView.as_view()),
    path("api/v1/write/appointment-status.php", simplespa.AppointmentStatusView.as_view()),
    path("api/v1/clients.php", simplespa.ClientsView.as_view()),
    path("api/v1/services.php", simplespa.ServicesView.as_view()),
    path("api/v1/staff.php", simplespa.StaffView.as_view()),
]
