"""Write an export as one zip, JSON for machines and a page for people, or as one JSON file to take elsewhere."""

import zipfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import orjson

__all__ = ["archive_path", "portable_part", "write_archive", "write_portable"]

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c }
h2 { margin-top: 2.5rem } p.source { color: #555 } table { border-collapse: collapse; margin: .75rem 0; width: 100% }
th { text-align: left; width: 30%; font-weight: 600 } td, th { padding: .25rem .5rem; border-bottom: 1px solid #ddd;
vertical-align: top; overflow-wrap: anywhere }
"""


def archive_path(uploads: Path, name: str) -> Path:
    """Return where the archive of an export lies; its name is never a client's."""
    return uploads / "exports" / name


def portable_part(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a part with what the person gave and what was seen of them, no guesses; None when nothing is left."""
    rows = [
        {name: value for name, value in row.items() if name != "isPortable"}
        for row in part["rows"]
        if row.get("isPortable") is True
    ]
    return {**part, "rows": rows} if rows else None


def write_portable(path: Path, told: Mapping[str, Any]) -> None:
    """Write one JSON file at ``path``, for another company's programs; it has its name only once it is whole."""
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    part.chmod(0o600)
    part.replace(path)


def write_archive(path: Path, told: Mapping[str, Any], *, company: str) -> None:
    """Write ``data.json`` and ``index.html`` into a new zip at ``path``; it has its name only once it is whole."""
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", orjson.dumps(told, option=orjson.OPT_INDENT_2))
        archive.writestr("index.html", _page(told, company))
    part.chmod(0o600)
    part.replace(path)


def _page(told: Mapping[str, Any], company: str) -> str:
    title = f"What {company} knows about you"
    sections = "".join(_section(part) for part in told["parts"])
    missing = "".join(f"<li>{escape(str(each))}</li>" for each in told["missing"])
    warning = f"<p><strong>These parts are missing and will follow:</strong></p><ul>{missing}</ul>" if missing else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>As of {escape(told['asOf'])}. The same in a form for programs: <a href='data.json'>data.json</a>.</p>"
        f"{warning}{sections}</body></html>"
    )


def _section(part: Mapping[str, Any]) -> str:
    rows = "".join(_row(row) for row in part["rows"]) or "<p>Nothing.</p>"
    return f"<h2>{escape(part['title'])}</h2><p class='source'>Source: {escape(part['source'])}.</p>{rows}"


def _row(row: Mapping[str, Any]) -> str:
    cells = "".join(f"<tr><th>{escape(str(name))}</th><td>{_value(value)}</td></tr>" for name, value in row.items())
    return f"<table>{cells}</table>"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _row(value) if value else "none"
    if isinstance(value, list):
        return "".join(f"<div>{_value(each)}</div>" for each in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(str(value))
