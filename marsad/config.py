"""All settings: ``marsad.toml`` (or the file that ``MARSAD_CONFIG`` names), each key also ``MARSAD_SECTION__KEY``.

The environment wins over the file, the file over the defaults. An unknown key is an error: a typing mistake must not be silent.
"""

import os
import tomllib
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from marsad.addresses import Network
from marsad.errors import ConfigError
from marsad.sections import (
    AlertSettings,
    DataSettings,
    ElasticsearchSettings,
    HealthSettings,
    KafkaSettings,
    KibanaSettings,
    LogSettings,
    PollSettings,
    ProcessSettings,
    WebSettings,
    WebSubSettings,
)

__all__ = [
    "AlertSettings",
    "DataSettings",
    "ElasticsearchSettings",
    "HealthSettings",
    "KafkaSettings",
    "KibanaSettings",
    "LogSettings",
    "Network",
    "PollSettings",
    "ProcessSettings",
    "Settings",
    "WebSettings",
    "WebSubSettings",
    "child_environment",
    "eval_data_dir",
    "load_settings",
    "stack_dir",
    "test_servers",
]


class Settings(BaseSettings):
    """Everything that can be set, frozen once read."""

    model_config = SettingsConfigDict(
        env_prefix="MARSAD_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data: DataSettings = DataSettings()
    poll: PollSettings = PollSettings()
    websub: WebSubSettings = WebSubSettings()
    process: ProcessSettings = ProcessSettings()
    web: WebSettings = WebSettings()
    alerts: AlertSettings = AlertSettings()
    kafka: KafkaSettings = KafkaSettings()
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    kibana: KibanaSettings = KibanaSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()

    @property
    def clustered(self) -> bool:
        """Whether commands and the web page look into the cluster."""
        return self.data.size == "cluster" or (self.data.size == "auto" and "bootstrap" in self.kafka.model_fields_set)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of the sources, strongest first: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_file())


def eval_data_dir() -> Path:
    """The folder of labelled data for ``make eval``: ``MARSAD_EVAL_DATA``, by default ``../shared/data``."""
    return Path(os.environ.get("MARSAD_EVAL_DATA", "../shared/data"))


def stack_dir() -> Path:
    """The folder of the programs that start real servers for tests: ``MARSAD_STACK``, by default ``../shared/stack``."""
    return Path(os.environ.get("MARSAD_STACK", "../shared/stack"))


def test_servers() -> tuple[str, str]:
    """The real servers for tests: ``MARSAD_TEST_KAFKA`` (host:port), ``MARSAD_TEST_ELASTICSEARCH`` (address); empty if none."""
    return os.environ.get("MARSAD_TEST_KAFKA", ""), os.environ.get("MARSAD_TEST_ELASTICSEARCH", "")


def child_environment(**changes: str) -> dict[str, str]:
    """The environment for a Marsad process that a test or a bench starts: without this one's settings, with the given ones."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("MARSAD_")}, **changes}


def _config_file() -> Path:
    return Path(os.environ.get("MARSAD_CONFIG", "marsad.toml"))


def _unknown_variables() -> list[str]:
    """Environment variables with our prefix that name no setting (pydantic-settings passes over those in silence)."""
    known = {
        f"MARSAD_{section}__{key}".upper()
        for section, field in Settings.model_fields.items()
        for key in getattr(field.annotation, "model_fields", {})
    }
    ours = {"MARSAD_CONFIG", "MARSAD_EVAL_DATA", "MARSAD_STACK", "MARSAD_TEST_KAFKA", "MARSAD_TEST_ELASTICSEARCH"}
    return sorted(name for name in os.environ if name.startswith("MARSAD_") and name not in known | ours)


def load_settings() -> Settings:
    """Read the settings from the file and the environment.

    Raises:
        ConfigError: the file is missing although it was named, is no TOML, or a key or value is wrong; every fault is named.
    """
    path = _config_file()
    if "MARSAD_CONFIG" in os.environ and not path.is_file():
        raise ConfigError(f"MARSAD_CONFIG names {path}, which is no file")
    if unknown := _unknown_variables():
        raise ConfigError(
            f"unknown setting in the environment: {', '.join(unknown)}; `marsad config` lists all settings"
        )
    try:
        settings = Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{path if path.is_file() else 'settings'}: {faults}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if settings.poll.min_interval > settings.poll.max_interval:
        raise ConfigError(
            f"poll.min_interval ({settings.poll.min_interval}) is greater than poll.max_interval ({settings.poll.max_interval})"
        )
    return settings


def setting_sources() -> dict[str, str]:
    """Where each setting comes from that is not at its default: ``env`` or ``file``, by ``section.key``.

    Meant for after ``load_settings``, which explains what cannot be read.
    """
    found: dict[str, str] = {}
    file, env = TomlConfigSettingsSource(Settings, _config_file()), EnvSettingsSource(Settings)
    for name, source in (("file", file), ("env", env)):
        for section, values in source().items():
            found |= {f"{section}.{key}": name for key in values}
    return found
