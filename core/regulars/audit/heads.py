"""Keep signed heads of the chain outside the database, where whoever rewrites the database cannot reach them.

A bare chain shows neither that its end was cut off nor that all of it was made anew. A head says, under a signature:
at that moment the link with this number had this hash. The library that signs is imported by whoever has something to
sign or to check: servers whose work in the background is done elsewhere have not.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select
from sqlmodel import col

from regulars.audit.canonical import canonical_json
from regulars.audit.models import Seal
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.errors import ConfigurationError
from regulars.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["Head", "Heads", "KeyUnusable", "heads_of"]

log = structlog.get_logger(__name__)

FORMAT = "regulars-head/1"
FOLDER = "audit-heads"
KEY_FILE = "signing-key"
HEAD_FILES = "head-*.json"
DUE_ROWS = 1_000
DUE_AFTER = timedelta(hours=1)
APART = timedelta(minutes=1)
"""By how much the clocks of several processes may differ; one that lies further behind was set back."""


class KeyUnusable(ConfigurationError):
    """The key that signs heads is no key."""

    code = "AUDIT_KEY_UNUSABLE"

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(f"The key in {where} is no Ed25519 key. It has 64 hexadecimal digits: `openssl rand -hex 32`.")


@dataclass(frozen=True)
class Head:
    """That at ``at`` the link ``seq`` had ``hash``; ``problem`` says in words why it proves nothing, if so."""

    seq: int
    hash: str
    at: datetime
    problem: str | None = None


class Heads:
    """The folder of signed heads, and the Ed25519 key that signs them.

    ``key`` are 64 hexadecimal digits; without it a key is made at the first head, in the folder.
    """

    def __init__(self, folder: Path, *, key: str = "") -> None:
        self.folder, self._key = folder, key
        self._last: Head | None = None

    @property
    def public_key(self) -> str | None:
        """Return the key with which anybody can check the heads; None while there is no key yet."""
        private = self._private_key()
        return None if private is None else _hex(private.public_key())

    async def keep_up(self, database: Database, *, now: datetime, at_once: bool = False) -> Head | None:
        """Write a head when 1,000 rows or an hour have passed since the last one, or ``at_once`` if it is not there.

        Return the new head. Where the last one fits no link of this chain none is added; ``verify`` tells why.
        """
        async with database.reading() as session:
            newest = await session.scalar(select(Seal).order_by(col(Seal.seq).desc()).limit(1))
        if newest is None:
            return None
        last = self._last or next((head for head in reversed(self.read()) if head.problem is None), None)
        if last is not None and not await _fits(database, last):
            log.error("audit.heads_of_another_chain", folder=str(self.folder), seq=last.seq)
            return None
        self._last = last
        if last is not None and (last.seq == newest.seq or not (at_once or _is_due(last, newest, now))):
            return None
        self._last = Head(newest.seq, newest.hash, now)
        self._write(self._last)
        return self._last

    def read(self) -> Sequence[Head]:
        """Return every head in the folder in the order of the chain, each examined."""
        private = self._private_key()
        if private is None:
            return []
        public = private.public_key()
        heads = [_read(path, public) for path in sorted(self.folder.glob(HEAD_FILES))]
        return sorted(heads, key=lambda head: head.seq)

    def _write(self, head: Head) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        private = self._private_key() or self._make_key()
        told: dict[str, Any] = {
            "format": FORMAT,
            "seq": head.seq,
            "hash": head.hash,
            "at": head.at.astimezone(UTC).isoformat(),
            "key": _hex(private.public_key()),
        }
        told["signature"] = private.sign(canonical_json(told)).hex()
        name = f"head-{head.seq:012d}-{head.hash[:12]}.json"
        _write_durably(self.folder / name, json.dumps(told, indent=2) + "\n")

    def _private_key(self) -> "Ed25519PrivateKey | None":
        if self._key:
            return _private(self._key, "REGULARS_AUDIT_KEY")
        path = self.folder / KEY_FILE
        return _private(path.read_text().strip(), str(path)) if path.exists() else None

    def _make_key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        made = Ed25519PrivateKey.generate()
        path = self.folder / KEY_FILE
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(made.private_bytes_raw().hex() + "\n")
        except FileExistsError:  # another process was first
            kept = self._private_key()
            assert kept is not None
            return kept
        return made


def heads_of(settings: Settings) -> Heads:
    """Return the heads where the settings want them: by default beside an SQLite database, else in ``audit-heads``."""
    file = settings.database.database if settings.database.get_backend_name() == "sqlite" else None
    beside = Path(f"{file}-{FOLDER}") if file else Path(FOLDER)
    folder = Path(settings.audit_heads) if settings.audit_heads else beside
    return Heads(folder, key=settings.audit_key.get_secret_value())


async def _fits(database: Database, head: Head) -> bool:
    async with database.reading() as session:
        return await session.scalar(select(col(Seal.hash)).where(col(Seal.seq) == head.seq)) == head.hash


def _is_due(last: Head, newest: Seal, now: datetime) -> bool:
    return newest.seq - last.seq >= DUE_ROWS or not last.at - APART <= now < last.at + DUE_AFTER


def _read(path: Path, public: "Ed25519PublicKey") -> Head:
    from cryptography.exceptions import InvalidSignature

    try:
        told: Mapping[str, Any] = json.loads(path.read_text())
        head = Head(int(told["seq"]), str(told["hash"]), datetime.fromisoformat(told["at"]))
        signature = bytes.fromhex(told["signature"])
        signed = canonical_json({name: value for name, value in told.items() if name != "signature"})
    except (ValueError, KeyError, TypeError):
        return Head(0, "", datetime.min.replace(tzinfo=UTC), f"{path.name} cannot be read.")
    try:
        public.verify(signature, signed)
    except InvalidSignature:
        return Head(head.seq, head.hash, head.at, f"{path.name} was not signed with the key of this installation.")
    return head


def _write_durably(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    reach(CrashPoint.HEAD_UNFINISHED)
    unfinished.replace(path)


def _private(digits: str, where: str) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(digits))
    except ValueError as error:
        raise KeyUnusable(where) from error


def _hex(public: "Ed25519PublicKey") -> str:
    return public.public_bytes_raw().hex()
