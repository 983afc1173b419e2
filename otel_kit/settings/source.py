"""
From variables to fields: which name sets which field, and where values come from.

Owns the mapping that each field carries. Names are matched to the letter, as POSIX does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

__all__ = ["VariablesSource", "field_of_variable", "metadata", "variable_of_field"]


def metadata(field: FieldInfo) -> Mapping[str, Any]:
    """
    What the model notes beside a field: `variable`, `form`, `secret`, `shown_default`.
    """
    details = field.json_schema_extra
    return details if isinstance(details, dict) else {}


def variable_of_field(cls: type[BaseSettings], name: str) -> str:
    """
    The environment variable of a field; of a subclass's own field, its name in capitals.
    """
    field = cls.model_fields.get(name)
    return name if field is None else str(metadata(field).get("variable", name.upper()))


def field_of_variable(cls: type[BaseSettings], name: str) -> str:
    """
    The field that a variable sets; any other name as it is.
    """
    return next((field for field in cls.model_fields if variable_of_field(cls, field) == name), name)


class VariablesSource(PydanticBaseSettingsSource):
    """
    One mapping of variables as a source of fields: plain strings, blank ones left out.
    """

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self.variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """
        The value, or None where the variable is unset or blank.
        """
        value = self.variables.get(variable_of_field(self.settings_cls, field_name)) or ""
        return value.strip() or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value is not None}
