"""How the tests log: as structlog does by itself, but with plain tracebacks.

Its own show every local variable where rich is installed, which takes half a minute for an index in memory.
"""

import structlog


def configure() -> None:
    """Log to standard output, every level, for people."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
