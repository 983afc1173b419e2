"""
The reference of settings as data, made from the model itself.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from itertools import pairwise

from pydantic.fields import FieldInfo

from otel_kit.environment.reference import SettingReference, otel_reference
from otel_kit.settings.model import Settings
from otel_kit.settings.source import metadata, variable_of_field

__all__ = ["SettingReference", "docstrings_below", "settings_reference"]


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


def docstrings_below(body: Iterable[ast.stmt]) -> dict[str, str]:
    """
    Name -> the text below it, for each name that a class or module assigns and explains.
    """
    found = {}
    for assigned, text in pairwise(body):
        target = assigned.targets[0] if isinstance(assigned, ast.Assign) else getattr(assigned, "target", None)
        value = text.value if isinstance(text, ast.Expr) else None
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = inspect.cleandoc(value.value)
    return found


def _field_docstrings(cls: type) -> dict[str, str]:
    module = ast.parse(inspect.getsource(inspect.getmodule(cls) or cls))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    return {name: " ".join(text.split()) for name, text in docstrings_below(body).items()}


def _shown_default(field: FieldInfo) -> str:
    shown = metadata(field).get("shown_default")
    if shown is not None:
        return str(shown)
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, float):
        return f"{field.default:g}"
    return "" if field.default in (None, ()) else str(field.default)
