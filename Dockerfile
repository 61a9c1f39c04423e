# One image for every service: `marsad poll`, `marsad process`, ... each its own container.
ARG PYTHON=3.12-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/marsad
WORKDIR /src
# What it needs before what it is: a change of our code builds in seconds.
COPY pyproject.toml ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt \
    && /opt/marsad/bin/pip install --requirement requirements.txt
COPY README.md LICENSE NOTICE ./
COPY marsad marsad
COPY producers producers
COPY processors processors
COPY sinks sinks
COPY marsad_app marsad_app
RUN /opt/marsad/bin/pip install --no-deps . \
    && /opt/marsad/bin/python -m compileall -q /opt/marsad/lib

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="Marsad" \
      org.opencontainers.image.description="Watches Arabic news: polls feeds, tags and groups articles, alerts on topics." \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing is written but /var/lib/marsad and /tmp: the root file system can be read-only.
RUN groupadd --system --gid 10001 marsad \
    && useradd --system --uid 10001 --gid marsad --home-dir /var/lib/marsad --no-create-home --shell /usr/sbin/nologin marsad \
    && install --directory --owner marsad --group marsad --mode 0750 /var/lib/marsad
COPY --from=build /opt/marsad /opt/marsad
ENV PATH=/opt/marsad/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp MARSAD_DATA__DIR=/var/lib/marsad
USER 10001:10001
WORKDIR /var/lib/marsad
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["marsad", "--help"]
