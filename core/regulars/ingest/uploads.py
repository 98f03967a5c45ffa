"""Keep what was announced until its file arrives, beside where the file will lie."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import orjson

from regulars.errors import NotFound

__all__ = ["UPLOAD_PATIENCE", "expect_upload", "expected_upload"]

UPLOAD_PATIENCE = timedelta(days=1)


def expect_upload(folder: Path, announced: Mapping[str, Any], *, now: datetime) -> str:
    """Note what a file to come will hold, and return the id under which it may be sent for a day."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    upload_id = token_urlsafe(24)
    note = {**announced, "until": (now + UPLOAD_PATIENCE).isoformat()}
    (folder / f"{upload_id}.json").write_bytes(orjson.dumps(note))
    return upload_id


def expected_upload(folder: Path, upload_id: str, *, now: datetime) -> dict[str, Any]:
    """Return what was announced under this id. Raises ``NotFound`` when nothing was, or its day is over."""
    path = folder / f"{upload_id}.json"
    is_name = upload_id.replace("-", "").replace("_", "").isalnum()
    if not is_name or not path.exists():
        raise NotFound("announced import", upload_id)
    note: dict[str, Any] = orjson.loads(path.read_bytes())
    if datetime.fromisoformat(note.pop("until")) < now:
        raise NotFound("announced import", upload_id)
    return note
