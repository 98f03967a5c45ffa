"""Note erasures outside the database, so that restoring a backup can apply them again."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson

__all__ = ["ErasureNote", "note_erasure", "noted_erasures"]


@dataclass(frozen=True)
class ErasureNote:
    """One erasure: when, whose ids, and the keyed hashes of their addresses; nothing that names anybody."""

    at: datetime
    ids: tuple[UUID, ...]
    hashes: tuple[str, ...]


def note_erasure(path: Path, note: ErasureNote) -> None:
    """Add a line to the file, safely on disk."""
    line = {"at": note.at, "ids": [str(id) for id in note.ids], "hashes": list(note.hashes)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(orjson.dumps(line) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def noted_erasures(path: Path) -> Sequence[ErasureNote]:
    """Return all notes, oldest first; none where there is no file. A last line that was cut off is left out."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    read = [orjson.loads(line) for line in lines]
    return [
        ErasureNote(datetime.fromisoformat(note["at"]), tuple(UUID(id) for id in note["ids"]), tuple(note["hashes"]))
        for note in read
    ]
