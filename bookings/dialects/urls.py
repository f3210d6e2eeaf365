"""The foreign addresses, at the host root beside the native API (contract §2-§4)."""

from django.urls import path

from bookings.dialects.amelia import views as amelia
from bookings.dialects.eagenda import views as eagenda
from bookings.dialects.simplespa import views as simplespa

urlpatterns = [
    path("wp-admin/admin-ajax.php", amelia.AmeliaView.as_view()),
    path("api/v1/appointments.php", simplespa.AppointmentsView.as_view()),
    path("api/v1/write/appointment-status.php", simplespa.AppointmentStatusView.as_view()),
    path("api/v1/clients.php", simplespa.ClientsView.as_view()),
    path("api/v1/services.php", simplespa.ServicesView.as_view()),
    path("api/v1/staff.php", simplespa.StaffView.as_view()),
    path("api/v3/appointments", eagenda.AppointmentListView.as_view()),
    path("api/v3/appointments/<str:key>", eagenda.AppointmentView.as_view()),
    path("api/v3/appointments/<str:key>/reschedule", eagenda.RescheduleView.as_view()),
    path("api/v3/calendars", eagenda.CalendarsView.as_view()),
    path("api/v3/services", eagenda.ServicesView.as_view()),
    path("api/v3/people", eagenda.PeopleView.as_view()),
    path("api/v3/accounts", eagenda.AccountsView.as_view()),
]
