"""One mail, from what a handler composed to the mail server's 250.

What leaves is frozen into the `Message` row first and built from it, so that a repeat after a kill is the
same mail. Contract §1.4-1.5, reliability §1.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.utils import DNS_NAME

from notifications.handlers import Mail, RefusedForGood, TryLater
from notifications.models import Message
from staff.wire.addresses import BadAddress, ascii_address

LONGEST_SUBJECT = 300
TIMEOUT_SECONDS = 15
CALENDAR_FILES = {"CANCEL": "cancelled.ics"}
CALENDAR_FILE = "appointment.ics"

_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_HAS_STYLES = re.compile(r"<style\b", re.IGNORECASE)

_inliner = css_inline.CSSInliner(keep_at_rules=True, keep_style_tags=True, load_remote_stylesheets=False)


class OutcomeUnknown(Exception):
    """The mail left, but no answer came: whether it was accepted is not known."""


def frozen(mail: Mail, *, now: datetime) -> dict[str, Any]:
    """The `Message` fields of this mail: exactly what leaves, however often it is sent."""
    headers = {name: one_line(value) for name, value in mail.headers.items() if _HEADER_NAME.fullmatch(name)}
    if mail.reply_to:
        headers["Reply-To"] = one_line(mail.reply_to)
    return {
        "to": one_line(mail.to)[:320],
        "locale": mail.locale,
        "subject": one_line(mail.subject)[:LONGEST_SUBJECT],
        "text": _storable(mail.text),
        "html": _inlined(_storable(mail.html)),
        "ics": _storable(mail.ics),
        "ics_method": mail.ics_method,
        "headers": {"Date": format_datetime(now), "Auto-Submitted": "auto-generated", **headers},
        "facts": dict(mail.facts),
    }


def one_line(text: str) -> str:
    """`text` as it may stand in a header: no line break or other control character."""
    return _LINE_BREAKS.sub(" ", _storable(text)).strip()


def build(message: Message) -> EmailMultiAlternatives:
    """The mail of this row: text, HTML, and the calendar both as an alternative and as a file."""
    headers = {**message.headers, "Message-ID": message.message_id}
    reply_to = headers.pop("Reply-To", "")
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=_in_ascii(settings.DEFAULT_FROM_EMAIL),
        to=[_in_ascii(message.to)],
        reply_to=_answers_to(reply_to),
        headers=headers,
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    if message.ics:
        mimetype = f"text/calendar; method={message.ics_method}" if message.ics_method else "text/calendar"
        mail.attach_alternative(message.ics, mimetype)
        mail.attach(CALENDAR_FILES.get(message.ics_method, CALENDAR_FILE), message.ics, mimetype)
    return mail


class Envelope:
    """A mail ready for the wire: the addresses and the bytes. Raises RefusedForGood for an impossible one."""

    def __init__(self, message: Message) -> None:
        try:
            self.sender = ascii_address(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
            self.recipient = ascii_address(message.to)
            whole: Any = build(message).message()
            if not message.subject.isascii():
                # Django folds it as if no name stood before it, which leaves the first line empty.
                subject = Header(message.subject, "utf-8", header_name="Subject")
                whole.replace_header("Subject", subject)
            self.content: bytes = whole.as_bytes(linesep="\r\n")
        except ValueError as error:
            raise RefusedForGood(f"This mail cannot be sent: {error}") from error


class MailServer:
    """One session with the mail server, for one mail."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp
        self._in_order = False

    def send(self, envelope: Envelope) -> None:
        """Hand it over once; returns at the server's 250.

        Raises TryLater and RefusedForGood when the server is known not to have taken it, else
        OutcomeUnknown.
        """
        smtp = self._smtp
        try:
            smtp.ehlo_or_helo_if_needed()
            _expect_accepted("the sender", *smtp.mail(envelope.sender, self._mail_options(envelope)))
            _expect_accepted("the recipient", *smtp.rcpt(envelope.recipient))
        except OSError as error:
            raise TryLater(f"The mail server went away before the mail was handed over: {error}") from error
        try:
            code, answer = smtp.data(envelope.content)
        except smtplib.SMTPDataError as refused:
            code, answer = refused.smtp_code, _as_bytes(refused.smtp_error)
        except OSError as error:
            raise OutcomeUnknown(f"No answer to the mail: {type(error).__name__}: {error}") from error
        _expect_accepted("the mail", code, answer)
        self._in_order = True

    def close(self) -> None:
        """Say QUIT after a mail that was taken; else just hang up."""
        if self._in_order:
            with contextlib.suppress(OSError):
                self._smtp.quit()
        self._smtp.close()

    def _mail_options(self, envelope: Envelope) -> list[str]:
        options = []
        if self._smtp.has_extn("size"):
            options.append(f"size={len(envelope.content)}")
        if self._smtp.has_extn("8bitmime") and not envelope.content.isascii():
            options.append("body=8bitmime")
        return options


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    """Connect, TLS, log in. Raises TryLater when that fails: nothing has left, and a wrong password is the
    salon's to mend, not the end of its mails."""
    try:
        smtp = _connected()
    except (OSError, ValueError) as error:
        raise TryLater(f"The mail server cannot be used: {type(error).__name__}: {error}") from error
    server = MailServer(smtp)
    try:
        yield server
    finally:
        server.close()


def _connected() -> smtplib.SMTP:
    name, timeout = DNS_NAME.get_fqdn(), settings.EMAIL_TIMEOUT or TIMEOUT_SECONDS
    smtp: smtplib.SMTP
    if settings.EMAIL_USE_SSL:
        smtp = smtplib.SMTP_SSL(
            settings.EMAIL_HOST,
            settings.EMAIL_PORT,
            local_hostname=name,
            timeout=timeout,
            context=ssl.create_default_context(),
        )
    else:
        smtp = smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, local_hostname=name, timeout=timeout)
    try:
        if settings.EMAIL_USE_TLS:
            smtp.starttls(context=ssl.create_default_context())
        if settings.EMAIL_HOST_USER:
            smtp.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except (OSError, ValueError):
        smtp.close()
        raise
    return smtp


def _expect_accepted(what: str, code: int, answer: bytes) -> None:
    if 200 <= code < 300:
        return
    said = f"The mail server refused {what}: {code} {answer.decode('utf-8', 'replace')}"
    if 500 <= code < 600:
        raise RefusedForGood(said)
    raise TryLater(said)


def _answers_to(address: str) -> list[str]:
    """Where answers go; an address that is none any more keeps no mail from leaving."""
    try:
        return [_in_ascii(address)] if address else []
    except BadAddress:
        return []


def _in_ascii(address: str) -> str:
    """A header's address with its domain in punycode by IDNA 2008; Django would write it by IDNA 2003.

    Raises BadAddress.
    """
    name, plain = parseaddr(address)
    return formataddr((name, ascii_address(plain)))


def _as_bytes(answer: bytes | str) -> bytes:
    return answer if isinstance(answer, bytes) else answer.encode("utf-8", "replace")


def _storable(text: str) -> str:
    """Without what no database column or mail can hold: NUL and lone surrogates."""
    return _NOT_STORABLE.sub("", text)


def _inlined(html: str) -> str:
    """Styles moved onto the elements, for the mail readers that drop `<style>`."""
    return _inliner.inline(html) if _HAS_STYLES.search(html) else html
