"""Signed notes and checkpoints: what is accepted, what is ignored, what refuses the whole."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.checkpoint import (
    Checkpoint,
    CheckpointMalformed,
    OriginRefuted,
    open_checkpoint,
    sign_checkpoint,
)
from proofs.merkle import EMPTY_ROOT
from proofs.note import NoteMalformed, NoteUnsigned, open_note, sign_line, sign_note
from proofs.signing import KeyKind, KeyMalformed, SignatureRefuted, Signer, Verifier
from tests.proofs.support import ORIGIN, SIGNER, VERIFIERS, WITNESS, vectors

TEXT = b"example.com/log\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
CHECKPOINT = Checkpoint(origin=ORIGIN, size=15, root=bytes(range(32)))
SIGNED = sign_checkpoint(CHECKPOINT, SIGNER)
OTHER = Signer(name="other.example/key", kind=KeyKind.ED25519, seed=bytes([9]) * 32)
POST_QUANTUM = Signer(name="pq.example/w2", kind=KeyKind.ML_DSA_44, seed=bytes([3]) * 32)

# Both of Go's sumdb tools: a note and a log that we have not made.
FOREIGN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
FOREIGN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_gos_documentation_verifies() -> None:
    note = open_note(FOREIGN_NOTE.encode(), [Verifier.decode(FOREIGN_VKEY)])
    assert note.verified[0].verifier.name == "PeterNeumann"


def test_the_note_of_the_specification_verifies() -> None:
    published = json.loads((vectors("c2sp-spec-examples") / "vectors.json").read_text())
    example = published["signed_note"]
    note = open_note(example["note"].encode(), [Verifier.decode(example["vkey"])])
    assert note.text == b"This is an example message.\n"


def test_the_checkpoints_of_the_specification_parse() -> None:
    published = json.loads((vectors("c2sp-spec-examples") / "vectors.json").read_text())
    text, _ = published["checkpoint_syntax_only"].encode().split(b"\n\n")
    checkpoint = Checkpoint.decode(text + b"\n")
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    with pytest.raises(NoteUnsigned):
        open_note(published["checkpoint_syntax_only"].encode(), VERIFIERS)


def test_the_key_texts_are_those_of_the_specification() -> None:
    vkey = "ledger.example.org/consents+56d79b31+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
    assert SIGNER.verifier.encode() == vkey
    assert SIGNER.encode().startswith("PRIVATE+KEY+ledger.example.org/consents+56d79b31+AQEB")
    assert Signer.decode(SIGNER.encode()) == SIGNER


@pytest.mark.parametrize("kind", KeyKind)
def test_every_type_of_key_signs_what_it_verifies_and_travels_as_text(kind: KeyKind) -> None:
    signer = Signer(name="k.example/1", kind=kind, seed=bytes(range(32)))
    time = None if kind is KeyKind.ED25519 else 1_764_039_600
    note = open_note(sign_note(TEXT, [signer], time=time), [signer.verifier])
    assert note.verified[0].time == time
    assert Signer.decode(signer.encode()) == signer
    assert Verifier.decode(signer.verifier.encode()) == signer.verifier


def test_a_signer_never_shows_its_seed() -> None:
    shown = repr(SIGNER)
    assert "seed" not in shown
    assert SIGNER.encode().rpartition("+")[2] not in shown


def test_a_line_of_an_unknown_key_is_ignored_and_named() -> None:
    note = open_note(sign_note(TEXT, [OTHER, SIGNER]), VERIFIERS)
    assert [line.name for line in note.unknown] == [OTHER.name]
    assert [seen.verifier.name for seen in note.verified] == [ORIGIN]


def test_a_bad_line_of_a_known_key_refuses_the_note_though_another_line_is_good() -> None:
    good = sign_note(TEXT, [SIGNER])
    bad = sign_line(b"something else\n", OTHER)
    for data in (good + bad, TEXT + b"\n" + bad + good.split(b"\n\n")[1]):
        with pytest.raises(SignatureRefuted):
            open_note(data, [SIGNER.verifier, OTHER.verifier])
        open_note(data, [SIGNER.verifier])


def test_a_second_bad_line_of_one_key_refuses_the_note() -> None:
    with pytest.raises(SignatureRefuted):
        open_note(sign_note(TEXT, [SIGNER]) + sign_line(b"other\n", SIGNER), VERIFIERS)


def test_a_note_that_no_known_key_has_signed_is_unsigned() -> None:
    with pytest.raises(NoteUnsigned):
        open_note(sign_note(TEXT, [OTHER]), VERIFIERS)
    with pytest.raises(NoteUnsigned):
        open_note(sign_note(TEXT, [OTHER]), [])


GOOD = sign_note(TEXT, [SIGNER])
LINE = GOOD.split(b"\n\n")[1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT,
        TEXT + b"\n",
        LINE,
        GOOD[:-1],
        GOOD + b"\n",
        GOOD + b"x",
        b"\xff" + GOOD,
        b"a\tb\n\n" + LINE,
        b"a\rb\n\n" + LINE,
        GOOD.replace("—".encode(), b"--"),
        TEXT + b"\n" + LINE.replace(b"\n", b" \n"),
        TEXT + b"\n" + "— a+b AAAAAAA=\n".encode(),
        TEXT + b"\n" + "—  AAAAAAA=\n".encode(),
        TEXT + b"\n" + "— a AAAAAA==\n".encode(),
        TEXT + b"\n" + "— a AAAAAAB=\n".encode() + "— a !!!!\n".encode(),
        TEXT + b"\n" + LINE * 101,
        TEXT + b"x" * 1_000_000 + b"\n\n" + LINE,
    ],
)
def test_bytes_that_are_no_note_are_refused(data: bytes) -> None:
    with pytest.raises(NoteMalformed):
        open_note(data, VERIFIERS)


def test_a_note_splits_at_its_last_empty_line() -> None:
    text = b"first\n\nsecond\n"
    assert open_note(sign_note(text, [SIGNER]), VERIFIERS).text == text


def test_sixteen_and_a_hundred_signatures_are_read() -> None:
    keys = [
        Signer(name=f"w{index}", kind=KeyKind.ED25519, seed=bytes([index]) * 32)
        for index in range(1, 101)
    ]
    note = open_note(sign_note(TEXT, keys), [key.verifier for key in keys])
    assert len(note.verified) == 100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AQ==",
        SIGNER.verifier.encode().replace("56d79b31", "56d79b32"),
        SIGNER.verifier.encode().replace("56d79b31", "56D79B31"),
        SIGNER.verifier.encode() + "\n",
        SIGNER.verifier.encode().replace("ledger", "other"),
        OTHER.encode(),
    ],
)
def test_texts_that_are_no_verifier_key_are_refused(text: str) -> None:
    with pytest.raises(KeyMalformed):
        Verifier.decode(text)


def test_a_key_states_a_time_where_its_type_has_one_and_only_there() -> None:
    with pytest.raises(KeyMalformed):
        sign_note(TEXT, [SIGNER], time=1)
    with pytest.raises(KeyMalformed):
        sign_note(TEXT, [WITNESS])


def test_a_witness_signs_its_time_too() -> None:
    line = sign_line(TEXT, WITNESS, time=1_764_039_600)
    name, body = line.decode().split(" ")[1:]
    assert name == WITNESS.name
    note = TEXT + b"\n" + line
    assert open_note(note, [WITNESS.verifier]).verified[0].time == 1_764_039_600
    payload = bytearray(WITNESS.sign(TEXT, time=1_764_039_600))
    payload[7] ^= 1
    with pytest.raises(SignatureRefuted):
        WITNESS.verifier.verify(TEXT, bytes(payload))
    assert body.endswith("\n")


def test_a_post_quantum_key_signs_checkpoints_alone() -> None:
    signed = sign_note(CHECKPOINT.encode(), [POST_QUANTUM], time=5)
    assert open_note(signed, [POST_QUANTUM.verifier]).verified[0].time == 5
    with pytest.raises(KeyMalformed):
        sign_note(CHECKPOINT.encode() + b"extension\n", [POST_QUANTUM], time=5)


def test_a_checkpoint_is_three_lines() -> None:
    body = b"ledger.example.org/consents\n15\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert CHECKPOINT.encode() == body
    assert Checkpoint.decode(body) == CHECKPOINT
    assert open_checkpoint(SIGNED.note, VERIFIERS) == SIGNED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"log\n15\n",
        CHECKPOINT.encode()[:-1],
        CHECKPOINT.encode() + b"extension\n",
        CHECKPOINT.encode().replace(b"\n15\n", b"\n015\n"),
        CHECKPOINT.encode().replace(b"\n15\n", b"\n+15\n"),
        CHECKPOINT.encode().replace(b"\n15\n", b"\n-1\n"),
        CHECKPOINT.encode().replace(b"\n15\n", b"\n9223372036854775808\n"),
        CHECKPOINT.encode().replace(b"\n15\n", b"\n0\n"),
        CHECKPOINT.encode().replace(b"AAEC", b"AAEC\n"),
        CHECKPOINT.encode().replace(b"h8=", b"h9="),
        CHECKPOINT.encode().replace(b"AAECAwQF", b""),
        b"\n15\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_texts_that_are_no_checkpoint_are_refused(text: bytes) -> None:
    with pytest.raises(CheckpointMalformed):
        Checkpoint.decode(text)


def test_the_empty_tree_has_one_checkpoint() -> None:
    empty = Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    assert Checkpoint.decode(empty.encode()) == empty


def test_a_witness_alone_makes_no_checkpoint() -> None:
    note = sign_note(CHECKPOINT.encode(), [WITNESS], time=7)
    with pytest.raises(OriginRefuted):
        open_checkpoint(note, [SIGNER.verifier, WITNESS.verifier])
    with pytest.raises(OriginRefuted):
        sign_checkpoint(CHECKPOINT, OTHER)


def test_cosigners_and_unknown_keys_are_told_apart() -> None:
    note = SIGNED.note + sign_line(CHECKPOINT.encode(), WITNESS, time=7)
    seen = open_checkpoint(note, [SIGNER.verifier, WITNESS.verifier])
    assert [cosigner.verifier.name for cosigner in seen.cosigners] == [WITNESS.name]
    assert [line.name for line in open_checkpoint(note, VERIFIERS).unknown] == [WITNESS.name]


@given(st.binary(max_size=400))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with pytest.raises((NoteMalformed, NoteUnsigned)):
        open_note(data, VERIFIERS)


def test_every_byte_of_twenty_checkpoints_counts() -> None:
    for size in range(1, 21):
        root = bytes([size]) * 32
        signed = sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=root), SIGNER)
        for at in range(len(signed.note)):
            flipped = bytearray(signed.note)
            flipped[at] ^= 1 << (at % 8)
            with pytest.raises((NoteMalformed, NoteUnsigned, SignatureRefuted)):
                open_checkpoint(bytes(flipped), VERIFIERS)
