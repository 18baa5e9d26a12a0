"""What hostile input does to other people: their page beside it, and beside plain input.

Readers ask for their month as in `bench.portal`, with a pause after each page. Beside them a
process sends words on four kept connections without a pause, into addresses, queries, forms
and the API; then strings that were meant to break something in their place. The difference
of the two is what being hostile costs others, beyond being busy.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

import uvloop

from bench import portal
from bench.place import home, say
from bench.readers import Round, read_round
from bench.table import Row, report
from metroledger.bootstrap import open_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Event

ATTACKERS: Final = 4
PAUSE_S: Final = 0.05
READERS: Final = 4
HOSTILE: Final = (
    "<script>alert(1)</script>",
    "' OR '1'='1' --",
    "1; select pg_sleep(9)",
    "../../../../etc/passwd",
    "{{7*7}}${7*7}%s%n",
    "\x00\x1b[2J\r\nSet-Cookie: a=b",
    "\u202e\ufeff" + "é" * 2_000,
    "A" * 6_000,
    "[" * 3_000,
    "-" * 400 + "9" * 400,
)
PLAIN: Final = ("bonjour", "2026-11", "38000", "Grenoble", "un compteur")


def main(homes_by_default: int = 50, days_by_default: int = 40) -> None:
    """Settle, serve, read beside nothing, plain words and hostile strings; print the table."""
    asked = _arguments(homes_by_default, days_by_default)
    with home() as settings:
        with open_ledger(settings) as installation:
            homes = portal.settle(installation, asked.homes, asked.days)
            portal.take_year(installation, homes)
            pages = portal.pages_of(installation, homes)["month"]
        with portal.served(settings, portal.WORKERS) as (port, processes):
            some = Round(
                port=port, pages=pages, readers=READERS, seconds=asked.seconds, pause_s=PAUSE_S
            )
            begun = sum(map(_own_mb, processes))
            rows = [_alone(some)]
            for name, strings in (("plain words", PLAIN), ("hostile strings", HOSTILE)):
                say(f"reading beside {name} …")
                rows.append(_beside(some, name, strings, rows[0].value))
            grown = sum(map(_own_mb, processes)) - begun
        rows.append(Row(what="memory of the portal, more at the end", value=grown, unit="MB"))
    conditions = [
        f"{READERS} readers, {1e3 * PAUSE_S:.0f} ms after each page",
        f"{ATTACKERS} connections beside them, without a pause",
        f"{portal.WORKERS} workers of the portal on the same machine as everybody else",
    ]
    report(rows, conditions, asked.json)


def _arguments(homes: int, days: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    parser.add_argument("--homes", type=int, default=homes)
    parser.add_argument("--days", type=int, default=days)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each reading runs")
    return parser.parse_args()


def _alone(asked: Round) -> Row:
    read_alone = portal.round_of(asked)
    return Row(
        what="a month's page, nobody else there, p99", value=read_alone.quantile(0.99), unit="ms"
    )


def _beside(asked: Round, name: str, strings: Sequence[str], alone_ms: float) -> Row:
    context = multiprocessing.get_context("spawn")
    done, sent = context.Event(), context.Value("i", 0)
    attacker = context.Process(target=attack, args=(asked.port, strings, done, sent))
    attacker.start()
    try:
        with ProcessPoolExecutor(1, context) as process:
            timed = process.submit(read_round, asked).result()
        rate = sent.value / timed.seconds
    finally:
        done.set()
        attacker.join()
    assert attacker.exitcode == 0, "the portal answered with a fault"
    p99 = timed.quantile(0.99)
    note = f"{p99 / alone_ms:.1f} times; {rate:,.0f} requests/s beside it"
    return Row(what=f"beside {name}, p99", value=p99, unit="ms", note=note)


def attack(port: int, strings: Sequence[str], done: Event, sent: Synchronized[int]) -> None:
    """Send strings until told to end; raises `Fault` at the first answer that is one."""
    uvloop.run(_attack(port, [one for text in strings for one in _requests(text)], done, sent))


async def _attack(port: int, some: list[bytes], done: Event, sent: Synchronized[int]) -> None:
    await asyncio.gather(
        *(_send_on(port, some[one:] + some[:one], done, sent) for one in range(ATTACKERS))
    )


async def _send_on(port: int, some: list[bytes], done: Event, sent: Synchronized[int]) -> None:
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    while not done.is_set():
        for request in some:
            outgoing.write(request)
            head = (await incoming.readuntil(b"\r\n\r\n")).lower()
            if head.split(b" ", 2)[1].startswith(b"5"):
                raise Fault(head.split(b"\r\n", 1)[0])
            length = next(ln for ln in head.split(b"\r\n") if ln.startswith(b"content-length:"))
            await incoming.readexactly(int(length.partition(b":")[2]))
            sent.value += 1
            if b"connection: close" in head:
                outgoing.close()
                incoming, outgoing = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    outgoing.close()


class Fault(Exception):
    """The portal answered 5xx; the status line says which."""


def _requests(text: str) -> list[bytes]:
    """Return a string as somebody would send it: in an address, a query, a form, the API."""
    there, form = quote(text, safe=""), f"email={quote_plus(text)}&password={quote_plus(text)}"
    head = "HTTP/1.1\r\nHost: localhost\r\n"
    body = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
    return [
        f"GET /consommation/{there} {head}\r\n".encode(),
        f"GET /connexion?periode={there} {head}\r\n".encode(),
        f"GET /api/v1/consents?cursor={there} {head}\r\n".encode(),
        f"POST /connexion {head}{body}\r\n{form}".encode(),
    ]


def _own_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
