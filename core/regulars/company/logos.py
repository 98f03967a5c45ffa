"""Check the company's logo: a small picture, given as a data address."""

import base64
import binascii
import re

from regulars.errors import InvalidInput

__all__ = ["LARGEST_LOGO", "checked_logo", "logo_parts"]

LARGEST_LOGO = 200 * 1024
ADDRESS = re.compile(r"data:(?P<type>image/(?:png|jpeg|webp));base64,(?P<content>[A-Za-z0-9+/=]+)")
BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}


def checked_logo(text: str) -> str:
    """Return the data address of a PNG, JPEG or WebP picture; raises ``InvalidInput``.

    SVG is refused: it can hold scripts.
    """
    match = ADDRESS.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("A logo is a data address: data:image/png;base64,… (PNG, JPEG or WebP).", path=("logo",))
    try:
        content = base64.b64decode(match["content"], validate=True)
    except binascii.Error as error:
        raise InvalidInput("The logo is cut off: its base64 cannot be read.", path=("logo",)) from error
    if len(content) > LARGEST_LOGO:
        raise InvalidInput(f"The logo has {len(content):,} bytes; {LARGEST_LOGO:,} is the limit.", path=("logo",))
    if not content.startswith(BEGINNINGS[match["type"]]):
        raise InvalidInput(f"The logo says {match['type']} and is something else.", path=("logo",))
    return text.strip()


def logo_parts(logo: str) -> tuple[str, bytes]:
    """Return media type and content of a logo that was checked before."""
    head, _, content = logo.partition(",")
    return head.removeprefix("data:").partition(";")[0], base64.b64decode(content)
