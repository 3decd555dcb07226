"""How the fields of a dataclass are declared as settings of `config.yml`."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ingest.config.types import ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How one key of `config.yml` becomes one field."""

    key: str
    type: ValueType[Any]
    default: Any
    """As it would be written in `config.yml`; None if the key has no default."""
    explanation: str
    times: int = 1
    """How many of the field's units are one of the key's."""
    is_required: bool = False


def setting(
    key: str,
    type_: ValueType[Any],
    default: Any,
    explanation: str,
    *,
    times: int = 1,
    is_required: bool = False,
) -> Any:
    """Declare a field that `config.yml` can set under `key`."""
    declared = Setting(
        key=key, type=type_, default=default, explanation=explanation, times=times, is_required=is_required
    )
    return field(default_factory=lambda: _as_field(declared), metadata={"setting": declared})


def _as_field(declared: Setting) -> Any:
    match declared.default:
        case dict() as default:
            return MappingProxyType(default)
        case list() as default:
            return tuple(default)
        case default if declared.type.is_list:
            return (default,)
        case default:
            return default if declared.times == 1 else default * declared.times


def section(key: str, of: type[Any]) -> Any:
    """Declare a field that holds the settings below `key`."""
    return field(default_factory=of, metadata={"section": key, "of": of})
