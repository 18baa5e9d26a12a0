"""R151: daily indexes and maximum powers of the small points of a subscription.

After the guide Enedis.SGE.GUI.0317 v2.3.1 and its schema 1.2.0::

    R151 ─┬─ En_Tete_Flux
          └─ PRM ─┬─ Id_PRM
                  └─ Donnees_Releve ─┬─ Date_Releve, Id_Calendrier_{Fournisseur,Distributeur}
                     (one a day)     ├─ Id_Affaire ?
                                     ├─ Classe_Temporelle_Distributeur 0..4
                                     ├─ Classe_Temporelle 0..10
                                     └─ Puissance_Maximale ?

Three things are not what they seem:

* **Date_Releve is the day that ends.** The index is the one at its last midnight:
  `Date_Releve` D gives an instant of D+1 00:00 in Paris, where the historic CSV
  and every R6X file would write D+1.
* **A day without classes is a day that is missing** at publication, sent so that
  one knows: it is counted and is no reading. It may come later, up to 20 days, in
  the same meter's part of another file.
* **Two grids count the same energy.** Increments agree, absolute sums do not: the
  registers of a calendar no longer used stay where they were. Both are kept, with
  calendars and classes as sent, "INCONNU" included.

An element that is not known is passed over; one that is required and missing, twice
there, or of another form than the schema's refuses the whole file, for a file is
applied whole or not at all. Labels are for people and are not kept.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NoReturn

from adapters.dso.enedis.file import EARLIEST, LATEST, R151, Counts, Document, R151Header, Row
from adapters.dso.enedis.markup import MarkupRefused, Unknown, parts, text_of
from adapters.dso.refusal import Code
from domain.events.reading import IndexReceived, MaximumPowerReceived, Register
from domain.values import Direction, midnight, next_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.dso.enedis.markup import Element

QUALITY: Final = "raw"
"""This flow is never estimated nor corrected (guide, 2.2)."""
MOST_DISTRIBUTOR, MOST_SUPPLIER = 4, 10

_HEADER: Final = (
    "Identifiant_Flux",
    "Version_XSD",
    "Identifiant_Emetteur",
    "Identifiant_Destinataire",
    "Date_Creation",
    "Identifiant_Contrat",
    "Numero_Abonnement",
    "Unite_Mesure_Index",
    "Unite_Mesure_Puissance",
)
_CLASSES: Final = {"Classe_Temporelle_Distributeur": "distributor", "Classe_Temporelle": "supplier"}
_DAY_VALUES: Final = frozenset(
    {"Date_Releve", "Id_Calendrier_Fournisseur", "Id_Calendrier_Distributeur", "Id_Affaire"}
)
_CLASS_VALUES: Final = frozenset(
    {"Id_Classe_Temporelle", "Rang_Cadran", "Valeur", "Indice_Vraisemblance"}
)
_LABELS: Final = frozenset(
    {
        "Libelle_Flux",
        "Libelle_Calendrier_Fournisseur",
        "Libelle_Calendrier_Distributeur",
        "Libelle_Classe_Temporelle",
    }
)
_POINT: Final = re.compile(r"[0-9]{14}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_WH: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_REFERENCE: Final = re.compile(r"[0-9A-Z]{4,8}", re.ASCII)
_WORD: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-zÀ-ÿ _.+/-]{0,39}")
_KNOWN_WORDS: Final = 4_096
_RANKS: Final = {text: n for n in range(21) for text in (f"{n}", f"{n:02}")}
_FLAGS: Final = {"0": 0, "1": 1, "": None}
_class_texts: Final = itemgetter("Id_Classe_Temporelle", "Rang_Cadran", "Valeur")


def parse(chunks: Iterable[bytes]) -> Document:
    """Read an R151 document to its end; raise `MarkupRefused`.

    The chunks are the document's bytes in order, the first at least as long as
    the XML declaration. `usual.parse` gives the same, sooner.
    """
    return read(chunks, Reader())


def read(chunks: Iterable[bytes], reader: Reader, *, lines: int = 0) -> Document:
    """Read a document to its end into `reader`, which may hold meters that stood before.

    `lines` is how many lines of those meters are not in the chunks. Raises `MarkupRefused`.
    """
    names = ("En_Tete_Flux", "PRM")
    for part in parts(chunks, root=R151, names=names, unknown=reader.unknown, lines=lines):
        if part.tag == "PRM":
            reader.point(part)
        else:
            reader.begin(part)
    return reader.document()


class Reader:
    """One document being read: what was met so far, and texts already found well-formed.

    `points` are the numbers met, `blank` how many days without classes.
    """

    def __init__(self) -> None:
        self.header: R151Header | None = None
        self.rows: list[Row] = []
        self.points: set[str] = set()
        self.blank = 0
        self.unknown = Unknown()
        self._words: dict[str, str] = {}
        self._days: dict[str, tuple[date, datetime]] = {}

    def document(self) -> Document:
        """Return what was read; raise `MarkupRefused` when there was no header."""
        if self.header is None:
            _refuse("the document has no header")
        counts = Counts(points=len(self.points), blank=self.blank, repeated=0)
        return Document(flow=R151, header=self.header, rows=tuple(self.rows), counts=counts)

    def begin(self, part: Element) -> None:
        """Take the header; raise `MarkupRefused`."""
        if self.header is not None:
            _refuse("the document has two headers")
        said = self._values(part, frozenset(_HEADER))
        if missing := [name for name in _HEADER if not said.get(name)]:
            _refuse(f"the header lacks {missing[0]}")
        if said["Identifiant_Flux"] != R151:
            raise MarkupRefused(Code.NOT_R151, "the header names another flow")
        if said["Unite_Mesure_Index"] != "Wh" or said["Unite_Mesure_Puissance"] not in ("VA", "W"):
            raise MarkupRefused(Code.UNIT, "the header names units that are not Wh and VA or W")
        self.header = R151Header(
            schema=self._word(said["Version_XSD"]),
            sender=self._word(said["Identifiant_Emetteur"]),
            recipient=self._word(said["Identifiant_Destinataire"]),
            created_at=_instant(said["Date_Creation"]),
            contract=self._word(said["Identifiant_Contrat"]),
            subscription=self._word(said["Numero_Abonnement"]),
            power_unit=said["Unite_Mesure_Puissance"],
        )

    def point(self, part: Element) -> None:
        """Take the days of one meter; raise `MarkupRefused`."""
        if self.header is None:
            _refuse("a point stands before the header")
        number, days = "", []
        for child in part:
            if child.tag == "Donnees_Releve":
                days.append(child)
            elif child.tag == "Id_PRM" and not number:
                number = _match(_POINT, text_of(child), "Id_PRM")
            elif child.tag == "Id_PRM":
                _refuse("a point has two numbers")
            else:
                self.unknown.meet(child)
        if not number or not days:
            _refuse("a point has no number or no day")
        self.points.add(number)
        for day in days:
            self._day(number, day, self.header.power_unit)

    def _day(self, number: str, block: Element, power_unit: str) -> None:
        values: dict[str, str] = {}
        classes: list[Element] = []
        power: int | None = None
        for child in block:
            tag = child.tag
            if tag in _CLASSES:
                classes.append(child)
            elif tag in _DAY_VALUES and tag not in values:
                values[str(tag)] = text_of(child)
            elif tag == "Puissance_Maximale" and power is None:
                said = self._values(child, frozenset({"Valeur"}))
                power = int(_match(_WH, said.get("Valeur", ""), "Puissance_Maximale"))
            elif tag in _DAY_VALUES or tag == "Puissance_Maximale":
                _refuse(f"a day has two {tag}")
            elif tag not in _LABELS:
                self.unknown.meet(child)
        day, at = self._dates(values.get("Date_Releve", ""))
        reference = values.get("Id_Affaire") or None
        if reference is not None:
            _match(_REFERENCE, reference, "Id_Affaire")
        if classes:
            self.add(
                IndexReceived(
                    number=number,
                    at=at,
                    direction=Direction.CONSUMPTION,
                    device=None,
                    quality=QUALITY,
                    reference=reference,
                    registers=self._registers(classes, values),
                )
            )
        else:
            self.blank += 1
        if power is not None:
            self.add(
                MaximumPowerReceived(
                    number=number,
                    day=day,
                    at=None,
                    direction=Direction.CONSUMPTION,
                    device=None,
                    quality=QUALITY,
                    reference=reference,
                    power=power,
                    unit=power_unit,
                )
            )

    def _registers(self, classes: list[Element], values: dict[str, str]) -> tuple[Register, ...]:
        calendars = {
            "distributor": self._word(values.get("Id_Calendrier_Distributeur", "")),
            "supplier": self._word(values.get("Id_Calendrier_Fournisseur", "")),
        }
        registers = [self._register(element, calendars) for element in classes]
        distributor = sum(register.grid == "distributor" for register in registers)
        if distributor > MOST_DISTRIBUTOR or len(registers) - distributor > MOST_SUPPLIER:
            _refuse("a day has more classes than there are registers")
        return tuple(registers)

    def _register(self, element: Element, calendars: dict[str, str]) -> Register:
        grid = _CLASSES[str(element.tag)]
        values = self._values(element, _CLASS_VALUES)
        try:
            slot, rank, value = _class_texts(values)
        except KeyError as missing:
            _refuse(f"a class lacks {missing}")
        flag = values.get("Indice_Vraisemblance", "")
        if rank not in _RANKS or flag not in _FLAGS or not _WH.fullmatch(value):
            _refuse("a class has a rank, a value or a flag out of its form")
        return Register(
            grid=grid,
            calendar=calendars[grid],
            slot=self._words.get(slot) or self._word(slot),
            rank=_RANKS[rank],
            value_wh=int(value),
            plausibility=_FLAGS[flag],
        )

    def _values(self, element: Element, known: frozenset[str]) -> dict[str, str]:
        """Return the texts of the children whose names are known, each there at most once."""
        values: dict[str, str] = {}
        for child in element:
            tag = child.tag
            if tag in known:
                if tag in values:
                    _refuse(f"there are two {tag} where one belongs")
                if len(child):
                    _refuse(f"{tag} holds elements where a value belongs")
                values[tag] = (child.text or "").strip()
            elif tag not in _LABELS:
                self.unknown.meet(child)
        return values

    def _dates(self, text: str) -> tuple[date, datetime]:
        found = self._days.get(text)
        if found is None:
            found = self._days[text] = _day_and_end(text)
        return found

    def _word(self, text: str) -> str:
        """Return an identifier, the same object each time, or refuse one of another form."""
        known = self._words.get(text)
        if known is not None:
            return known
        _match(_WORD, text, "an identifier")
        if len(self._words) < _KNOWN_WORDS:
            self._words[text] = text
        return text

    def add(self, reading: IndexReceived | MaximumPowerReceived) -> None:
        """Append a reading as the next row."""
        self.rows.append(Row(position=len(self.rows), number=reading.number, said=reading))


def _day_and_end(text: str) -> tuple[date, datetime]:
    try:
        day = date.fromisoformat(_match(_DAY, text, "Date_Releve"))
    except ValueError:
        _refuse("Date_Releve is no day")
    if not EARLIEST <= day < LATEST:
        _refuse("Date_Releve is out of all reason")
    return day, midnight(next_day(day))


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        _refuse("Date_Creation is no instant")
    if instant.tzinfo is None or not EARLIEST <= instant.date() < LATEST:
        _refuse("Date_Creation has no offset or is out of all reason")
    return instant.astimezone(UTC)


def _match(form: re.Pattern[str], text: str, name: str) -> str:
    if not form.fullmatch(text):
        _refuse(f"{name} is missing or out of its form")
    return text


def _refuse(detail: str) -> NoReturn:
    raise MarkupRefused(Code.SCHEMA, detail)
