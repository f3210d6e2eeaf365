"""/api/settings (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import AdminWrites, actor_of, salon_of
from staff.printing_settings import SalonSettingsJson, SettingsChangedJson, settings_json
from staff.salon.affected import Touched, affected_bookings
from staff.salon.settings import change_settings, numbers_read_again
from staff.serializers import SalonSettingsSerializer
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.views import GatedView


class SettingsView(GatedView):
    permission_classes = [AdminWrites]
    read_numbers_again: ClassVar[Callable[..., int | None]] = staticmethod(numbers_read_again)

    @documented("The salon's settings", answer=SalonSettingsJson)
    def get(self, request: Request) -> Response:
        return Response(settings_json(salon_of(request)))

    @documented(
        "Change the settings",
        request=SalonSettingsSerializer(partial=True),
        answer=SettingsChangedJson,
        description="Absent keys keep their value. Another time zone moves no booking: instants stay, wall "
        "clocks are shown anew, and `affected_bookings` are all ahead. Another country reads clients' "
        "telephone numbers again.",
    )
    def put(self, request: Request) -> Response:
        fields = checked_body(SalonSettingsSerializer, request, partial=True)
        before = salon_of(request).timezone
        salon, country = change_settings(fields=fields)
        became_e164 = self.read_numbers_again(salon, before=country)
        answer = cast(SettingsChangedJson, {**settings_json(salon)})
        if became_e164 is not None:
            answer["numbers_became_e164"] = became_e164
        if salon.timezone != before:
            ahead = Touched(timezone.now())
            answer["affected_bookings"] = affected_bookings(ahead, actor=actor_of(request), zone=salon.zone)
        return Response(answer)

    patch = put
