"""How the demo is set up where the environment does not say otherwise."""

from pathlib import Path

from regulars.settings import Settings

__all__ = ["FOLDER", "demo_settings"]

FOLDER = Path("demo-data")
"""Where the demo keeps its database and its key, seen from where it is started."""


def demo_settings(settings: Settings) -> Settings:
    """Return the settings with what the demo needs: GraphiQL, dollars, a worker, and its own database by default."""
    needed: dict[str, object] = {"mode": "development", "company_currency": "USD", "worker": True}
    if "database_url" not in settings.model_fields_set:
        needed["database_url"] = f"sqlite:///{FOLDER / 'regulars.db'}"
    return settings.model_copy(update=needed)
