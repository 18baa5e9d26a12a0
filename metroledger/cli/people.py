"""Commands of and for residents: accounts, meters, consents, consumption, erasure."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from application import consenting, residents, seeing
from application.consenting import Wish
from application.viewing import NothingHere, overview
from domain.aggregates.consent import ConsentStatus, Origin
from domain.aggregates.consumption import consumption
from domain.aggregates.reading import differences
from domain.values import Category, Channel, Fluid, Point, civil_day
from metroledger.bootstrap import administrator, open_ledger
from metroledger.cli.common import Commands, command, day, group, identifier, print_json
from projections.series import show

if TYPE_CHECKING:
    import argparse

    from application.views import ConsentView
    from domain.aggregates.consumption import DayConsumption
    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    _add_accounts(commands)
    _add_consents(commands)
    show_ = command(
        commands,
        "consumption",
        _consumption,
        "Show a consent's daily consumption; its holder sees who looked.",
    )
    show_.add_argument("consent", type=identifier)
    show_.add_argument("--from", dest="first_day", type=day, help="default: two weeks before --to")
    show_.add_argument("--to", dest="last_day", type=day, help="default: yesterday")
    show_.add_argument("--json", action="store_true", help="one JSON line a piece")
    listing = command(commands, "consents", _consents, "List an account's consents.")
    listing.add_argument("account", type=identifier)


def _add_accounts(commands: Commands) -> None:
    accounts = group(commands, "account", "Accounts of residents.")
    opening = command(accounts, "open", _open_account, "Open an account.")
    opening.add_argument("--name", required=True)
    opening.add_argument("--email", required=True)
    opening.add_argument("--language", default="fr")
    accept = command(accounts, "accept-terms", _accept, "Accept the terms of use.")
    accept.add_argument("account", type=identifier)
    accept.add_argument("--version", required=True)
    accept.add_argument("--language", default="fr")
    meters = group(commands, "meter", "Meters, as their occupants declare them.")
    declare = command(meters, "declare", _declare, "Declare the meter of a home.")
    declare.add_argument("account", type=identifier)
    declare.add_argument("--operator", required=True)
    declare.add_argument("--fluid", choices=[f.value for f in Fluid], default="electricity")
    declare.add_argument("--number", required=True, help="number of the point (PRM, PCE)")
    declare.add_argument("--entry-day", type=day, required=True, help="day they moved in")
    declare.add_argument("--power-kva", type=int)


def _add_consents(commands: Commands) -> None:
    consents = group(commands, "consent", "Consents: granted, refused, withdrawn.")
    grant = command(consents, "grant", _grant, "Grant a consent, with its evidence.")
    refuse = command(consents, "refuse", _refuse, "Keep a refusal, with its evidence.")
    for one in (grant, refuse):
        one.add_argument("account", type=identifier)
        one.add_argument("meter", type=identifier)
        one.add_argument("--category", choices=[c.value for c in Category], required=True)
        one.add_argument("--recipient", default="metropole")
        one.add_argument("--purpose", default="consumption_view")
        one.add_argument("--act", required=True, help='what the person did ("button pressed")')
        one.add_argument("--through", default="command line", help="where the act took place")
        one.add_argument("--wording-version", required=True)
        one.add_argument("--language", default="fr")
    grant.add_argument("--holder", required=True, help="name on the operator's contract")
    grant.add_argument("--years", type=int, default=1)
    grant.add_argument("--first-day", type=day, help="first day whose data they agreed to")
    grant.add_argument("--channel", choices=[c.value for c in Channel], default="sge")
    withdraw = command(consents, "withdraw", _withdraw, "Withdraw a consent, for good.")
    withdraw.add_argument("consent", type=identifier)


def _open_account(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        account = residents.open_account(
            installation.services,
            name=arguments.name,
            email=arguments.email,
            language=arguments.language,
        )
    print(f"account {account} opened")
    return 0


def _accept(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        residents.accept(
            installation.services,
            arguments.account,
            version=arguments.version,
            language=arguments.language,
        )
    print(f"terms of use, version {arguments.version}: accepted")
    return 0


def _declare(settings: Settings, arguments: argparse.Namespace) -> int:
    point = Point(
        operator=arguments.operator, fluid=Fluid(arguments.fluid), number=arguments.number
    )
    with open_ledger(settings) as installation:
        meter = residents.declare_meter(
            installation.services,
            arguments.account,
            point,
            entry_day=arguments.entry_day,
            power_kva=arguments.power_kva,
        )
    print(f"meter {meter} declared")
    return 0


def _wish(arguments: argparse.Namespace, **more: Any) -> Wish:  # noqa: ANN401 (keywords of Wish)
    return Wish(
        category=Category(arguments.category),
        recipient=arguments.recipient,
        purpose=arguments.purpose,
        channel=arguments.through,
        act=arguments.act,
        wording_version=arguments.wording_version,
        language=arguments.language,
        **more,
    )


def _grant(settings: Settings, arguments: argparse.Namespace) -> int:
    period = {"years": arguments.years, "first_day": arguments.first_day}
    wish = _wish(arguments, holder=arguments.holder, **period)
    with open_ledger(settings) as installation:
        services = installation.services
        consent = consenting.grant_consent(services, arguments.account, arguments.meter, wish)
        consenting.start(services, consent, Channel(arguments.channel))
    print(f"consent {consent} granted: {arguments.category}, to {arguments.recipient}")
    return 0


def _refuse(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        services, wish = installation.services, _wish(arguments, holder="")
        refusal = consenting.refuse_consent(services, arguments.account, arguments.meter, wish)
    print(f"refusal {refusal} kept: {arguments.category} is not collected")
    return 0


def _withdraw(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        consenting.withdraw_consent(
            installation.services, arguments.consent, origin=Origin.RESIDENT
        )
    print(f"consent {arguments.consent} withdrawn: nothing is collected under it any more")
    return 0


def _consents(settings: Settings, arguments: argparse.Namespace) -> int:
    found: tuple[ConsentView, ...] = ()
    with open_ledger(settings) as installation, contextlib.suppress(NothingHere):
        found = overview(installation.services, arguments.account).consents
    for one in found:
        if one.status is ConsentStatus.REFUSED:
            print(f"{one.id}  {one.status.value:10}  {one.category.value}")
            continue
        scope = f"{one.category.value} to {one.recipient} for {one.purpose}"
        until = f", until {one.last_day}" if one.status is ConsentStatus.GRANTED else ""
        print(f"{one.id}  {one.status.value:10}  {scope}{until}")
    if not found:
        print("no consents: none was given, or the account was erased")
    return 0


def _consumption(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        seeing.readings(installation.services, arguments.consent, administrator(installation))
        shown = show(installation.ledger.folder, installation.keyhole, arguments.consent)
        last = arguments.last_day or civil_day(installation.clock()) - timedelta(days=1)
        first = arguments.first_day or last - timedelta(days=13)
        pieces = consumption(shown.series, first, last)
        disputed = differences(shown.series)
    if arguments.json:
        for piece in pieces:
            print_json(_piece(piece))
        return 0
    if shown.erased and not shown.series.rows:
        print(f"erased: {shown.erased} readings were taken in under this consent; their keys were")
        print("  destroyed on order, and nobody can open them any more")
        return 0
    for piece in pieces:
        print(_line(piece))
    for one in disputed:
        at = civil_day(one.key.start)
        print(f"note: deliveries differ on {at}; the latest one that says a value was chosen")
    if shown.erased:
        print(f"note: {shown.erased} readings of this consent were erased")
    return 0


def _piece(piece: DayConsumption) -> dict[str, Any]:
    return {
        "first_day": piece.first_day.isoformat(),
        "last_day": piece.last_day.isoformat(),
        "energy_wh": piece.energy_wh,
        "held_back": piece.held.value if piece.held else None,
        "disputed": piece.disputed,
    }


def _line(piece: DayConsumption) -> str:
    days = str(piece.first_day)
    if piece.last_day - piece.first_day > timedelta(0):
        days += f" to {piece.last_day}"
    if piece.energy_wh is not None:
        together = "  together: not measured in between" if " to " in days else ""
        return f"{days:24} {f'{piece.energy_wh:,}'.replace(',', ' '):>12} Wh{together}"
    held = f"held back: {piece.held.value.replace('_', ' ')}" if piece.held else None
    return f"{days:24} {'—':>12}     {held or 'gap: not measured'}"
