from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from tests.core.plugins.fakes import manifest

from regulars.plugins.joining.configuration import (
    InvalidSettings,
    MissingSettings,
    UnknownSetting,
    changed_settings,
    read_settings,
    settings_from_words,
    settings_schema,
    shown_settings,
)


class Account(BaseModel):
    token: SecretStr


class MailSettings(BaseModel):
    host: str = Field(description="Where mail goes out.")
    port: int = Field(default=25, ge=1)
    password: SecretStr | None = None
    account: Account | None = None
    copies: tuple[str, ...] = ()

    @field_validator("password")
    @classmethod
    def _long_enough(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if len(value.get_secret_value()) < 8:
            raise ValueError(f"{value.get_secret_value()} is too short")
        return value


class FromEnvironment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="REGULARS_MAIL_")

    host: str


MAIL = manifest("mail", settings=MailSettings)


def test_settings_are_read_over_defaults() -> None:
    settings = read_settings(MAIL, {"host": "mail.example"})

    assert settings == MailSettings(host="mail.example", port=25)


def test_a_missing_value_is_named_with_the_command() -> None:
    with pytest.raises(MissingSettings, match="regulars plugin config mail host=…") as missing:
        read_settings(MAIL, {})

    assert missing.value.names == ("host",)


def test_the_environment_fills_what_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_MAIL_HOST", "env.example")
    mail = manifest("mail", settings=FromEnvironment)

    assert read_settings(mail, {}).model_dump() == {"host": "env.example"}
    assert read_settings(mail, {"host": "stored.example"}).model_dump() == {"host": "stored.example"}


def test_a_change_keeps_the_rest() -> None:
    assert changed_settings(MAIL, {"host": "a.example", "port": 26}, {"port": 27}) == {"host": "a.example", "port": 27}


def test_nothing_takes_a_value_away() -> None:
    assert changed_settings(MAIL, {"host": "a.example", "port": 26}, {"port": None}) == {"host": "a.example"}


def test_settings_may_come_one_by_one() -> None:
    assert changed_settings(MAIL, {}, {"port": 26}) == {"port": 26}


def test_an_unknown_setting_is_refused_with_a_near_name() -> None:
    with pytest.raises(UnknownSetting, match="Did you mean 'host'"):
        changed_settings(MAIL, {}, {"hots": "a.example"})


def test_a_wrong_value_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidSettings, match="port: input should be greater than or equal to 1"):
        changed_settings(MAIL, {"host": "a.example"}, {"port": 0})


def test_a_secret_is_never_repeated_in_an_error() -> None:
    with pytest.raises(InvalidSettings) as refused:
        changed_settings(MAIL, {"host": "a.example"}, {"password": "hunter2"})

    assert "hunter2" not in str(refused.value)
    assert "password: this value is not accepted" in str(refused.value)


@pytest.mark.parametrize("stored", [{"password": "hunter22", "host": "a.example"}, {"password": "hunter22"}])
def test_secrets_are_masked_also_while_other_settings_are_missing(stored: dict[str, Any]) -> None:
    shown = {setting.name: setting for setting in shown_settings(MAIL, stored)}

    assert (shown["password"].value, shown["password"].is_secret, shown["password"].is_set) == ("••••••••", True, True)
    assert (shown["account"].value, shown["account"].is_secret, shown["account"].is_set) == (None, True, False)
    assert (shown["port"].value, shown["port"].is_set) == (stored.get("port", None if len(stored) == 1 else 25), False)


def test_words_become_values() -> None:
    words = {"host": "[a]", "copies": '["a", "b"]', "port": "26", "password": "", "other": "x"}

    assert settings_from_words(MAIL, words) == {
        "host": "[a]",
        "copies": ["a", "b"],
        "port": "26",
        "password": None,
        "other": "x",
    }


def test_the_schema_marks_secrets_and_what_is_required() -> None:
    schema = settings_schema(MAIL)

    assert schema["required"] == ["host"]
    assert schema["properties"]["host"]["description"] == "Where mail goes out."
    assert schema["properties"]["password"]["anyOf"][0]["writeOnly"] is True
