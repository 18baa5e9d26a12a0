"""Golden bytes: what was written once, and must be read the same for ever.

`python -m tests.schemas.golden_samples` writes samples for what has none yet: a new event
version, a new shape. It never changes a sample that is there, and neither may you: bytes
like these lie in logs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.events import Event
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
    Register,
    Run,
)
from domain.values import Actor, Direction, Role, midnight
from keys import sealing
from keys.key import Key, fingerprint, person_binding, sub_binding, wrap
from ledger import record as records
from ledger.frames import Draft, disclosures_of, open_groups, seal_event
from ledger.genesis import make_genesis
from ledger.readings import GROUP, commitment_of, disclosure_of
from ledger.record import Frame, Header, Kind, Read, Readings, Write
from proofs.checkpoint import Checkpoint, sign_checkpoint
from proofs.content import Content, DeliveryPath
from proofs.merkle import leaf_hash, nodes_of, prove_inclusion, root
from proofs.receipt import issue_receipt
from proofs.signing import KeyKind, Signer
from schemas import canonical
from schemas.leaf import ReadingLeaf, decode_leaf, encode_reading_leaf
from schemas.packing import pack
from schemas.private import decode_private
from schemas.registry import KIND_OF, STORED
from tests.domain.samples import SAMPLE_OF

DIRECTORY: Final = Path(__file__).parent / "golden"
KEY: Final = Key(UUID(int=0x4B), bytes(range(32)))
HEADER: Final = hashlib.sha256(b"a header").digest()
AT: Final = datetime(2026, 11, 25, 3, 14, 15, 926535, tzinfo=UTC)
ACTOR: Final = Actor(role=Role.DATA_PROTECTION_OFFICER, id=UUID(int=0xAC))
STREAM: Final = UUID(int=0x57)
SIGNER: Final = Signer(
    name="ledger.example.org/golden", kind=KeyKind.ED25519, seed=bytes(range(32, 64))
)
DAY: Final = date(2026, 3, 29)
ODD: Final = 'é"\\\n😀 '

Sample = dict[str, Any]
Samples = dict[str, Sample]


# ── Values ──────────────────────────────────────────────────────────────────────────────


def spare(value: Any) -> Any:  # noqa: ANN401 (any member of an event)
    """Return the struct with nothing in it that may be left out."""
    members = {
        field.name: None
        if type(None) in getattr(field.type, "__args__", ())
        else type(inner)()
        if isinstance(inner := getattr(value, field.name), tuple | dict)
        else inner
        for field in msgspec.structs.fields(value)
    }
    return type(value)(**members)


def odd(value: Any) -> Any:  # noqa: ANN401, PLR0911 (any member of an event, one return a kind)
    """Return the value with the hardest of its kind in every place."""
    match value:
        case msgspec.Struct():
            names = value.__struct_fields__
            return type(value)(**{name: odd(getattr(value, name)) for name in names})
        case tuple():
            return tuple(map(odd, value))
        case dict():
            return {name: odd(inner) for name, inner in value.items()}
        case Enum():
            return list(type(value))[-1]
        case datetime():
            return value.replace(microsecond=123_456)
        case str():
            return ODD + value
        case None:
            return None
    return {int: 2**53 - 1, date: date(2028, 2, 29), UUID: UUID(int=2**128 - 1)}[type(value)]


def variants(event: Event) -> dict[str, Event]:
    """Return samples of one event: as it is, spare, odd."""
    found = {"plain": event, "odd": odd(event)}
    if spare(event) != event:
        found["spare"] = spare(event)
    return found


# ── Events ──────────────────────────────────────────────────────────────────────────────


def event_sample(event: Event) -> Sample:
    """Return all stored bytes of an event, and what they say."""
    extra = b"".join(UUID(int=n).bytes for n in (1, 2)) if event.KEY is None else b""
    draft = Draft(
        originator_id=STREAM,
        originator_version=7,
        event=event,
        header=HEADER,
        key=KEY if event.KEY else None,
        at=AT,
        actor=ACTOR,
        extra=extra,
    )
    frame = seal_event(draft)
    sample = {
        "value": msgspec.to_builtins(event),
        "header": HEADER.hex(),
        "leaf": frame.leaf.decode(),
        "private": frame.private.hex(),
        "private_value": private_value(frame.private),
    }
    if event.KEY is not None:
        plaintext = sealing.open(KEY, frame.sealed, frame.leaf)
        sample |= {"plaintext": plaintext.decode(), "sealed": frame.sealed.hex()}
    return sample


def private_value(encoded: bytes) -> Sample:
    private = decode_private(encoded)
    value = private._asdict() | {"salt": private.salt.hex(), "extra": private.extra.hex()}
    return dict(msgspec.to_builtins(value))


def of_event(event: type[Event]) -> Samples:
    return {name: event_sample(said) for name, said in variants(SAMPLE_OF[event]).items()}


# ── Readings ────────────────────────────────────────────────────────────────────────────


def registers() -> tuple[Register, ...]:
    return tuple(
        Register(
            grid=grid,
            calendar=calendar,
            slot=slot,
            rank=rank,
            value_wh=9_723_814 + 1_000 * rank,
            plausibility=0,
        )
        for grid, calendar, slots in (
            ("distributor", "DI000003", ("BUHC", "BUHP", "BCHC", "BCHP")),
            ("supplier", "FC000123", ("HC", "HP", "BUHC", "BUHP", "BCHC", "BCHP")),
        )
        for rank, slot in enumerate(slots, 1)
    )


COMMON: Final[dict[str, Any]] = {
    "number": "01234567890123",
    "direction": Direction.CONSUMPTION,
    "device": "872",
    "quality": "raw",
}
READINGS: Final[dict[str, Reading]] = {
    "index": IndexReceived(at=midnight(DAY), reference="M02SXIXD", registers=registers(), **COMMON),
    "gas interval": IntervalReceived(
        start=midnight(DAY) + timedelta(hours=6),
        end=midnight(DAY) + timedelta(hours=29),
        status="Définitive",
        energy_wh=123_456,
        volume_dm3=10_987,
        coefficient="11.2366",
        index_start_dm3=4_321_000,
        index_end_dm3=4_331_987,
        **COMMON,
    ),
    "load curve day whose step changes": LoadCurveDayReceived(
        day=DAY,
        reference=None,
        runs=(
            Run(start=midnight(DAY), step_s=1800, power_w=(100, None, 300, 70_000)),
            Run(start=midnight(DAY) + timedelta(hours=2), step_s=600, power_w=(0, 65_535)),
            Run(start=midnight(DAY) + timedelta(hours=3), step_s=3600, power_w=()),
        ),
        **COMMON,
    ),
    "maximum power": MaximumPowerReceived(
        day=DAY,
        at=midnight(DAY) + timedelta(hours=19, seconds=1),
        reference="M02SXIXD",
        power=5_917,
        unit="VA",
        **COMMON,
    ),
}


def reading_sample(reading: Reading) -> Sample:
    """Return all stored bytes of a reading, and what they say."""
    event, consent = UUID(int=0xE1).bytes, UUID(int=0xC0).bytes
    kind, commitment = KIND_OF[type(reading)], commitment_of(KEY, event, reading)
    leaf = encode_reading_leaf(ReadingLeaf(kind, event, consent, commitment))
    packed = pack(reading)
    return {
        "kind": kind,
        "value": msgspec.to_builtins(reading),
        "event": event.hex(),
        "consent": consent.hex(),
        "salt": sealing.salt(KEY, event, GROUP).hex(),
        "disclosure": disclosure_of(KEY, event, reading),
        "commitment": commitment.hex(),
        "leaf": leaf.hex(),
        "packed": packed.hex(),
        "sealed": sealing.seal(KEY, packed, leaf).hex(),
    }


def of_readings() -> Samples:
    return {
        f"{name}, {variant}": reading_sample(said)  # type: ignore[arg-type]  # variants keep the type
        for name, reading in READINGS.items()
        for variant, said in variants(reading).items()
    }


# ── Records ─────────────────────────────────────────────────────────────────────────────


def stream(number: int) -> bytes:
    return UUID(int=number).bytes


HEADERS: Final[dict[str, Header]] = {
    "one write": Header(
        kind=Kind.COMMIT, command=stream(0xC1), writes=(Write(stream(1), 0, 1, 0),)
    ),
    "reads, writes, an ending": Header(
        kind=Kind.COMMIT,
        command=stream(0xC2),
        reads=(Read(stream(1), 3), Read(stream(2**128 - 1), 2**32 - 1)),
        writes=(Write(stream(2), 0, 1, 0), Write(stream(3), 70_000, 1, 1)),
    ),
    "a delivery": Header(
        kind=Kind.COMMIT,
        command=stream(0xC3),
        reads=(Read(stream(1), 1), Read(stream(2), 1)),
        writes=(Write(stream(9), 0, 3, 0),),
    ),
    "barrier": Header(kind=Kind.BARRIER, command=stream(0xC4)),
    "change of rule": Header(kind=Kind.RULE, command=stream(0xC5)),
}
FRAME: Final = Frame(leaf=b'{"leaf":1}', private=b"\x01private", sealed=b"\x01sealed")
FRAMES: Final[dict[str, tuple[Frame, ...]]] = {
    "one write": (Frame(leaf=b'{"public":1}', private=b"\x01private"),),
    "reads, writes, an ending": (FRAME, Frame(leaf=b'{"leaf":2}', private=b"\x01")),
    "a delivery": (
        Frame(
            leaf=b'{"delivery":1}',
            private=b"\x01private",
            readings=Readings(leaves=bytes(range(130)), sealed=(b"", b"\x01sealed reading")),
        ),
    ),
}
NOTES: Final = {"change of rule": canonical.encode({"rule": 2})}


def of_records() -> Samples:
    whole = {
        name: records.assemble(
            records.encode_header(header),
            [records.encode_frame(frame) for frame in FRAMES.get(name, ())],
            NOTES.get(name, b""),
        )
        for name, header in HEADERS.items()
    }
    whole["genesis"] = make_genesis("ledger.example.org/golden", "2026-11-25T03:14:15+00:00")
    return {
        name: {"record": encoded.hex(), "value": record_value(encoded)}
        for name, encoded in whole.items()
    }


def record_value(encoded: bytes) -> Sample:
    """Return what a record says, as JSON."""
    record = records.decode(encoded)
    header = record.header
    return {
        "header": record.header_bytes.hex(),
        "kind": header.kind.name,
        "command": header.command.hex(),
        "reads": [[read.stream.hex(), read.version] for read in header.reads],
        "writes": [[w.stream.hex(), w.version, w.events, w.ends] for w in header.writes],
        "frames": list(map(frame_value, record.frames)),
        "note": record.note.decode(),
    }


def frame_value(frame: Frame) -> Sample:
    rows = frame.readings
    places = range(len(rows)) if rows else ()
    return {
        "leaf": frame.leaf.decode(),
        "private": frame.private.hex(),
        "sealed": frame.sealed.hex(),
        "readings": [[rows.leaf(at).hex(), rows.sealed[at].hex()] for at in places if rows],
    }


# ── Proofs ──────────────────────────────────────────────────────────────────────────────


def of_checkpoints() -> Samples:
    roots = {"empty": (0, hashlib.sha256(b"").digest()), "large": (70_000, bytes(range(32)))}
    return {
        name: {
            "key": SIGNER.verifier.encode(),
            "seed": SIGNER.seed.hex(),
            "origin": SIGNER.name,
            "size": size,
            "root": its.hex(),
            "note": sign_checkpoint(
                Checkpoint(origin=SIGNER.name, size=size, root=its), SIGNER
            ).note.decode(),
        }
        for name, (size, its) in roots.items()
    }


def receipt(content: Content, entry: bytes, disclosed: Sample) -> Sample:
    """Return the receipt of the second of three leaves."""
    hashes = list(map(leaf_hash, (b"before", entry, b"after")))
    checkpoint = Checkpoint(origin=SIGNER.name, size=3, root=root(hashes))
    signed = sign_checkpoint(checkpoint, SIGNER)
    issued = issue_receipt(content, index=1, signed=signed, nodes=nodes_of(hashes))
    return {
        "key": SIGNER.verifier.encode(),
        "index": 1,
        "entry": entry.decode(),
        "disclosed": disclosed,
        "receipt": issued.decode(),
    }


def of_receipts() -> Samples:
    """Return receipts over golden bytes: of a grant, of two of its groups, of a reading."""
    granted = load("events/ConsentGranted.v1")["plain"]
    frame = frame_of(granted)
    leaf = decode_leaf(frame.leaf)
    groups = open_groups(frame, leaf, KEY)
    texts = disclosures_of(KEY, leaf.event, groups)
    digests = tuple(hashlib.sha256(text.encode()).digest() for text in texts)
    said = {name: json.loads(value) for name, value in groups.items()}
    whole = Content(leaf=frame.leaf, disclosures=tuple(texts))
    part = Content(leaf=frame.leaf, disclosures=(texts[0], texts[2]), digests=digests)
    names = list(said)
    return {
        "consent": receipt(whole, frame.leaf, said),
        "consent, two groups": receipt(
            part, frame.leaf, {name: said[name] for name in (names[0], names[2])}
        ),
        "reading": reading_receipt(load("readings")["index, plain"]),
    }


def reading_receipt(sample: Sample) -> Sample:
    leaves = [bytes(65), bytes.fromhex(sample["leaf"])]
    hashes = list(map(leaf_hash, leaves))
    payload = {"readings": 2, "root": canonical.b64(root(hashes))}
    entry = canonical.encode(
        {
            "event": str(UUID(int=0xDE)),
            "hour": "2026-11-25T03Z",
            "payload": payload,
            "rest": "A" * 43,
            "type": "DeliveryReceived.v1",
            "v": 1,
        }
    )
    path = prove_inclusion(1, 2, nodes_of(hashes))
    content = Content(
        leaf=leaves[1],
        disclosures=(sample["disclosure"],),
        delivery=DeliveryPath(leaf=entry, index=1, size=2, path=path),
    )
    return receipt(content, entry, {GROUP: sample["value"]})


# ── Keys ────────────────────────────────────────────────────────────────────────────────


def of_keys() -> Samples:
    epoch, owner, tag = stream(0xE0), stream(0xF0), stream(0xA0)
    bindings = {
        "person": person_binding(epoch=epoch, owner=owner, key_id=KEY.id.bytes),
        "sub-key": sub_binding(owner=owner, key_id=KEY.id.bytes, tag=tag),
    }
    return {
        name: {
            "wrapping": bytes(range(64, 96)).hex(),
            "binding": binding.hex(),
            "secret": KEY.secret.hex(),
            "fingerprint": fingerprint(KEY).hex(),
            "wrapped": wrap(AESGCM(bytes(range(64, 96))), KEY.secret, binding).hex(),
        }
        for name, binding in bindings.items()
    }


# ── Files ───────────────────────────────────────────────────────────────────────────────


def frame_of(sample: Sample) -> Frame:
    """Return the stored frame of an event's sample."""
    return Frame(
        leaf=sample["leaf"].encode(),
        private=bytes.fromhex(sample["private"]),
        sealed=bytes.fromhex(sample.get("sealed", "")),
    )


def families() -> Iterator[tuple[str, Callable[[], Samples]]]:
    """Yield each file's name and what makes its samples; receipts come after what they show."""
    for event in STORED:
        if event not in KIND_OF:
            yield f"events/{event.TOPIC}", lambda event=event: of_event(event)  # type: ignore[misc]  # mypy cannot type a lambda's defaults
    yield "readings", of_readings
    yield "records", of_records
    yield "checkpoints", of_checkpoints
    yield "receipts", of_receipts
    yield "keys", of_keys


def load(name: str) -> Samples:
    """Return the committed samples of a file, none where it is not there yet."""
    path = DIRECTORY / f"{name}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def missing(name: str, make: Callable[[], Samples]) -> Samples:
    """Return new samples for what a file has none of yet."""
    kept = load(name)
    return {sample: made for sample, made in make().items() if sample not in kept}


def add_new() -> list[str]:
    """Write the samples that are missing, and only those; return their names."""
    added = []
    for name, make in families():
        if new := missing(name, make):
            path = DIRECTORY / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(load(name) | new, ensure_ascii=False, indent=1)
            path.write_text(text + "\n", "utf-8")
            added += [f"{name}: {sample}" for sample in new]
    return added


if __name__ == "__main__":
    for added in add_new():
        print("added", added)
