# The service as an image: one command, no shell needed, no root, nothing written.
#
#   docker build -t elastic-ingest .
#   docker run --rm --read-only --cap-drop=ALL -v ./config.yml:/config/config.yml:ro elastic-ingest
#
# The base is pinned to an exact version. Where builds must be repeatable to the byte, pass a digest, which only the one
# who builds can look up and trust:  --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.13.7-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# Dependencies first: they change less often than the code. Every file is checked against the hash in the lock.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv --without-pip /app \
    && pip --python /app/bin/python install --require-hashes --only-binary=:all: -r requirements.lock \
    && pip install --require-hashes --only-binary=:all: -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY sources sources
COPY sandbox sandbox
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /app/bin/python install --no-deps /wheels/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="elastic-ingest" \
      org.opencontainers.image.description="A connector service that keeps PostgreSQL tables mirrored in Elasticsearch." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# numpy would start a thread a core for linear algebra nobody does here, against a limit of 64 processes.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
COPY --from=build /app /app
# A number, so that Kubernetes' runAsNonRoot can tell that it is not root.
USER 65532:65532
WORKDIR /app
STOPSIGNAL SIGTERM
# Asks the service itself whether it works where service.status_port is set, and otherwise whether its configuration is right
# and Elasticsearch answers.
HEALTHCHECK --interval=5m --timeout=30s --start-period=30s \
    CMD ["/app/bin/elastic-ingest", "-c", "/config/config.yml", "check", "--quick"]
CMD ["/app/bin/elastic-ingest", "-c", "/config/config.yml"]
