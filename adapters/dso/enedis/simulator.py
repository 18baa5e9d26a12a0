"""What Enedis sends, made from a seed: it ships for demos and tests, never for production.

Documents have the very shape of real ones, line for line, their defects included:
`r151` what the night's run writes for a day, `historic_csv` the history of a point
with its winter midnights 23 hours late. `packed` and `sent` wrap them as they come:
one document in a zip, then under one of the two encryptions. What the numbers are
is `series`' to say.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import BLOCK, encrypt
from adapters.dso.enedis.names import SubscriptionName, base_name, format_name
from adapters.dso.enedis.series import (
    DISTRIBUTOR,
    SimulatedMeter,
    index_wh,
    power_second,
    power_va,
    registers_wh,
    supplier_calendar,
)
from domain.values import PARIS, next_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.dso.enedis.crypto import FileKey

MOST_METERS: Final = 3_000
"""Points of one daily file (guide Enedis.SGE.GUI.0317)."""
NO_CALENDAR: Final = "INCONNU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What one run sends about one day: whose, of which day, and what goes wrong.

    `blank` are numbers whose day is missing, `late` earlier days sent now beside it.
    """

    seed: int
    day: date
    meters: Sequence[SimulatedMeter]
    blank: frozenset[str] = frozenset()
    late: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    powers: bool = True
    power_unit: str = "VA"
    recipient: str = "2617347"
    contract: str = "2617347"
    subscription: str = "3184182"
    sequence: int = 1
    part: int = 1
    parts: int = 1

    @property
    def created(self) -> datetime:
        """Return when the run writes: around 03:07 of the day after the next, legal time."""
        night = next_day(next_day(self.day))
        return datetime.combine(night, time(3, 7, 26 + self.part % 30), PARIS)

    @property
    def name(self) -> SubscriptionName:
        """Return the name of the file."""
        return SubscriptionName(
            flow="R151",
            recipient=self.recipient,
            contract=self.contract,
            subscription=self.subscription,
            sequence=self.sequence,
            period="Q",
            part=self.part,
            parts=self.parts,
            stamp=f"{self.created:%Y%m%d%H%M%S}",
        )


def r151(night: Night) -> bytes:
    """Return the XML of one night."""
    if len(night.meters) > MOST_METERS:
        raise ValueError(len(night.meters))
    return "".join(_r151_texts(night)).encode()


def historic_csv(
    seed: int, meter: SimulatedMeter, first: date, last: date, *, activated: date | None = None
) -> bytes:
    """Return a point's history of indexes and powers, days included, blank before `activated`."""
    opened = activated or first
    head = f"{first:%d/%m/%Y};{last:%d/%m/%Y}"
    lines = [
        _CSV_HEADINGS,
        f"{meter.number};Index;{head};Energie active;Consommation;Comptage Brut;",
        _CSV_COLUMNS,
        *_csv_indexes(seed, meter, first, last, opened),
        _CSV_CALENDARS,
        *_csv_periods(meter, first, opened),
        _CSV_HEADINGS,
        f"{meter.number};Puissance maximale quotidienne;{head};{_CSV_POWER}",
        "Horodate;Valeur",
        *_csv_powers(seed, meter, first, last, opened),
    ]
    return b"\xef\xbb\xbf" + "".join(f"{line}\n" for line in lines).encode()


def packed(name: str, document: bytes) -> bytes:
    """Return a zip of one document, the same bytes each time."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, (2022, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, document)
    return target.getvalue()


def sent(night: Night, key: FileKey | None = None) -> tuple[str, bytes]:
    """Return the name and the bytes of a night's file, encrypted when a key is given."""
    name = format_name(night.name, extension="zip")
    archive = packed(f"{base_name(name)}.xml", r151(night))
    if key is None:
        return name, archive
    iv = blake2b(f"{night.seed} {name}".encode(), digest_size=BLOCK).digest()
    return name, encrypt(archive, key, iv=iv)


def _r151_texts(night: Night) -> Iterator[str]:
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<R151 xmlns:xsi ="http://www.w3.org/2001/XMLSchema-instance"><En_Tete_Flux>'
        "<Identifiant_Flux>R151</Identifiant_Flux><Libelle_Flux>Puissances maximales et index"
        " des PRM du segment C5 sur abonnement</Libelle_Flux><Version_XSD>V1</Version_XSD>"
        "<Identifiant_Emetteur>ERDF</Identifiant_Emetteur>"
        f"<Identifiant_Destinataire>{night.recipient}</Identifiant_Destinataire>"
        f"<Date_Creation>{night.created.isoformat()}</Date_Creation>"
        f"<Identifiant_Contrat>{night.contract}</Identifiant_Contrat>"
        f"<Numero_Abonnement>{night.subscription}</Numero_Abonnement>"
        "<Unite_Mesure_Index>Wh</Unite_Mesure_Index>"
        f"<Unite_Mesure_Puissance>{night.power_unit}</Unite_Mesure_Puissance></En_Tete_Flux>\n"
    )
    for meter in night.meters:
        yield f"<PRM><Id_PRM>{meter.number}</Id_PRM>\n"
        for day in (*night.late.get(meter.number, ()), night.day):
            if day == night.day and meter.number in night.blank:
                yield _bare_day(meter, day)
            else:
                yield from _full_day(night, meter, day)
        yield "</PRM>\n"
    yield "</R151>\n"


def _bare_day(meter: SimulatedMeter, day: date) -> str:
    unknown = (NO_CALENDAR, NO_CALENDAR)
    return f"{_day_head(meter, day, unknown, unknown)}</Donnees_Releve>\n"


def _full_day(night: Night, meter: SimulatedMeter, day: date) -> Iterator[str]:
    own, own_label, own_slots = DISTRIBUTOR[meter.distributor]
    other, other_label, other_slots = supplier_calendar(meter)
    total = index_wh(night.seed, meter.number, next_day(day))
    yield _day_head(meter, day, (other, other_label), (own, own_label))
    yield from _classes("Classe_Temporelle_Distributeur", own_slots, total)
    yield from _classes("Classe_Temporelle", other_slots, total)
    if night.powers:
        power = power_va(night.seed, meter.number, day)
        yield f"<Puissance_Maximale><Valeur>{power}</Valeur></Puissance_Maximale>\n"
    yield "</Donnees_Releve>\n"


def _day_head(
    meter: SimulatedMeter, day: date, supplier: tuple[str, str], distributor: tuple[str, str]
) -> str:
    return (
        f"<Donnees_Releve><Date_Releve>{day}</Date_Releve>\n"
        f"<Id_Calendrier_Fournisseur>{supplier[0]}</Id_Calendrier_Fournisseur>\n"
        f"<Libelle_Calendrier_Fournisseur>{supplier[1]}</Libelle_Calendrier_Fournisseur>\n"
        f"<Id_Calendrier_Distributeur>{distributor[0]}</Id_Calendrier_Distributeur>\n"
        f"<Libelle_Calendrier_Distributeur>{distributor[1]}</Libelle_Calendrier_Distributeur>\n"
        f"<Id_Affaire>{meter.reference}</Id_Affaire>\n"
    )


def _classes(tag: str, slots: tuple[str, ...], total: int) -> Iterator[str]:
    for rank, (slot, value) in enumerate(
        zip(slots, registers_wh(total, len(slots)), strict=True), 1
    ):
        yield (
            f"<{tag}><Id_Classe_Temporelle>{slot}</Id_Classe_Temporelle>"
            f"<Libelle_Classe_Temporelle>{_label(slot)}</Libelle_Classe_Temporelle>"
            f"<Rang_Cadran>{rank}</Rang_Cadran><Valeur>{value}</Valeur>"
            f"<Indice_Vraisemblance>0</Indice_Vraisemblance></{tag}>\n"
        )


def _label(slot: str) -> str:
    return "Base" if slot == "BASE" else f"Heures {slot}"


_CSV_HEADINGS: Final = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin"
    ";Grandeur physique;Grandeur metier;Etape metier;Unite"
)
_CSV_POWER: Final = "Puissance maximale atteinte;Consommation;Comptage Brut;W"
_CSV_COLUMNS: Final = ";".join(
    [
        "Horodate",
        "Type de releve",
        *(f"EAS F{n}" for n in range(1, 11)),
        *(f"EAS D{n}" for n in range(1, 5)),
        "EAS T",
    ]
)
_CSV_CALENDARS: Final = ";".join(
    [
        "Periode",
        *(
            heading
            for grid, suffix, count in (
                ("fournisseur", "", 10),
                ("distributeur", " distributeur", 4),
            )
            for heading in (
                f"Identifiant calendrier {grid}",
                f"Libelle calendrier {grid}",
                *(
                    f"{what} classe temporelle{suffix} {n}"
                    for n in range(1, count + 1)
                    for what in ("Identifiant", "Libelle", "Cadran")
                ),
            )
        ),
    ]
)


def stamps(day: date) -> tuple[str, ...]:
    """Return how the CSV writes the start of a day: once, at changeovers not at all or twice."""
    found = []
    if _offset(day, 0) == timedelta(hours=2):
        found.append(f"{day}T00:00:00+02:00")
    if _offset(day, 23) == timedelta(hours=1):
        found.append(f"{day}T23:00:00+01:00")
    return tuple(found)


def _offset(day: date, hour: int) -> timedelta:
    return datetime.combine(day, time(hour), PARIS).utcoffset() or timedelta(0)


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _csv_indexes(
    seed: int, meter: SimulatedMeter, first: date, last: date, opened: date
) -> Iterator[str]:
    for day in _days(next_day(first), last):
        cells = [""] * 15
        if day >= opened:
            total = index_wh(seed, meter.number, day)
            fill = "0" if day == opened else ""
            supplier = [str(value) for value in registers_wh(total, meter.supplier)]
            distributor = [str(value) for value in registers_wh(total, meter.distributor)]
            cells = [
                *(supplier + [fill] * 10)[:10],
                *(distributor + [fill] * 4)[:4],
                str(total),
            ]
        for stamp in stamps(day):
            yield ";".join([stamp, "Arrêté quotidien", *cells])


def _csv_periods(meter: SimulatedMeter, first: date, opened: date) -> Iterator[str]:
    begins = (stamps(next_day(first)) or stamps(first))[0]
    changes = (stamps(opened) or stamps(next_day(opened)))[-1]
    unknown = (NO_CALENDAR, NO_CALENDAR, ())
    if opened > next_day(first):
        yield _csv_period(f"Du {begins} au {changes}", unknown, unknown)
        begins = changes
    yield _csv_period(f"Du {begins} au", supplier_calendar(meter), DISTRIBUTOR[meter.distributor])


def _csv_period(
    period: str,
    supplier: tuple[str, str, tuple[str, ...]],
    distributor: tuple[str, str, tuple[str, ...]],
) -> str:
    cells = [period]
    for (calendar, label, slots), letter, count in ((supplier, "F", 10), (distributor, "D", 4)):
        cells += [calendar, label]
        for n in range(1, count + 1):
            slot = slots[n - 1] if n <= len(slots) else ""
            cells += [slot, _label(slot) if slot else "", f"EAS {letter}{n}"]
    return ";".join(cells)


def _csv_powers(
    seed: int, meter: SimulatedMeter, first: date, last: date, opened: date
) -> Iterator[str]:
    for day in _days(first, last - timedelta(days=1)):
        if day < opened:
            yield from (f"{stamp};" for stamp in stamps(day))
            continue
        second = power_second(seed, meter.number, day)
        local = datetime.combine(day, time(0)) + timedelta(seconds=second)
        at = local.replace(tzinfo=PARIS).astimezone(UTC).astimezone(PARIS)
        yield f"{at.isoformat()};{power_va(seed, meter.number, day)}"
