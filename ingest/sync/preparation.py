"""What a sync settles before it reads: pipelines, slices, the content index and where documents go."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ingest.elasticsearch import indices, mappings
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.pipelines import NO_PIPELINE, PipelineDefinition, read_pipeline
from ingest.errors import ElasticsearchRefusedError, IndexChangedError
from ingest.protocol import Pipeline
from ingest.sync.delivery.settling import Destination
from ingest.sync.index import conflicts
from ingest.sync.request import SyncContext, SyncRequest
from sources.contract import Finding, Slice
from sources.errors import SourceConfigurationError

FORMAT_VERSION: Final = 1
"""Part of every content hash: raised when documents are sent differently, so that all are sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What is read, and the index it is compared with and delivered to."""

    slices: Sequence[Slice]
    seed: int
    """Changes with everything outside the source that decides how a row becomes a document."""
    index: ContentIndex
    destination: Destination


async def prepare(request: SyncRequest, context: SyncContext) -> Preparation:
    """Read the pipelines, discover the slices, and find or create the index, in this order.

    What cannot work thereby ends the job before anything was written.
    """
    client, pipeline = context.client, request.pipeline
    definitions = await read_pipelines(client, request.index_name, pipeline)
    seed = seed_of(pipeline, definitions)
    slices = await request.source.slices(request.advanced_rules, seed)
    index = await _prepare_index(request, context, slices, definitions)
    destination = Destination(
        index=index,
        pipeline=pipeline.name,  # also `_none`, which keeps the index's default pipeline from running
        checks_ids=any(definition.may_change_ids for definition in definitions),
    )
    return Preparation(slices=slices, seed=seed, index=index, destination=destination)


async def seed_now(request: SyncRequest, context: SyncContext) -> int:
    """Return the seed that a sync would have which began now."""
    definitions = await read_pipelines(context.client, request.index_name, request.pipeline)
    return seed_of(request.pipeline, definitions)


async def read_pipelines(client: Client, index_name: str, pipeline: Pipeline) -> list[PipelineDefinition]:
    """Read every pipeline documents will pass: the connector's, and the index's final one if there is one."""
    names = [pipeline.name]
    if (found := await indices.find(client, index_name)) is not None and found.final_pipeline is not None:
        names.append(found.final_pipeline)
    return [await read_pipeline(client, name) for name in names if name != NO_PIPELINE]


def seed_of(pipeline: Pipeline, definitions: Sequence[PipelineDefinition]) -> int:
    """Return a number that changes with everything that decides how a row becomes a document.

    It enters every content hash, so documents sent under other circumstances count as changed. What decides
    whether a row is wanted at all does not belong here.
    """
    circumstances: list[Any] = [
        FORMAT_VERSION,
        pipeline.to_wire(),
        [definition.fingerprint for definition in definitions],
    ]
    text = orjson.dumps(circumstances, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


async def _prepare_index(
    request: SyncRequest,
    context: SyncContext,
    slices: Sequence[Slice],
    definitions: Sequence[PipelineDefinition],
) -> ContentIndex:
    client, name, options = context.client, request.index_name, request.options
    derived = mappings.merged(one.mapping for one in slices) if options.derive_mappings else {}
    properties = {**request.source.members, **derived}
    found = await indices.find(client, name)
    if found is None:
        return await indices.create(client, name, properties=properties, language=options.language)
    found_wrong = conflicts.findings(found, slices, definitions, derives_mappings=options.derive_mappings)
    _report(found_wrong, context)
    await indices.add_own_fields(client, found)
    if not options.derive_mappings:
        return found
    if mappings.is_guessed_content_hash(found.properties.get(mappings.CONTENT_HASH, {})):
        context.stats.warnings.append(
            f"Elasticsearch made the mapping of the index {name} from documents, as it does when an index is "
            "deleted while a job writes to it, or filled by reindexing without a mapping: numbers may be "
            "rounded in searches and documents refused. Delete the index, and the next job creates it."
        )
        context.log.warning("sync.mapping_guessed", index=name)
    return await _add_fields(request, context, found, properties)


def _report(findings: Sequence[Finding], context: SyncContext) -> None:
    """Raise SourceConfigurationError for what would stop the sync; note the rest."""
    if fatal := [str(one) for one in findings if one.is_fatal]:
        raise SourceConfigurationError(*fatal)
    for one in findings:
        context.stats.warnings.append(str(one))
        context.log.warning("sync.mapping_doubtful", finding=str(one))


async def map_new_fields(request: SyncRequest, context: SyncContext, mapping: Mapping[str, Any]) -> None:
    """Map fields of a slice that was altered since the index was prepared, before its first document."""
    if not request.options.derive_mappings:
        return
    found = await indices.find(context.client, request.index_name)
    if found is None:
        raise IndexChangedError(f"The index {request.index_name} was removed while the job ran.")
    await _add_fields(request, context, found, mappings.merged([mapping]))


async def _add_fields(
    request: SyncRequest, context: SyncContext, found: ContentIndex, properties: Mapping[str, Any]
) -> ContentIndex:
    client, name, language = context.client, request.index_name, request.options.language
    try:
        return await indices.add_fields(client, found, properties=properties, language=language)
    except ElasticsearchRefusedError as error:
        context.stats.warnings.append(
            f"The index {name} does not take the mapping of new columns ({error}), so their first values "
            "decide how they are indexed. Map them yourself, or give the connector another index."
        )
        context.log.warning("sync.fields_not_mapped", index=name, reason=str(error))
        return found
