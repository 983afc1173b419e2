"""
Redaction: one policy, every exit.

`Policy` answers what may leave the process, by names, by shape and by the user's own rules.
The modules behind it: `triggers` decide cheaply that nothing is to be done; `rules` find secrets by
shape (`prefixes` is their table, `validators` their checksums); `assignments` and `keys` find them by
name; `decoding` undoes other spellings; `structures` walks containers; `user_rules` checks what the user
adds; `export` and its parts say it in the Collector's syntax, `mark` names the header that spares it the work.
"""

from __future__ import annotations

from otel_kit.redaction.policy import MASK, Policy, policy_from

__all__ = ["MASK", "Policy", "policy_from"]
