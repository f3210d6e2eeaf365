"""Languages: whose a mail is, and dates, times and amounts as each writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from clients.models import Client
from notifications.letters.language import language_for, long_date, moment, money, time_span, zone_name
from tests.cast.factories import make_alice, make_salon
from tests.cast.letters import NOW, START, TOKEN, compose, furnish, make_booking, make_job, told

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("nl", "de"), "nl"),
        (("", "de"), "de"),
        (("nl-BE", "de"), "nl"),
        (("de_AT", "en"), "de"),
        (("FR", "en"), "fr"),
        (("pt", "es"), "es"),
        (("pt", "tlh"), "en"),
        (("", ""), "en"),
        (("../../etc", "x" * 600), "en"),
        (("\x00", "nl"), "nl"),
    ],
)
def test_the_first_wish_we_speak_wins(wishes, language):
    assert language_for(*wishes) == language


@pytest.mark.parametrize(
    ("locale", "date", "in_a_sentence", "span"),
    [
        ("en", "Monday 23 November 2026", "Monday 23 November at 10:00", "10:00 to 10:45"),
        ("nl", "maandag 23 november 2026", "maandag 23 november om 10:00", "10:00 tot 10:45"),
        ("de", "Montag, 23. November 2026", "Montag, 23. November um 10:00 Uhr", "10:00 bis 10:45 Uhr"),
        ("fr", "lundi 23 novembre 2026", "lundi 23 novembre à 10:00", "de 10:00 à 10:45"),
        ("es", "lunes, 23 de noviembre de 2026", "lunes, 23 de noviembre a las 10:00", "de 10:00 a 10:45"),
    ],
)
def test_dates_and_times_are_written_as_the_language_writes_them(locale, date, in_a_sentence, span):
    end = START + timedelta(minutes=45)
    with override(locale):
        assert long_date(START, zone=AMSTERDAM) == date
        assert moment(START, zone=AMSTERDAM) == in_a_sentence
        assert time_span(START, end, zone=AMSTERDAM) == f"{span} (Europe/Amsterdam, CET)"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("locale", "line"),
    [
        ("en", f"Price: €45.00 (3{NBSP}× €15.00)"),
        ("nl", f"Prijs: €{NBSP}45,00 (3{NBSP}× €{NBSP}15,00)"),
        ("de", f"Preis: 45,00{NBSP}€ (3{NBSP}× 15,00{NBSP}€)"),
        ("fr", f"Prix: 45,00{NBSP}€ (3{NBSP}× 15,00{NBSP}€)"),
        ("es", f"Precio: 45,00{NBSP}€ (3{NBSP}× 15,00{NBSP}€)"),
    ],
)
def test_a_group_reads_what_all_pay_together(locale, line):
    furnish()
    alice, later = make_alice(locale=locale), timedelta(days=7)
    group = {"client": alice, "persons": 3, "price": Decimal("15.00")}
    one = make_booking(**group)
    two = make_booking(**group, start_at=START + later, end_at=START + later + timedelta(minutes=45))
    for payload in ({}, {"booking_ids": [one.pk, two.pk]}):
        mail = compose(make_job("booking.created", one, payload=payload), now=NOW)
        assert line in mail.text.split("\n")


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        # Autumn: 02:00-03:00 comes twice; spring: 02:00-03:00 does not come at all.
        ("2026-10-25T00:30", "2026-10-25T01:30", "02:30 CEST to 02:30 CET (Europe/Amsterdam)"),
        ("2026-10-25T00:15", "2026-10-25T00:45", "02:15 to 02:45 (Europe/Amsterdam, CEST)"),
        ("2026-10-25T01:15", "2026-10-25T01:45", "02:15 to 02:45 (Europe/Amsterdam, CET)"),
        ("2026-03-29T00:30", "2026-03-29T01:30", "01:30 CET to 03:30 CEST (Europe/Amsterdam)"),
        ("2026-07-01T08:00", "2026-07-01T09:00", "10:00 to 11:00 (Europe/Amsterdam, CEST)"),
    ],
)
def test_time_spans_name_the_zone_also_when_the_clocks_change(start, end, span):
    instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)]
    assert time_span(*instants, zone=AMSTERDAM) == span


@pytest.mark.parametrize(
    ("zone", "name", "span"),
    [
        ("UTC", "UTC", "09:00 to 10:00 (UTC)"),
        ("Europe/Istanbul", "UTC+03", "12:00 to 13:00 (Europe/Istanbul, UTC+03)"),
        ("Asia/Kathmandu", "UTC+0545", "14:45 to 15:45 (Asia/Kathmandu, UTC+0545)"),
    ],
)
def test_zones_without_a_name_of_their_own(zone, name, span):
    assert zone_name(START, zone=ZoneInfo(zone)) == name
    assert time_span(START, START + timedelta(hours=1), zone=ZoneInfo(zone)) == span


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "written"),
    [
        ("en", "40", "EUR", "€40.00"),
        ("en", "1234.5", "EUR", "€1,234.50"),
        ("en", "4500", "JPY", "¥4,500"),
        ("en", "12.5", "KWD", f"KWD{NBSP}12.500"),
        ("en", "0", "USD", "$0.00"),
        ("en", "12.345", "EUR", "€12.35"),
        ("en", "9.995", "CHF", f"CHF{NBSP}10.00"),
        ("nl", "1234.5", "EUR", f"€{NBSP}1.234,50"),
        ("de", "1234.5", "EUR", f"1.234,50{NBSP}€"),
        ("fr", "1234.5", "EUR", f"1{NBSP}234,50{NBSP}€"),
        ("es", "12345", "JPY", f"12{NBSP}345{NBSP}¥"),
        ("de", "12.5", "KWD", f"12,500{NBSP}KWD"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(locale, amount, currency, written):
    with override(locale):
        assert money(Decimal(amount), currency).replace("\N{NARROW NO-BREAK SPACE}", NBSP) == written


SUBJECTS = {
    "nl": {
        "created": "Je afspraak op maandag 23 november om 10:00 is bevestigd",
        "updated": "Je afspraak is verplaatst naar maandag 23 november om 10:00",
        "cancelled": "Je afspraak op maandag 23 november om 10:00 is geannuleerd",
        "provisional": "Bevestig je afspraak op maandag 23 november om 10:00",
    },
    "de": {
        "created": "Ihr Termin am Montag, 23. November um 10:00 Uhr ist bestätigt",
        "updated": "Ihr Termin wurde verschoben: Montag, 23. November um 10:00 Uhr",
        "cancelled": "Ihr Termin am Montag, 23. November um 10:00 Uhr wurde abgesagt",
        "provisional": "Bitte bestätigen Sie Ihren Termin am Montag, 23. November um 10:00 Uhr",
    },
    "fr": {
        "created": "Votre rendez-vous du lundi 23 novembre à 10:00 est confirmé",
        "updated": "Votre rendez-vous a été déplacé au lundi 23 novembre à 10:00",
        "cancelled": "Votre rendez-vous du lundi 23 novembre à 10:00 a été annulé",
        "provisional": "Merci de confirmer votre rendez-vous du lundi 23 novembre à 10:00",
    },
    "es": {
        "created": "Tu cita del lunes, 23 de noviembre a las 10:00 está confirmada",
        "updated": "Tu cita se ha cambiado al lunes, 23 de noviembre a las 10:00",
        "cancelled": "Tu cita del lunes, 23 de noviembre a las 10:00 se ha cancelado",
        "provisional": "Confirma tu cita del lunes, 23 de noviembre a las 10:00, por favor",
    },
}
WORDS = {
    "nl": ("Hallo Alice,", "Datum: ", "Bij: Bea Bakker", "Beantwoord gewoon deze mail of bel ons op"),
    "de": ("Guten Tag Alice,", "Datum: ", "Bei: Bea Bakker", "Antworten Sie einfach auf diese Mail"),
    "fr": ("Bonjour Alice,", "Date: ", "Avec: Bea Bakker", "Répondez simplement à ce mail"),
    "es": ("Hola, Alice:", "Fecha: ", "Con: Bea Bakker", "Responde sin más a este correo"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("locale", SUBJECTS)
def test_every_appointment_mail_speaks_the_clients_language(locale):
    furnish()
    fresh = make_booking()
    Client.objects.update(locale=locale)
    bookings = {
        "created": fresh,
        "updated": make_booking(**told(start_at=START - timedelta(days=1))),
        "cancelled": make_booking(status="cancelled", **told()),
        "provisional": make_booking(
            status="provisional", provisional_token=TOKEN, provisional_expires_at=START
        ),
    }
    for kind, booking in bookings.items():
        mail = compose(make_job(f"booking.{kind}", booking), now=NOW)
        assert (mail.locale, mail.subject) == (locale, SUBJECTS[locale][kind])
        assert [words for words in WORDS[locale] if words not in mail.text] == []
        assert f'<html lang="{locale}"' in mail.html


@pytest.mark.django_db
def test_without_a_wish_of_the_client_the_salons_language_is_spoken():
    make_salon(locale="de")
    mail = compose(make_job("booking.created", make_booking()), now=NOW)
    assert (mail.locale, mail.subject) == ("de", SUBJECTS["de"]["created"])


@pytest.mark.django_db
def test_a_booking_over_midnight_shows_both_dates():
    make_salon()
    start = datetime(2026, 10, 24, 21, 30, tzinfo=UTC)
    booking = make_booking(start_at=start, end_at=start + timedelta(hours=4))
    mail = compose(make_job("booking.created", booking), now=start - timedelta(days=1))
    assert (
        "Start: Saturday 24 October 2026 at 23:30 (CEST)\nEnd: Sunday 25 October 2026 at 02:30 (CET)\n"
        in mail.text
    )
