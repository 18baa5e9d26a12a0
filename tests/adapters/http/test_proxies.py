"""Who asks is told by proxies of ours, and by nobody else."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.proxies import client_of, household_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1"), ip_network("fd00::/8"))
STRANGER, CLIENT, PROXY = "192.0.2.9", "198.51.100.7", "10.1.2.3"


@pytest.mark.parametrize("said", [[], [CLIENT], [f"{CLIENT}, {PROXY}"], [PROXY], ["nonsense"]])
def test_a_stranger_who_says_to_be_somebody_else_is_not_believed(said: list[str]) -> None:
    assert client_of(STRANGER, said, TRUSTED) == ip_address(STRANGER)
    assert client_of(PROXY, said, ()) == ip_address(PROXY)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ([CLIENT], CLIENT),
        ([f"203.0.113.1,{CLIENT}"], CLIENT),
        ([f"203.0.113.1 ,  {CLIENT} , {PROXY}"], CLIENT),
        (["203.0.113.1", f"{CLIENT}, 10.9.9.9"], CLIENT),
        (["2001:db8:1:2:3::4, fd00::1"], "2001:db8:1:2:3::4"),
        ([f"::ffff:{CLIENT}"], CLIENT),
        (["10.9.9.9"], "10.9.9.9"),
        ([], PROXY),
        ([""], PROXY),
        ([f"{CLIENT}, unknown"], PROXY),
        ([f"{CLIENT}, not an address, 10.9.9.9"], "10.9.9.9"),
    ],
)
def test_of_what_proxies_say_the_rightmost_that_is_none_of_ours_is_the_client(
    said: list[str], client: str
) -> None:
    assert client_of(PROXY, said, TRUSTED) == ip_address(client)


@given(hearsay=st.lists(st.text(st.characters(exclude_characters=","), max_size=9), max_size=5))
def test_nothing_that_a_client_writes_changes_who_it_is(hearsay: list[str]) -> None:
    said = [", ".join([*hearsay, CLIENT])]
    assert client_of(PROXY, said, TRUSTED) == ip_address(CLIENT)


def test_a_household_is_an_ipv4_address_or_the_64_of_ipv6() -> None:
    assert household_of(ip_address(CLIENT)) == CLIENT
    same = {household_of(ip_address(one)) for one in ("2001:db8::1", "2001:db8:0:0:ffff::2")}
    assert same == {"2001:db8::/64"}
    assert household_of(ip_address("2001:db8:0:1::1")) not in same
    assert household_of(client_of("", [], TRUSTED)) == "nowhere"
