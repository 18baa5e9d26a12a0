"""Receipts: what they prove, what they keep back, and that no byte of them is loose."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.errors import Corrupt, Malformed
from proofs.canonical import Json, canonical_json
from proofs.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, sign_checkpoint
from proofs.content import Content, ContentMalformed, DeliveryPath
from proofs.disclosure import Disclosure, commit, digest_of
from proofs.merkle import ProofRefuted, leaf_hash, nodes_of, prove_inclusion, root
from proofs.note import sign_line
from proofs.receipt import CosignersMissing, issue_receipt, verify_receipt
from proofs.texts import encode_base64url
from proofs.tlog_proof import MAX_EXTRA_BYTES, ProofMalformed, TlogProof
from tests.proofs.support import ORIGIN, SIGNER, VERIFIERS, WITNESS, entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proofs.merkle import NodeReader

GROUPS: Mapping[str, Json] = {
    "point": {"meter": "made-up"},
    "scope": ["daily index"],
    "identity": {"name": "Made Up"},
}
DISCLOSURES = tuple(
    Disclosure(salt=sha256(name.encode()).digest()[:16], name=name, value=value).encode()
    for name, value in GROUPS.items()
)
DIGESTS = tuple(digest_of(text) for text in DISCLOSURES)
READINGS = 13


def event_leaf(**more: Json) -> bytes:
    members: dict[str, Json] = {"v": 1, "type": "ConsentGranted.v1", "event": str(UUID(int=7))}
    return canonical_json(members | more)


def granted() -> bytes:
    return event_leaf(commitment=encode_base64url(commit(DIGESTS)))


def reading_leaf(index: int) -> bytes:
    return bytes([1]) + bytes([index]) * 16 + bytes([200]) * 16 + commit(DIGESTS[:1])


def delivery_leaf() -> bytes:
    top = root(leaf_hash(reading_leaf(index)) for index in range(READINGS))
    payload: Json = {"readings": READINGS, "root": encode_base64url(top), "dso": "enedis"}
    return canonical_json({"v": 1, "type": "DeliveryReceived.v1", "payload": payload})


def a_reading(index: int = 5) -> Content:
    nodes = nodes_of([leaf_hash(reading_leaf(each)) for each in range(READINGS)])
    path = prove_inclusion(index, READINGS, nodes)
    delivery = DeliveryPath(leaf=delivery_leaf(), index=index, size=READINGS, path=path)
    return Content(leaf=reading_leaf(index), disclosures=DISCLOSURES[:1], delivery=delivery)


CONTENTS = {
    "an event opened whole": Content(leaf=granted(), disclosures=DISCLOSURES),
    "an event opened in part": Content(
        leaf=granted(),
        disclosures=(DISCLOSURES[0], DISCLOSURES[2]),
        digests=DIGESTS,
    ),
    "an event not opened": Content(leaf=granted()),
    "an event of public content": Content(leaf=event_leaf(payload={"terms": "of use"})),
    "a reading": a_reading(),
}


def logged(content: Content, size: int, index: int) -> tuple[SignedCheckpoint, NodeReader]:
    leaves = entries(size)
    leaves[index] = content.entry
    hashes = [leaf_hash(leaf) for leaf in leaves]
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=root(hashes))
    return sign_checkpoint(checkpoint, SIGNER), nodes_of(hashes)


def issue(content: Content, *, size: int = 11, index: int = 4, witness: bool = False) -> bytes:
    signed, nodes = logged(content, size, index)
    if witness:
        line = sign_line(signed.checkpoint.encode(), WITNESS, time=1_764_039_600)
        signed = SignedCheckpoint(checkpoint=signed.checkpoint, note=signed.note + line)
    return issue_receipt(content, index=index, signed=signed, nodes=nodes)


def forge(content: Content) -> bytes:
    """Write the receipt of an entry that is in the log, without looking at the content."""
    signed, nodes = logged(content, 11, 4)
    path = prove_inclusion(4, 11, nodes)
    return TlogProof(extra=content.encode(), index=4, path=path, note=signed.note).encode()


def test_an_event_opened_whole_shows_every_group() -> None:
    proven = verify_receipt(issue(CONTENTS["an event opened whole"]), VERIFIERS)
    assert proven.content.disclosed == GROUPS
    assert proven.content.kept_back == 0
    assert proven.content.entry["type"] == "ConsentGranted.v1"
    assert (proven.signed.checkpoint.origin, proven.signed.checkpoint.size) == (ORIGIN, 11)
    assert proven.index == 4


def test_an_event_opened_in_part_shows_these_groups_and_counts_the_others() -> None:
    proven = verify_receipt(issue(CONTENTS["an event opened in part"]), VERIFIERS)
    assert set(proven.content.disclosed) == {"point", "identity"}
    assert proven.content.kept_back == 1
    assert any("1 groups" in gap for gap in proven.not_proven)


def test_a_receipt_without_disclosures_says_that_the_content_is_unproven() -> None:
    proven = verify_receipt(issue(CONTENTS["an event not opened"]), VERIFIERS)
    assert proven.content.kept_back is None
    assert any("what the event says" in gap for gap in proven.not_proven)
    public = verify_receipt(issue(CONTENTS["an event of public content"]), VERIFIERS)
    assert not any("what the event says" in gap for gap in public.not_proven)


def test_every_receipt_says_what_it_does_not_show_of_the_consent() -> None:
    for content in CONTENTS.values():
        proven = verify_receipt(issue(content), VERIFIERS)
        of_reading = proven.content.reading is not None
        said = "its consent was in force" if of_reading else "still stands"
        assert said in proven.not_proven[0]
        assert any("no known witness" in gap for gap in proven.not_proven)


@pytest.mark.parametrize("index", range(READINGS))
def test_a_reading_hangs_on_its_delivery(index: int) -> None:
    proven = verify_receipt(issue(a_reading(index)), VERIFIERS)
    assert proven.content.reading is not None
    assert proven.content.reading.type == "IndexReceived.v1"
    assert proven.content.reading.event == UUID(bytes=bytes([index]) * 16)
    assert proven.content.disclosed == {"point": GROUPS["point"]}
    assert proven.content.entry["type"] == "DeliveryReceived.v1"


def test_cosigners_can_be_asked_for() -> None:
    known = [SIGNER.verifier, WITNESS.verifier]
    content = CONTENTS["an event opened whole"]
    proven = verify_receipt(issue(content, witness=True), known, cosigners=1)
    assert [seen.time for seen in proven.signed.cosigners] == [1_764_039_600]
    with pytest.raises(CosignersMissing):
        verify_receipt(issue(content), known, cosigners=1)
    stranger = verify_receipt(issue(content, witness=True), VERIFIERS)
    assert any(WITNESS.name in gap for gap in stranger.not_proven)


def test_every_byte_of_twenty_receipts_counts() -> None:
    known = [SIGNER.verifier, WITNESS.verifier]
    for number in range(20):
        content = list(CONTENTS.values())[number % len(CONTENTS)]
        size = 1 + number * 3
        receipt = issue(content, size=size, index=size // 2, witness=True)
        verify_receipt(receipt, known, cosigners=1)
        for at in range(len(receipt)):
            flipped = bytearray(receipt)
            flipped[at] ^= 1 << ((at + number) % 8)
            with pytest.raises((Malformed, Corrupt)):
                verify_receipt(bytes(flipped), known, cosigners=1)


def test_a_receipt_cut_or_lengthened_is_refused() -> None:
    receipt = issue(CONTENTS["a reading"])
    for changed in (receipt + b"\n", receipt + b"x", receipt[1:], b"", b"\n\n", receipt * 2):
        with pytest.raises((Malformed, Corrupt)):
            verify_receipt(changed, VERIFIERS)
    for end in range(0, len(receipt), 7):
        with pytest.raises((Malformed, Corrupt)):
            verify_receipt(receipt[:end], VERIFIERS)


WHOLE = CONTENTS["an event opened whole"]
PART = CONTENTS["an event opened in part"]


@pytest.mark.parametrize(
    "content",
    [
        replace(WHOLE, disclosures=DISCLOSURES[:2]),
        replace(WHOLE, disclosures=DISCLOSURES[::-1]),
        replace(WHOLE, disclosures=(*DISCLOSURES, DISCLOSURES[0])),
        replace(WHOLE, digests=DIGESTS),
        replace(PART, disclosures=PART.disclosures[::-1]),
        replace(PART, digests=DIGESTS[::-1]),
        replace(PART, digests=DIGESTS[:2]),
        replace(PART, digests=(*DIGESTS, bytes(32))),
        replace(PART, digests=(DIGESTS[0], DIGESTS[2])),
        replace(PART, digests=()),
        replace(WHOLE, leaf=event_leaf(payload={})),
        replace(WHOLE, leaf=event_leaf(commitment=5)),
        replace(WHOLE, leaf=event_leaf(commitment="!")),
        replace(WHOLE, leaf=b"[]"),
        replace(WHOLE, leaf=b"{ }"),
        replace(WHOLE, disclosures=("é",)),
        replace(a_reading(), leaf=reading_leaf(6)),
        replace(a_reading(), leaf=bytes([9]) + reading_leaf(5)[1:]),
        replace(a_reading(), leaf=reading_leaf(5) + b"x"),
        replace(a_reading(), disclosures=DISCLOSURES[1:2]),
        replace(a_reading(), delivery=replace(a_reading(5).delivery, index=6)),  # type: ignore[type-var] # it has one
        replace(a_reading(), delivery=replace(a_reading(5).delivery, size=READINGS + 1)),  # type: ignore[type-var] # it has one
        replace(a_reading(), delivery=replace(a_reading(5).delivery, leaf=granted())),  # type: ignore[type-var] # it has one
    ],
)
def test_content_that_does_not_hang_on_its_entry_is_neither_issued_nor_accepted(
    content: Content,
) -> None:
    with pytest.raises((Malformed, Corrupt)):
        issue(content)
    with pytest.raises((Malformed, Corrupt)):
        verify_receipt(forge(content), VERIFIERS)


def test_a_second_spelling_of_the_content_is_refused() -> None:
    good = TlogProof.decode(issue(WHOLE))
    extra = good.extra or b""
    for changed in (
        extra.replace(b'"v":1', b'"v":2'),
        extra.replace(b'"kind":"event"', b'"kind":"other"'),
        extra[:-1] + b',"w":1}',
        extra.replace(b"{", b"{ ", 1),
        b"[]",
        b"{}",
        b"",
    ):
        with pytest.raises(ContentMalformed):
            verify_receipt(replace(good, extra=changed).encode(), VERIFIERS)
    with pytest.raises(ContentMalformed):
        verify_receipt(replace(good, extra=None).encode(), VERIFIERS)


def test_a_receipt_under_another_log_or_for_another_place_is_refused() -> None:
    receipt = issue(WHOLE)
    with pytest.raises(Corrupt):
        verify_receipt(receipt, [WITNESS.verifier])
    with pytest.raises(ProofRefuted):
        verify_receipt(replace(TlogProof.decode(receipt), index=5).encode(), VERIFIERS)


def test_a_receipt_that_would_not_verify_is_not_issued() -> None:
    hashes = [leaf_hash(leaf) for leaf in entries(9)]
    signed = sign_checkpoint(Checkpoint(origin=ORIGIN, size=9, root=root(hashes)), SIGNER)
    with pytest.raises(ProofRefuted):
        issue_receipt(WHOLE, index=3, signed=signed, nodes=nodes_of(hashes))
    open_checkpoint(signed.note, VERIFIERS)


def test_a_receipt_is_no_longer_than_other_peoples_readers_take() -> None:
    big = Content(leaf=event_leaf(payload={"text": "x" * MAX_EXTRA_BYTES}))
    with pytest.raises(ProofMalformed):
        issue(big)
