"""The compose file: what it says, held against the specification and against what we promise of it."""

import json
import re
import stat
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from marsad.config import Settings
from marsad.errors import ConfigError
from marsad.testing.compose import interpolated, read_env, variables
from marsad_app.cluster.compose_env import GENERATED, completed, main, write_env
from marsad_app.web.exposure import check_exposure

ROOT = Path(__file__).parents[3]
RAW: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
ENV = {name: f"generated-{name.lower()}" for name in GENERATED}
FILE: dict[str, Any] = interpolated(RAW, ENV)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {"poll", "process", "group", "match", "index", "deliver", "web"}
STAGES = sorted(OURS)
OURS_WITH_INIT = sorted({*OURS, "init"})
SERVERS = {"kafka", "elasticsearch", "kibana"}
ONE_SHOT = {"init", "elastic-users"}


def test_it_follows_the_compose_specification() -> None:
    # The specification's own schema, as that package carries it; the package itself is not needed.
    place = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    validator = jsonschema.Draft202012Validator(json.loads(Path(str(place)).read_text(encoding="utf-8")))

    assert [error.message for error in validator.iter_errors(FILE)] == []
    assert [*validator.iter_errors({**FILE, "services": {"web": {"read_onlyy": True}}})] != []


def test_all_services_are_there_and_no_others() -> None:
    assert set(SERVICES) == OURS | SERVERS | ONE_SHOT
    assert SERVICES["elasticsearch"]["image"].partition(":")[2].startswith("9.")
    assert SERVICES["kibana"]["image"].partition(":")[2] == SERVICES["elasticsearch"]["image"].partition(":")[2]


@pytest.mark.parametrize("name", STAGES)
def test_each_of_our_services_is_one_command_of_one_image(name: str) -> None:
    service = SERVICES[name]

    assert service["command"] == ["marsad", name]
    assert service["build"] == "."
    assert service["image"] == SERVICES["init"]["image"]


def test_the_streams_are_made_before_a_service_starts() -> None:
    assert SERVICES["init"]["command"] == ["marsad", "cluster", "init"]
    for name in OURS:
        assert SERVICES[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}
    wanted = SERVICES["init"]["depends_on"]
    assert wanted["kafka"] == {"condition": "service_healthy"}
    assert wanted["elastic-users"] == {"condition": "service_completed_successfully"}
    assert SERVICES["elastic-users"]["depends_on"]["elasticsearch"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", OURS_WITH_INIT)
def test_our_containers_have_no_rights_and_a_read_only_root(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["user"] not in {"", "0", "root", "0:0"}
    assert service["init"] is True
    assert [entry.partition(":")[0] for entry in service["tmpfs"]] == ["/tmp"]
    assert "privileged" not in service
    if name in OURS:
        assert service["volumes"] == [f"{name}-data:{service['environment']['MARSAD_DATA__DIR']}"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_limited(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"\d+[mg]", service["deploy"]["resources"]["limits"]["memory"])
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert service["restart"] == ("on-failure:5" if name in ONE_SHOT else "unless-stopped")
    assert service.get("network_mode") is None
    assert set(service["networks"]) <= set(FILE["networks"])


@pytest.mark.parametrize("name", sorted(OURS | SERVERS))
def test_every_server_and_service_is_watched_and_given_time_to_end(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert int(service["stop_grace_period"].removesuffix("s")) >= 10
    if name in OURS - {"web"}:
        assert service["healthcheck"]["test"] == ["CMD", "marsad", "cluster", "health"]
        assert service["environment"]["MARSAD_HEALTH__PORT"] == "8081"


def test_only_the_web_page_and_kibana_are_published_and_only_here() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"web": ["127.0.0.1:8080:8080"], "kibana": ["127.0.0.1:5601:5601"]}
    assert FILE["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"poll", "deliver", "web", "kibana"}


def test_where_it_listens_can_be_set() -> None:
    told = interpolated(RAW, {**ENV, "BIND_ADDRESS": "10.0.0.5", "WEB_PORT": "80", "KIBANA_PORT": "81"})["services"]

    assert told["web"]["ports"] == ["10.0.0.5:80:8080"]
    assert told["kibana"]["ports"] == ["10.0.0.5:81:5601"]
    assert told["deliver"]["environment"]["MARSAD_WEB__BASE_URL"] == "http://127.0.0.1:80"


def test_no_secret_stands_in_the_file_and_none_has_a_default() -> None:
    told = dict(variables(RAW))
    secret = re.compile("PASSWORD|TOKEN|KEY$|ENCRYPTION")

    assert {name for name, default in told.items() if default == "?"} == set(GENERATED)
    assert {name for name in told if secret.search(name)} <= set(GENERATED)
    for service in RAW["services"].values():
        for key, value in service.get("environment", {}).items():
            if secret.search(key.replace("KEYSTORE", "")):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]*\}", value), key


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_nothing_starts_without_a_generated_password(name: str) -> None:
    with pytest.raises(KeyError, match=f"{name} is not set; run make compose-env"):
        interpolated(RAW, {other: value for other, value in ENV.items() if other != name})


def test_security_is_on_everywhere() -> None:
    elastic, kafka = SERVICES["elasticsearch"]["environment"], SERVICES["kafka"]["environment"]

    assert elastic["xpack.security.enabled"] == "true"
    assert elastic["ELASTIC_PASSWORD"] == ENV["ELASTIC_PASSWORD"]
    assert "BROKER:SASL_PLAINTEXT" in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
    # The one listener without a password is the container's own.
    assert re.findall(r"CONTROLLER://([^:,]*)", kafka["KAFKA_LISTENERS"]) == ["127.0.0.1"]
    assert f'user_marsad="{ENV["KAFKA_PASSWORD"]}"' in kafka["KAFKA_LISTENER_NAME_BROKER_PLAIN_SASL_JAAS_CONFIG"]
    assert SERVICES["kibana"]["environment"]["ELASTICSEARCH_USERNAME"] == "kibana_system"
    assert {SERVICES[name]["environment"]["MARSAD_ELASTICSEARCH__USERNAME"] for name in OURS} == {"marsad"}


@pytest.mark.parametrize("name", OURS_WITH_INIT)
def test_the_settings_of_each_service_are_ones_that_marsad_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(key, value)
        section, _, field = key.removeprefix("MARSAD_").lower().partition("__")
        assert field in getattr(Settings(), section).model_fields_set
    settings = Settings()

    assert settings.clustered
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.kafka.password.get_secret_value() == ENV["KAFKA_PASSWORD"]
    check_exposure(settings.web)


def test_every_named_volume_is_declared_and_used() -> None:
    used = {entry.partition(":")[0] for service in SERVICES.values() for entry in service.get("volumes", ())}

    assert used == set(FILE["volumes"])


def test_any_number_of_each_stage_may_run() -> None:
    for name, service in SERVICES.items():
        assert "container_name" not in service
        if name in {"poll", "process", "match", "index", "deliver"}:
            replicas = interpolated(RAW, {**ENV, f"{name.upper()}_REPLICAS": "3"})["services"][name]["deploy"][
                "replicas"
            ]
            assert (service["deploy"]["replicas"], replicas) == ("1", "3")


def test_the_top_of_the_file_names_every_variable_that_can_be_set() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    comment = " ".join(line for line in text.partition("\nname:")[0].splitlines())

    assert {name for name, default in variables(RAW) if default != "?" and name not in comment} == set()


def _dockerfile() -> list[str]:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def test_the_image_is_built_in_stages_and_does_not_run_as_root() -> None:
    lines = _dockerfile()
    last = [line for line in lines if line.startswith("USER ")][-1]

    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert last == f"USER {SERVICES['web']['user']}"
    assert not any(line.startswith(("ADD ", "VOLUME ")) for line in lines)
    assert "slim" in lines[[line.startswith("ARG PYTHON") for line in lines].index(True)]


def test_the_image_is_given_all_that_the_wheel_is_made_of_and_nothing_else() -> None:
    copied = [line.split()[1:-1] for line in _dockerfile() if line.startswith("COPY ") and "--from" not in line]
    names = {name for group in copied for name in group}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert names == packages | {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    # Nothing at first, then what is wanted, then what lies among that and is not.
    assert [line[0] for line in kept if not line.startswith("#")] == ["*", *"!" * len(names), *"***"]
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == names


def test_generated_values_fill_a_new_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / ".env"

    assert write_env(path) == list(GENERATED)
    values = read_env(path.read_text(encoding="utf-8"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(values) == set(GENERATED)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", value) for value in values.values())
    assert len(set(values.values())) == len(values)
    assert [*tmp_path.iterdir()] == [path]


def test_values_that_are_there_are_kept_and_missing_ones_added(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text('# mine\nWEB_PORT=9000\nexport WEB_TOKEN=chosen\nKAFKA_PASSWORD=\nELASTIC_PASSWORD=""\n')
    path.chmod(0o644)

    added = write_env(path)
    text = path.read_text(encoding="utf-8")

    assert "WEB_TOKEN" not in added
    assert {"KAFKA_PASSWORD", "ELASTIC_PASSWORD"} <= set(added)
    assert text.startswith("# mine\nWEB_PORT=9000\nexport WEB_TOKEN=chosen\n")
    assert text.count("KAFKA_PASSWORD=") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert completed(text) == (text, [])


def test_a_complete_file_is_left_but_for_who_may_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ".env"
    assert main([str(path)]) == 0
    before = path.read_text(encoding="utf-8")
    path.chmod(0o644)

    assert main([str(path)]) == 0

    assert path.read_text(encoding="utf-8") == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = capsys.readouterr().out
    assert "nothing changed" in said
    assert not any(value in said for value in read_env(before).values())


def test_a_file_that_cannot_be_read_is_named_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="not UTF-8"):
        write_env(path)
    assert main([str(path)]) == 1
    assert str(path) in capsys.readouterr().err
    assert path.read_bytes() == b"\xff\xfe"


def test_variables_are_filled_in_as_compose_does() -> None:
    env = {"SET": "a", "EMPTY": ""}
    cases = {
        "$SET-${SET}": "a-a",
        "${EMPTY:-b}": "b",
        "${NONE:-x${SET:-y}z}": "xaz",
        "$$SET": "$SET",
        "${NONE}": "",
        "${SET:?must}": "a",
    }

    assert {text: interpolated(text, env) for text in cases} == cases
    with pytest.raises(KeyError, match="NONE must be set"):
        interpolated({"key": ["${NONE:?must be set}"]}, env)
