"""What the contact_preferences plugin says about itself."""

from regulars import PluginManifest

__all__ = ["manifest"]

manifest = PluginManifest(
    id="contact_preferences",
    version="0.1.0",
    title="Contact preferences",
    summary="What customers prefer, which cases are open and who is held out, as rules on contacts.",
    hook_api=">=1.0,<2",
    implementation="regulars_contact_preferences.plugin",
)
