"""
Settings that work and are not safe, places to write, versions.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from otel_kit.cli.doctor.places import judge_places, read_places
from otel_kit.cli.doctor.safety import judge_safety
from otel_kit.cli.doctor.sources import Sources
from otel_kit.cli.doctor.values import judge_values
from otel_kit.cli.doctor.versions import FURTHER, LOWEST, PYTHON, Version, is_older, judge_versions, read_versions
from tests.cli.doctor.asking import lines

ROOT = Path(__file__).parents[3]


def digest(word: str) -> str:
    """
    As it stands in the list of keys.
    """
    return hashlib.sha256(word.encode()).hexdigest()


def safety(**variables: str) -> list[str]:
    """
    What is said of these settings beside the word on `/metrics`.
    """
    sources = Sources({"OTEL_KIT_METRICS_TOKEN": "t" * 32, **variables}, {})
    judged = judge_values(sources)
    return lines(judge_safety(judged.settings, judged.otel, sources))


def test_the_defaults_are_safe() -> None:
    """
    Nothing but how to open the page of metrics to others.
    """
    judged = judge_values(Sources({}, {}))
    (found,) = judge_safety(judged.settings, judged.otel, Sources({}, {}))

    assert ("info", True) == (found.level, found.what.startswith("/metrics answers loopback"))
    assert [] == safety()


@pytest.mark.parametrize(
    ("profile", "page"),
    [("goblin", "/metrics"), ("platform", "/metrics"), ("harbour.names:PROFILE", "the page of metrics")],
)
def test_the_page_of_metrics_is_the_profile_s(profile: str, page: str) -> None:
    """
    Its path where the profile is one of the kit's; another's module is not imported.
    """
    open_to_few, told = safety(OTEL_KIT_PROFILE=profile, OTEL_KIT_METRICS_TOKEN=""), f"{page} answers loopback"
    guessed = safety(OTEL_KIT_PROFILE=profile, OTEL_KIT_METRICS_TOKEN="short")

    assert any(told in line for line in open_to_few)
    assert any(f"opens {page} to anyone" in line for line in guessed)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"RATELIMIT_ENABLED": "false"}, "no request is refused"),
        ({"WEB_CONCURRENCY": "4"}, "4 times a limit may pass"),
        ({"OTEL_KIT_TRUSTED_PROXIES": "10.0.0.0/8,0.0.0.0/0"}, "OTEL_KIT_TRUSTED_PROXIES takes in everybody"),
        ({"OTEL_KIT_TRUSTED_PROXIES": "::/0"}, "OTEL_KIT_TRUSTED_PROXIES takes in everybody"),
        ({"OTEL_KIT_TRUST_TRACEPARENT": "all"}, "strangers join traces"),
        ({"OTEL_KIT_TRUST_TRACEPARENT": "0.0.0.0/0"}, "strangers join traces"),
        ({"OTEL_KIT_API_KEYS": f"ann:paid:{digest('x' * 40)},bob:free:{digest('test')}"}, "entry 2 is the digest"),
        ({"OTEL_KIT_API_KEYS": f"bob:free:{digest('bob')}"}, "entry 1 is the digest"),
        ({"OTEL_KIT_METRICS_TOKEN": "short"}, "fewer than 16 characters"),
        ({"OTEL_KIT_JWT_KEY": "short"}, "fewer bytes than the 32"),
        ({"OTEL_KIT_JWT_KEY": "s" * 40, "OTEL_KIT_JWT_ALGORITHMS": "HS512"}, "fewer bytes than the 64"),
        ({"CORS_ORIGINS": "*"}, "pages of any site"),
        ({"ENVIRONMENT": "production", "LOG_LEVEL": "DEBUG"}, "LOG_LEVEL=DEBUG in ENVIRONMENT=production"),
        ({"FASTAPI_OTEL_AUTO_CONFIGURE": "true"}, "FastAPI adds exporters of its own"),
    ],
)
def test_what_is_probably_not_wanted_is_a_warning(variables: dict[str, str], told: str) -> None:
    """
    One each, with a remedy.
    """
    (found,) = safety(**variables)

    assert found.startswith("warning: ")
    assert told in found
    assert not found.endswith(": ")


@pytest.mark.parametrize(
    "variables",
    [
        {"WEB_CONCURRENCY": "1"},
        {"WEB_CONCURRENCY": "4", "OTEL_KIT_RATELIMIT_STORAGE_URL": "redis://127.0.0.1"},
        {"OTEL_KIT_TRUSTED_PROXIES": "10.0.0.0/8"},
        {"OTEL_KIT_API_KEYS": f"bob:free:{digest('k' * 40)}"},
        {"OTEL_KIT_JWT_KEY": "s" * 32},
        {"CORS_ORIGINS": "https://shop.example"},
        {"ENVIRONMENT": "development", "LOG_LEVEL": "DEBUG"},
    ],
)
def test_what_is_usual_is_not_said(variables: dict[str, str]) -> None:
    """
    The other side of each line.
    """
    assert [] == safety(**variables)


def test_a_key_without_its_library_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Tokens could not be checked.
    """
    monkeypatch.setattr("otel_kit.cli.doctor.safety.find_spec", lambda name: None)

    assert ["error: OTEL_KIT_JWT_KEY is set, but PyJWT is not installed: pip install 'otel-kit[jwt]'"] == safety(
        OTEL_KIT_JWT_KEY="s" * 32
    )


def test_workers_have_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The first that belongs to this user alone; a directory that others may write to is passed over.
    """
    monkeypatch.setattr("otel_kit.ledger.place._bases", lambda: [str(tmp_path / "open"), str(tmp_path / "good")])
    for name, mode in (("open", 0o777), ("good", 0o700)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"otel_kit-{os.geteuid()}").mkdir()
        (tmp_path / name / f"otel_kit-{os.geteuid()}").chmod(mode)
    places = read_places(Sources({}, {}))

    assert [str(tmp_path / "good" / f"otel_kit-{os.geteuid()}")] == [place.path for place in places]
    assert [] == judge_places(places)


@pytest.mark.parametrize("bases", [[], ["open"]])
def test_workers_without_a_place_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bases: list[str]
) -> None:
    """
    Their metrics can't be added up.
    """
    monkeypatch.setattr("otel_kit.ledger.place._bases", lambda: [str(tmp_path / name) for name in bases])
    for name in bases:
        (tmp_path / name / f"otel_kit-{os.geteuid()}").mkdir(parents=True)
        (tmp_path / name / f"otel_kit-{os.geteuid()}").chmod(0o777)

    (found,) = judge_places(read_places(Sources({}, {})))

    assert "warning" == found.level


def test_directories_of_the_collector_are_looked_at(tmp_path: Path) -> None:
    """
    One that can be made is well; a file in the way is an error. Nothing is made.
    """
    (tmp_path / "file").touch()
    sources = Sources({"OTEL_KIT_QUEUE_DIR": str(tmp_path / "a/b"), "OTEL_KIT_FILE_DIR": str(tmp_path / "file/c")}, {})

    (found,) = lines(judge_places(read_places(sources)))

    assert found.startswith("error: OTEL_KIT_FILE_DIR")
    assert "file is in the way" in found
    assert [tmp_path / "file"] == list(tmp_path.iterdir())


def test_the_lowest_versions_are_those_of_the_package() -> None:
    """
    Each bound of the requirements, to the letter.
    """
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    body = text.partition("\ndependencies = [\n")[2].partition("\n]")[0]
    required = dict(re.findall(r'"([\w-]+)>=([\w.]+)"', body))

    extras = dict(
        re.findall(r'"([\w-]+)(?:\[\w+\])?>=([\w.]+)"', text.partition("\n[project.optional-")[2].partition("\n\n")[0])
    )
    assert required == LOWEST
    assert {name: extras[name] for name, bound in FURTHER.items() if bound} == {
        name: bound for name, bound in FURTHER.items() if bound
    }
    assert PYTHON == re.findall(r'^requires-python = ">=(.*)"$', text, re.MULTILINE)[0]


def test_what_is_installed_here_is_new_enough() -> None:
    """
    Nothing to say of this machine.
    """
    versions = read_versions()

    assert [] == judge_versions(versions)
    assert {"otel-kit", "python", "fastapi", "starlette", "uvicorn"} <= {version.name for version in versions}


@pytest.mark.parametrize(
    ("version", "lowest", "older"),
    [
        ("1.45.1", "1.45.2", True),
        ("1.45.2", "1.45.2", False),
        ("0.66b1", "0.66b2", True),
        ("0.66", "0.66b2", False),
        ("0.100.0", "0.66b2", False),
        ("2.0", "2.0.0", False),
        ("unknown", "1.0", False),
    ],
)
def test_versions_are_compared_as_numbers(version: str, lowest: str, older: bool) -> None:
    """
    Candidates come before their release, and zeros at the end count for nothing.
    """
    assert older is is_older(version, lowest)


def test_what_is_too_old_or_missing_is_an_error() -> None:
    """
    With the command that mends it; OpenTelemetry's two halves have to match.
    """
    found = judge_versions(
        [
            Version("fastapi", "0.110.0", "0.115.0"),
            Version("starlette", None, "0.38.6"),
            Version("opentelemetry-api", "1.46.0", "1.45.2"),
            Version("opentelemetry-sdk", "1.45.2", "1.45.2"),
        ]
    )

    assert [
        "error: fastapi 0.110.0 is older than 0.115.0, the lowest that is supported: pip install 'fastapi>=0.115.0'",
        "error: starlette is not installed: pip install 'starlette>=0.38.6'",
        "warning: opentelemetry-api 1.46.0 and opentelemetry-sdk 1.45.2 are released in pairs and don't match: "
        "pip install 'opentelemetry-sdk==1.46.0'",
    ] == lines(found)
