"""Ingest pipelines: which one a document goes through, and what comes out.

Two are built in: `search-default-ingestion` and its older name. They remove the flags that a
connector service adds to each document, and trim `body`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.json import exact
from sandbox.elasticsearch.pipelines import conditions
from sandbox.elasticsearch.pipelines.processors import PROCESSORS, DroppedError, Ingested

NO_PIPELINE = "_none"
SIMULATED = "_simulate_pipeline"
"""The name of a pipeline that is only simulated."""
MAX_DEPTH = 20
PIPELINE_MEMBERS = frozenset(
    {"description", "processors", "on_failure", "version", "_meta", "deprecated", "field_access_pattern"}
)
JAVA_TYPES = {dict: "java.util.HashMap", str: "java.lang.String", int: "java.lang.Integer"}
WHITESPACE = re.compile(r"\s+")
FLAGS = (
    "_attachment",
    "_attachment_indexed_chars",
    "_extracted_attachment",
    "_extract_binary_content",
    "_reduce_whitespace",
    "_run_ml_inference",
)


class Incoming(NamedTuple):
    """A document as it arrives, and as it leaves its pipeline. `parsed` is there once it had to be read."""

    index_name: str
    id: str | None
    source: bytes
    parsed: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One processor of a pipeline."""

    name: str
    options: Mapping[str, Any]
    condition: conditions.Condition | None = None
    uncertain: str | None = None
    on_failure: "tuple[Step, ...]" = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline as it was put, and its steps."""

    body: Mapping[str, Any]
    steps: tuple[Step, ...] = field(default_factory=tuple)
    on_failure: tuple[Step, ...] = field(default_factory=tuple)
    removes_flags: bool = False

    @classmethod
    def from_wire(cls, body: Any, name: str = SIMULATED) -> "Pipeline":
        """Read a pipeline; refuses processors that do not exist or lack what they need."""
        if not isinstance(body, dict):
            raise errors.ElasticsearchError(400, "parse_exception", "Failed to parse pipeline")
        if "processors" not in body:
            raise _missing("processors")
        unknown = [name for name in body if name not in PIPELINE_MEMBERS]
        if unknown:
            raise errors.ElasticsearchError(
                400,
                "parse_exception",
                f"pipeline [{name}] doesn't support one or more provided configuration parameters "
                f"[{', '.join(unknown)}]",
            )
        if body.get("on_failure") == []:
            reason = f"pipeline [{name}] cannot have an empty on_failure option defined"
            raise errors.ElasticsearchError(400, "parse_exception", reason)
        return cls(body, _steps(body["processors"]), _steps(body.get("on_failure") or []))


Known = Mapping[str, Pipeline]
"""All pipelines of the server, by name."""


def run(
    known: Known, index: Index, incoming: Incoming, requested: str | None, *, clock: Clock
) -> Incoming | None:
    """The document after its pipelines; None if one of them dropped it.

    `requested` is the pipeline the request names; without one the index's default applies, and its final
    one always. Raises what a processor failed with.
    """
    settings = index.settings.values
    names = (requested or settings.get("default_pipeline"), settings.get("final_pipeline"))
    pipelines = [named(known, str(name)) for name in names if name is not None and name != NO_PIPELINE]
    if not pipelines:
        return incoming
    document = Ingested(incoming.index_name, incoming.id, _body(incoming), clock)
    try:
        for pipeline in pipelines:
            execute(known, pipeline, document)
    except DroppedError:
        return None
    return Incoming(document.index, document.id, exact.dumps(document.body), document.body)


def named(known: Known, name: str) -> Pipeline:
    """The pipeline of this name; raises the error of a write that names one that is not there."""
    pipeline = known.get(name)
    if pipeline is None:
        raise errors.illegal_argument(f"pipeline with id [{name}] does not exist")
    return pipeline


def execute(known: Known, pipeline: Pipeline, document: Ingested, depth: int = 0) -> None:
    """Run a pipeline on a document, changing it."""
    if depth > MAX_DEPTH:
        raise errors.illegal_argument("Cycle detected for pipeline")
    if pipeline.removes_flags:
        _search_default(document.body)
        return
    try:
        _run_steps(known, pipeline.steps, document, depth)
    except errors.ElasticsearchError as error:
        if not pipeline.on_failure:
            raise
        _handle_failure(known, pipeline.on_failure, document, depth, error)


def built_in() -> dict[str, Pipeline]:
    """The pipelines every server has."""
    return {
        name: Pipeline(
            {
                "description": description,
                "processors": [{"remove": {"field": list(FLAGS), "ignore_missing": True}}],
                "version": 1,
                "_meta": {"managed": True, "managed_by": "search team"},
            },
            removes_flags=True,
        )
        for name, description in (
            ("search-default-ingestion", "Default search ingest pipeline"),
            ("ent-search-generic-ingestion", "Generic Enterprise Search ingest pipeline"),
        )
    }


def _body(incoming: Incoming) -> dict[str, Any]:
    try:
        body = exact.loads(incoming.source)
    except orjson.JSONDecodeError as error:
        raise errors.parsing(error.msg, line=error.lineno, column=error.colno) from None
    if not isinstance(body, dict):
        raise errors.parsing("Expected START_OBJECT")
    return body


def _steps(entries: Any) -> tuple[Step, ...]:
    if not isinstance(entries, list):
        raise errors.ElasticsearchError(
            400,
            "parse_exception",
            f"[processors] property isn't a list, but of type [{JAVA_TYPES.get(type(entries), 'object')}]",
            members={"property_name": "processors"},
        )
    return tuple(_step(entry) for entry in entries if entry != {})


def _step(entry: Any) -> Step:
    if not isinstance(entry, dict) or len(entry) != 1:
        raise errors.ElasticsearchError(400, "parse_exception", "processor must have exactly one type")
    name, options = next(iter(entry.items()))
    options = {} if options is None else options
    if name != "pipeline" and name not in PROCESSORS:
        raise errors.ElasticsearchError(
            400,
            "parse_exception",
            f"No processor type exists with name [{name}]",
            members={"processor_type": name},
        )
    if not isinstance(options, dict):
        raise errors.ElasticsearchError(400, "parse_exception", f"property [{name}] isn't a map")
    if options.get("on_failure") == []:
        raise errors.ElasticsearchError(
            400,
            "parse_exception",
            "[on_failure] processors list cannot be empty",
            members={"property_name": "on_failure", "processor_type": name},
        )
    required = ("name",) if name == "pipeline" else PROCESSORS[name][1]
    for option in required:
        if option not in options:
            raise _missing(option, name)
    if name == "set" and "value" not in options and "copy_from" not in options:
        raise _missing("value", name)
    if name == "remove" and "field" not in options and "keep" not in options:
        raise _missing("field", name)
    return _conditional(name, options)


def _conditional(name: str, options: Mapping[str, Any]) -> Step:
    condition, uncertain = None, None
    if "if" in options:
        try:
            condition = conditions.compiled(str(options["if"]))
        except ValueError as error:
            uncertain = str(error)
    return Step(name, options, condition, uncertain, _steps(options.get("on_failure") or []))


def _missing(name: str, processor: str | None = None) -> errors.ElasticsearchError:
    members = {"property_name": name, **({"processor_type": processor} if processor else {})}
    return errors.ElasticsearchError(
        400, "parse_exception", f"[{name}] required property is missing", members=members
    )


def _run_steps(known: Known, steps: tuple[Step, ...], document: Ingested, depth: int) -> None:
    for step in steps:
        try:
            run_step(known, step, document, depth)
        except errors.ElasticsearchError as error:
            if step.options.get("ignore_failure") in (True, "true"):
                continue
            if not step.on_failure:
                raise
            _handle_failure(known, step.on_failure, document, depth, error)


def run_step(known: Known, step: Step, document: Ingested, depth: int = 0) -> None:
    """Run one processor unless its condition forbids; raises what it fails with."""
    if step.uncertain is not None:
        raise errors.illegal_argument(
            f"the condition of [{step.name}] is beyond this server: {step.uncertain}"
        )
    if step.condition is not None and not step.condition(document.body):
        return
    if step.name == "pipeline":
        name = document.rendered(str(step.options["name"]))
        if name not in known and step.options.get("ignore_missing_pipeline"):
            return
        if name not in known:
            raise errors.illegal_argument(f"Pipeline processor configured for non-existent pipeline [{name}]")
        execute(known, known[name], document, depth + 1)
        return
    PROCESSORS[step.name][0](document, step.options)


def _handle_failure(
    known: Known, steps: tuple[Step, ...], document: Ingested, depth: int, error: errors.ElasticsearchError
) -> None:
    document.body["_ingest"] = {"on_failure_message": error.reason}
    try:
        _run_steps(known, steps, document, depth)
    finally:
        document.body.pop("_ingest", None)


def _search_default(body: dict[str, Any]) -> None:
    if body.get("_extract_binary_content") is True and isinstance(body.get("_attachment"), str):
        _extract(body)
    if body.get("_reduce_whitespace") is True and isinstance(body.get("body"), str):
        body["body"] = WHITESPACE.sub(" ", body["body"]).strip()
    for name in FLAGS:
        body.pop(name, None)


def _extract(body: dict[str, Any]) -> None:
    """Take over the text of an attachment that is plain text; of any other only the failure is noted."""
    try:
        text = base64.b64decode(body["_attachment"], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        body.setdefault("_ingestion_errors", []).append(
            "Processor 'attachment' in pipeline 'search-default-ingestion' failed with message 'not "
            "plain text'"
        )
        return
    if text:
        body["body"] = text.replace("\ufffd", "")
