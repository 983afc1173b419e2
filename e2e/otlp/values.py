"""
Python data as OTLP's values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

__all__ = ["Attributes", "any_value", "pairs"]

Attributes: TypeAlias = Mapping[str, Any]


def pairs(attributes: Attributes | None) -> list[KeyValue]:
    """
    A dictionary as OTLP's list.
    """
    return [KeyValue(key=key, value=any_value(value)) for key, value in (attributes or {}).items()]


def any_value(value: Any) -> AnyValue:
    """
    Python data as OTLP's value.
    """
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    return AnyValue() if value is None else AnyValue(array_value=ArrayValue(values=[any_value(one) for one in value]))
