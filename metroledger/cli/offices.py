"""Commands of the metropolis: open a ledger, publish texts, sign and end agreements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from application import offices
from domain.events.agreement import AgreementSigned
from domain.events.terms import TextKind
from domain.values import Category, Channel
from metroledger.bootstrap import administrator, create_ledger, open_ledger
from metroledger.cli.common import Commands, command, day, group, identifier

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    init = command(commands, "init", _init, "Open a new ledger in the home directory.")
    init.add_argument("--origin", required=True, help="name of the log, for instance a URL's path")
    terms = group(commands, "terms", "Texts: terms of use, and what a consent asks.")
    publish = command(terms, "publish", _publish, "Publish a version of a text.")
    publish.add_argument("file", type=Path, help="the text, UTF-8")
    show = command(terms, "show", _show, "Show a version of a text again, as it was shown.")
    for one in (publish, show):
        one.add_argument("--kind", choices=[k.value for k in TextKind], required=True)
        one.add_argument("--version", required=True)
        one.add_argument("--language", default="fr")
    agreements = group(commands, "agreement", "Agreements with operators.")
    sign = command(agreements, "sign", _sign, "Sign an operator's agreement.")
    sign.add_argument("--operator", required=True)
    sign.add_argument("--reference", required=True, help="the parties' name of the document")
    sign.add_argument("--channel", choices=[c.value for c in Channel], nargs="+", required=True)
    sign.add_argument("--category", choices=[c.value for c in Category], nargs="+", required=True)
    sign.add_argument("--first-day", type=day, required=True)
    sign.add_argument("--last-day", type=day, required=True)
    end = command(agreements, "end", _end, "End an agreement: nothing is collected under it.")
    end.add_argument("agreement", type=identifier)
    end.add_argument("--reason", required=True)


def _init(settings: Settings, arguments: argparse.Namespace) -> int:
    create_ledger(settings, arguments.origin)
    print(f"ledger {arguments.origin} opened in {settings.home}")
    print(f"its public key, to be handed to everybody: {settings.verifying_key}")
    print(f"  {settings.verifying_key.read_text('ascii').strip()}")
    return 0


def _publish(settings: Settings, arguments: argparse.Namespace) -> int:
    text = arguments.file.read_text("utf-8")
    with open_ledger(settings) as installation:
        stream = offices.publish_text(
            installation.services,
            administrator(installation),
            TextKind(arguments.kind),
            offices.Text(version=arguments.version, language=arguments.language, text=text),
        )
    print(f"text {stream} published: {arguments.kind}, version {arguments.version}")
    return 0


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        shown = offices.shown_text(
            installation.services,
            TextKind(arguments.kind),
            version=arguments.version,
            language=arguments.language,
        )
    print(shown.text, end="" if shown.text.endswith("\n") else "\n")
    return 0


def _sign(settings: Settings, arguments: argparse.Namespace) -> int:
    wanted = AgreementSigned(
        operator=arguments.operator,
        reference=arguments.reference,
        channels=tuple(Channel(name) for name in arguments.channel),
        categories=tuple(Category(name) for name in arguments.category),
        first_day=arguments.first_day,
        last_day=arguments.last_day,
    )
    with open_ledger(settings) as installation:
        actor = administrator(installation)
        stream = offices.sign_agreement(installation.services, actor, wanted)
    print(f"agreement {stream} signed with {wanted.operator}")
    print(f"  in force from {wanted.first_day} to {wanted.last_day}")
    return 0


def _end(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        actor = administrator(installation)
        services = installation.services
        offices.end_agreement(services, actor, arguments.agreement, arguments.reason)
    print(f"agreement {arguments.agreement} ended: nothing is collected under it any more")
    return 0
