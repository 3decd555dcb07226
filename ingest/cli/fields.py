"""Values of configuration fields as a person gives them: on the command line, in a file, when asked.

What a value may be is said by the schema the service registered on the connector; whether the values work
together is for the source to judge.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from ingest.cli.session import CommandFailedError

Schema = Mapping[str, Any]
"""The `configuration` of a connector document: field name to field."""
_TRUE: Final = {"true", "yes", "y", "on", "1"}
_FALSE: Final = {"false", "no", "n", "off", "0"}
_LARGEST_FILE_BYTES: Final = 2**20


def given_values(
    schema: Schema,
    *,
    given: tuple[str, ...],
    files: tuple[str, ...],
    variables: tuple[str, ...],
    from_file: Path | None,
) -> dict[str, Any]:
    """Gather the values of all options; raises CommandFailedError with every problem found."""
    values: dict[str, Any] = dict(read_object(from_file)) if from_file else {}
    problems = []
    for text in given:
        name, value = _pair(text, "--set")
        if is_sensitive(schema, name):
            problems.append(f"{name} is a secret: give it with --set-file, --set-env or at the prompt.")
        values[name] = value
    for text in files:
        name, path = _pair(text, "--set-file")
        values[name] = _read(Path(path)).removesuffix("\n")
    for text in variables:
        name, variable = _pair(text, "--set-env")
        if variable not in os.environ:
            problems.append(f"The variable {variable} for {name} is not set.")
        values[name] = os.environ.get(variable, "")
    unknown = sorted(values.keys() - schema.keys())
    if unknown:
        problems.append(f"Unknown: {', '.join(unknown)}. The fields are: {', '.join(sorted(schema))}.")
    if not problems:
        values = {name: _converted(name, value, schema[name], problems) for name, value in values.items()}
    if problems:
        raise CommandFailedError(" ".join(problems))
    return values


def ask(schema: Schema) -> dict[str, Any]:
    """Ask a person for the value of each field, simple ones first; an empty answer keeps what there is."""
    values: dict[str, Any] = {}
    asked = sorted(schema.items(), key=lambda item: int(item[1].get("order") or 0))
    simple = [item for item in asked if "advanced" not in (item[1].get("ui_restrictions") or [])]
    advanced = [item for item in asked if item not in simple]
    for name, field in simple:
        _ask_one(name, field, schema, values)
    if advanced and click.confirm(f"Go through {len(advanced)} advanced settings too?", default=False):
        for name, field in advanced:
            _ask_one(name, field, schema, values)
    return values


def values_of(schema: Schema) -> dict[str, Any]:
    """Return the values the fields have now."""
    return {name: field.get("value") for name, field in schema.items() if isinstance(field, Mapping)}


def is_sensitive(schema: Schema, name: str) -> bool:
    """Whether a field's value must not be shown."""
    field = schema.get(name)
    return isinstance(field, Mapping) and field.get("sensitive") is True


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object. Raises CommandFailedError."""
    try:
        found = json.loads(_read(path))
    except ValueError as error:
        raise CommandFailedError(f"{path} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise CommandFailedError(f"{path} does not hold a JSON object.")
    return found


def _ask_one(name: str, field: Mapping[str, Any], schema: Schema, values: dict[str, Any]) -> None:
    if not _applies(field, {**values_of(schema), **values}):
        return
    if field.get("tooltip"):
        click.echo(click.style(f"  {field['tooltip']}", dim=True))
    label = f"{field.get('label') or name} ({name})"
    current = field.get("value")
    if field.get("sensitive") is True:
        hint = "unchanged" if current else ""
        answer = click.prompt(label, default=hint, hide_input=True, show_default=bool(hint))
        if answer != hint:
            values[name] = answer
        return
    shown = field.get("default_value") if current in (None, "") else current
    read: Callable[[str], Any] = lambda text: _required(name, text, field)  # noqa: E731 - click wants a callable
    values[name] = click.prompt(
        label,
        default="" if shown is None else str(shown).lower() if isinstance(shown, bool) else str(shown),
        value_proc=read,
    )


def _required(name: str, text: str, field: Mapping[str, Any]) -> Any:
    problems: list[str] = []
    value = _converted(name, text, field, problems)
    if field.get("required") is True and text == "":
        problems.append(f"{name} is required.")
    options = [option.get("value") for option in field.get("options") or []]
    if options and value not in options:
        problems.append(f"{name} is one of: {', '.join(map(str, options))}.")
    if problems:
        raise click.UsageError(" ".join(problems))
    return value


def _applies(field: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether the fields this one depends on have the values it asks for."""
    conditions = field.get("depends_on") or []
    return all(values.get(one.get("field")) == one.get("value") for one in conditions)


def _converted(name: str, value: Any, field: Any, problems: list[str]) -> Any:
    """Return a text as the field's type; note a problem if it cannot be. Values from JSON stay."""
    if not isinstance(value, str):
        return value
    match field.get("type") if isinstance(field, Mapping) else None:
        case "int" if value != "":
            try:
                return int(value)
            except ValueError:
                problems.append(f"{name} is a whole number, not {value!r}.")
        case "bool":
            if value.lower() in _TRUE | _FALSE:
                return value.lower() in _TRUE
            problems.append(f"{name} is true or false, not {value!r}.")
        case _:
            pass
    return value


def _pair(text: str, option: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise click.UsageError(f"{option} takes FIELD=VALUE, not {text!r}.")
    return name, value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise CommandFailedError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > _LARGEST_FILE_BYTES:
        raise CommandFailedError(f"{path} is larger than {_LARGEST_FILE_BYTES} bytes.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CommandFailedError(f"{path} is not UTF-8 text.") from error
