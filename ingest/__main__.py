"""The process's first lines: a signal to stop is obeyed before anything else is imported."""

from ingest.stopping import signals


def main() -> None:
    """Run the command line of this process; ends the process."""
    signals.end_on_stop()
    from ingest.cli import collecting

    collecting.put_off()
    from ingest.cli import commands

    commands.main()


if __name__ == "__main__":
    main()
