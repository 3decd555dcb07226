"""What each processor of a pipeline did to a document, as a verbose simulation tells it."""

import copy
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.pipelines.pipeline import Known, Pipeline, Step, run_step
from sandbox.elasticsearch.pipelines.processors import DroppedError, Ingested


def traced(known: Known, pipeline: Pipeline, document: Ingested, name: str) -> list[dict[str, Any]]:
    """Run a pipeline on a document; return the result of every processor up to the one that failed.

    A processor's `on_failure` and the steps of a pipeline it calls are part of its own result.
    """
    results: list[dict[str, Any]] = []
    for step in pipeline.steps:
        result: dict[str, Any] = {"processor_type": step.name, "status": "success", **_labels(step)}
        results.append(result)
        if step.condition is not None and not step.condition(document.body):
            result["status"] = "skipped"
            result["if"] = {"condition": step.options["if"], "result": False}
            continue
        try:
            run_step(known, step, document)
        except DroppedError:
            result["status"] = "dropped"
            return results
        except errors.ElasticsearchError as error:
            is_ignored = step.options.get("ignore_failure") in (True, "true")
            result["status"] = "error_ignored" if is_ignored else "error"
            result["ignored_error" if is_ignored else "error"] = _cause(error, is_ignored)
            if not is_ignored:
                return results
        result["doc"] = shown(document, pipeline=name)
    return results


def shown(document: Ingested, **ingest: Any) -> dict[str, Any]:
    """A simulated document as it is answered."""
    return {
        "_index": document.index,
        "_version": "-3",
        "_id": document.id,
        "_source": copy.deepcopy(document.body),
        "_ingest": {**ingest, "timestamp": document.clock.timestamp()},
    }


def _labels(step: Step) -> dict[str, Any]:
    return {name: step.options[name] for name in ("description", "tag") if name in step.options}


def _cause(error: errors.ElasticsearchError, is_ignored: bool) -> dict[str, Any]:
    body: dict[str, Any] = error.body()["error"]
    return {"error": body} if is_ignored else body
