"""Who works in the demo salon, what is offered there, and who comes."""

from __future__ import annotations

import secrets
from datetime import date, time
from decimal import Decimal
from typing import Any, NamedTuple

from bookings.models import ReminderRule
from bookings.reminders.rules import SHIPPED
from clients.models import Client
from notifications.models import FollowupSequence, FollowupStep
from staff.management.first_logins import keep_login
from staff.models import Holiday, Location, OpeningException, SalonSettings, Service, Staff, WorkingHours
from staff.salon.online import as_stored
from staff.salon.parts import GAP, WORK, PartJson

WEEKDAYS = range(5)
MONDAY, TUESDAY, THURSDAY, FRIDAY, SATURDAY = 0, 1, 3, 4, 5
CLASS = "Pilates class"
COLOUR = "Colour"
FIRST_PART = 30
ABOUT_COLOUR = "One tone, roots to tips. It takes three quarters of an hour to develop: time for a coffee."
COLOR_OF_THE_SALON = "#7a2e4f"
TERMS = {
    "en": "You can move or cancel your appointment free of charge until 24 hours before it begins. "
    "If you are later than 15 minutes, we may have to shorten it.",
    "nl": "Je kunt je afspraak tot 24 uur van tevoren kosteloos verzetten of annuleren. "
    "Kom je meer dan 15 minuten te laat, dan moeten we de behandeling misschien inkorten.",
    "de": "Bis 24 Stunden vorher können Sie Ihren Termin kostenlos verschieben oder absagen. "
    "Wenn Sie mehr als 15 Minuten zu spät kommen, müssen wir ihn vielleicht kürzen.",
    "fr": "Vous pouvez déplacer ou annuler votre rendez-vous sans frais jusqu'à 24 heures avant. "
    "Au-delà de 15 minutes de retard, nous devrons peut-être l'écourter.",
    "es": "Puede cambiar o anular su cita sin coste hasta 24 horas antes. "
    "Si llega más de 15 minutos tarde, quizá tengamos que acortarla.",
}


class Offer(NamedTuple):
    """`gap`: how many of the minutes the person is free in, half an hour after the start."""

    name: str
    category: str
    minutes: int
    price: str
    buffer_after: int = 0
    gap: int = 0
    capacity: tuple[int, int] = (1, 1)
    about: str = ""


class Wish(NamedTuple):
    """One service of a visit of several: whose, which, and whether it begins with the one before."""

    person: str
    offer: str
    together: bool = False


class Person(NamedTuple):
    name: str
    color: str
    location: str
    offers: tuple[str, ...]
    hours: tuple[tuple[range | tuple[int, ...], str, str], ...]
    logs_in: bool = False
    bio: str = ""


OFFERS = (
    Offer("Haircut", "Hair", 45, "42.00", about="Wash, cut and finish."),
    Offer("Children's cut", "Hair", 30, "26.00", about="Up to twelve years."),
    Offer("Beard trim", "Hair", 30, "22.00"),
    Offer("Blow-dry", "Hair", 30, "29.00"),
    Offer(COLOUR, "Hair", 105, "96.00", buffer_after=15, gap=45, about=ABOUT_COLOUR),
    Offer("Manicure", "Nails", 45, "38.00", buffer_after=15, about="Shaping, cuticles and polish."),
    Offer(CLASS, "Movement", 60, "18.00", capacity=(2, 6), about="In a small group; mats are here."),
)

PEOPLE = (
    Person(
        "Bea Brand",
        "#2a9d8f",
        "Linden Street",
        ("Haircut", "Children's cut", "Blow-dry", COLOUR),
        ((WEEKDAYS, "09:00", "12:30"), (WEEKDAYS, "13:15", "17:30")),
        logs_in=True,
        bio="Colourist; with us since 2019.",
    ),
    Person(
        "Daniel Okafor",
        "#e76f51",
        "Linden Street",
        ("Haircut", "Children's cut", "Beard trim"),
        ((range(1, 6), "10:00", "14:00"), (range(1, 6), "14:45", "18:00")),
        bio="Short hair and beards.",
    ),
    Person(
        "Cora Claes",
        "#264653",
        "Linden Street",
        (COLOUR, "Blow-dry", "Manicure"),
        ((WEEKDAYS, "09:30", "13:00"), (WEEKDAYS, "13:45", "17:00")),
        bio="Nails and long hair.",
    ),
    Person(
        "Elif Yılmaz",
        "#8d5fd3",
        "Harbour",
        (CLASS,),
        (((TUESDAY, THURSDAY), "17:00", "20:00"), ((SATURDAY,), "09:00", "12:00")),
        bio="Teaches Pilates, also to beginners.",
    ),
)
COLOUR_THEN_CUT = (Wish("Bea Brand", COLOUR), Wish("Bea Brand", "Haircut"))
TWO_AT_ONCE = (Wish("Bea Brand", "Blow-dry"), Wish("Cora Claes", "Manicure", together=True))
SEVERAL = {
    MONDAY: TWO_AT_ONCE,
    TUESDAY: COLOUR_THEN_CUT,
    THURSDAY: TWO_AT_ONCE,
    FRIDAY: COLOUR_THEN_CUT,
}
"""What one client comes for in the morning, by weekday."""

WORKS_ON_A_SUNDAY = "Elif Yılmaz"
FRONT_DESK = "Finn Visser"

CLIENTS = (
    "Amelia Novak",
    "Ben Adeyemi",
    "Carla Rossi",
    "David Cohen",
    "Esther van Dijk",
    "Felix Braun",
    "Grace Kim",
    "Hugo Laurent",
    "Ines Moreno",
    "Jonas Lindqvist",
    "Karim Haddad",
    "Laura O'Brien",
    "Mila Petrović",
    "Noah Jansen",
    "Olivia Santos",
    "Priya Raman",
    "Quentin Dubois",
    "Rosa Jiménez",
    "Sven Bakker",
    "Tomoko Sato",
    "Uma Fischer",
    "Victor Mendes",
    "Wanda Kowalska",
    "Yusuf Demir",
)
LANGUAGES_SPOKEN = ("", "", "nl", "", "de", "", "fr", "es")
WITHOUT_EMAIL = frozenset({"Hugo Laurent", "Wanda Kowalska"})
NOTES = {
    "Carla Rossi": "Sensitive scalp: no ammonia.",
    "Laura O'Brien": "Prefers mornings.",
    "Tomoko Sato": "Brings her daughter along.",
}

ALERTS = {"Sven Bakker": "Allergic to PPD: no permanent colour."}


def furnish(salon: SalonSettings) -> None:
    """Name, address, colour and terms, where the salon has none yet; clients may book online."""
    facts: dict[str, Any] = {
        "business_name": "Studio Linden",
        "business_address": "Linden Street 12",
        "business_phone": "+31 20 555 0142",
        "reply_to": "hello@studio-linden.example",
        "brand_color": COLOR_OF_THE_SALON,
        "policy_text": TERMS,
    }
    empty = {name: value for name, value in facts.items() if not getattr(salon, name)}
    made = as_stored(salon, empty | {"online_booking": SalonSettings.OnlineBooking.INSTANT})
    for name, value in made.items():
        setattr(salon, name, value)
    salon.save(update_fields=list(made))


def make_offers() -> dict[str, Service]:
    return {
        offer.name: Service.objects.create(
            name=offer.name,
            category=offer.category,
            duration_minutes=offer.minutes,
            parts=_parts_of(offer),
            price=Decimal(offer.price),
            buffer_after_minutes=offer.buffer_after,
            min_capacity=offer.capacity[0],
            max_capacity=offer.capacity[1],
            description=offer.about,
        )
        for offer in OFFERS
    }


def _parts_of(offer: Offer) -> list[PartJson]:
    if not offer.gap:
        return []
    last = offer.minutes - FIRST_PART - offer.gap
    return [
        {"kind": WORK, "minutes": FIRST_PART},
        {"kind": GAP, "minutes": offer.gap},
        {"kind": WORK, "minutes": last},
    ]


def make_people(services: dict[str, Service]) -> dict[str, Staff]:
    """Everybody who can be booked, with their hours, and the front desk, who sees all bookings."""
    locations = {
        name: Location.objects.create(name=name, slug=slug, address=address)
        for name, slug, address in (
            ("Linden Street", "linden-street", "Linden Street 12"),
            ("Harbour", "harbour", "Quay 3"),
        )
    }
    made = {}
    for person in PEOPLE:
        staff = _employ(person.name, logs_in=person.logs_in, color=person.color, bio=person.bio)
        staff.location = locations[person.location]
        staff.save(update_fields=["location"])
        staff.services.set(services[name] for name in person.offers)
        WorkingHours.objects.bulk_create(
            WorkingHours(
                staff=staff, weekday=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
            )
            for days, opens, closes in person.hours
            for day in days
        )
        made[person.name] = staff
    _employ(FRONT_DESK, logs_in=True, bookable=False, sees_all_bookings=True)
    return made


def make_clients() -> list[Client]:
    return Client.objects.bulk_create(
        Client(
            first_name=name.split()[0],
            last_name=name.partition(" ")[2],
            email="" if name in WITHOUT_EMAIL else f"{name.split()[0].lower()}@example.com",
            phone=f"+3120555{1000 + number * 37:04d}",
            birthday=date(1960 + number * 7 % 45, 1 + number % 12, 1 + number * 5 % 28),
            notes=NOTES.get(name, ""),
            alert=ALERTS.get(name, ""),
            locale=LANGUAGES_SPOKEN[number % len(LANGUAGES_SPOKEN)],
            marketing_consent=number % 3 == 0,
            is_demo=True,
        )
        for number, name in enumerate(CLIENTS)
    )


def make_followups(services: dict[str, Service]) -> None:
    sequence = FollowupSequence.objects.create(name="After a colour", service=services[COLOUR])
    FollowupStep.objects.create(
        sequence=sequence,
        delay_days=5,
        subject="How is your colour?",
        body="Is it everything you hoped for? If something is not right, come by: we will see to it.",
    )
    FollowupStep.objects.create(
        sequence=sequence,
        delay_days=42,
        subject="Time to refresh your colour?",
        body="Six weeks have passed since your last colour. We would love to see you again.",
    )


def close_on(day: date) -> None:
    Holiday.objects.get_or_create(date=day, defaults={"name": "Team day"})


def open_otherwise(person: Staff, *, sunday: date) -> None:
    """Everybody goes home early on Christmas Eve, every year; this person works on one Sunday."""
    eve = date(sunday.year, 12, 24)
    OpeningException.objects.create(
        name="Christmas Eve", date_from=eve, date_to=eve, every_year=True, hours=[["09:00", "14:00"]]
    )
    opened = OpeningException.objects.create(
        name="Sunday class",
        date_from=sunday,
        date_to=sunday,
        hours=[["10:00", "12:00"]],
        scope=OpeningException.Scope.STAFF,
    )
    opened.people.set([person])


def _employ(name: str, *, logs_in: bool, bookable: bool = True, **fields: object) -> Staff:
    """A person; one who logs in has a password that is kept for whoever started the demo."""
    email = f"{name.split()[0].lower()}@example.com"
    password = secrets.token_urlsafe(9) if logs_in else None
    person = Staff.objects.create_user(email, password, name=name, bookable=bookable, **fields)
    if password is not None:
        keep_login(role="staff", email=email, password=password)
    return person


def remind_nobody() -> None:
    """As long as the past is made up: nobody was reminded of it."""
    ReminderRule.objects.update(is_active=False)


def remind_everybody() -> None:
    """By the rules that every salon begins with."""
    if not ReminderRule.objects.exists():
        ReminderRule.objects.bulk_create(ReminderRule(**fields) for fields in SHIPPED)
    ReminderRule.objects.update(is_active=True)
