"""Lines of the set-up list about bookings; each is a `staff.salon.setup_list.FindsLine`."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from bookings.models import ReminderRule
from staff.models import SalonSettings
from staff.salon.setup_list import SetupLine


def reminders(salon: SalonSettings) -> SetupLine:
    """A salon that had bookings before there were reminders finds them switched off."""
    return SetupLine(
        _("Reminders"),
        _("Switch on the reminders that clients are to get before their visits."),
        ReminderRule.objects.filter(is_active=True).exists(),
        reverse("admin:bookings_reminderrule_changelist"),
    )
