"""The account's first page, and the declaration of a meter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.http.pages.forms import POWERS_KVA, Form, read_meter
from adapters.http.pages.freshness import freshness
from adapters.http.pages.questions import questions
from application import viewing
from application.residents import declare_meter
from domain.values import Category, Fluid, Point, civil_day

if TYPE_CHECKING:
    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit

OPERATOR: Final = "enedis"
"""Of the meters that can be declared here; more operators are more choices of the form."""


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/accueil", account_home)
    pages.show("/compteurs/nouveau", declaration)
    pages.act("/compteurs/nouveau", declared)


def account_home(visit: Visit) -> Response:
    """Show the one thing to do next, or how much was consumed lately."""
    seen = visit.admitted()
    asked = questions(visit.services, seen)
    open_ones = [one for one in asked if one.is_open]
    granted = [one.answer for one in asked if one.is_granted and one.answer is not None]
    shown = next((one for one in granted if one.category is Category.DAILY_INDEX), None)
    latest = None
    if shown is not None:
        access = viewing.authorise(visit.services, visit.account, shown.id)
        latest = freshness(visit.services, access)
    return visit.page(
        "account.html", seen=seen, questions=open_ones, granted=granted, shown=shown, latest=latest
    )


def declaration(visit: Visit) -> Response:
    """Ask for the meter's number, the day of entry and the power."""
    visit.admitted()
    return visit.page("meter.html", form=Form(), powers=POWERS_KVA)


def declared(visit: Visit) -> Response:
    """Declare the meter, then ask what may be collected of it."""
    visit.admitted()
    said = read_meter(visit.fields, civil_day(visit.services.clock()))
    if isinstance(said, Form):
        return visit.page("meter.html", status=422, form=said, powers=POWERS_KVA)
    point = Point(operator=OPERATOR, fluid=Fluid.ELECTRICITY, number=said.number)
    seen = visit.overview()
    if any((one.operator, one.number) == (point.operator, point.number) for one in seen.meters):
        return visit.go("/accords?fait=compteur-connu")
    declare_meter(
        visit.services,
        visit.account,
        point,
        entry_day=said.entry_day,
        power_kva=said.power_kva,
    )
    asked = [one for one in questions(visit.services, visit.overview()) if one.is_open]
    new = [one for one in asked if one.meter.number == point.number]
    return visit.go(f"{new[0].address if new else '/accueil'}?fait=compteur")
