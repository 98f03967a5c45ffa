"""Prove what was done about a privacy request: as JSON for programs, as lines to print for people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from regulars.privacy.erasure import KEPT, Erased
from regulars.privacy.models import PrivacyRequest

__all__ = ["erasure_certificate", "printed"]

BACKUPS = "Backups hold the data until they age out, within 35 days; restoring one applies this erasure again."


def erasure_certificate(
    request: PrivacyRequest,
    erased: Erased,
    *,
    lines: int,
    storage: Mapping[str, Any],
    began_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    """Return the certificate of an erasure; rows that a later look found are added to those of the first."""
    before = request.certificate or {}
    return {
        "request": str(request.id),
        "kind": "erasure",
        "customer": str(erased.ids[0]),
        "mergedIds": [str(id) for id in erased.ids[1:]] or before.get("mergedIds", []),
        "receivedAt": request.received_at.isoformat(),
        "dueAt": request.due_at.isoformat(),
        "beganAt": before.get("beganAt", began_at.isoformat()),
        "endedAt": now.isoformat(),
        "rows": _sum(before.get("rows", {}), {name: count for name, count in erased.rows.items() if count}),
        "plugins": {
            id: _sum(before.get("plugins", {}).get(id, {}), erased.plugins.get(id, {}))
            for id in sorted({*before.get("plugins", {}), *erased.plugins})
        },
        "fileLines": before.get("fileLines", 0) + lines,
        "barredAddresses": before.get("barredAddresses", 0) + erased.barred,
        "storage": dict(storage),
        "kept": dict(KEPT),
        "backups": BACKUPS,
        "open": list(erased.problems),
    }


def printed(certificate: Mapping[str, Any]) -> str:
    """Return the certificate as text, a fact on each line."""
    lines = [f"Certificate of {str(certificate.get('kind', 'privacy request')).replace('_', ' ')}", ""]
    for name, value in certificate.items():
        if isinstance(value, Mapping):
            lines += [f"{name}:", *(f"  {key}: {_told(part)}" for key, part in value.items())]
        elif isinstance(value, list):
            lines.append(f"{name}: {', '.join(map(str, value)) or 'none'}")
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines) + "\n"


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items()) or "nothing"
    return str(value)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}
