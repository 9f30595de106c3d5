# A Python service: what it needs is locked in requirements.txt with hashes, its code is below src/, its tests below
# tests/unit, tests/integration and tests/end_to_end. Nothing of the build is in the image that runs.
# checkov:skip=CKV_DOCKER_2: what runs the image asks the service at /health
FROM @python@ AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY src ./src

FROM base AS tests
COPY requirements-test.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-test.txt
COPY tests ./tests
ENV PYTHONPATH=/app/src

FROM tests AS unit
RUN python -m pytest tests/unit

FROM tests AS integration
USER 10001:10001
CMD ["python", "-m", "pytest", "tests/integration"]

FROM tests AS end-to-end
USER 10001:10001
CMD ["python", "-m", "pytest", "tests/end_to_end"]

FROM @python@ AS service
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app/src PATH=/venv/bin:$PATH
WORKDIR /app
COPY --from=base /venv /venv
COPY --from=base /app/src ./src
USER 10001:10001
EXPOSE @port@
CMD ["python", "-m", "service"]
