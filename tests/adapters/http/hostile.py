"""Strings that were meant to break something, 5,000 of them, the same every time."""

from __future__ import annotations

import itertools
from random import Random
from typing import Final

MARK: Final = "zq7x"
"""In every string: where an answer holds it, it repeats what was sent."""

SEEDS: Final = (
    "<script>alert('{}')</script>",
    '"><img src=x onerror={}>',
    "<svg/onload={}>",
    "javascript:{}",
    "' OR '1'='1' -- {}",
    "'; DROP TABLE log; -- {}",
    "1; select pg_sleep(9) /*{}*/",
    "\\'; {} \\",
    "{{{{ 7*7 }}}}{}",
    "{{% import os %}}{}",
    "${{{}}}",
    "#{{{}}}",
    "%{{{}}}",
    "%s%n%x{}",
    "{}\r\nSet-Cookie: a=b",
    "{}\r\n\r\n<html>",
    "{}\nLocation: //evil.example",
    "{}%0d%0aSet-Cookie:%20a=b",
    "../../../../etc/passwd{}",
    "..%2f..%2f{}",
    "file:///etc/passwd#{}",
    "http://[::1]:{}/",
    "{}\x00",
    "\x00{}",
    "{}\x1b[2J",
    "{}\x7f\x80\x9f",
    "\u202e{}\u202c",
    "\u200f{}\u200b\ufeff",
    "{}\ud800",
    "\udfff{}",
    "{}\U0010ffff",
    "e\u0301" * 40 + "{}",
    "ﷺ" * 20 + "{}",
    "{}\u2028\u2029",
    "=cmd|'/c calc'!A1{}",
    "@SUM(1+1){}",
    "+{}",
    "-{}",
    "| cat /etc/passwd {}",
    "$(touch {})",
    "`{}`",
    "&lt;{}&gt;",
    "<!--{}-->",
    "<![CDATA[{}]]>",
    "<!DOCTYPE x [<!ENTITY e '{}'>]>",
    "{}" + "A" * 5_000,
    "{}" * 800,
    "[" * 500 + "{}",
    '{{"a":' * 100 + '"{}"',
    "0x{}",
    "1e309{}",
    "-0{}",
    "NaN{}",
    "null{}",
    "undefined{}",
    "true{}",
    "2026-02-30{}",
    "9999-12-31T23:59:60Z{}",
    "00000000-0000-0000-0000-000000000000{}",
    'W/"{}"',
    "{}; charset=utf-7",
    "   {}   ",
    "\t{}\v\f",
    "{}¹²³٣٤",
    "𝟎𝟏𝟐{}",
    "Ⅷ{}",
)
_WRAPS: Final = ("{}", " {}", "{}\n", "'{}'", '"{}"', "<b>{}</b>", "{{{}}}", "a={}&b={}", "\\{}")


def hostile(count: int) -> list[str]:
    """Return the first `count` strings; beyond the plain ones, two seeds put together."""
    chance = Random(20_261_125)
    plain = [seed.format(*[MARK] * 900) for seed in SEEDS]
    made = dict.fromkeys(plain)
    for seed, wrap in itertools.product(plain, _WRAPS):
        made[wrap.replace("{}", seed)] = None
    while len(made) < count:
        one, other = chance.choice(plain), chance.choice(plain)
        cut = chance.randrange(len(one) + 1)
        made[one[:cut] + other + one[cut:]] = None
    return list(made)[:count]
