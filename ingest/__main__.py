"""The composition root: puts the service together from its parts and hands it to the command line."""

import structlog

from ingest.cli import commands
from ingest.config import Config
from ingest.elasticsearch.client import Client
from ingest.service.process import Service


async def run(config: Config) -> None:
    """Work for the connectors of the configuration until stopped. Raises IngestError if it cannot go on."""
    async with Client(config.elasticsearch) as client:
        await Service(config=config, client=client).run()


async def check(config: Config) -> None:
    """Prove that Elasticsearch answers and lets these credentials see its connectors. Raises IngestError."""
    budget_seconds = config.elasticsearch.max_wait_duration_seconds
    async with Client(config.elasticsearch) as client:
        await client.call("GET", "/", budget_seconds=budget_seconds)
        await client.call("GET", "/_connector", params={"size": 1}, budget_seconds=budget_seconds)
    structlog.get_logger().info("check.passed", host=config.elasticsearch.host)


def main() -> None:
    """Run the command line of this process."""
    commands.main(commands.Programs(run=run, check=check))


if __name__ == "__main__":
    main()
