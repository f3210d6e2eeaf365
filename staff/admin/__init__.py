"""Django admin for the salon's side. Rows that bookings refer to are made inactive, never deleted."""

from staff.admin.catalogue import LocationAdmin, ServiceAdmin
from staff.admin.keys import ApiKeyAdmin, LoginAdmin
from staff.admin.opening import HolidayAdmin, OpeningExceptionAdmin, TimeOffAdmin, WorkingHoursAdmin
from staff.admin.people import StaffAdmin
from staff.admin.salon import SalonSettingsAdmin

__all__ = [
    "ApiKeyAdmin",
    "HolidayAdmin",
    "LocationAdmin",
    "LoginAdmin",
    "OpeningExceptionAdmin",
    "SalonSettingsAdmin",
    "ServiceAdmin",
    "StaffAdmin",
    "TimeOffAdmin",
    "WorkingHoursAdmin",
]
