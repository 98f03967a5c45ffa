"""What the preference centre says about itself."""

from regulars import Grants, Permission, PluginManifest
from regulars_preference_centre.settings import PreferenceSettings

__all__ = ["manifest"]

manifest = PluginManifest(
    id="preference_centre",
    version="0.1.0",
    title="Preference centre",
    summary="Customers say what they want to hear, where and how often, and see what is known of them.",
    hook_api=">=1.0,<2",
    implementation="regulars_preference_centre.plugin",
    graphql_types=(
        "PreferenceStream",
        "PreferenceQuestion",
        "PreferenceWords",
        "PreferenceOption",
        "AlertRequest",
        "ItemAnnouncement",
        "CustomerPreferences",
        "PreferenceChannel",
        "PreferenceLevel",
        "PreferencePause",
        "PreferenceQuietHours",
        "PreferenceWish",
        "PreferenceAnswer",
        "PreferenceChannelInput",
        "PreferenceLevelInput",
        "PreferenceQuietHoursInput",
        "PreferenceAnswerInput",
        "PreferenceWordsInput",
        "PreferenceOptionInput",
        "PreferencesUpdateInput",
        "PreferencesPayload",
        "PauseCreateInput",
        "PauseLiftInput",
        "PausePayload",
        "AlertRequestInput",
        "AlertCancelInput",
        "AlertPayload",
        "ItemAnnounceInput",
        "ItemAnnouncePayload",
        "StreamDefineInput",
        "StreamRetireInput",
        "StreamPayload",
        "QuestionDefineInput",
        "QuestionRetireInput",
        "QuestionPayload",
    ),
    settings=PreferenceSettings,
    permissions=(
        Permission(
            "preference_centre:read", "See what customers want to hear", ("admin", "analyst", "frontline", "privacy")
        ),
        Permission(
            "preference_centre:write",
            "Change what customers want to hear, as they ask",
            ("admin", "frontline", "privacy"),
        ),
        Permission("preference_centre:manage", "Define what can be sent, and announce items", ("admin",)),
    ),
    grants=Grants(
        read=("customer", "consent", "contact", "message", "suppression", "trait", "touchpoint"),
        write=(
            *("consent", "customer_identity", "customer_session", "gpc_signal", "job", "magic_link", "message"),
            *("notice", "privacy_request", "suppressed_identity", "suppression", "trait"),
        ),
        events=("consent.granted",),
    ),
)
