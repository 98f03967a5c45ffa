"""How the demo is set up where the environment does not say otherwise."""

from pathlib import Path

from regulars.settings import Settings

__all__ = ["FOLDER", "demo_settings", "place_of_data"]

FOLDER = Path("demo-data")
"""Where the demo keeps its database and its key, seen from where it is started."""

OWN_DATABASE = f"sqlite:///{FOLDER / 'regulars.db'}"


def demo_settings(settings: Settings) -> Settings:
    """Return the settings with what the demo needs: GraphiQL, dollars, a worker, and its own database by default."""
    needed: dict[str, object] = {"mode": "development", "company_currency": "USD", "worker": True}
    if "database_url" not in settings.model_fields_set:
        needed["database_url"] = OWN_DATABASE
    return settings.model_copy(update=needed)


def place_of_data(settings: Settings) -> str:
    """Return in words where the data lie."""
    is_own = settings.database_url == OWN_DATABASE
    return str(FOLDER) if is_own else "the database that REGULARS_DATABASE_URL names"
