"""The production shape: docker-compose.yml, its image, its configuration files and its example of secrets.

Where a Docker client with Compose answers, it checks the file too; the structural checks run everywhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:\?[^}]+)?\}")
SECRET = re.compile(r"PASSWORD|SECRET|KEYS|SALT|TOKEN")
# Compose Specification, "services": what this file uses and may come to use.
SERVICE_KEYS = frozenset(
    [
        "build",
        "cap_add",
        "cap_drop",
        "command",
        "configs",
        "depends_on",
        "deploy",
        "entrypoint",
        "environment",
        "env_file",
        "expose",
        "healthcheck",
        "image",
        "init",
        "labels",
        "logging",
        "mem_limit",
        "networks",
        "ports",
        "profiles",
        "read_only",
        "restart",
        "secrets",
        "security_opt",
        "stop_grace_period",
        "tmpfs",
        "ulimits",
        "user",
        "volumes",
        "working_dir",
    ]
)
RUNNING = [name for name in SERVICES if name != "setup"]


def variables(value: Any) -> list[tuple[str, str]]:
    """Return every interpolated variable below a node, with its `:?` part."""
    return VARIABLE.findall(yaml.safe_dump(value, width=10_000))


def test_the_client_accepts_the_file_where_there_is_one() -> None:
    docker = shutil.which("docker")
    command = [str(docker), "compose"]
    if docker is None or subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
        # Said in the report of the test run; the structural checks below stand in for the client.
        print("docker compose does not answer here: structural checks only")
        assert COMPOSE["name"] == "hark"
        return
    files = ["-f", str(ROOT / "docker-compose.yml"), "--env-file", str(ROOT / ".env.example")]
    done = subprocess.run(
        [*command, *files, "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_parts_are_there() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "setup", "worker", "guardrail", "prometheus", "grafana"}
    assert set(COMPOSE) == {"name", "x-hardened", "x-hark", "services", "volumes"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_unknown_key(name: str) -> None:
    assert set(SERVICES[name]) <= SERVICE_KEYS


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_full_version(name: str) -> None:
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+(\.\d+){2,3}", tag), tag


def test_base_images_and_the_plugin_are_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "ops/docker/Dockerfile").read_text(), re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    plugins = SERVICES["grafana"]["environment"]["GF_PLUGINS_PREINSTALL"]
    assert re.fullmatch(r"grafana-clickhouse-datasource@\d+\.\d+\.\d+", plugins)


@pytest.mark.parametrize("name", RUNNING)
def test_every_running_service_has_a_health_check_and_restarts(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_and_nobody_can_become_it(name: str) -> None:
    service = SERVICES[name]
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged", False)


@pytest.mark.parametrize("name", ["setup", "worker", "prometheus"])
def test_what_writes_nothing_has_a_read_only_root(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_the_loopback_interface_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_workers_can_be_scaled() -> None:
    worker = SERVICES["worker"]
    assert "ports" not in worker
    assert "container_name" not in worker
    assert worker["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
    assert SERVICES["setup"]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_no_literal_secret(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            found = VARIABLE.fullmatch(str(value))
            assert found, f"{variable} is written out"
            assert found[2], f"{variable} may be empty"


def test_the_example_names_every_variable_and_no_more() -> None:
    used = {variable for variable, _ in variables(COMPOSE)}
    assert used == set(EXAMPLE)
    assert {value.strip("'") for value in EXAMPLE.values()} == {"change-me"}


@pytest.mark.parametrize("name", ["setup", "worker"])
def test_workers_get_settings_that_exist(name: str) -> None:
    known = {f"HARK_{field}".upper() for field in Settings.model_fields}
    given = SERVICES[name]["environment"]
    assert set(given) <= known
    plain = {key: value for key, value in given.items() if not VARIABLE.search(str(value))}
    settings = Settings.model_validate(
        {key.removeprefix("HARK_").lower(): value for key, value in plain.items()}
    )
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INTERNAL://{settings.broker}" in advertised
    assert settings.clickhouse_url == "http://clickhouse:8123"
    assert settings.metrics_host == "0.0.0.0"


def test_volumes_are_declared_and_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert volume.endswith(":ro"), volume
            else:
                assert source in COMPOSE["volumes"]


def test_the_image_is_built_from_what_is_there() -> None:
    text = (ROOT / "ops/docker/Dockerfile").read_text()
    assert SERVICES["worker"]["build"] == {"context": ".", "dockerfile": "ops/docker/Dockerfile"}
    user = re.search(r"^USER (\S+)", text, re.MULTILINE)
    assert user
    assert user[1] == SERVICES["worker"]["user"]
    ignored = (ROOT / "ops/docker/Dockerfile.dockerignore").read_text().split()
    for folder in ("streams", "models", "rules", "sinks", "ops"):
        assert f"COPY {folder} {folder}" in text
    for copied in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        for source in copied.split():
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in ignored, source
    assert "**/.env*" in ignored


def test_the_image_starts_with_the_kernels_it_was_built_with(tmp_path: Path) -> None:
    text = (ROOT / "ops/docker/Dockerfile").read_text()
    built = re.search(r"NUMBA_CACHE_DIR=(\S+) \S+ -m ops.compile_kernels", text)
    assert built
    script = (ROOT / "ops/docker/start.sh").read_text()
    assert f"cp -R {built[1]} " in script and 'ENTRYPOINT ["start"]' in text
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "kernel.nbi").write_text("k")
    hark = tmp_path / "hark"
    hark.write_text('#!/bin/sh\necho "$@"; ls "$NUMBA_CACHE_DIR"\n')
    hark.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for _ in range(2):  # a container that starts again finds its cache
        moved = script.replace(built[1], str(tmp_path / "image"))
        done = subprocess.run(
            ["sh", "-c", moved, "start", "worker", "--agent", "a b"],
            capture_output=True, text=True, env=environment, timeout=30, check=True,
        )  # fmt: skip
        assert done.stdout.split("\n") == ["worker --agent a b", "kernel.nbi", ""]


def test_clickhouse_users_match_their_clients() -> None:
    users = ElementTree.parse(ROOT / "ops/clickhouse/users.d/hark.xml").getroot()
    server = SERVICES["clickhouse"]["environment"]
    names = {user.tag: user for section in users.findall("users") for user in section}
    assert names["default"].get("remove") == "remove"
    for name in (SERVICES["worker"]["environment"]["HARK_CLICKHOUSE_USER"], grafana_user()):
        password = names[name].find("password")
        assert password is not None
        assert password.text is None
        assert password.get("from_env") in server
        assert users.find(f"profiles/{names[name].findtext('profile')}") is not None
    assert users.findtext("profiles/hark_reader/readonly") == "2"


def grafana_user() -> str:
    """Return the user of Grafana's ClickHouse data source."""
    sources = yaml.safe_load((ROOT / "ops/grafana/provisioning/datasources/hark.yaml").read_text())[
        "datasources"
    ]
    source = next(each for each in sources if each["type"] == "grafana-clickhouse-datasource")
    variable = source["secureJsonData"]["password"].removeprefix("$")
    assert variable in SERVICES["grafana"]["environment"]
    return str(source["jsonData"]["username"])


def test_prometheus_scrapes_what_is_exposed() -> None:
    jobs = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())["scrape_configs"]
    scraped = {job["job_name"]: job for job in jobs}
    worker = scraped["hark-worker"]["dns_sd_configs"][0]
    assert worker["names"] == ["worker"]
    assert str(worker["port"]) == SERVICES["worker"]["environment"]["HARK_METRICS_PORT"]
    server = ElementTree.parse(ROOT / "ops/clickhouse/config.d/hark.xml").getroot()
    target = scraped["clickhouse"]["static_configs"][0]["targets"][0]
    assert target == f"clickhouse:{server.findtext('prometheus/port')}"
