"""
What is never shown, and what a Collector on trial never gets.
"""

from __future__ import annotations

import json

import pytest

from otel_kit.cli.collector.masks import masked, without_secrets


@pytest.mark.parametrize(
    "tree",
    [
        {"exporters": {"x": {"headers": {"anything": "hush"}}}},
        {"exporters": {"x": {"headers": [{"name": "dd-api-key", "value": "hush"}]}}},
        {"extensions": {"bearertokenauth": {"token": "hush"}}},
        {"extensions": {"basicauth": {"client_auth": {"username": "u", "password": "hush"}}}},
        {"extensions": {"oauth2client": {"client_secret": "hush"}}},
        {"exporters": {"x": {"endpoint": "https://me:hush@store.example"}}},
        {"exporters": {"x": {"api": {"key": "a", "api_key": "hush"}}}},
        {"exporters": {"x": {"tokens": ["hush", "hush"]}}},
    ],
    ids=str,
)
def test_a_secret_in_a_file_is_not_shown(tree: dict[str, object]) -> None:
    """
    Headers as a whole, what stands under a secret's name, and the password of an address.
    """
    assert "hush" not in json.dumps(masked(tree))
    assert "REDACTED" in json.dumps(masked(tree))


def test_the_rest_is_shown_as_it_is() -> None:
    """
    Names, patterns, paths and references are what one looks for.
    """
    tree = {
        "processors": {"redaction": {"blocked_key_patterns": ["password"], "hash_function": "md5"}},
        "extensions": {"bearertokenauth": {"token": "${env:OTEL_KIT_COLLECTOR_TOKEN}", "token_file": "/etc/token"}},
        "receivers": {"otlp": {"auth": {"authenticator": "bearertokenauth"}, "tls": {"key_file": "/etc/key.pem"}}},
        "service": {"extensions": ["bearertokenauth"]},
        "exporters": {"x": {"endpoint": "https://store.example", "queue_size": 1, "routing_key": "traceID"}},
    }

    assert tree == masked(tree)


def test_a_trial_gets_marks_in_place_of_secrets() -> None:
    """
    So nothing that it writes can hold one; the names of headers stay, and so does what is no secret.
    """
    environment = {
        "DD_API_KEY": "hush",
        "OTEL_KIT_COLLECTOR_TOKEN": "hush",
        "OTEL_KIT_GATEWAY_TOKEN": "hush",
        "OTLP_FORWARD_HEADERS": '{"a": "hush", "b": "hush"}',
        "LOKI_ENDPOINT": "http://me:hush@loki.example:3100",
        "MY_DB_PASSWORD": "hush",
        "OTEL_KIT_COLLECTOR_TLS_KEY": "/etc/key.pem",
        "OTEL_KIT_HTTP_PORT": "4318",
    }
    marked = without_secrets(environment)

    assert "hush" not in json.dumps(marked)
    assert {"a": "REDACTED", "b": "REDACTED"} == json.loads(marked["OTLP_FORWARD_HEADERS"])
    assert "/etc/key.pem" == marked["OTEL_KIT_COLLECTOR_TLS_KEY"]
    assert "4318" == marked["OTEL_KIT_HTTP_PORT"]
