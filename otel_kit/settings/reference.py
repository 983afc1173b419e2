"""
The reference of settings as data, made from the model itself.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise

from pydantic.fields import FieldInfo

from otel_kit.environment.reference import SettingReference, otel_reference
from otel_kit.settings.model import Settings
from otel_kit.settings.source import metadata, variable_of_field

__all__ = ["SettingReference", "settings_reference"]


def settings_reference() -> list[SettingReference]:
    """
    One row for each variable the kit reads: the documented and `OTEL_KIT_*` ones, then `OTEL_*`.
    """
    meanings = _field_docstrings(Settings)
    own = [
        SettingReference(
            variable=variable_of_field(Settings, name),
            default=_shown_default(field),
            meaning=meanings[name],
            type=str(metadata(field)["form"]),
        )
        for name, field in Settings.model_fields.items()
    ]
    return [*own, *otel_reference()]


def _field_docstrings(cls: type) -> dict[str, str]:
    module = ast.parse(inspect.getsource(inspect.getmodule(cls) or cls))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _shown_default(field: FieldInfo) -> str:
    shown = metadata(field).get("shown_default")
    if shown is not None:
        return str(shown)
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, float):
        return f"{field.default:g}"
    return "" if field.default in (None, ()) else str(field.default)
