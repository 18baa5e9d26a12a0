"""The bytes that were written once are read, and written, as they were on that day."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys import sealing
from keys.key import Key, fingerprint, unwrap
from ledger import record as records
from ledger.frames import commitment_over, disclosures_of, groups_of, open_event
from ledger.readings import GROUP, commitment_of, disclosure_of, open_reading
from ledger.record import Frame, Header, Kind, Read, Readings, Write
from proofs.canonical import parse_canonical
from proofs.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from proofs.content import Content
from proofs.receipt import verify_receipt
from proofs.signing import KeyKind, Signer, Verifier
from proofs.tlog_proof import TlogProof
from schemas import canonical
from schemas.leaf import (
    ReadingLeaf,
    decode_leaf,
    decode_reading_leaf,
    encode_leaf,
    encode_reading_leaf,
    rest_of,
)
from schemas.packing import pack, unpack
from schemas.private import decode_private, encode_private
from schemas.registry import EVENT_TYPES, KIND_OF, STORED, reading_type
from schemas.upcasting import UPCASTERS, upcast
from tests.schemas import golden_samples
from tests.schemas.golden_samples import (
    DIRECTORY,
    KEY,
    Sample,
    families,
    frame_of,
    load,
    missing,
    private_value,
    record_value,
)

if TYPE_CHECKING:
    from pathlib import Path

FOR_EVER = "bytes that were written are kept for ever: add a new version instead"


def samples(name: str) -> list[Any]:
    return [pytest.param(sample, id=place) for place, sample in load(name).items()]


EVENTS = [
    pytest.param(path.stem, sample, id=f"{path.stem}: {place}")
    for path in sorted((DIRECTORY / "events").glob("*.json"))
    for place, sample in json.loads(path.read_text("utf-8")).items()
]


def nonce_of(sealed: bytes) -> bytes:
    return sealed[1:13]


def test_every_stored_type_and_form_has_its_golden_bytes() -> None:
    lacking = [f"{name}: {sample}" for name, make in families() for sample in missing(name, make)]
    assert lacking == [], "run 'python -m tests.schemas.golden_samples' and commit what it adds"
    kinds = {sample["kind"] for sample in load("readings").values()}
    assert {reading_type(kind) for kind in kinds} == set(KIND_OF)
    for event in STORED:
        if event not in KIND_OF:
            assert len(load(f"events/{event.TOPIC}")) >= 2, event.TOPIC


def test_the_script_adds_what_is_missing_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden_samples, "DIRECTORY", tmp_path)
    (tmp_path / "keys.json").write_text('{"person": {"kept": "as it is"}}', "utf-8")
    added = golden_samples.add_new()
    assert "keys: sub-key" in added
    assert "keys: person" not in added
    assert load("keys")["person"] == {"kept": "as it is"}
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert golden_samples.add_new() == []
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.json")}


@pytest.mark.parametrize(("topic", "sample"), EVENTS)
def test_a_stored_event_is_read_as_it_was_written(topic: str, sample: Sample) -> None:
    frame, header = frame_of(sample), bytes.fromhex(sample["header"])
    opened = open_event(frame, header, {KEY.id: KEY}, frozenset())
    newest, members = upcast(topic, sample["value"])
    assert opened.event == msgspec.convert(members, EVENT_TYPES[newest]), FOR_EVER
    assert opened.leaf.type == topic, FOR_EVER
    assert private_value(frame.private) == sample["private_value"], FOR_EVER
    if frame.sealed:
        plaintext = sealing.open(KEY, frame.sealed, frame.leaf)
        assert plaintext.decode() == sample["plaintext"], FOR_EVER


@pytest.mark.parametrize(("topic", "sample"), EVENTS)
def test_a_stored_event_would_be_written_as_it_was(topic: str, sample: Sample) -> None:
    """The leaf and the private zone for ever; the payload as long as its version is written."""
    frame = frame_of(sample)
    leaf, private = decode_leaf(frame.leaf), decode_private(frame.private)
    assert encode_leaf(leaf) == frame.leaf, FOR_EVER
    assert encode_private(private) == frame.private, FOR_EVER
    assert rest_of(bytes.fromhex(sample["header"]), frame.private) == leaf.rest, FOR_EVER
    if topic in UPCASTERS:
        return
    event = msgspec.convert(sample["value"], EVENT_TYPES[topic])
    shown = {name: getattr(leaf, name) for name in event.LEAF}
    assert msgspec.convert({**sample["value"], **shown}, type(event)) == event, FOR_EVER
    if event.KEY is None:
        payload = {k: v for k, v in msgspec.to_builtins(event).items() if k not in event.LEAF}
        assert canonical.encode(leaf.payload) == canonical.encode(payload), FOR_EVER
        return
    groups = groups_of(event)
    assert (
        canonical.encode({k: msgspec.Raw(v) for k, v in groups.items()}).decode()
        == (sample["plaintext"])
    ), FOR_EVER
    commitment = commitment_over(disclosures_of(KEY, leaf.event, groups))
    assert canonical.b64(commitment) == leaf.commitment, FOR_EVER
    again = sealing._seal(
        KEY.secret, sample["plaintext"].encode(), frame.leaf, nonce_of(frame.sealed)
    )
    assert again == frame.sealed, FOR_EVER


@pytest.mark.parametrize("sample", samples("readings"))
def test_a_stored_reading_is_read_and_written_as_it_was(sample: Sample) -> None:
    raw = {
        name: bytes.fromhex(sample[name])
        for name in ("event", "consent", "commitment", "leaf", "packed", "sealed", "salt")
    }
    reading = msgspec.convert(sample["value"], reading_type(sample["kind"]))
    leaf = ReadingLeaf(sample["kind"], raw["event"], raw["consent"], raw["commitment"])
    assert decode_reading_leaf(raw["leaf"]) == leaf, FOR_EVER
    assert encode_reading_leaf(leaf) == raw["leaf"], FOR_EVER
    assert unpack(sample["kind"], raw["packed"]) == reading, FOR_EVER
    assert pack(reading) == raw["packed"], FOR_EVER
    assert sealing.salt(KEY, raw["event"], GROUP) == raw["salt"], FOR_EVER
    assert disclosure_of(KEY, raw["event"], reading) == sample["disclosure"], FOR_EVER
    assert commitment_of(KEY, raw["event"], reading) == raw["commitment"], FOR_EVER
    assert open_reading(KEY, leaf, raw["leaf"], raw["sealed"]) == reading, FOR_EVER
    again = sealing._seal(KEY.secret, raw["packed"], raw["leaf"], nonce_of(raw["sealed"]))
    assert again == raw["sealed"], FOR_EVER


@pytest.mark.parametrize("sample", samples("records"))
def test_a_record_is_read_and_written_as_it_was(sample: Sample) -> None:
    encoded, value = bytes.fromhex(sample["record"]), sample["value"]
    assert record_value(encoded) == value, FOR_EVER
    header = Header(
        kind=Kind[value["kind"]],
        command=bytes.fromhex(value["command"]),
        reads=tuple(Read(bytes.fromhex(s), v) for s, v in value["reads"]),
        writes=tuple(Write(bytes.fromhex(s), *rest) for s, *rest in value["writes"]),
    )
    assert records.encode_header(header).hex() == value["header"], FOR_EVER
    frames = [records.encode_frame(_frame(frame)) for frame in value["frames"]]
    again = records.assemble(bytes.fromhex(value["header"]), frames, value["note"].encode())
    assert again == encoded, FOR_EVER


def _frame(value: Sample) -> Frame:
    rows = value["readings"]
    leaves = b"".join(bytes.fromhex(leaf) for leaf, _ in rows)
    sealed = tuple(bytes.fromhex(one) for _, one in rows)
    return Frame(
        leaf=value["leaf"].encode(),
        private=bytes.fromhex(value["private"]),
        sealed=bytes.fromhex(value["sealed"]),
        readings=Readings(leaves=leaves, sealed=sealed) if rows else None,
    )


@pytest.mark.parametrize("sample", samples("checkpoints"))
def test_a_checkpoint_is_read_and_signed_as_it_was(sample: Sample) -> None:
    note = sample["note"].encode()
    expected = Checkpoint(
        origin=sample["origin"], size=sample["size"], root=bytes.fromhex(sample["root"])
    )
    signed = open_checkpoint(note, [Verifier.decode(sample["key"])])
    assert signed.checkpoint == expected, FOR_EVER
    seed = bytes.fromhex(sample["seed"])
    signer = Signer(name=sample["origin"], kind=KeyKind.ED25519, seed=seed)
    assert signer.verifier.encode() == sample["key"], FOR_EVER
    assert sign_checkpoint(expected, signer).note == note, FOR_EVER


@pytest.mark.parametrize("sample", samples("receipts"))
def test_a_receipt_verifies_and_says_what_it_said(sample: Sample) -> None:
    data = sample["receipt"].encode()
    proven = verify_receipt(data, [Verifier.decode(sample["key"])])
    assert proven.index == sample["index"], FOR_EVER
    assert proven.content.entry == parse_canonical(sample["entry"].encode()), FOR_EVER
    assert dict(proven.content.disclosed) == sample["disclosed"], FOR_EVER
    proof = TlogProof.decode(data)
    assert proof.encode() == data, FOR_EVER
    assert proof.extra is not None
    assert Content.decode(proof.extra).encode() == proof.extra, FOR_EVER


@pytest.mark.parametrize("sample", samples("keys"))
def test_a_wrapped_key_opens_under_the_same_key_and_binding(sample: Sample) -> None:
    raw = {name: bytes.fromhex(text) for name, text in sample.items()}
    wrapping, nonce = AESGCM(raw["wrapping"]), raw["wrapped"][:12]
    assert unwrap(wrapping, raw["wrapped"], raw["binding"]) == raw["secret"], FOR_EVER
    again = nonce + wrapping.encrypt(nonce, raw["secret"], raw["binding"])
    assert again == raw["wrapped"], FOR_EVER
    assert fingerprint(Key(KEY.id, raw["secret"])) == raw["fingerprint"], FOR_EVER
