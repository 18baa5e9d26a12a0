"""What the domain's values are called in French, and how days and energies are written.

Typography is the Imprimerie nationale's: a narrow no-break space (U+202F) between thousands
and before ; ! ?, a no-break space before a unit and a colon, a comma before decimals.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from application.access.roles import StaffRole
from application.arrivals import State, Trouble
from application.freshness import Freshness, Why
from domain.aggregates.consent import ConsentStatus
from domain.aggregates.consumption import HeldBack
from domain.aggregates.notice import NoticeStatus
from domain.events.access import Reason, Seen
from domain.events.notice import Cause
from domain.values import PARIS, Category, Fluid, Role
from projections.periods import Grain
from projections.requests import Outcome

if TYPE_CHECKING:
    from datetime import date, datetime

    from projections.requests import Request

NARROW: Final = "\u202f"
NO_BREAK: Final = "\u00a0"

MONTHS: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
SHORT_MONTHS: Final = (
    *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
    *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
)
WEEKDAYS: Final = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

CATEGORIES: Final = {
    Category.DAILY_INDEX: "L’index quotidien",
    Category.LOAD_CURVE: "La courbe de charge",
    Category.MAXIMUM_POWER: "La puissance maximale",
    Category.CONTRACT: "Les données du contrat",
}
WHAT: Final = {
    Category.DAILY_INDEX: "le chiffre de votre compteur, relevé une fois par jour à minuit",
    Category.LOAD_CURVE: "la puissance que votre logement appelle, plusieurs fois par heure",
    Category.MAXIMUM_POWER: "la plus forte puissance que votre logement appelle dans la journée",
    Category.CONTRACT: "la puissance souscrite et l’option de votre contrat",
}
FLUIDS: Final = {
    Fluid.ELECTRICITY: "électricité",
    Fluid.GAS: "gaz",
    Fluid.HEAT: "chaleur",
    Fluid.WATER: "eau",
}
OPERATORS: Final = {"enedis": "Enedis", "grdf": "GRDF", "greenalp": "GreenAlp", "cciag": "CCIAG"}
RECIPIENTS: Final = {"metropole": "la Métropole"}
PURPOSES: Final = {"consumption_view": "vous montrer votre consommation"}
ROLES: Final = {
    StaffRole.ADMINISTRATOR: "administration",
    StaffRole.DATA_PROTECTION_OFFICER: "protection des données",
    StaffRole.AUDITOR: "audit",
    StaffRole.SYSTEM_OPERATOR: "exploitation du système",
}
FRESHNESS: Final = {
    Freshness.FRESH: "à jour",
    Freshness.AWAITED: "attendu",
    Freshness.LATE: "en retard",
    Freshness.MISSING: "jamais reçu",
    Freshness.SUSPENDED: "suspendu",
}
WHYS: Final = {
    Why.NO_DELIVERY: "aucun fichier de ce jour n’est arrivé, pour personne",
    Why.NOT_IN_DELIVERIES: "des fichiers sont arrivés, sans ce jour de ce compteur",
    Why.REFUSED: "le gestionnaire a refusé, sans raison connue",
}
FILES: Final = {
    State.TAKEN_IN: "intégrés",
    State.PARKED: "mis de côté",
    State.ARRIVED: "en attente",
    State.COMPANION: "sans donnée",
}
TROUBLES: Final = {
    Trouble.NOTHING_DECRYPTED: "les fichiers arrivent, et aucune clé ne les ouvre",
    Trouble.PARTS_MISSING: "il manque des parties d’une livraison",
    Trouble.DELIVERIES_MISSING: "il manque des livraisons entières",
    Trouble.NOT_SETTLED: "des fichiers sont arrivés et n’ont pas été intégrés jusqu’au bout",
}
STATUSES: Final = {
    ConsentStatus.GRANTED: "En cours",
    ConsentStatus.WITHDRAWN: "Retiré",
    ConsentStatus.REFUSED: "Refusé",
    ConsentStatus.EXPIRED: "Terminé",
}
OUTCOMES: Final = {
    Outcome.REFUSED: "refusée",
    Outcome.TAKEN_BACK: "reprise par la personne",
    Outcome.ERASED: "effacé",
}
SEEN: Final = {
    Seen.NAME_AND_EMAIL: "votre nom et votre adresse e-mail",
    Seen.READINGS: "vos consommations",
}
REASONS: Final = {
    Reason.ERASURE_REQUEST: "répondre à votre demande d’effacement",
    Reason.AT_THE_MACHINE: "une vérification sur la machine du registre",
}
NOTICES: Final = {
    NoticeStatus.QUEUED: "à envoyer",
    NoticeStatus.SENT: "envoyé, sans réponse encore",
    NoticeStatus.ESCALATED: "à voir par une personne",
}
NOTICE_CAUSES: Final = {
    Cause.UNANSWERED: "pas d’accusé de réception",
    Cause.NO_ADDRESS: "aucune adresse n’est connue",
    Cause.LOST: "l’avis ne se lit plus",
}
ACTORS: Final = {
    Role.ADMINISTRATOR.value: "une personne de l’administration",
    Role.DATA_PROTECTION_OFFICER.value: "une personne de la protection des données",
}
CAUSES: Final = {
    HeldBack.METER_CHANGED: "le compteur a été changé",
    HeldBack.CALENDAR_CHANGED: "les heures creuses et pleines ont changé",
    HeldBack.CALENDAR_UNKNOWN: "le gestionnaire n’a pas dit quel calendrier s’applique",
    HeldBack.NO_COMMON_GRID: "les deux relevés ne se comparent pas",
    HeldBack.DOUBTED: "le gestionnaire doute lui-même de ce relevé",
    HeldBack.LIKELY_ROLLOVER: "le compteur est sans doute reparti de zéro",
    HeldBack.NEGATIVE_DIFFERENCE: "le compteur a reculé, sans explication",
    HeldBack.NO_ENERGY: "le gestionnaire a envoyé un volume, sans énergie",
    HeldBack.REMOVED: "ces relevés ont été effacés : durée écoulée, ou à votre demande",
}
GRAINS: Final = {
    Grain.DAY: "Jour",
    Grain.WEEK: "Semaine",
    Grain.MONTH: "Mois",
    Grain.YEAR: "Année",
}
KINDS: Final = {
    "measured": "mesuré",
    "together": "plusieurs jours mesurés ensemble : hauteur moyenne par jour",
    "partial": "somme à laquelle des jours manquent",
    "active": "mesuré en kW (puissance active)",
    "held": "non affiché, cause dans le tableau",
    "missing": "non mesuré",
    "awaited": "pas encore reçu",
}
"""The page's legend, by the kind of bar."""


_SIGN: Final = re.compile(r" ([?!;])(?!=)|« | (»)| (:)(?=\s|<|$)")
_ITEM: Final = re.compile(r"\s*(\d+[.)]|[-–•*])\s")
_SPACES: Final = {"?": f"{NARROW}?", "!": f"{NARROW}!", ";": f"{NARROW};", ":": f"{NO_BREAK}:"}


def typeset(text: str) -> str:
    """Return a text with the no-break spaces of French, where it was written with plain ones."""
    return _SIGN.sub(_typeset, text)


def _typeset(found: re.Match[str]) -> str:
    sign = found[1] or found[3]
    if sign:
        return _SPACES[sign]
    return f"{NARROW}»" if found[2] else f"«{NARROW}"


def unwrapped(text: str) -> str:
    """Return a published text without the line breaks that only its file's width made.

    A line goes on with the one before it where it is indented, or where its first word would
    not have fitted there, judged by the widest line of the text. An item of a list does not.
    """
    lines = [line.rstrip() for line in text.strip().splitlines()]
    width = max((len(line) for line in lines), default=0)
    whole = lines[:1]
    for before, line in pairwise(lines):
        words = line.split()
        goes_on = line[:1].isspace() or (len(before) + 1 + len(words[0] if words else "") > width)
        if before and words and goes_on and not _ITEM.match(line):
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line.strip())
    return "\n".join(whole)


def number(value: int) -> str:
    """Return a whole number: 12 345."""
    return f"{value:,}".replace(",", NARROW)


def kwh(energy_wh: int) -> str:
    """Return an energy in kWh with one decimal, without its unit: 1 234,5. Halves go up."""
    tenths = (abs(energy_wh) + 50) // 100
    sign = "−" if energy_wh < 0 and tenths else ""
    return f"{sign}{number(tenths // 10)},{tenths % 10}"


def with_unit(energy_wh: int) -> str:
    """Return an energy with its unit: 1 234,5 kWh."""
    return f"{kwh(energy_wh)}{NO_BREAK}kWh"


def power(value: int, unit: str) -> str:
    """Return a power in VA or W with its unit: 6,3 kVA."""
    return f"{kwh(value)}{NO_BREAK}k{unit}"


@lru_cache(maxsize=4_096)
def day(value: date) -> str:
    """Return a day: 1er mars 2026."""
    return f"{of_month(value)} {value.year}"


@lru_cache(maxsize=4_096)
def of_month(value: date) -> str:
    """Return a day without its year: 1er mars."""
    return f"{'1er' if value.day == 1 else value.day}{NO_BREAK}{MONTHS[value.month - 1]}"


@lru_cache(maxsize=4_096)
def in_table(value: date) -> str:
    """Return a day as it stands in a table: lun. 2 mars."""
    return f"{WEEKDAYS[value.weekday()][:3]}.{NO_BREAK}{of_month(value)}"


@lru_cache(maxsize=4_096)
def of_week(value: date) -> str:
    """Return a day with its weekday: lundi 2 mars."""
    return f"{WEEKDAYS[value.weekday()]} {of_month(value)}"


def month(value: date) -> str:
    """Return the month of a day: mars 2026."""
    return f"{MONTHS[value.month - 1]}{NO_BREAK}{value.year}"


def between(first: date, last: date) -> str:
    """Return days that follow each other: le 3 mars, du 3 au 5 mars, du 30 mars au 2 avril."""
    if first == last:
        return f"le {of_month(first)}"
    if (first.year, first.month) == (last.year, last.month):
        start = "1er" if first.day == 1 else str(first.day)
        return f"du {start} au {of_month(last)}"
    return f"du {of_month(first)} au {of_month(last)}"


def on(instant: datetime) -> str:
    """Return the day of an instant in France: 3 mars 2026."""
    return day(instant.astimezone(PARIS).date())


def at(instant: datetime) -> str:
    """Return an instant as clocks in France show it: 3 mars 2026 à 9 h 05."""
    return f"{on(instant)} à {clock(instant)}"


def clock(instant: datetime) -> str:
    """Return the time of an instant in France: 9 h 05."""
    there = instant.astimezone(PARIS)
    return f"{there.hour}{NO_BREAK}h{NO_BREAK}{there.minute:02}"


def days(count: int) -> str:
    """Return a number of days: 1 jour, 2 jours."""
    return f"{number(count)}{NO_BREAK}jour{'s' if count > 1 else ''}"


def left(days_left: int) -> str:
    """Return what is left of a term: encore 3 jours, aujourd’hui, dépassé de 2 jours."""
    if days_left == 0:
        return "aujourd’hui"
    return f"encore {days(days_left)}" if days_left > 0 else f"dépassé de {days(-days_left)}"


def stage(request: Request) -> str:
    """Return where an erasure request stands."""
    if request.outcome is not None:
        return OUTCOMES[request.outcome]
    if request.validated_at:
        return "acceptée, effacement en cours"
    if request.held_at:
        return "suspendue"
    return "identité vérifiée" if request.identified_at else "identité à vérifier"


def meter_number(value: str) -> str:
    """Return a point's number as it is printed on bills, in groups of three from the right."""
    if not value.isdigit():
        return value
    head = len(value) % 3
    groups = ([value[:head]] if head else []) + [
        value[place : place + 3] for place in range(head, len(value), 3)
    ]
    return NO_BREAK.join(groups)


def numbers(first: int, last: int) -> str:
    """Return numbers of a series: n° 7, or n° 7 à 9."""
    return f"n°{NO_BREAK}{first}" + (f" à {last}" if last > first else "")
