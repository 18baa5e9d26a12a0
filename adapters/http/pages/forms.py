"""What residents type into forms, understood or refused with words that stand by the field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

POWERS_KVA: Final = (3, 6, 9, 12, 15, 18, 24, 30, 36)
"""The powers that Enedis's contracts for homes have, in kVA."""

EARLIEST: Final = date(1900, 1, 1)
_NUMBER: Final = re.compile(r"[0-9]{14}")
_FRENCH_DAY: Final = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, to be shown again, and what is wrong with it by field, in their order."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def typed(self, name: str) -> str:
        """Return what was typed into a field."""
        return self.values.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterForm:
    """A meter as somebody declared it: 14 digits, a day, kVA or None where it is not known."""

    number: str
    entry_day: date
    power_kva: int | None


def read_meter(values: dict[str, str], today: date) -> MeterForm | Form:
    """Return the meter that a form declares, or the form with what is wrong."""
    errors = {}
    number = re.sub(r"[\s.\-]", "", values.get("numero", ""))
    if _NUMBER.fullmatch(number) is None:
        errors["numero"] = _number_error(number)
    entry_day = read_day(values.get("entree", ""))
    if entry_day is None:
        errors["entree"] = "Donnez la date de votre arrivée, par exemple 15/09/2023."
    elif not EARLIEST <= entry_day <= today:
        errors["entree"] = "Cette date ne peut pas être celle de votre arrivée : corrigez-la."
    power = values.get("puissance", "")
    if power not in {"", *map(str, POWERS_KVA)}:
        errors["puissance"] = "Choisissez une des puissances de la liste, ou « Je ne sais pas »."
    if errors or entry_day is None:
        return Form(values, errors)
    return MeterForm(number=number, entry_day=entry_day, power_kva=int(power) if power else None)


def read_day(text: str) -> date | None:
    """Return the day of a text, as browsers send it (2023-09-15) or as people write it."""
    try:
        found = _FRENCH_DAY.fullmatch(text)
        if found:
            return date(int(found[3]), int(found[2]), int(found[1]))
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number_error(number: str) -> str:
    if not number:
        return "Donnez le numéro de votre compteur : 14 chiffres."
    if not number.isdecimal():
        return "Le numéro n’a que des chiffres : 14, sans lettre."
    return f"Le numéro a 14 chiffres ; vous en avez donné {len(number)}."
