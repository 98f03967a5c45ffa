"""How the demo is set up where the environment does not say otherwise."""

from pathlib import Path

from regulars.settings import Settings

__all__ = ["FOLDER", "LOG", "MAILS", "demo_settings", "place_of_data"]

FOLDER = Path("demo-data")
"""Where the demo keeps its database and its key, seen from where it is started."""

COMPANY = "Corner Record Shop"
MAILS = FOLDER / "mails"
"""Where the demo lays the mails that it writes; none of them leaves the machine."""

LOG = FOLDER / "server.log"
"""Where the demo's server writes its log, so that nothing stands between the lines that a newcomer reads."""

OWN_DATABASE = f"sqlite:///{FOLDER / 'regulars.db'}"


def demo_settings(settings: Settings) -> Settings:
    """Return the settings with what the demo needs: GraphiQL, dollars and a worker.

    Unless the environment says otherwise it has a database of its own, and lays its mails into a folder.
    """
    needed: dict[str, object] = {"mode": "development", "company_currency": "USD", "worker": True}
    if "company_name" not in settings.model_fields_set:
        needed["company_name"] = COMPANY
    if "database_url" not in settings.model_fields_set:
        needed["database_url"] = OWN_DATABASE
    if settings.model_fields_set.isdisjoint({"mail_server", "hand_off_channels", "hand_off_folder", "signed_channels"}):
        needed |= {"hand_off_channels": ("email",), "hand_off_folder": str(MAILS)}
    return settings.model_copy(update=needed)


def place_of_data(settings: Settings) -> str:
    """Return in words where the data lie."""
    is_own = settings.database_url == OWN_DATABASE
    return str(FOLDER) if is_own else "the database that REGULARS_DATABASE_URL names"
