"""The part of docs/reliability.md that lists the mutants.

.venv/bin/python -m tests.mutants.document     writes that part anew
"""

from tests.mutants.catalog import ROOT, mutants

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- mutants -->\n", "<!-- end of mutants -->\n"


def rendered() -> str:
    """Return the part as it should be."""
    lines = ["", "| part | defect | caught by |", "|---|---|---|"]
    for one in mutants():
        files = dict.fromkeys(node.partition("::")[0] for node in one.tests)
        links = ", ".join(f"[{file.removeprefix('tests/')}](../{file})" for file in files)
        row = f" ({one.row})" if one.row else ""
        lines.append(f"| {one.table} | {one.breaks}{row} | {links} |")
    return "\n".join(lines) + "\n\n"


def main() -> None:
    """Write that part of the document anew."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + rendered() + END + after)


if __name__ == "__main__":
    main()
