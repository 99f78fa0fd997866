"""Everything that differs from company to company, in one frozen object.

Read from `forestall.toml`, then from `FORESTALL_*` (nested keys joined by `__`, for instance
`FORESTALL_WAREHOUSE__URL`). Secrets come from the environment or an `.env` beside the file, never
from the file itself. A key that does not exist is refused with the nearest one that does.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from forestall.sections import (
    AlertSettings,
    ChurnSettings,
    Company,
    Files,
    OutreachSettings,
    PrivacySettings,
    Receiver,
    ScheduleSettings,
    ServiceLevelSettings,
    Source,
    StaffingSettings,
    VolumeSettings,
    WarehouseSettings,
)

DEFAULT_FILE = Path("forestall.toml")


class ConfigError(Exception):
    """A mistake in the configuration that the user can mend; its text is one line."""


class Settings(BaseSettings):
    """The whole configuration. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="FORESTALL_", env_nested_delimiter="__", hide_input_in_errors=True,
        dotenv_filtering="match_prefix",  # secrets of sources and receivers stand in the `.env` too
    )  # fmt: skip

    root: Path = Field(Path(), description="folder of forestall.toml; relative paths start here")
    var: Path = Field(Path("var"), description="everything forestall writes")
    run_date: date | None = Field(None, description="a fixed run date, for a demo or replay; none: today")
    secret_key: SecretStr = Field(SecretStr(""), description="FORESTALL_SECRET_KEY: key of pseudonyms and vault")
    smtp_password: SecretStr = Field(SecretStr(""), description="FORESTALL_SMTP_PASSWORD: password of alerts.smtp_url")
    mlflow_uri: str = Field("", description="empty for the SQLite store under var/mlflow")
    is_backfill: bool = Field(False, description="write to var/backfill, never move `current`")

    company: Company = Company()
    files: Files = Files()
    warehouse: WarehouseSettings = WarehouseSettings()
    sources: dict[str, Source] = {}
    receivers: dict[str, Receiver] = {}
    churn: ChurnSettings = ChurnSettings()
    volume: VolumeSettings = VolumeSettings()
    service_level: ServiceLevelSettings = ServiceLevelSettings()
    staffing: StaffingSettings = StaffingSettings()
    outreach: OutreachSettings = OutreachSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    alerts: AlertSettings = AlertSettings()
    privacy: PrivacySettings = PrivacySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment is stronger than the `.env`, and both are stronger than the file."""
        return env_settings, dotenv_settings, init_settings

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.company.time_zone)

    @property
    def var_path(self) -> Path:
        return (self.root / self.var).resolve()

    @property
    def warehouse_url(self) -> str:
        return self.warehouse.url or f"duckdb:///{self.var_path / 'warehouse.duckdb'}"

    @property
    def tracking_uri(self) -> str:
        return self.mlflow_uri or f"sqlite:///{self.var_path / 'mlflow' / 'mlflow.db'}"

    def for_backfill(self) -> "Settings":
        return self.model_copy(update={"is_backfill": True})


def load_settings(path: Path | None = None) -> Settings:
    """Read the configuration, or say in one line what is wrong with it.

    Args:
        path: the file; `forestall.toml` of the current folder where it is not given.

    Raises:
        ConfigError: the file is missing, is no TOML, or holds a key or value that cannot be used.
    """
    path = (path or DEFAULT_FILE).resolve()
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; `forestall init` writes one, `forestall demo` a company to try")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error
    for secret in ("secret_key", "smtp_password"):
        if secret in values:
            variable = f"FORESTALL_{secret.upper()}"
            raise ConfigError(f"{path}: {secret}: a secret has no place in a file; set {variable} instead")
    _refuse_unknown_sections([*os.environ, *dotenv_values(path.parent / ".env")])
    try:
        return Settings(_env_file=path.parent / ".env", root=path.parent, **values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_mistake(error)}") from error


def secret(settings: Settings, key: str, variable: str) -> str:
    """The value of an environment variable, or of the `.env` beside forestall.toml.

    Args:
        settings: say where the `.env` is.
        key: the setting that names the variable, for errors.
        variable: its name.

    Raises:
        ConfigError: it is not named, or not set.
    """
    if not variable:
        raise ConfigError(f"{key}: name the environment variable that holds it")
    value = os.environ.get(variable) or dotenv_values(settings.root / ".env").get(variable)
    if not value:
        raise ConfigError(f"{key}: the environment variable {variable} is not set")
    return value


def _refuse_unknown_sections(environment: Iterable[str]) -> None:
    """Pydantic refuses an unknown key of a section it knows, and passes over a section that it does not know.

    A variable without a section may be anybody's: a container platform names FORESTALL_PORT after a service.
    """
    for variable in environment:
        section, parted, _ = variable.removeprefix("FORESTALL_").partition("__")
        if variable.startswith("FORESTALL_") and parted and section.lower() not in Settings.model_fields:
            raise ConfigError(f"{variable}: {no_such_key(Settings, (section.lower(),))}")


def _first_mistake(error: ValidationError) -> str:
    """The first mistake of a validation as `key: what is wrong; what was meant`."""
    mistakes = error.errors()
    mistake = mistakes[0]
    key = ".".join(str(part) for part in mistake["loc"])
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    if mistake["type"] != "extra_forbidden":
        return f"{key}: {mistake['msg'].removeprefix('Value error, ')}{more}"
    # A variable of the `.env` whose section is unknown comes as it stands there, in small letters.
    location: Sequence[int | str] = (
        key.removeprefix("forestall_").split("__")[:1] if key.startswith("forestall_") else mistake["loc"]
    )
    return f"{key}: {no_such_key(Settings, location)}{more}"


def no_such_key(model: type[BaseModel], location: Sequence[int | str]) -> str:
    """What is said of an unknown key: the nearest one of those that exist in its place, or all of them."""
    place: Any = model
    for part in location[:-1]:
        place = _inside(place, part)
    known = sorted(_model_of(place, model).model_fields)
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"meant `{near[0]}`?" if near else f"known: {', '.join(known)}"
    return f"there is no such key; {hint}"


def _inside(kind: Any, part: int | str) -> Any:
    """The type of what stands under a key, or at a position, of a value of the type `kind`."""
    kind = _model_of(kind, kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields[str(part)].annotation if str(part) in kind.model_fields else kind
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return kinds[-1 if get_origin(kind) in (dict, Mapping) else 0] if kinds else kind


def _model_of(kind: Any, otherwise: Any) -> Any:
    """The model that a type is, also where it may be none."""
    models = [one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel)]
    is_union = get_origin(kind) in (Union, UnionType)
    return models[0] if models and (is_union or kind is models[0]) else otherwise
