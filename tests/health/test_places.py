"""
Which paths are the kit's, and which it leaves to the application, where health is told by procedures.
"""

from __future__ import annotations

import pytest

from otel_kit.errors import ConfigurationError
from otel_kit.health import Health
from otel_kit.health_layout import HealthRoute, HealthRoutes
from otel_kit.profiles.platform import HEALTH as PLATFORM_HEALTH
from tests.asgi_client import call
from tests.health.asking import ask_route, health_of

CHECK = "/trpc/health.check"
BATCH = "/trpc/health.check,health.liveness"
UNKNOWN = "/trpc/user.list"


def platform(taken: tuple[str, ...] = (), mounts: tuple[str, ...] = ()) -> Health:
    """
    Procedures beside these routes and mounts of an application.
    """
    health = health_of(None, PLATFORM_HEALTH)
    health.give_way(taken, mounts)
    return health


def found(health: Health, *paths: str) -> list[bool]:
    """
    Whether the kit answers each.
    """
    return [health.find(path) is not None for path in paths]


@pytest.mark.parametrize("path", [CHECK, BATCH, UNKNOWN, "/trpc/health.check/"])
def test_all_below_the_prefix_is_the_kits(path: str) -> None:
    """
    Where the application has nothing there.
    """
    assert [True] == found(platform(), path)


@pytest.mark.parametrize("path", ["/trpc", "/trpcs/health.check", "/health.check", "/x/trpc/health.check"])
def test_other_paths_are_not(path: str) -> None:
    """
    The prefix means whole segments, from the beginning.
    """
    assert [False] == found(platform(), path)


@pytest.mark.parametrize(
    ("path", "template"),
    [(CHECK, CHECK), ("/trpc/health.check/", CHECK), (BATCH, "/trpc/batch"), (UNKNOWN, None)],
)
def test_tells_the_template_of_procedures(path: str, template: str | None) -> None:
    """
    One for each procedure, one for all batches, and none for a name that nobody has.
    """
    assert template == platform().find(path)[0]


def test_lists_the_templates() -> None:
    """
    What can be a label.
    """
    names = ("check", "liveness", "readiness", "metrics")
    procedures = tuple(f"/trpc/health.{name}" for name in names)

    assert ("/readyz", "/startupz", *procedures, "/trpc/batch") == tuple(platform().state()["routes"])


def test_a_procedure_of_the_applications_own_wins() -> None:
    """
    That path alone is left to it.
    """
    health = platform(taken=(CHECK,))

    assert [False, True, True, True] == found(health, CHECK, "/trpc/health.liveness", BATCH, UNKNOWN)
    assert [f"health route {CHECK}"] == [*health.what_is_off()]


async def test_a_procedure_of_the_applications_own_is_unknown_to_the_kits_batches() -> None:
    """
    Its part of the answer says so.
    """
    asked = await ask_route(platform(taken=(CHECK,)), BATCH, query=b"batch=1")

    assert (207, ["error", "result"]) == (asked.status, [*asked.document[0], *asked.document[1]])


def test_a_literal_path_below_the_prefix_is_the_applications() -> None:
    """
    Other names there are still the kit's to answer.
    """
    assert [False, True, True] == found(platform(taken=(UNKNOWN,)), UNKNOWN, "/trpc/user.get", BATCH)


@pytest.mark.parametrize(
    "beside",
    [
        {"taken": ("/trpc/{procedure}",)},
        {"taken": ("/trpc/{procedure:path}",)},
        {"mounts": ("/trpc",)},
        {"mounts": ("/trpc/user",)},
    ],
)
def test_an_application_with_procedures_of_its_own_has_the_rest(beside: dict[str, tuple[str, ...]]) -> None:
    """
    The kit answers for single health procedures; batches and unknown names are for the application to answer.
    """
    assert [True, False, False] == found(platform(**beside), CHECK, BATCH, UNKNOWN)


@pytest.mark.parametrize(
    "beside", [{"taken": ("/{path:path}",)}, {"mounts": ("",)}, {"mounts": ("/files",)}, {"mounts": ("/trp",)}]
)
def test_a_catch_all_takes_nothing(beside: dict[str, tuple[str, ...]]) -> None:
    """
    What takes everything that nobody else does is not meant for these paths.
    """
    assert [True, True, True] == found(platform(**beside), CHECK, BATCH, UNKNOWN)


def test_procedures_at_the_root_take_nothing_else() -> None:
    """
    Without a prefix every path would be one of an unknown procedure.
    """
    routes = HealthRoutes((HealthRoute("/health.check", "live", lambda report: {}, form="trpc"),))

    assert [True, False] == found(health_of(None, routes), "/health.check", "/orders")


@pytest.mark.parametrize(("path", "concerned"), [(CHECK, True), (BATCH, True), ("/orders", False)])
@pytest.mark.parametrize("taken", [(), (CHECK,)])
def test_procedures_concern_health(path: str, concerned: bool, taken: tuple[str, ...]) -> None:
    """
    They are never shed, whoever answers.
    """
    assert concerned == platform(taken=taken).concerns(path)


async def test_an_unknown_procedure_is_told_in_the_form_of_the_others() -> None:
    """
    404 with the envelope of an error.
    """
    asked = await ask_route(platform(), UNKNOWN)

    assert (404, "NOT_FOUND") == (asked.status, asked.document["error"]["data"]["code"])


async def test_a_document_that_fails_is_an_error_of_its_procedure() -> None:
    """
    The others of the batch are answered.
    """

    def broken(report: object) -> None:
        raise KeyError("memory")

    routes = (
        HealthRoute("/trpc/a", "live", broken, form="trpc"),
        HealthRoute("/trpc/b", "live", lambda report: "b", form="trpc"),
    )
    answer = await ask_route(health_of(None, HealthRoutes(routes)), "/trpc/a,b", query=b"batch=1")

    assert ("INTERNAL_SERVER_ERROR", {"result": {"data": "b"}}) == (
        answer.document[0]["error"]["data"]["code"],
        answer.document[1],
    )


def test_a_route_that_no_procedure_can_be() -> None:
    """
    One for any check has no name: said at set-up.
    """
    with pytest.raises(ConfigurationError, match="a procedure has one name"):
        HealthRoute("/trpc/{service}", "one", lambda report: {}, form="trpc")


async def test_head_tells_the_state_of_a_procedure() -> None:
    """
    Without a body, and with the status that GET has.
    """
    health = health_of({"database": lambda: False}, PLATFORM_HEALTH)
    answer = await call(health.find(CHECK)[1], path=CHECK, method="HEAD")

    assert (503, b"") == (answer.status, answer.body)
