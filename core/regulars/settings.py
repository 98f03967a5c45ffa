"""Settings of the server, read from the environment (`REGULARS_…`) once, when the server starts."""

from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["Settings"]

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

Words = Annotated[tuple[str, ...], NoDecode]
SecretWords = Annotated[tuple[SecretStr, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator can set."""

    model_config = SettingsConfigDict(env_prefix="REGULARS_", extra="ignore", frozen=True)

    database_url: str = Field(
        default="sqlite:///regulars.db",
        description="Where the data lies: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.",
    )
    host: str = Field(default="127.0.0.1", description="The address on which the server listens.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port on which the server listens.")
    mode: Literal["production", "development"] = Field(
        default="production",
        description="`development` serves GraphiQL at `/graphql` and prints readable logs.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "Keys the hashes of API keys and of suppressed addresses. Without it a secret is made once and kept in the"
            " database; set it to keep it outside."
        ),
    )
    former_secrets: SecretWords = Field(
        default=(),
        description=(
            "Secrets of earlier times, separated by commas: the suppression list holds hashes only, which cannot be"
            " made anew under another secret."
        ),
    )
    cors_origins: Words = Field(
        default=(),
        description=(
            "Origins, separated by commas, whose pages may ask from a browser, such as `https://crm.example.com`."
        ),
    )
    audit_heads: str = Field(
        default="",
        description=(
            "The folder for signed heads of the audit chain, best on another machine's disk. By default it lies beside"
            " an SQLite database, else it is `audit-heads`."
        ),
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "The Ed25519 key that signs those heads, 64 hexadecimal digits (`openssl rand -hex 32`). Without it one is"
            " made and kept in the folder."
        ),
    )
    private_targets: Words = Field(
        default=(),
        description=(
            "Machines of the company's own network, separated by commas, that webhooks, plugins and sign-in may reach,"
            " such as `erp.internal:8443`; without a port 443 is meant. All others are refused."
        ),
    )
    authorities_file: str | None = Field(
        default=None,
        description=(
            "A file of certificates (PEM) that are trusted besides the public ones when other machines are reached."
        ),
    )
    public_url: str = Field(
        default="",
        description=(
            "The address under which browsers find this server, such as `https://regulars.example.com`;"
            " needed to sign in with a browser."
        ),
    )
    mail_server: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "Where mails are handed in: `smtp://USER:PASSWORD@HOST:587` (STARTTLS), `smtps://…`, or `smtp+plain://HOST:25`"
            " for a relay on this machine. Without it, e-mails wait."
        ),
    )
    mail_from: str = Field(
        default="", description="Who writes, such as `Example Wine Shop <hello@shop.example.com>`; needed for mails."
    )
    message_prices: Words = Field(
        default=(),
        description="What one message costs by channel, in the company's currency, such as `email=0.001,sms=0.07`.",
    )
    hand_off_folder: str = Field(
        default="outgoing", description="The folder into which messages of `hand_off_channels` are laid as files."
    )
    hand_off_channels: Words = Field(
        default=(), description="Channels, separated by commas, whose messages are laid into a folder, such as `post`."
    )
    hand_off_url: str = Field(
        default="", description="The address to which messages of `signed_channels` are posted, signed."
    )
    hand_off_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret of these signatures, `whsec_…`; needed with `hand_off_url`."
    )
    signed_channels: Words = Field(
        default=(), description="Channels, separated by commas, whose messages are posted, such as `sms,push`."
    )
    oidc_issuer: str = Field(
        default="",
        description=(
            "The identity provider whose staff may come in (OpenID Connect), exactly as it calls itself, such as"
            " `https://login.example.com/realms/shop`."
        ),
    )
    oidc_audience: str = Field(
        default="",
        description="The `aud` that tokens for this server's API carry; without it no token is accepted there.",
    )
    oidc_client_id: str = Field(
        default="", description="The client as which the identity provider knows this server; for browsers."
    )
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""), description="The client's secret; leave it out for a public client."
    )
    oidc_scopes: str = Field(
        default="openid profile email", description="What is asked of the identity provider, separated by spaces."
    )
    oidc_role_claim: str = Field(
        default="groups",
        description=(
            "Which claim of a token gives the role: `groups`, a path such as `realm_access.roles`, or `email`."
        ),
    )
    oidc_roles: Words = Field(
        default=(),
        description=(
            "Which value of that claim gives which role, separated by commas, such as"
            " `crm-admins=admin,marketing=analyst,shop=frontline`; the first that fits counts, and nothing lets nobody"
            " in."
        ),
    )
    session_idle_minutes: int = Field(
        default=60, ge=1, description="After how many minutes without a request a browser is signed out."
    )
    session_hours: int = Field(
        default=12, ge=1, le=168, description="After how many hours a browser is signed out in any case."
    )
    rate_burst: int = Field(
        default=1000,
        ge=1,
        description="How many points one credential, or one address without credentials, may spend at once.",
    )
    tracking_burst: int = Field(
        default=20_000,
        ge=1,
        description="How many messages one write key, or one address, may send to `/v1` at once.",
    )
    tracking_per_second: float = Field(
        default=2_000,
        ge=0,
        description="How many messages to `/v1` are granted anew each second, by key and by address; 0 counts nothing.",
    )
    rate_per_second: float = Field(
        default=100.0,
        ge=0,
        description="How many of these points come back each second, in each process; `0` sets no limit.",
    )
    trusted_proxies: Words = Field(
        default=("127.0.0.1", "::1"),
        description=(
            "Addresses or networks, separated by commas, of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto`"
            " are believed."
        ),
    )
    blocked_plugins: Words = Field(
        default=(),
        description="Plugin ids, separated by commas, that are never loaded, whatever else is set.",
    )
    safe_mode: bool = Field(default=False, description="Start without any plugin.")
    worker: bool = Field(
        default=True,
        description="Run jobs and event handlers inside the server; off when `regulars worker` runs.",
    )
    trace_plugins: bool = Field(
        default=False, description="Log each plugin call with its duration; personal data is masked."
    )
    traces_url: str = Field(
        default="",
        description=(
            "Where traces are sent over OTLP/HTTP, such as `http://127.0.0.1:4318/v1/traces`; none when empty."
            " Needs `regulars[traces]`."
        ),
    )
    traces_share: float = Field(
        default=1.0, ge=0, le=1, description="The share of requests and jobs that are traced, from 0 to 1."
    )
    company_name: str = Field(default="Your company", description="The name that customers know.")
    company_time_zone: str = Field(default="UTC", description="The IANA time zone in which the company's days begin.")
    company_currency: str = Field(default="EUR", description="The ISO 4217 currency in which values are summed.")
    exports: str = Field(
        default="exports",
        description="The folder for exported files; servers that stand beside one another need the same folder.",
    )
    export_slots: int = Field(default=2, ge=1, description="How many exports are written at once, on all servers.")
    uploads: str = Field(default="uploads", description="The folder for files that are sent to be imported.")
    erasures: str = Field(
        default="erasures.jsonl",
        description=(
            "The file outside the database that notes who was erased, by ids and keyed hashes, so that restoring a"
            " backup erases them again. Keep it where backups are not overwritten with it."
        ),
    )
    retention_days: int = Field(
        default=30,
        ge=4,
        description=(
            "How many days told events, those that no handler could take included, their deliveries to webhooks, and"
            " ended jobs are kept. At least 4, for webhooks are tried for three days."
        ),
    )
    audience_days: int = Field(
        default=90,
        ge=1,
        description="How many days an audience is kept, with what came out for each of its customers.",
    )
    planner: bool = Field(
        default=True,
        description="Answer a GraphQL operation by one SQL statement where that is possible; off to compare.",
    )
    trusted_documents_only: bool = Field(
        default=False,
        description=(
            "Run only GraphQL documents that were registered, but for those who may register some. Internal work is"
            " not affected."
        ),
    )
    statement_timeout_s: float = Field(default=10.0, gt=0, description="How long one query may take, in seconds.")
    pool_size: int = Field(
        default=10,
        ge=1,
        description=(
            "PostgreSQL connections kept by each process, as many for fields of plugins and for planned queries, and"
            " at most as many more of the first two when they are needed."
        ),
    )

    @field_validator(
        "blocked_plugins",
        "cors_origins",
        "former_secrets",
        "hand_off_channels",
        "message_prices",
        "oidc_roles",
        "private_targets",
        "signed_channels",
        "trusted_proxies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            is_exact = parts.scheme in {"https", "http"} and bool(parts.hostname) and "*" not in origin
            if not is_exact or origin != f"{parts.scheme}://{parts.netloc}" or parts.netloc.count("@"):
                raise ValueError(f"{origin!r} is no origin. Write it whole and exact, such as https://crm.example.com.")
        return value

    @field_validator("public_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.scheme in {"https", "http"} and parts.hostname):
            raise ValueError(f"{value!r} is no address. Write it whole, such as https://regulars.example.com.")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        shape = "Write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        try:
            url = make_url(value)
        except ArgumentError as error:
            raise ValueError(f"The database address cannot be read. {shape}") from error
        if url.get_backend_name() not in DRIVERS:
            raise ValueError(f"Regulars does not know the database {url.get_backend_name()!r}. {shape}")
        return value

    @field_validator("company_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Berlin.") from error
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that are configured, today's first."""
        given = (self.secret, *self.former_secrets)
        return tuple(secret.get_secret_value() for secret in given if secret.get_secret_value())

    @cached_property
    def database(self) -> URL:
        """Return the address of the database with the driver that Regulars uses."""
        url = make_url(self.database_url)
        return url.set(drivername=DRIVERS[url.get_backend_name()])
