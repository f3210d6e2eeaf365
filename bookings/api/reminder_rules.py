"""/api/reminder-rules (contract §10 "rules"): everybody reads, administrators write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.models import ReminderRule
from bookings.models.reminder import LONGEST_DAYS, LONGEST_MINUTES
from bookings.reminders.rules import (
    WHEN,
    TooManyRules,
    add_rule,
    all_rules,
    change_rule,
    columns_of_when,
    remove_rule,
)
from staff.access.auth import AdminWrites
from staff.models import Location, Service
from staff.storage.storing import found
from staff.wire.answers import Id, ListAnswer, one_of
from staff.wire.fields import (
    ChoiceTextField,
    StrictBooleanField,
    StrictIntegerField,
    TextField,
    TimeOfDayField,
)
from staff.wire.filters import FlagFilter, ListFilter, OrderFilter, SearchFilter, every_word_in
from staff.wire.paging import answer_queryset
from staff.wire.reading import ReferenceField, checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class ReminderWhenSerializer(serializers.Serializer):
    """Either `minutes_before`, or `days_before` and `at`."""

    minutes_before = StrictIntegerField(
        min_value=1, max_value=LONGEST_MINUTES, required=False, allow_null=True, help_text="Elapsed time."
    )
    days_before = StrictIntegerField(min_value=0, max_value=LONGEST_DAYS, required=False, allow_null=True)
    at = TimeOfDayField(required=False, allow_null=True, help_text="On the salon's wall clock.")


class ReminderRuleSerializer(serializers.Serializer):
    """One reminder of every visit that it is for; null `service_id`, `location_id`: of any."""

    name = TextField(max_length=200, single_line=True, allow_blank=False)
    when = ReminderWhenSerializer()
    channel = ChoiceTextField(choices=ReminderRule.Channel.values, required=False)
    asks_confirmation = StrictBooleanField(required=False)
    skip_if_confirmed = StrictBooleanField(required=False)
    service_id = ReferenceField(Service.objects.all, required=False, allow_null=True)
    location_id = ReferenceField(Location.objects.all, required=False, allow_null=True)
    first_visit_only = StrictBooleanField(required=False)
    is_active = StrictBooleanField(required=False)


class ReminderWhenJson(TypedDict):
    minutes_before: NotRequired[int]
    days_before: NotRequired[int]
    at: NotRequired[Annotated[str, "`HH:MM`, the salon's wall clock."]]


class ReminderRuleJson(TypedDict):
    id: Id
    name: str
    when: ReminderWhenJson
    channel: Annotated[str, one_of(ReminderRule.Channel.values)]
    asks_confirmation: Annotated[bool, "It asks the client to say that they come."]
    skip_if_confirmed: bool
    service_id: Id | None
    location_id: Id | None
    first_visit_only: bool
    is_active: bool


class ReminderRuleFilter(ListFilter):
    search = SearchFilter(every_word_in("name"))
    is_active = FlagFilter(help_text="Only those (not) in use.")
    order = OrderFilter({"name": ("name",), "id": ()})


class ReminderRuleListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List reminder rules",
        answer=ListAnswer(ReminderRuleJson),
        parameters=ReminderRuleFilter.parameters(),
        description="Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = ReminderRuleFilter.of(request, all_rules())
        return answer_queryset(asked.page, asked.qs, row=rule_json)

    @documented(
        "Add a reminder rule",
        request=ReminderRuleSerializer,
        answer=ReminderRuleJson,
        status=201,
        refused=[409],
        description=f"At most {ReminderRule.MOST}: else 409 `{TooManyRules.code}`. What it makes due is "
        "planned within five minutes; what would have been due before is not made up for.",
    )
    def post(self, request: Request) -> Response:
        rule = add_rule(fields=_columns(checked_body(ReminderRuleSerializer, request)))
        return Response(rule_json(rule), status=201)


class ReminderRuleView(GatedView):
    permission_classes = [AdminWrites]

    @documented("One reminder rule", answer=ReminderRuleJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(rule_json(found(all_rules(), id)))

    @documented(
        "Change a reminder rule",
        request=ReminderRuleSerializer(partial=True),
        answer=ReminderRuleJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value; `when` is sent whole. What is pending follows within five "
        "minutes.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = _columns(checked_body(ReminderRuleSerializer, request, partial=True))
        return Response(rule_json(change_rule(id, fields=fields)))

    patch = put

    @documented(
        "Remove a reminder rule",
        status=204,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="What is pending for it is not sent.",
    )
    def delete(self, request: Request, id: int) -> Response:
        remove_rule(id)
        return Response(status=204)


def rule_json(rule: ReminderRule) -> ReminderRuleJson:
    return {
        "id": rule.pk,
        "name": rule.name,
        "when": _printed_when(rule),
        "channel": rule.channel,
        "asks_confirmation": rule.asks_confirmation,
        "skip_if_confirmed": rule.skip_if_confirmed,
        "service_id": rule.service_id,
        "location_id": rule.location_id,
        "first_visit_only": rule.first_visit_only,
        "is_active": rule.is_active,
    }


def _printed_when(rule: ReminderRule) -> ReminderWhenJson:
    if rule.days_before is None or rule.at is None:
        return {"minutes_before": rule.minutes_before or 0}
    return {"days_before": rule.days_before, "at": f"{rule.at:%H:%M}"}


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Raises BadRequest."""
    columns = {name: value for name, value in fields.items() if name != WHEN}
    return columns | (columns_of_when(fields[WHEN]) if WHEN in fields else {})
