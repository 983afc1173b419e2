"""
The errors that set-up may raise. Nothing here is ever raised while a request is served.
"""

from __future__ import annotations

__all__ = ["ConfigurationError", "OtelKitError", "ProfileError", "SetupError"]


class OtelKitError(Exception):
    """
    Any error of this package.
    """


class SetupError(OtelKitError):
    """
    The application is in a state in which the kit can't be set up.
    """


class ConfigurationError(OtelKitError, ValueError):
    """
    A setting that can't be used: its name, the value, and what to write instead, on one line.

    Args:
        variable: The environment variable or argument at fault.
        value: What was found there, masked by the caller when it is a secret.
        remedy: What would be accepted.
    """

    def __init__(self, variable: str, value: object, remedy: str) -> None:
        shown = str(value).replace("\n", " ").replace("\r", " ")[:200]
        super().__init__(f"{variable}={shown!r} can't be used: {remedy}")
        self.variable = variable
        self.value = value
        self.remedy = remedy


class ProfileError(ConfigurationError):
    """
    A part of a profile that can't be used: which one, what is wrong with it, and what to write instead, on one line.

    Args:
        place: The profile, and the part of it: "profile shop, metric orders_total". A part that is judged before it
            belongs to a profile stands alone.
        fault: What was found there.
        remedy: What would be accepted.
    """

    def __init__(self, place: str, fault: str, remedy: str) -> None:
        super().__init__(place, fault, remedy)
        self.args = (" ".join(f"{place}: {fault}; {remedy}".split()),)
