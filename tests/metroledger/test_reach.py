"""The portal is told its address and its proxies, and refuses to start where neither could hold."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from domain.errors import Refused
from metroledger.settings import read_settings

URL, PROXIES = "METROLEDGER_PUBLIC_URL", "METROLEDGER_TRUSTED_PROXIES"


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ("https://energie.metropole.example", "https://energie.metropole.example"),
        ("HTTPS://Energie.Metropole.example:443/", "https://energie.metropole.example"),
        ("https://metropole.example:8443", "https://metropole.example:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:80", "http://localhost"),
        ("http://demo.localhost:1", "http://demo.localhost:1"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_address_is_kept_as_browsers_say_it(said: str, origin: str) -> None:
    assert read_settings({URL: said}).portal.public_url == origin


@pytest.mark.parametrize(
    "said",
    [
        "http://energie.metropole.example",
        "http://192.0.2.1:8000",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "https://",
        "https://metropole.example/energie",
        "https://metropole.example?a=b",
        "https://user@metropole.example",
        "https://metropole example",
        "https://métropole.example",
        "https://[::1",
        "https://metropole.example:99999",
        "ftp://metropole.example",
        "metropole.example",
        "",
    ],
)
def test_an_address_that_cookies_are_not_safe_at_is_refused_with_what_to_do(said: str) -> None:
    with pytest.raises(Refused, match=f"{URL} is not https://HOST.*put the portal behind TLS"):
        read_settings({URL: said})


def test_listening_to_the_world_asks_for_an_address_behind_tls() -> None:
    with pytest.raises(Refused, match=URL):
        read_settings({"METROLEDGER_WEB": "0.0.0.0:8000"})
    told = read_settings({"METROLEDGER_WEB": "0.0.0.0:8000", URL: "https://metropole.example"})
    assert told.portal.web == ("0.0.0.0", 8000)  # noqa: S104 (what is tested)
    assert read_settings({"METROLEDGER_WEB": "[::1]:80"}).portal.public_url == "http://[::1]"


def test_proxies_are_addresses_and_networks_and_none_unless_said() -> None:
    assert read_settings({}).portal.trusted_proxies == ()
    told = read_settings({PROXIES: "127.0.0.1, 10.1.0.0/16,fd00::/8"}).portal.trusted_proxies
    assert told == tuple(map(ip_network, ("127.0.0.1/32", "10.1.0.0/16", "fd00::/8")))


@pytest.mark.parametrize("said", ["proxy.example", "10.1.2.3/16", "10.0.0.0/33", "*", "10.0.0.1;"])
def test_what_names_no_network_is_refused(said: str) -> None:
    with pytest.raises(Refused, match=PROXIES):
        read_settings({PROXIES: said})
