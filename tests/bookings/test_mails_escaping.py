"""What people type reaches a mail as words only: no tag, no header, no link of their own (reliability §3)."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from clients.models import Client
from notifications.letters.plain import is_address, one_line, paragraphs
from notifications.models import FollowupSequence, FollowupStep, MessageText
from staff.models import Service, Staff
from tests.cast.factories import make_alice, make_location, make_salon
from tests.cast.letters import END, NOW, TOKEN, compose, furnish, make_booking, make_job

pytestmark = pytest.mark.django_db

TAGS = "<b>&\"'</b><img src=x onerror=alert(1)><script>alert(1)</script></td></table>"
LINES = "Bob\r\nBcc: x@evil.example\nSubject: hello\u2028\x07"
TEMPLATE = "{{ letter.subject }}{% debug %}%(when)s %s"
OUR_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "th"),
    *("h1", "p", "a", "br", "strong"),
}
NASTY = [TAGS, LINES, TEMPLATE, "=cmd()|'/c calc'!A1", "\u202egnp.exe\u2066", "日本語 🙂 ñ"]


class Seen(HTMLParser):
    """Every tag and every address of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "style")]

    def handle_data(self, data: str) -> None:
        self.words += data


def confirmation(nasty: str, *, notes: str = "n"):
    make_salon(business_name=nasty, business_address=nasty, business_phone="1", reply_to="a@b.example")
    booking = make_booking(
        client=Client.objects.first() or make_alice(),
        location=make_location(nasty, address=nasty),
        notes=notes,
    )
    Client.objects.update(first_name=nasty, last_name=nasty)
    Service.objects.update(name=nasty)
    Staff.objects.update(name=nasty)
    return compose(make_job("booking.created", booking), now=NOW)


@pytest.mark.parametrize("nasty", NASTY)
def test_no_name_or_note_adds_a_tag_or_an_address(nasty):
    mail = confirmation(nasty, notes=nasty)
    seen = Seen(mail.html)
    assert set(seen.tags) <= OUR_TAGS
    page, *others = seen.addresses
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/v/[A-Za-z0-9_-]{22}", page)
    assert others == ["tel:1", "mailto:a@b.example"]
    assert one_line(nasty) in " ".join(seen.words.split())


@pytest.mark.parametrize("nasty", NASTY)
def test_no_name_or_note_adds_a_line_to_the_text_or_a_header_to_the_mail(nasty):
    mail = confirmation(nasty, notes=nasty)
    for header in (mail.subject, mail.to, mail.reply_to):
        assert header == one_line(header)
    labels = [line.partition(":")[0] for line in mail.text.splitlines() if ": " in line]
    assert "Bcc" not in labels
    assert "Subject" not in labels
    assert "\x00" not in mail.text + mail.html + mail.ics


def test_notes_keep_their_words_and_lose_their_length():
    mail = confirmation("x", notes="One\n\ntwo " + "x" * 2000)
    (note,) = [line for line in mail.text.splitlines() if line.startswith("Note: ")]
    assert note.startswith("Note: One two xxx")
    assert len(note) == len("Note: ") + 1000
    assert note.endswith("…")


def test_internal_notes_never_reach_a_client():
    furnish()
    booking = make_booking(internal_notes="difficult customer")
    mail = compose(make_job("booking.created", booking), now=NOW)
    assert "difficult" not in mail.text + mail.html + mail.ics + mail.subject


def test_the_salons_own_words_are_words_too():
    furnish()
    MessageText.objects.create(
        type="booking.created", locale="en", subject=LINES + "y" * 150, introduction=TAGS + "\n" + TEMPLATE
    )
    mail = compose(make_job("booking.created", make_booking()), now=NOW)
    assert mail.subject.startswith("Bob Bcc: x@evil.example Subject: hello yyy")
    assert "script" not in Seen(mail.html).tags
    assert TEMPLATE in mail.text


def test_a_followup_is_words_too():
    furnish()
    booking = make_booking(
        status="completed", client=make_alice(marketing_consent=True, unsubscribe_token=TOKEN)
    )
    step = FollowupStep.objects.create(
        sequence=FollowupSequence.objects.create(name="x"), delay_days=1, subject=LINES, body=TAGS
    )
    job = make_job("followup.step", booking, payload={"step_id": step.pk})
    mail = compose(job, now=END + timedelta(days=1))
    assert mail.subject == "Bob Bcc: x@evil.example Subject: hello"
    assert "script" not in Seen(mail.html).tags
    assert TAGS in mail.text


def test_an_address_that_is_not_the_salons_builds_no_link():
    furnish()
    booking = make_booking(
        status="provisional",
        provisional_token=TOKEN,
        provisional_expires_at=END,
        base_url="https://evil.example",
    )
    mail = compose(make_job("booking.provisional", booking), now=NOW)
    assert "evil.example" not in mail.text + mail.html
    assert f"http://127.0.0.1:8000/provisional/{TOKEN}/accept" in mail.text


def test_html_mails_name_no_outside_resource():
    furnish()
    mail = compose(make_job("booking.created", make_booking()), now=NOW)
    outside = ("http://", "https://", "url(", "@import", "<img", "<link", "<script")
    html = mail.html.replace('<a href="http://127.0.0.1:8000/v/', "")
    assert [word for word in outside if word in html] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a \t b\r\nc ", "a b c"),
        ("a\x00b\x85c\u2028d\u2029e", "a b c d e"),
        ("\u202eabc\u202c", "abc"),
        ("👩‍🦰 Zoë", "👩‍🦰 Zoë"),
        ("\ud800x", "x"),
        ("", ""),
    ],
)
def test_one_line(text, line):
    assert one_line(text) == line


def test_one_line_can_be_cut():
    assert one_line("abc def", longest=7) == "abc def"
    assert one_line("abc defg", longest=7) == "abc de…"
    assert one_line("abc defg", longest=5) == "abc…"


def test_paragraphs():
    assert paragraphs(" a\r\n\r\nb\tc\n\x00\n") == ["a", "b c"]


@pytest.mark.parametrize("text", ["a@b.nl", "a+b@c-d.example", "ü@bücher.example", "o'neil@x.ie"])
def test_an_address(text):
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["", "a", "@b", "a@", "a b@c.d", "a@b,c@d", "a@b\n", "<a@b>", 'x"@y', "a@b;c"]
)
def test_no_address(text):
    assert not is_address(text)
