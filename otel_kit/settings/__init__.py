"""
The kit's own settings.

Owns `Settings` and what is said about settings; parsing is in `formats`, names and sources in `source`.
"""

from __future__ import annotations

from otel_kit.settings.formats import ApiKey, Network
from otel_kit.settings.judging import judge_settings
from otel_kit.settings.model import LogLevel, Settings
from otel_kit.settings.reference import SettingReference, settings_reference
from otel_kit.settings.unknown import unknown_variables

__all__ = [
    "ApiKey",
    "LogLevel",
    "Network",
    "SettingReference",
    "Settings",
    "judge_settings",
    "settings_reference",
    "unknown_variables",
]
