"""What the cases_and_holdouts plugin says about itself."""

from regulars import PluginManifest

__all__ = ["manifest"]

manifest = PluginManifest(
    id="cases_and_holdouts",
    version="0.1.0",
    title="Cases and holdouts",
    summary="Which cases are open and who is held out, as rules on contacts.",
    hook_api=">=1.0,<2",
    implementation="regulars_cases_and_holdouts.plugin",
)
