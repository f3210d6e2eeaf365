"""The addresses of the salon's side. Patterns are written without the trailing slash."""

from django.urls import path

from staff.api import accounts, catalogue, exceptions, keys, opening, people, salon

urlpatterns = [
    path("api/auth/login", accounts.LoginView.as_view()),
    path("api/auth/logout", accounts.LogoutView.as_view()),
    path("api/auth/logout-all", accounts.LogoutAllView.as_view()),
    path("api/auth/me", accounts.MeView.as_view()),
    path("api/auth/password", accounts.PasswordView.as_view()),
    path("api/staff", people.StaffListView.as_view()),
    path("api/staff/<id:id>", people.StaffView.as_view()),
    path("api/services", catalogue.ServiceListView.as_view()),
    path("api/services/<id:id>", catalogue.ServiceView.as_view()),
    path("api/services/<id:id>/durations", catalogue.ServiceDurationsView.as_view()),
    path("api/locations", catalogue.LocationListView.as_view()),
    path("api/locations/<id:id>", catalogue.LocationView.as_view()),
    path("api/working-hours", opening.WorkingHoursListView.as_view()),
    path("api/working-hours/<id:id>", opening.WorkingHoursView.as_view()),
    path("api/time-off", opening.TimeOffListView.as_view()),
    path("api/time-off/<id:id>", opening.TimeOffView.as_view()),
    path("api/holidays", opening.HolidayListView.as_view()),
    path("api/holidays/<id:id>", opening.HolidayView.as_view()),
    path("api/opening-exceptions", exceptions.OpeningExceptionListView.as_view()),
    path("api/opening-exceptions/<id:id>", exceptions.OpeningExceptionView.as_view()),
    path("api/settings", salon.SettingsView.as_view()),
    path("api/api-keys", keys.ApiKeyListView.as_view()),
    path("api/api-keys/<id:id>", keys.ApiKeyView.as_view()),
]
