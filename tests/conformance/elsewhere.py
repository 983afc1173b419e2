"""
Lines of the contract that no check here reads, each with what covers it.

`TESTED` has sentences of which another test of this repository shows that they hold; the words stand here, so that a
sentence that was changed is looked at again. `EXPLAINED` has notes and conflicts, which tell how to read other lines;
the check that sees their outcome is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["EXPLAINED", "TESTED", "Tested"]


class Tested(NamedTuple):
    """
    One sentence, and the tests that show it.
    """

    words: str
    tests: tuple[str, ...]


def _by(words: str, *tests: str) -> Tested:
    return Tested(words, tests)


VERIFIED = "tests/cli/verify/test_checks.py::test_what_is_wrong_is_said"

TESTED: Mapping[str, Tested] = {
    # -- goblin: files --------------------------------------------------------------------------
    "goblin.files[backend/middleware/rate_limiter.py]": _by(
        "limits (documented classes RateLimiter, RateLimitMiddleware); here inside the kit",
        "tests/test_protection.py::test_limits_of_the_profile_hold_by_default",
    ),
    "goblin.files[backend/middleware/logging_middleware.py]": _by(
        "JSON request log; here inside the kit",
        "tests/logs/test_access.py::test_says_how_it_went",
    ),
    "goblin.files[backend/middleware/metrics.py]": _by(
        "metric handles; the example keeps this module as a re-export of the kit's, "
        "so `from middleware.metrics import …` runs",
        "tests/test_examples.py::test_the_documented_handles_are_where_they_always_were",
    ),
    "goblin.files[backend/.env.example]": _by(
        "every variable of `environment`, commented",
        "tests/test_examples.py::test_the_sample_of_settings_can_be_used_as_it_is",
    ),
    # -- goblin: correlation, logs --------------------------------------------------------------
    "goblin.environment.CORS_ORIGINS.in_production": _by(
        "own domains only",
        "tests/cli/doctor/test_judgements.py::test_what_is_probably_not_wanted_is_a_warning",
    ),
    "goblin.correlation.reach": _by(
        "every log line of the request, frontend errors, traces, calls to other services",
        "tests/test_correlation.py::test_lines_of_the_request_carry_the_ids",
        "tests/test_clients.py::test_outgoing_calls_carry_ids_and_baggage",
        "e2e/test_search.py::test_every_span_has_the_correlation_id",
    ),
    "goblin.logs.privacy": _by(
        "no PII, no tokens; messages and error text sanitised",
        "tests/test_planted_secrets.py::test_no_secret_leaves",
    ),
    "goblin.logs.in_production[0]": _by(
        "central aggregation",
        "e2e/test_search.py::test_loki_has_the_lines_of_each_service",
    ),
    "goblin.log_aggregation.datadog.environment.DD_API_KEY": _by(
        "required", "tests/cli/collector/test_selection.py::test_what_was_left_out_says_why"
    ),
    "goblin.log_aggregation.datadog.environment.DD_SITE": _by(
        "datadoghq.com", "e2e/test_datadog.py::test_datadog_is_asked_in_its_own_way"
    ),
    "goblin.log_aggregation.datadog.note": _by(
        "JSON lines parsed without further set-up", "e2e/test_files.py::test_gives_the_records_that_otlp_brings"
    ),
    # -- goblin: limits ---------------------------------------------------------------------------
    "goblin.rate_limits.algorithm": _by(
        "sliding window",
        "tests/ratelimit/test_windows.py::test_no_window_ever_holds_more_than_the_amount",
    ),
    "goblin.rate_limits.cleanup": _by(
        "old entries go by themselves; memory stays bounded",
        "tests/ratelimit/test_windows.py::test_windows_that_are_over_go_as_others_come",
        "tests/ratelimit/test_windows.py::test_new_clients_share_windows_when_all_places_are_taken",
    ),
    "goblin.rate_limits.production.storage": _by(
        "Redis, with TLS and authentication; atomic across instances; counters expire with the window",
        "e2e/test_ratelimit_redis_kinds.py::test_tls_by_an_authority_of_our_own",
        "e2e/test_ratelimit_redis_kinds.py::test_a_user_with_the_rights_that_are_documented",
        "e2e/test_ratelimit_redis.py::test_four_processes_let_exactly_the_amount_pass",
        "e2e/test_ratelimit_redis.py::test_every_key_goes_by_itself",
    ),
    "goblin.rate_limits.production.algorithm": _by(
        "sliding window or token bucket",
        "e2e/test_ratelimit_redis.py::test_no_window_of_that_length_holds_more",
    ),
    "goblin.rate_limits.production.atomic_by": _by(
        "Lua script, or INCR with EXPIRE; TTL equals the window",
        "e2e/test_ratelimit_redis.py::test_one_round_trip_for_each_request",
        "e2e/test_ratelimit_redis.py::test_every_key_goes_by_itself",
    ),
    "goblin.rate_limits.production.identity[0]": _by("API key", "tests/identity/test_identities.py::test_order"),
    "goblin.rate_limits.production.identity[1]": _by("JWT subject", "tests/identity/test_identities.py::test_order"),
    "goblin.rate_limits.production.identity[2]": _by("client IP", "tests/identity/test_identities.py::test_order"),
    "goblin.rate_limits.production.tiers.free": _by(
        "lower", "tests/ratelimit/test_limiter.py::test_a_tier_comes_from_the_key"
    ),
    "goblin.rate_limits.production.tiers.paid": _by(
        "higher", "tests/ratelimit/test_limiter.py::test_a_tier_comes_from_the_key"
    ),
    "goblin.rate_limits.production.burst": _by(
        "webhook endpoints get burst protection",
        "tests/ratelimit/test_limiter.py::test_burst_refuses_before_the_rate_does",
    ),
    # -- goblin: security, the kit itself -------------------------------------------------------
    "goblin.security[1][reverse proxy in front (nginx or traefik)]": _by(
        "example configuration, forwarded client address trusted only from it",
        "tests/test_peers.py::test_client_is_the_rightmost_untrusted_address",
    ),
    "goblin.security[2]": _by(
        "request size limits", "tests/guards/test_body.py::test_an_announced_body_is_refused_unread"
    ),
    "goblin.security[3]": _by(
        "API-key authentication for sensitive endpoints (debug, /metrics when wanted)",
        "tests/identity/test_dependencies.py::test_without_a_valid_key_it_is_401",
        "tests/exposition/test_access.py::test_the_token_opens_the_page_to_anyone",
    ),
    "goblin.security[4]": _by(
        "CORS only for listed origins", "tests/guards/test_cors.py::test_other_origins_learn_nothing"
    ),
    "goblin.security[5]": _by(
        "Redis over TLS with authentication",
        "e2e/test_ratelimit_redis_kinds.py::test_tls_by_an_authority_of_our_own",
        "e2e/test_ratelimit_redis_kinds.py::test_a_password_of_the_default_user",
    ),
    "goblin.performance.rate_limiter": _by(
        "at most linear in the requests of one client's window (typically under 100)",
        "tests/ratelimit/test_windows.py::test_a_client_costs_at_most_640_bytes",
    ),
    "goblin.performance.logging": _by(
        "asynchronous where possible; a slow output does not hold a request",
        "tests/logs/test_assembly.py::test_a_pipe_that_nobody_reads_stops_no_request",
    ),
    "goblin.performance.metrics": _by(
        "counters in memory, no I/O on the request path",
        "tests/servers/test_workers.py::test_removal_of_the_run_directory_harms_nobody",
    ),
    "goblin.verification_script.checks[0]": _by("health endpoint answers", VERIFIED),
    "goblin.verification_script.checks[1]": _by("/metrics is Prometheus text and has the documented names", VERIFIED),
    "goblin.verification_script.checks[2]": _by("rate limiting triggers after 10 auth requests", VERIFIED),
    "goblin.verification_script.checks[3]": _by(
        "CORS headers present for an allowed origin, absent for another", VERIFIED
    ),
    "goblin.verification_script.checks[4]": _by("log lines are JSON with a correlation id", VERIFIED),
    "goblin.verification_script.checks[5]": _by(
        "10 concurrent requests finish in under 1 s",
        "tests/cli/verify/test_checks.py::test_slow_answers_fail_the_performance_test",
    ),
    # -- todo, xionimus ---------------------------------------------------------------------------
    "todo.stack.traces_and_metrics": _by(
        "OpenTelemetry",
        "tests/test_request_path.py::test_every_kind_is_one_span_one_count_one_line",
    ),
    "xionimus.logs.aggregation[0]": _by(
        "Elasticsearch/Logstash/Kibana", "e2e/test_doubles.py::test_elastic_can_follow_a_correlation_id"
    ),
    "xionimus.logs.aggregation[1]": _by("Loki", "e2e/test_search.py::test_loki_has_the_lines_of_each_service"),
    "xionimus.metrics.drop_in_for": _by(
        "prometheus-fastapi-instrumentator",
        "tests/differential/test_instrumentator.py::test_the_same_is_counted",
        "tests/differential/test_instrumentator.py::test_the_samples_of_a_handler_are_the_same_to_the_letter",
    ),
    "xionimus.performance_advice[1]": _by(
        "AI provider status is cached; connections to external APIs are pooled",
        "tests/health/test_providers.py::test_many_who_ask_cost_one_run",
    ),
    "xionimus.performance_advice[2]": _by(
        "memory: growth in long sessions visible, inactive sessions cleaned up, large answers streamed "
        "(never buffered by the kit)",
        "tests/test_examples.py::test_a_streamed_completion_comes_token_by_token",
    ),
    "xionimus.security_log_patterns[4]": _by(
        "API key leaks in logs by pattern",
        "tests/redaction/test_prefixes.py::test_masks_random_tokens_of_each_row",
    ),
}
"""Place -> its words, and tests as `file::function`."""

EXPLAINED: Mapping[str, tuple[str, ...]] = {
    "goblin.conflicts[0]": ("a_limit_refuses_who_exceeds_it",),
    "goblin.conflicts[1]": ("a_metric_has_its_labels",),
    "goblin.conflicts[2]": ("a_documented_sample_is_served",),
    "goblin.conflicts[3]": ("a_limit_refuses_who_exceeds_it", "a_service_starts_without_the_variable"),
    "goblin.conflicts[4]": ("a_variable_has_its_default",),
    "todo.logs.note": ("fields_are_there_when_they_have_a_value",),
    "xionimus.conflicts[0]": ("the_database_has_its_type",),
    "xionimus.conflicts[2]": ("a_figure_is_a_threshold_of_its_reading",),
    "xionimus.conflicts[3]": ("the_environment_has_its_default", "the_environment_is_said"),
    "xionimus.conflicts[4]": ("json_lines_can_be_switched",),
    "xionimus.conflicts[5]": ("a_figure_is_a_threshold_of_its_reading",),
    "platform.language_note": ("a_procedure_answers_by_trpc", "a_metric_is_served"),
    "platform.health[*].used_by": ("a_procedure_serves_its_purpose",),
    "platform.from_typescript[0].documented": ("the_page_is_served",),
    "platform.from_typescript[1].documented": ("all_metrics_are_told_at_once",),
    "platform.from_typescript[3]": ("a_documented_line_is_written",),
    "platform.conflicts[0]": ("a_metric_has_its_labels",),
    "platform.conflicts[1]": ("a_histogram_can_answer_its_alert", "the_unit_is_said"),
}
"""Place -> checks of this directory."""
