"""Django admin's first page says it when no mail leaves the salon."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from tests.cast.factories import make_ada, make_salon

pytestmark = pytest.mark.django_db

SAID = "No mail leaves: EMAIL_URL is not set."


@pytest.fixture
def browser() -> Browser:
    make_salon()
    browser = Browser()
    browser.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def _first_page(browser: Browser) -> str:
    page = browser.get("/admin/")
    assert page.status_code == 200
    return page.content.decode()


def test_without_a_mail_server_it_says_that_no_mail_leaves(browser: Browser, settings: Settings) -> None:
    settings.EMAIL_URL = ""
    assert SAID in _first_page(browser)


def test_with_one_or_while_debugging_it_says_nothing(browser: Browser, settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:2525"
    assert SAID not in _first_page(browser)
    settings.EMAIL_URL = ""
    settings.DEBUG = True
    assert SAID not in _first_page(browser)
