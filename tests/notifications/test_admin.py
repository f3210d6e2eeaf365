"""Jobs, messages, notifications and follow-up sequences in Django admin."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications import inapp, outbox
from notifications.models import FollowupSequence, FollowupStep, Job, Message, MessageText, Notification
from tests.cast.factories import make_ada, make_bea, make_salon, make_service
from tests.cast.outbox import HANDLERS, NOON, due, enqueue

pytestmark = pytest.mark.django_db

READ_ONLY = [Job, Message, Notification]


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    settings.HANDLERS = settings.HANDLERS | HANDLERS


@pytest.fixture
def browser() -> Browser:
    make_salon()
    return _browser_of(make_ada())


def _browser_of(person: Any) -> Browser:
    browser = Browser()
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def list_of(model: Any) -> str:
    return reverse(f"admin:notifications_{model._meta.model_name}_changelist")


def page_of(row: Any) -> str:
    return reverse(f"admin:notifications_{row._meta.model_name}_change", args=[row.pk])


def given_up(name: str = "a", state: str = "dead", **fields: Any) -> Job:
    (job,) = enqueue(due(name, **fields))
    Job.objects.filter(pk=job.pk).update(state=state, attempts=10, last_error="550 no such user")
    job.refresh_from_db()
    return job


def messages_of(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def tell(count: int = 1) -> None:
    ids = [Job.objects.count() + number for number in range(count)]
    outbox.enqueue([due(f"told {number}", booking_id=number + 1) for number in ids], now=NOON)
    Message.objects.update(html="<p>Hi</p>", text="Hi", subject="Hello")
    for _ in range(count):
        inapp.tell_admins(type="booking.new", title="New", now=NOON)
        sequence = FollowupSequence.objects.create(name="After", service=make_service())
        FollowupStep.objects.create(sequence=sequence, delay_days=1, subject="s", body="b")


@pytest.mark.parametrize("model", [*READ_ONLY, FollowupSequence])
def test_a_list_costs_the_same_however_long_it_is(browser, model, django_assert_num_queries):
    tell(2)
    browser.get(list_of(model))
    with CaptureQueriesContext(connection) as few:
        assert browser.get(list_of(model)).status_code == 200
    tell(15)
    with django_assert_num_queries(len(few)):
        browser.get(list_of(model))


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Job, "?q=7"),
        (Job, "?state__exact=dead&type__exact=test.counted"),
        (Message, "?q=alice%40example.com"),
        (Message, "?state__exact=waiting"),
        (Notification, "?q=New&is_read__exact=0"),
        (FollowupSequence, "?q=after&is_active__exact=1"),
        (MessageText, "?q=x"),
    ],
)
def test_searches_and_filters_answer(browser, model, query):
    tell()
    assert browser.get(list_of(model) + query).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_was_told_is_not_written(browser, model):
    tell()
    row = model.objects.first()
    before = model.objects.values().get(pk=row.pk)
    assert browser.get(page_of(row)).status_code == 200
    assert browser.post(page_of(row), {"state": "done", "title": "x"}).status_code == 403
    assert browser.get(reverse(f"admin:notifications_{model._meta.model_name}_add")).status_code == 403
    delete = reverse(f"admin:notifications_{model._meta.model_name}_delete", args=[row.pk])
    assert browser.post(delete, {"post": "yes"}).status_code == 403
    assert model.objects.values().get(pk=row.pk) == before


@pytest.mark.parametrize("model", [*READ_ONLY, FollowupSequence, MessageText])
def test_nothing_is_deleted_in_bulk(browser, model):
    tell()
    count = model.objects.count()
    chosen = list(model.objects.values_list("pk", flat=True))
    browser.post(list_of(model), {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert model.objects.count() == count
    assert "delete_selected" not in admin.site._registry[model].get_actions(
        browser.get(list_of(model)).wsgi_request
    )


# --- jobs --------------------------------------------------------------------------------------


def test_dead_and_uncertain_jobs_are_tried_again_from_the_list(browser):
    dead, uncertain, done = given_up("a"), given_up("b", "uncertain"), given_up("c", "done")
    answer = browser.post(
        list_of(Job),
        {"action": "retry", "_selected_action": [dead.pk, uncertain.pk, done.pk], "index": "0"},
        follow=True,
    )
    assert dict(Job.objects.values_list("once_key", "state")) == {"a": "pending", "b": "pending", "c": "done"}
    assert messages_of(answer) == [
        f"#{done.pk}: This job is done; only a dead or uncertain one can be retried.",
        "Due again: 2.",
    ]


def test_a_job_is_tried_again_from_its_page(browser):
    job = given_up()
    page = browser.get(page_of(job)).content.decode()
    address = reverse("admin:notifications_job_retry", args=[job.pk])
    assert f'action="{address}"' in page
    answer = browser.post(address, follow=True)
    assert (Job.objects.get().state, messages_of(answer)) == ("pending", ["Due again: 1."])
    assert address not in answer.content.decode()


def test_a_get_tries_nothing_again(browser):
    job = given_up()
    address = reverse("admin:notifications_job_retry", args=[job.pk])
    assert browser.get(address).status_code == 405
    assert Job.objects.get().state == "dead"


def test_trying_again_needs_the_form_of_our_own_page():
    make_salon()
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    job = given_up()
    assert browser.post(reverse("admin:notifications_job_retry", args=[job.pk])).status_code == 403
    assert Job.objects.get().state == "dead"


def test_staff_see_none_of_it():
    make_salon()
    job = given_up()
    browser = _browser_of(make_bea())
    for address in (list_of(Job), page_of(job), list_of(Message)):
        assert browser.get(address).status_code == 302
    assert browser.post(reverse("admin:notifications_job_retry", args=[job.pk])).status_code == 302
    assert Job.objects.get().state == "dead"


def test_a_job_and_its_message_lead_to_each_other(browser):
    job = given_up()
    message = Message.objects.get(job=job)
    assert f'href="{page_of(message)}"' in browser.get(page_of(job)).content.decode()
    assert f'href="{page_of(job)}"' in browser.get(page_of(message)).content.decode()


def test_a_job_without_a_message_has_a_page(browser):
    (job,) = enqueue(due("a", type="test.effect", recipient="", is_mail=False))
    assert browser.get(page_of(job)).status_code == 200


# --- messages ----------------------------------------------------------------------------------

EVIL = "<style>p{color:red}</style><p style='color:red'>Hi</p><script>alert(1)</script>"


def _evil_message() -> Message:
    enqueue(due("a"))
    Message.objects.update(html=EVIL, text="Hi <b>there</b>", subject="<i>x</i>", to="alice@example.com")
    return Message.objects.get()


def test_a_message_shows_its_words_escaped_and_its_html_in_a_frame(browser):
    message = _evil_message()
    answer = browser.get(page_of(message))
    page = answer.content.decode()
    assert "Hi &lt;b&gt;there&lt;/b&gt;" in page and "&lt;i&gt;x&lt;/i&gt;" in page
    assert "alert(1)" not in page
    (frame,) = re.findall(r"<iframe[^>]*>", page)
    assert f'src="{reverse("admin:notifications_message_html", args=[message.pk])}"' in frame
    assert " sandbox" in frame and "allow" not in frame
    policy = answer["Content-Security-Policy"]
    assert "frame-src 'self'" in policy and "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_html_of_a_message_can_do_nothing(browser):
    message = _evil_message()
    answer = browser.get(reverse("admin:notifications_message_html", args=[message.pk]))
    assert (answer.status_code, answer.content.decode()) == (200, EVIL)
    assert sorted(answer["Content-Security-Policy"].split("; ")) == [
        "base-uri 'none'",
        "default-src 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "img-src data:",
        "sandbox",
        "style-src 'unsafe-inline'",
    ]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_html_of_a_message_is_for_administrators():
    make_salon()
    message = _evil_message()
    address = reverse("admin:notifications_message_html", args=[message.pk])
    for browser in (Browser(), _browser_of(make_bea())):
        answer = browser.get(address)
        assert (answer.status_code, b"Hi" in answer.content) == (302, False)
    assert _browser_of(make_ada()).get(address + "x").status_code == 404


def test_a_list_of_messages_does_not_read_their_bodies(browser):
    _evil_message()
    with CaptureQueriesContext(connection) as queries:
        browser.get(list_of(Message))
    assert not [
        query for query in queries.captured_queries if '"notifications_message"."html"' in query["sql"]
    ]


# --- the salon's own words ---------------------------------------------------------------------


def test_the_salons_own_words_for_a_mail(browser):
    add = reverse("admin:notifications_messagetext_add")
    page = browser.get(add).content.decode()
    assert re.findall(r'<option value="(test\.[a-z]+)"', page) == ["test.counted", "test.optional"]
    words = {"type": "test.counted", "locale": "nl", "subject": "Hallo", "introduction": "Welkom"}
    assert browser.post(add, words).status_code == 302
    assert MessageText.objects.values("type", "locale", "subject", "introduction").get() == words
    assert browser.post(add, words).status_code == 200
    assert browser.post(add, words | {"type": "test.effect"}).status_code == 200
    assert browser.post(add, words | {"locale": "xx"}).status_code == 200
    assert MessageText.objects.count() == 1


def test_no_other_words_are_offered_for_mails_the_salon_wrote_itself(browser, settings):
    settings.HANDLERS = {
        "followup.step": "bookings.mails.followup.FollowupMail",
        "review.request": "bookings.mails.review.ReviewMail",
    }
    add = reverse("admin:notifications_messagetext_add")
    assert re.findall(r'<option value="([a-z]+\.[a-z]+)"', browser.get(add).content.decode()) == [
        "review.request"
    ]
    words = {"type": "followup.step", "locale": "nl", "subject": "Hallo", "introduction": ""}
    assert browser.post(add, words).status_code == 200
    assert MessageText.objects.count() == 0


# --- follow-up sequences -----------------------------------------------------------------------


def test_a_sequence_is_written_with_its_steps(browser):
    add = reverse("admin:notifications_followupsequence_add")
    form = {
        "name": "After a visit",
        "service": "",
        "is_active": "on",
        "stop_on_rebook": "on",
        "steps-TOTAL_FORMS": "1",
        "steps-INITIAL_FORMS": "0",
        "steps-0-delay_days": "3",
        "steps-0-subject": "Thanks",
        "steps-0-body": "See you",
    }
    assert browser.post(add, form).status_code == 302
    sequence = FollowupSequence.objects.get()
    assert list(sequence.steps.values("delay_days", "subject", "body")) == [
        {"delay_days": 3, "subject": "Thanks", "body": "See you"}
    ]
    assert browser.post(add, form | {"steps-0-delay_days": "-1"}).status_code == 200
    assert FollowupSequence.objects.count() == 1
    assert browser.get(page_of(sequence)).status_code == 200
