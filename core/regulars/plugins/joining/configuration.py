"""A plugin's settings: checked by the model in its manifest, and shown without secrets."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from regulars.errors import InvalidInput, UnknownValue
from regulars.plugins.manifest import PluginManifest

__all__ = [
    "InvalidSettings",
    "MissingSettings",
    "ShownSetting",
    "UnknownSetting",
    "changed_settings",
    "read_settings",
    "settings_from_words",
    "settings_schema",
    "shown_settings",
]

MASK = "••••••••"
AS_JSON = {
    "dict_type": 'write names with their values as JSON, such as {"name": "value"}',
    "list_type": 'write a list as JSON, such as ["one", "two"]',
}
"""What to do next where pydantic speaks of Python's types."""


class MissingSettings(InvalidInput):
    """A plugin cannot work before some settings have a value."""

    code = "PLUGIN_SETTINGS_MISSING"

    def __init__(self, plugin_id: str, names: tuple[str, ...]) -> None:
        self.plugin_id, self.names = plugin_id, names
        command = f"regulars plugin config {plugin_id} {' '.join(f'{name}=…' for name in names)}"
        super().__init__(f"It needs values for {', '.join(names)}. Set them with `{command}`.")


class InvalidSettings(InvalidInput):
    """A plugin's settings have values that it does not take; what was typed is not repeated."""

    code = "PLUGIN_SETTINGS_INVALID"

    def __init__(self, plugin_id: str, faults: Mapping[str, str]) -> None:
        self.plugin_id, self.faults = plugin_id, faults
        said = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        super().__init__(f"The settings of {plugin_id} are not valid. {said}.", path=tuple(faults)[:1])


class UnknownSetting(UnknownValue):
    """A setting was named that the plugin does not have."""

    code = "PLUGIN_SETTING_UNKNOWN"

    def __init__(self, plugin_id: str, name: str, known: tuple[str, ...]) -> None:
        self.plugin_id = plugin_id
        super().__init__(f"setting of {plugin_id}", name, known, path=(name,))


@dataclass(frozen=True)
class ShownSetting:
    """A setting as people may see it: a secret's value is masked, one without value is None."""

    name: str
    value: Any
    description: str | None
    is_required: bool
    is_secret: bool
    is_set: bool


def read_settings(manifest: PluginManifest, stored: Mapping[str, Any]) -> BaseModel:
    """Return the settings that hold: the stored ones, over the environment where the model reads it, over defaults.

    Raises ``MissingSettings`` with the names, or ``InvalidSettings`` without the values.
    """
    settings, missing, faults = _tried(manifest, stored)
    if faults:
        raise InvalidSettings(manifest.id, faults)
    if missing:
        raise MissingSettings(manifest.id, missing)
    assert settings is not None
    return settings


def changed_settings(manifest: PluginManifest, stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored settings with the changes; None takes a value away.

    Raises ``UnknownSetting``, or ``InvalidSettings`` when a value is not one that the plugin takes. Values that are
    still missing are no error: settings may come one by one.
    """
    known = tuple(manifest.settings.model_fields)
    for name in changes:
        if name not in known:
            raise UnknownSetting(manifest.id, name, known)
    merged = {**stored, **changes}
    settings = {name: value for name, value in merged.items() if value is not None and name in known}
    _settings, _missing, faults = _tried(manifest, settings)
    if faults:
        raise InvalidSettings(manifest.id, faults)
    return settings


def settings_from_words(manifest: PluginManifest, words: Mapping[str, str]) -> dict[str, Any]:
    """Return settings typed as ``key=value``: text as it is, lists and the like as JSON, nothing for an empty word."""
    return {name: _from_word(manifest.settings.model_fields.get(name), word) for name, word in words.items()}


def shown_settings(manifest: PluginManifest, stored: Mapping[str, Any]) -> tuple[ShownSetting, ...]:
    """Return every setting with its value, secrets masked, even while the settings as a whole are not valid."""
    valid, _missing, _faults = _tried(manifest, stored)
    return tuple(_shown(name, field, stored, valid) for name, field in manifest.settings.model_fields.items())


def settings_schema(manifest: PluginManifest) -> dict[str, Any]:
    """Return the JSON Schema of the settings, from which a form can be made."""
    return manifest.settings.model_json_schema()


def _shown(name: str, field: FieldInfo, stored: Mapping[str, Any], valid: BaseModel | None) -> ShownSetting:
    is_secret = _holds_secret(field.annotation)
    value = stored.get(name)
    if valid is not None:
        value = valid.model_dump(mode="json")[name]
    is_set = name in stored or (valid is not None and name in valid.model_fields_set)
    if is_secret:
        value = MASK if is_set else None
    return ShownSetting(name, value, field.description, field.is_required(), is_secret, is_set)


def _holds_secret(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretStr | SecretBytes):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_holds_secret(field.annotation) for field in annotation.model_fields.values())
    return any(_holds_secret(part) for part in get_args(annotation))


def _from_word(field: FieldInfo | None, word: str) -> Any:
    if not word:
        return None
    if field is None or _is_text(field.annotation):
        return word
    try:
        parsed = orjson.loads(word)
    except orjson.JSONDecodeError:
        return word
    return parsed if isinstance(parsed, list | dict) else word


def _is_text(annotation: object) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return all(_is_text(part) for part in get_args(annotation))
    return annotation in (str, SecretStr, SecretBytes, bytes, type(None))


def _tried(
    manifest: PluginManifest, stored: Mapping[str, Any]
) -> tuple[BaseModel | None, tuple[str, ...], dict[str, str]]:
    """Return the settings, else the names of those that are missing and what is wrong with others."""
    try:
        return manifest.settings(**_by_input_name(manifest, stored)), (), {}
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    missing = [fault for fault in faults if fault["type"] == "missing" and len(fault["loc"]) == 1]
    return (
        None,
        tuple(_name(manifest, fault["loc"]) for fault in missing),
        {_name(manifest, fault["loc"]): _said(manifest, fault) for fault in faults if fault not in missing},
    )


def _by_input_name(manifest: PluginManifest, stored: Mapping[str, Any]) -> dict[str, Any]:
    # Settings are kept by the names of the fields; a model may want an alias instead.
    fields = manifest.settings.model_fields
    return {(fields[name].alias or name) if name in fields else name: value for name, value in stored.items()}


def _name(manifest: PluginManifest, place: tuple[int | str, ...]) -> str:
    first = str(place[0]) if place else "settings"
    names = {field.alias: name for name, field in manifest.settings.model_fields.items() if field.alias}
    return names.get(first, first)


def _said(manifest: PluginManifest, fault: ErrorDetails) -> str:
    field = manifest.settings.model_fields.get(_name(manifest, fault["loc"]))
    if _holds_secret(manifest.settings if field is None else field.annotation):
        return "this value is not accepted"
    if fault["type"] in AS_JSON:
        return AS_JSON[fault["type"]]
    return fault["msg"][:1].lower() + fault["msg"][1:]
