"""Erasure certificates: what they prove, and that nothing in them can be altered."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.http.pages.certificate import draw
from domain.errors import Corrupt, Malformed
from proofs.canonical import Json, canonical_json
from proofs.certificate import (
    MAX_CERTIFICATE_BYTES,
    Certificate,
    CertificateMalformed,
    Step,
    issue_certificate,
    verify_certificate,
)
from proofs.checkpoint import Checkpoint, OriginRefuted, SignedCheckpoint, sign_checkpoint
from proofs.merkle import (
    HASH_BYTES,
    ProofRefuted,
    leaf_hash,
    nodes_of,
    prove_inclusion,
    root,
)
from proofs.note import NoteUnsigned, sign_line
from proofs.signing import KeyKind, Signer, Verifier
from proofs.texts import encode_base64url
from tests.proofs.support import ORIGIN, SIGNER, VERIFIERS, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Members = dict[str, Any]
PRINTS = [bytes([number]) * 32 for number in (3, 1, 2)]
PLACES = (4, 6, 9)
SIZE = 11
REQUEST = "00000000-0000-0000-0000-00000000002a"
ORDER: dict[str, Json] = {"request": REQUEST, "keys": 3, "root": "cm9vdA"}
END: dict[str, Json] = ORDER | {
    "fingerprints": encode_base64url(root(map(leaf_hash, PRINTS))),
    "stores": 1,
    "epoch": 9,
    "tree_size_before": 4,
    "tree_size_after": 9,
    "legal_basis": "GDPR article 17(1)(b): consent withdrawn",
    "not_reached": ["receipts that were handed out"],
    "asked_as": "resident",
    "checked_as": "administrator",
    "validated_as": "administrator",
    "carried_out_as": "system",
}
TYPES = ("ErasureValidated.v1", "DestructionOrdered.v1", "AccountErased.v2")
RUN: dict[str, Json] = {"keys": 3, "root": "cm9vdA", "matter": "load_curve", "last_year": 2024}
WITHOUT_ROLES = {name: value for name, value in END.items() if not name.endswith("_as")}
Told = tuple[str, dict[str, Json]]
STORIES: dict[str, tuple[Told, ...]] = {
    "account": ((TYPES[0], {"request": REQUEST}), (TYPES[1], ORDER), (TYPES[2], END)),
    "past": (
        ("DestructionOrdered.v1", ORDER),
        (
            "KeysDestroyed.v1",
            WITHOUT_ROLES | {"asked_as": "resident", "carried_out_as": "system"},
        ),
    ),
    "retention": (
        ("RetentionOrdered.v1", RUN),
        (
            "RetentionCarriedOut.v1",
            {name: value for name, value in WITHOUT_ROLES.items() if name != "request"},
        ),
    ),
}
every_scope = pytest.mark.parametrize("scope", STORIES)
GOLDEN = Path(__file__).parent / "golden"


def leaf(topic: str, payload: dict[str, Json]) -> bytes:
    return canonical_json({"v": 1, "type": topic, "hour": "2026-11-25T18Z", "payload": payload})


def story(*changed: dict[str, Json], scope: str = "account") -> list[bytes]:
    """The entries of a destruction, with members of theirs changed."""
    changes = [*changed, *[{}] * 3]
    return [leaf(t, p | more) for (t, p), more in zip(STORIES[scope], changes, strict=False)]


def log_of(leaves: Sequence[bytes], places: Sequence[int] = PLACES) -> list[bytes]:
    log = entries(SIZE)
    for place, one in zip(places, leaves, strict=False):
        log[place] = one
    return log


def signed_by(signer: Signer, log: Sequence[bytes]) -> SignedCheckpoint:
    top = root(map(leaf_hash, log))
    return sign_checkpoint(Checkpoint(origin=signer.name, size=len(log), root=top), signer)


def issue(
    leaves: Sequence[bytes],
    prints: Sequence[bytes] = PRINTS,
    places: Sequence[int] = PLACES,
) -> bytes:
    log = log_of(leaves, places)
    return issue_certificate(
        list(zip(leaves, places, strict=False)),
        prints,
        signed=signed_by(SIGNER, log),
        nodes=nodes_of(map(leaf_hash, log)),
    )


def test_a_certificate_says_what_its_entries_say_and_is_readable_as_it_is() -> None:
    data = issue(story())
    proven = verify_certificate(data, VERIFIERS)
    assert proven.signed.checkpoint.origin == ORIGIN
    assert proven.certificate.fingerprints == tuple(PRINTS)
    assert proven.says == json.loads(data)["says"]
    assert proven.says["scope"] == "account"
    assert proven.says["keys_destroyed"] == 3
    assert proven.says["tree_sizes"] == {"before": 4, "after": 9}
    assert proven.says["epochs"] == {"without_them_from": 9}
    assert proven.says["roles"] == {
        "asked": "resident",
        "checked": "administrator",
        "validated": "administrator",
        "carried_out": "system",
    }
    assert data.count(b"\n") > 40
    assert Certificate.decode(data).encode() == data


@every_scope
def test_each_scope_says_what_its_own_entries_do(scope: str) -> None:
    proven = verify_certificate(issue(story(scope=scope)), VERIFIERS)
    hours, roles = proven.says["hours"], proven.says.get("roles", {})
    assert isinstance(hours, dict)
    assert isinstance(roles, dict)
    told = (proven.says["scope"], proven.says.get("request"), len(hours), len(roles))
    assert told == {
        "account": ("account", REQUEST, 3, 4),
        "past": ("past", REQUEST, 2, 2),
        "retention": ("retention", None, 2, 0),
    }.get(scope)
    run = (proven.says.get("matter"), proven.says.get("last_year"))
    assert run == (("load_curve", 2024) if scope == "retention" else (None, None))


@every_scope
def test_every_byte_counts(scope: str) -> None:
    data = issue(story(scope=scope))
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 7
        with pytest.raises((Malformed, Corrupt)):
            verify_certificate(bytes(flipped), VERIFIERS)
    for more in (data + b"\n", data[:-1], b" " + data, data.replace(b"\n", b"\r\n"), b""):
        with pytest.raises(CertificateMalformed):
            verify_certificate(more, VERIFIERS)


@every_scope
def test_every_field_counts_also_when_the_file_is_written_anew(scope: str) -> None:
    whole = json.loads(issue(story(scope=scope)))
    altered = [path for path in paths_of(whole) if path != ("fingerprints",)]
    assert len(altered) > 30
    for path in altered:
        for written in (with_other(whole, path), without(whole, path)):
            with pytest.raises((Malformed, Corrupt)):
                verify_certificate(spelled(written), VERIFIERS)


def spelled(members: Members) -> bytes:
    return json.dumps(members, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def paths_of(value: Members | list[Any], at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, from the outside in."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*at, name)
        if isinstance(one, dict | list):
            yield from paths_of(one, (*at, name))


def with_other(whole: Members, path: tuple[Any, ...]) -> Members:
    changed = copy.deepcopy(whole)
    holder: Any = changed
    for name in path[:-1]:
        holder = holder[name]
    match holder[path[-1]]:
        case str() as text:
            holder[path[-1]] = text[:-2] + ("B" if text[-2:-1] == "A" else "A") + text[-1:]
        case int() as number:
            holder[path[-1]] = number + 1
        case list() as items:
            holder[path[-1]] = [*items, *(items[:1] or ["AA"])]
        case _:
            holder[path[-1]] = {}
    return changed


def without(whole: Members, path: tuple[Any, ...]) -> Members:
    changed = copy.deepcopy(whole)
    holder: Any = changed
    for name in path[:-1]:
        holder = holder[name]
    del holder[path[-1]]
    return changed


def forged(
    leaves: Sequence[bytes],
    places: Sequence[int] = PLACES,
    *,
    prints: Sequence[bytes] = PRINTS,
    note: bytes | None = None,
) -> bytes:
    """A certificate of entries that are in the log, without looking at what they say."""
    log = log_of(leaves, places)
    nodes = nodes_of(map(leaf_hash, log))
    steps = tuple(
        Step(leaf=one, index=place, path=prove_inclusion(place, SIZE, nodes))
        for one, place in zip(leaves, places, strict=False)
    )
    note = note or signed_by(SIGNER, log).note
    return Certificate(note=note, steps=steps, fingerprints=tuple(prints)).encode()


OTHER = "00000000-0000-0000-0000-00000000002b"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: forged(story({"request": OTHER})), id="another's validation"),
        pytest.param(lambda: forged(story({}, {"request": OTHER})), id="another's order"),
        pytest.param(lambda: forged(story({}, {"keys": 4})), id="one key was left"),
        pytest.param(lambda: forged(story({}, {"root": "b3RoZXI"})), id="other keys"),
        pytest.param(lambda: forged(story(), (6, 4, 9)), id="ordered before it was validated"),
        pytest.param(lambda: forged(story(), (4, 9, 6)), id="erased before it was ordered"),
        pytest.param(lambda: forged(story(), (3, 6, 9)), id="an earlier validation"),
        pytest.param(
            lambda: forged(story({}, {"request": OTHER}, scope="past")), id="another's past"
        ),
        pytest.param(lambda: forged(story({"keys": 2}, scope="retention")), id="another run"),
        pytest.param(
            lambda: forged(story({"matter": "looks"}, scope="retention"), (5, 6)),
            id="of the same keys an order that is not the run's",
        ),
        pytest.param(lambda: forged(story(), prints=PRINTS[::-1]), id="in another order"),
        pytest.param(lambda: forged(story(), prints=PRINTS[:2]), id="one print less"),
        pytest.param(lambda: forged(story({}, {}, {"keys": 3, "fingerprints": ""})), id="no root"),
    ],
)
def test_entries_that_are_no_one_erasure_prove_none(data: Callable[[], bytes]) -> None:
    with pytest.raises(ProofRefuted):
        verify_certificate(data(), VERIFIERS)


@pytest.mark.parametrize("member", sorted(END))
@pytest.mark.parametrize("value", [[7], {}, 1.5, True])
def test_an_entry_of_odd_members_is_malformed_and_no_crash(member: str, value: object) -> None:
    payload = json.dumps(END | {member: value}, sort_keys=True, separators=(",", ":"))
    odd = leaf(TYPES[2], {}).replace(b'"payload":{}', b'"payload":' + payload.encode())
    with pytest.raises((Malformed, Corrupt)):
        verify_certificate(forged([*story()[:2], odd]), VERIFIERS)


def test_fingerprints_that_nobody_knows_any_more_are_left_out_and_it_says_so() -> None:
    assert not any(
        "one by one" in gap for gap in verify_certificate(issue(story()), VERIFIERS).not_proven
    )
    for lost in ([], PRINTS[:2]):
        proven = verify_certificate(issue(story(), lost), VERIFIERS)
        assert proven.certificate.fingerprints == ()
        assert any("one by one" in gap for gap in proven.not_proven)


@every_scope
def test_no_entry_may_be_swapped_between_two_certificates(scope: str) -> None:
    """Two destructions of one kind in one log, under one checkpoint: each shows its own alone."""
    other: dict[str, Json] = {"root": "b3RoZXI"}
    if scope != "retention":
        other["request"] = OTHER
    here, there = story(scope=scope), story(*[other] * 2, other, scope=scope)
    count = len(here)
    first = PLACES[:count]
    second = tuple(place + 1 for place in first)
    there[-1] = there[-1].replace(b'"tree_size_before":4', b'"tree_size_before":5')
    log = log_of([*here, *there], (*first, *second))
    nodes, note = nodes_of(map(leaf_hash, log)), signed_by(SIGNER, log).note
    one, two = (
        [
            Step(leaf=log[place], index=place, path=prove_inclusion(place, SIZE, nodes))
            for place in places
        ]
        for places in (first, second)
    )
    for whole in (one, two):
        good = Certificate(note=note, steps=tuple(whole), fingerprints=tuple(PRINTS)).encode()
        assert verify_certificate(good, VERIFIERS).says["scope"] == scope
    for place in range(count):
        for into, out_of in ((one, two), (two, one)):
            mixed = (*into[:place], out_of[place], *into[place + 1 :])
            data = Certificate(note=note, steps=mixed, fingerprints=tuple(PRINTS)).encode()
            with pytest.raises(ProofRefuted):
                verify_certificate(data, VERIFIERS)


def test_prints_that_would_make_the_file_too_long_are_left_out_and_it_says_so() -> None:
    prints = [number.to_bytes(HASH_BYTES, "big") for number in range(170_000)]
    bound = encode_base64url(root(map(leaf_hash, prints)))
    many: dict[str, Json] = {"keys": len(prints)}
    leaves = story(many, many | {"fingerprints": bound}, scope="retention")
    data = issue(leaves, prints)
    assert len(data) < MAX_CERTIFICATE_BYTES
    proven = verify_certificate(data, VERIFIERS)
    assert proven.says["keys_destroyed"] == len(prints)
    assert proven.certificate.fingerprints == ()
    assert any("one by one" in gap for gap in proven.not_proven)
    fewer = prints[: MAX_CERTIFICATE_BYTES // 60]
    bound = encode_base64url(root(map(leaf_hash, fewer)))
    many = {"keys": len(fewer)}
    data = issue(story(many, many | {"fingerprints": bound}, scope="retention"), fewer)
    assert len(verify_certificate(data, VERIFIERS).certificate.fingerprints) == len(fewer)


def test_an_erasure_of_the_first_version_has_no_roles() -> None:
    leaves = [*story()[:2], leaf("AccountErased.v1", WITHOUT_ROLES)]
    proven = verify_certificate(issue(leaves), VERIFIERS)
    assert proven.says["roles"] == dict.fromkeys(("asked", "checked", "validated", "carried_out"))


def test_a_file_of_the_first_version_verifies_for_ever() -> None:
    """Written of a real erasure before the second version; the key is that ledger's."""
    key = Verifier.decode((GOLDEN / "certificate.v1.vkey").read_text("ascii").strip())
    data = (GOLDEN / "certificate.v1.json").read_bytes()
    proven = verify_certificate(data, [key])
    assert proven.says == json.loads(data)["says"]
    assert (proven.says["keys_destroyed"], "scope" in proven.says) == (2, False)
    assert proven.certificate.scope.name == "account"
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 7
        with pytest.raises((Malformed, Corrupt)):
            verify_certificate(bytes(flipped), [key])


@pytest.mark.parametrize("scope", ["account", "past", "retention"])
def test_a_file_of_the_second_version_verifies_as_before(scope: str) -> None:
    issued = Certificate.decode(issue(story(scope=scope)))
    data = replace(issued, version=2).encode()
    proven = verify_certificate(data, VERIFIERS)
    assert proven.says["epochs"] == {"last_that_held_them": 8, "first_without_them": 9}
    assert draw(data, proven).count("l’époque 9".encode()) == 1
    mixed = json.loads(issue(story(scope=scope))) | {"v": 2}
    with pytest.raises(CertificateMalformed):
        verify_certificate(spelled(mixed), VERIFIERS)


def test_only_an_account_has_a_file_of_the_first_version_and_none_a_later_one() -> None:
    for scope in ("past", "retention"):
        written = json.loads(issue(story(scope=scope)))
        del written["says"]["scope"]
        with pytest.raises(CertificateMalformed):
            verify_certificate(spelled(written | {"v": 1}), VERIFIERS)
    for version in (0, 4, "3", True):
        written = json.loads(issue(story()))
        with pytest.raises(CertificateMalformed):
            verify_certificate(spelled(written | {"v": version}), VERIFIERS)


def test_nobody_elses_key_and_no_other_log_makes_a_certificate() -> None:
    stranger = Signer(name="ledger.example.org/other", kind=KeyKind.ED25519, seed=bytes([9]) * 32)
    namesake = Signer(name=ORIGIN, kind=KeyKind.ED25519, seed=bytes([9]) * 32)
    log = log_of(story())
    for signer, refusal in ((stranger, NoteUnsigned), (namesake, NoteUnsigned)):
        with pytest.raises(refusal):
            verify_certificate(forged(story(), note=signed_by(signer, log).note), VERIFIERS)
    foreign = Checkpoint(origin=stranger.name, size=SIZE, root=root(map(leaf_hash, log))).encode()
    with pytest.raises(OriginRefuted):
        verify_certificate(
            forged(story(), note=foreign + b"\n" + sign_line(foreign, SIGNER)), VERIFIERS
        )


def test_what_is_no_erasure_gets_no_certificate() -> None:
    with pytest.raises(CertificateMalformed):
        issue([*story()[:2], leaf("ConsentWithdrawn.v1", END)])
    with pytest.raises(ProofRefuted):
        issue(story({"request": OTHER}))
