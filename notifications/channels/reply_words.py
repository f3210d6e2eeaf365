"""What a short answer means, in the five languages (contract §10 "words")."""

from __future__ import annotations

import unicodedata

from notifications.models import InboundText

STOP = frozenset(
    {
        *("stop", "stopp", "stopall", "unsubscribe", "optout"),
        *("afmelden", "uitschrijven"),
        *("abmelden", "abbestellen"),
        *("arret", "arrete", "arreter", "arretez", "desabonner", "desinscription", "desinscrire"),
        *("baja",),
    }
)
YES = frozenset(
    {
        *("y", "yes", "yep", "yeah", "ok", "okay", "confirm", "confirmed"),
        *("j", "ja", "jawel", "akkoord", "bevestig", "bevestigd"),
        *("jawohl", "bestatige", "bestatigt"),
        *("o", "oui", "ouais", "confirme"),
        *("si", "vale", "confirmo", "confirmado"),
    }
)
WITH_STOP = frozenset(
    {
        *("sms", "all", "alles", "texts", "stop"),
        *("please", "thanks", "bitte", "danke", "svp", "merci", "aub", "graag", "bedankt", "por", "favor"),
        *("gracias", "se", "me", "dar", "darme", "de"),
    }
)


def meaning_of(text: str) -> InboundText.Meaning:
    """The whole text has to be one of the words, for STOP with a courtesy around it: "stop by at three?" is
    for the desk."""
    words = _words(text)
    if "".join(words) in STOP:
        return InboundText.Meaning.STOP
    if STOP.intersection(words) and all(each in STOP or each in WITH_STOP for each in words):
        return InboundText.Meaning.STOP
    if 1 <= len(words) <= 2 and all(each in YES for each in words):
        return InboundText.Meaning.YES
    return InboundText.Meaning.OTHER


def _words(text: str) -> list[str]:
    """Without accents, case and punctuation."""
    bare = "".join(
        each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each)
    )
    return "".join(each if each.isalnum() else " " for each in bare.replace(".", "")).split()
