"""How texts, mail addresses and telephone numbers are kept (contract §6a)."""

from __future__ import annotations

import pytest

from staff.wire.addresses import BadAddress, ascii_address, login_address, mail_address
from staff.wire.countries import country_of_zone, known_countries
from staff.wire.phones import NotRead, e164, number_alone, remark_of
from staff.wire.text import plain_line, plain_prose

UNSEEN = [
    *"\u00ad\u200b\u200e\u200f\u2060\ufeff",
    *(chr(code) for code in range(0x202A, 0x202F)),
    *(chr(code) for code in range(0x2066, 0x206A)),
]


@pytest.mark.parametrize("unseen", UNSEEN, ids=[f"U+{ord(each):04X}" for each in UNSEEN])
def test_what_nobody_sees_is_taken_out_of_a_line(unseen: str) -> None:
    assert plain_line(f"{unseen}An{unseen}na{unseen}") == "Anna"
    assert plain_line(unseen) == ""
    assert plain_prose(f"An{unseen}na") == f"An{unseen}na"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Anna\u00a0\u2003", "Anna"),
        ("Zoe\u0308", "Zoë"),
        ("نی\u200cما", "نی\u200cما"),
        ("\U0001f469\u200d\U0001f469", "\U0001f469\u200d\U0001f469"),
        ("\u200dAnna\u200c", "Anna"),
        ("An\u200d\u200dna", "An\u200dna"),
        (" \u200d\u200b ", ""),
        ("e\u200b\u0301", "é"),
        ("two  words", "two  words"),
    ],
)
def test_a_line_is_nfc_and_trimmed_and_joiners_stay_between_two_characters(typed: str, kept: str) -> None:
    assert plain_line(typed) == kept
    assert plain_line(kept) == kept


def test_prose_is_nfc_and_trimmed_and_else_as_typed() -> None:
    assert plain_prose("\n Zoe\u0308\n two \u200b\n") == "Zoë\n two \u200b"


@pytest.mark.parametrize(
    ("typed", "kept", "sent"),
    [
        ("anna@straße-salon.de", "anna@straße-salon.de", "anna@xn--strae-salon-y6a.de"),
        ("Anna@STRASSE-SALON.DE", "Anna@strasse-salon.de", "Anna@strasse-salon.de"),
        ("info@xn--mnchen-x-65a.de", "info@münchen-x.de", "info@xn--mnchen-x-65a.de"),
        ("INFO@MÜNCHEN-X.DE", "INFO@münchen-x.de", "INFO@xn--mnchen-x-65a.de"),
        ("zed@example.com\u200b", "zed@example.com", "zed@example.com"),
        ("zed@ｅｘａｍｐｌｅ.com", "zed@example.com", "zed@example.com"),
        ("σας@example.com", None, None),
        ("a@ελλάς.gr", "a@ελλάς.gr", "a@xn--hxarsa0b.gr"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a@xn--a.de", None, None),
        ("a@☃.net", None, None),
        ("a@exa_mple.com", None, None),
        ("a@-x-.com", None, None),
        ("a@example..com", None, None),
        ("a b@example.com", None, None),
        ("a@", None, None),
        ("example.com", None, None),
        ("", None, None),
    ],
)
def test_a_domain_is_read_by_idna_2008(typed: str, kept: str | None, sent: str | None) -> None:
    if kept is None:
        for read in (mail_address, ascii_address):
            with pytest.raises(BadAddress):
                read(typed)
        return
    assert mail_address(typed) == mail_address(kept) == kept
    assert ascii_address(typed) == ascii_address(kept) == sent


def test_an_account_is_found_however_its_address_is_written() -> None:
    assert login_address(" INFO@XN--MNCHEN-X-65A.DE ") == "info@münchen-x.de"
    assert login_address("No Address") == "no address"


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("(06) 123 456 78", "NL", "+31612345678"),
        ("06-12345678", "NL", "+31612345678"),
        ("06 12345678 (mama)", "NL", "+31612345678"),
        ("06 12345678 mama", "NL", "+31612345678"),
        ("06 12345678, thuis", "NL", "+31612345678"),
        ("0031 6 1234 5678", "NL", "+31612345678"),
        ("0031 (20) 123-4567", None, "+31201234567"),
        ("+31 6 12345678", None, "+31612345678"),
        ("+31 6 12345678", "DE", "+31612345678"),
        ("٠٦١٢٣٤٥٦٧٨", "NL", "+31612345678"),
        ("０６１２３４５６７８", "NL", "+31612345678"),
        ("\u202a06 12345678\u202c", "NL", "+31612345678"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("020 123 4567", None, None),
        ("+31201234567 ext. 12", None, None),
        ("012 (mother)", None, None),
        ("12", "NL", None),
        ("+999999999999999999", None, None),
        ("06 12345678 / 06 87654321", "NL", None),
        ("Oma 06 12345678", "NL", "+31612345678"),
        ("mama (06 12345678)", "NL", "+31612345678"),
        ("tel:+31612345678", None, "+31612345678"),
        ("+31 (0)6 12345678", None, "+31612345678"),
        ("06 1234 a 5678", "NL", None),
        ("06 12345678mama", "NL", None),
        ("06 12345678 (2)", "NL", None),
        ("06 12345678 (2e)", "NL", None),
        ("06 (mama) 12345678", "NL", None),
        ("no number", "NL", None),
        ("", "NL", None),
    ],
)
def test_a_possible_number_is_e164(typed: str, country: str | None, number: str | None) -> None:
    assert e164(typed, region=country) == number


@pytest.mark.parametrize(
    ("typed", "remark"),
    [
        ("06 12345678 (mama)", "mama"),
        ("06 12345678 - thuis na vijf", "thuis na vijf"),
        ("06 12345678?", "?"),
        ("Oma 06 12345678", "Oma"),
        ("privé: (06) 12345678", "privé"),
        ("geen 0612345678", "geen"),
        ("mama [06 12345678]", "mama"),
        ("(Oma) 06 12345678, na vijf", "Oma, na vijf"),
        ("06 12345678", ""),
        ("(06) 12345678", ""),
        ("+31 (0)6 12345678.", ""),
    ],
)
def test_a_remark_stands_before_or_behind_a_number(typed: str, remark: str) -> None:
    assert remark_of(typed) == remark


@pytest.mark.parametrize(
    ("typed", "country"),
    [("06 12345678 (mama)", "NL"), ("Oma 06 12345678", None), ("12", "NL"), ("+31201234567 ext. 9", None)],
)
def test_a_number_that_stays_as_typed_is_to_be_listed(typed: str, country: str | None) -> None:
    with pytest.raises(NotRead) as refused:
        number_alone(typed, region=country)
    assert not any(map(str.isdigit, str(refused.value)))


def test_a_number_alone_is_read() -> None:
    assert number_alone("06 12345678", region="NL") == "+31612345678"
    assert number_alone("06 12345678", region=None) == "06 12345678"


def test_a_zone_has_its_country() -> None:
    assert country_of_zone("Europe/Amsterdam") == "NL"
    assert country_of_zone("America/New_York") == "US"
    assert country_of_zone("UTC") is None
    assert known_countries()["NL"] == "Netherlands"
