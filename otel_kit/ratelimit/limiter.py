"""
The limiter: decides for each request whether it may pass.

Owns the order of a decision: rule, identity, cost, windows, answer. Knows nothing of how
windows are counted, nor of the rings that ask.

A decision waits for nothing while windows are counted in memory and the identity is known at once;
`judge` then returns it as it is. Otherwise it returns an awaitable.

While a shared storage is away each process counts for itself, by the full amount: behind N
processes a client may pass up to N times the limit until the storage is back.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.types import Scope

from otel_kit.context import RequestRecord, local_path
from otel_kit.faults import fault
from otel_kit.identity import Identities, Identity
from otel_kit.identity.identities import Secret
from otel_kit.ratelimit.answers import refusal_by, refusal_uncounted
from otel_kit.ratelimit.clients import cost_of, custom_identity, is_preflight, key_in_memory, key_start
from otel_kit.ratelimit.groups import Group
from otel_kit.ratelimit.quick import QuickWay
from otel_kit.ratelimit.rules import Policy, Rules
from otel_kit.ratelimit.storage import Outcome, Storage, StorageAway, StorageState
from otel_kit.ratelimit.urls import ALONE, is_memory, masked
from otel_kit.ratelimit.utilization import Utilization
from otel_kit.refusals import Refusal
from otel_kit.security import event_of_request

if TYPE_CHECKING:
    from otel_kit.ratelimit.memory import MemoryWindows

__all__ = ["Decision", "Limiter"]

Decision = Refusal | None
"""
None: the request passes.
"""


class Limiter:
    """
    The rate limits of one application.

    Args:
        identify: The user's function from connection to identity; None: the built-in order.
        enabled: False counts nothing and refuses nobody.
        storage_url: `memory://`, or a Redis.

    Raises:
        ConfigurationError: The storage can't be used as the URL says.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        identities: Identities,
        identify: Callable[[HTTPConnection], Any] | None,
        enabled: bool,
        storage_url: Secret,
    ) -> None:
        url = storage_url.get_secret_value()
        self.rules = rules
        self.enabled = enabled
        self.service = ""  # set before serving begins: keys hold it
        self.utilization = Utilization(rules.policies.values())
        self._identities = identities
        self._identify = identify
        self._shown_url = masked(url)
        self._shared = _shared_storage(url) if enabled and not is_memory(url) else None
        self._memory: MemoryWindows | None = None
        self._quick: QuickWay | None = None
        self._loading = threading.Lock()
        self._storage = self._shared

    async def start(self) -> None:
        """
        Load what counting needs, and try to reach the storage.
        """
        if self.enabled:
            self._local()
            await self._load().start()

    async def close(self) -> None:
        """
        Let go of connections. What memory holds stays, so that a second lifespan frees nobody.
        """
        if self._shared is not None:
            await self._shared.close()

    def storage_state(self) -> StorageState:
        """
        Where limits are counted at the moment; `local`: in this process, since the shared storage is away.
        """
        return "memory" if self._shared is None else self._shared.state()

    def report(self) -> dict[str, Any]:
        """
        What holds, as data.
        """
        facts: dict[str, Any] = {"enabled": self.enabled}
        if not self.enabled:
            facts["why"] = "RATELIMIT_ENABLED=false"
        elif not self.rules.policies:
            facts["why"] = "no rules"
        elif self._shared is None:
            facts["holds"] = ALONE
        return facts | {
            "rules": self.rules.report(),
            "storage": self._shown_url,
            "state": self.storage_state() if self.enabled else "off",
            "identity": "custom, then built-in" if self._identify is not None else "built-in",
        }

    def judge(self, record: RequestRecord, scope: Scope) -> Decision | Awaitable[Decision]:
        """
        Whether the request may pass. Never raises.
        """
        try:
            rules = self.rules
            if scope["path"] is record.entry_path and scope.get("root_path", "") == record.root_path:
                path = record.local_path
            else:  # a middleware has rewritten it: what counts is the path that the application gets
                path = local_path(scope)
            policy, everywhere = rules.find(path), rules.everywhere
            if policy is None:
                if everywhere is None:
                    return None
                return self.judge_by((everywhere,), record, scope)
            if everywhere is None or policy.exempt:
                if self._quick is not None and self._quick.admits(policy, record):
                    return None
                return self.judge_by((policy,), record, scope)
            return self.judge_by((policy, everywhere), record, scope)
        except Exception as error:
            fault("ratelimit", error)
            return None

    def judge_by(
        self, policies: tuple[Policy, ...], record: RequestRecord, scope: Scope
    ) -> Decision | Awaitable[Decision]:
        """
        Whether the request may pass by these policies.
        """
        if record.method == "OPTIONS" and is_preflight(scope):
            return None
        if not self.enabled or policies[0].exempt:
            for policy in policies:
                (policy.tallies.exempt if self.enabled else policy.tallies.off).inc()
            return None
        identity = record.identity
        if identity is None:
            if self._identify is not None:
                found = custom_identity(self._identify, scope)
                if isawaitable(found):
                    return self._judge_later(found, policies, record, scope)
                identity = found
            if identity is None:
                identity = self._identities.of(scope["headers"], record.client)
            record.identity = identity
        return self._ask(self._groups(policies, identity, scope), record)

    async def _judge_later(
        self, pending: Awaitable[Identity | None], policies: tuple[Policy, ...], record: RequestRecord, scope: Scope
    ) -> Decision:
        try:
            record.identity = await pending or self._identities.of(scope["headers"], record.client)
            decision = self._ask(self._groups(policies, record.identity, scope), record)
            return await decision if isawaitable(decision) else decision
        except Exception as error:
            fault("ratelimit", error)
            return None

    def _groups(self, policies: tuple[Policy, ...], identity: Identity, scope: Scope) -> list[Group]:
        """
        What is to be asked, in order: what may refuse before what only watches.
        """
        client = key_in_memory(identity) if self._shared is None else key_start(identity, self.service)
        deciding, groups = Group(), []
        for policy in policies:
            quotas = policy.quotas_of(identity.tier) if policy.by_tier else policy.quotas
            if not quotas:
                policy.tallies.exempt.inc()
                break  # `*`, which comes last, doesn't hold either
            cost = 1 if policy.cost == 1 else cost_of(policy.cost, scope)
            if policy.shadow:
                watching = Group()
                watching.add(policy, quotas, client, cost)
                groups.append(watching)
            else:
                deciding.add(policy, quotas, client, cost)
        return [deciding, *groups] if deciding.windows else groups

    def _ask(self, groups: list[Group], record: RequestRecord) -> Decision | Awaitable[Decision]:
        storage = self._storage or self._load()
        for position, group in enumerate(groups):
            try:
                outcome = storage.acquire(group.windows)
            except Exception as error:
                decision = self._without_storage(error, group, record)
            else:
                if not isinstance(outcome, Outcome):
                    return self._ask_later(outcome, group, groups[position + 1 :], record)
                decision = self._settle(outcome, group, record)
            if decision is not None:
                return decision
        return None

    async def _ask_later(
        self, pending: Awaitable[Outcome], group: Group, rest: list[Group], record: RequestRecord
    ) -> Decision:
        try:
            try:
                decision = self._settle(await pending, group, record)
            except Exception as error:
                decision = self._without_storage(error, group, record)
            if decision is not None or not rest:
                return decision
            later = self._ask(rest, record)
            return await later if isawaitable(later) else later
        except Exception as error:
            fault("ratelimit", error)
            return None

    def _settle(self, outcome: Outcome, group: Group, record: RequestRecord) -> Decision:
        """
        Count the decision; the answer where it is a refusal.
        """
        if outcome.used:
            self.utilization.note(group, outcome.used)
        if outcome.refused is None:
            for policy, _ in group.parts:
                policy.tallies.admitted.inc()
            return None
        policy, rate = group.owner(outcome.refused)
        if policy.shadow:
            policy.tallies.shadow.inc()
            return None
        policy.tallies.refused.inc()
        event_of_request(record, "limit_hit", policy=policy.name)
        return refusal_by(policy.header_name, rate, outcome.reset_after, outcome.remaining)

    def _without_storage(self, error: Exception, group: Group, record: RequestRecord) -> Decision:
        """
        What each rule says for a storage that could not be asked.
        """
        if not isinstance(error, StorageAway):
            fault("ratelimit", error)
        for policy, _ in group.parts:
            if policy.on_failure != "local":
                policy.tallies.failed.inc()
        for policy, quotas in group.part("deny").parts:
            if not policy.shadow:
                event_of_request(record, "limit_hit", policy=policy.name, reason="storage_away")
                return refusal_uncounted(policy.header_name, quotas[0].rate)
        counted = group.part("local")
        if not counted.windows:
            return None
        outcome = self._local().acquire(counted.windows)
        return self._settle(outcome, counted, record) if isinstance(outcome, Outcome) else None

    def _load(self) -> Storage:
        if self._storage is None:
            self._storage = memory = self._local()
            if self._identify is None and not self._identities.has_credentials:
                self._quick = QuickWay(memory)
        return self._storage

    def _local(self) -> MemoryWindows:
        """
        The windows of this process: the storage where there is no other, and while the other is away.
        """
        if self._memory is None:
            from otel_kit.ratelimit.memory import MemoryWindows

            with self._loading:
                self._memory = self._memory or MemoryWindows()
                self.utilization.windows = self._memory.windows
        return self._memory


def _shared_storage(url: str) -> Storage:
    from otel_kit.ratelimit.redis_storage import RedisWindows

    return RedisWindows(url)
