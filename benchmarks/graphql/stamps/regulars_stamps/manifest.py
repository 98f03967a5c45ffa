"""What the stamps plugin says about itself."""

from regulars import PluginManifest

__all__ = ["manifest"]

manifest = PluginManifest(
    id="stamps",
    version="1.0.0",
    title="Stamps",
    summary="Two fields on every customer, to measure what fields of plugins cost.",
    hook_api=">=1.0,<2",
    implementation="regulars_stamps.plugin",
)
