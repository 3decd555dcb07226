"""Names of fields: paths that Elasticsearch takes, one for each column or member."""

from collections.abc import Iterable, Mapping, Sequence

from sources.contract import ADDED_MEMBERS


def field_names(schema: str, tables: Iterable[str], columns: Sequence[str]) -> dict[str, str]:
    """Return each column's field: `{schema}_{table}_{column}`, in lower case if that merges no two columns.

    Columns that differ in case alone keep their case.
    """
    prefix = "_".join([schema, *sorted(tables)]).lower()
    lowered = [column.lower() for column in columns]
    names = {
        column: f"{prefix}_{column.lower() if lowered.count(column.lower()) == 1 else column}"
        for column in columns
    }
    return _with_valid_paths(names)


def member_names(members: Sequence[str]) -> dict[str, str]:
    """Return the name of each member of a composite type in its object."""
    return _with_valid_paths({member: member for member in members})


def _with_valid_paths(names: Mapping[str, str]) -> dict[str, str]:
    """Change names that are no paths of their own.

    A dot divides an object from its member in Elasticsearch; where that would not make a valid path, or two
    fields would be an object and its member, dots become underscores.
    """
    if all("." not in name and name.strip() and name not in ADDED_MEMBERS for name in names.values()):
        return dict(names)
    paths = set(names.values())
    taken: set[str] = set()
    valid: dict[str, str] = {}
    for column, name in names.items():
        steps = name.split(".")
        parents = {".".join(steps[:length]) for length in range(1, len(steps))}
        field = name
        if parents & paths or name in ADDED_MEMBERS or not all(step.strip() for step in steps):
            field = name.replace(".", "_") if name.strip() else "_"
            while field in taken or field in paths:
                field += "_"
        taken.add(field)
        valid[column] = field
    return valid
