"""Search for no garbage while a server starts: whatever it imports and builds stays for as long as it runs.

Python would look through all of that again and again, a quarter of the time that a start takes.
"""

import gc

__all__ = ["keep_what_started", "start_without_searching"]


def start_without_searching() -> None:
    """Search for no garbage in this process until ``keep_what_started`` is called."""
    gc.disable()


def keep_what_started() -> None:
    """Search from now on, but never among what is there already."""
    gc.freeze()
    gc.enable()
