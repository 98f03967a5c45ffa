# The server with PostgreSQL's driver and every first-party plugin. Data and settings come from outside:
#
#   docker build -t regulars .
#   docker run --rm -e REGULARS_DATABASE_URL=postgresql://… regulars db upgrade
#   docker run -p 8000:8000 -e REGULARS_DATABASE_URL=postgresql://… regulars
#
# Without REGULARS_DATABASE_URL the data lies in SQLite, in the volume /data.

FROM python:3.11-slim AS build
WORKDIR /source
RUN pip install --no-cache-dir "build>=1.3"
COPY . .
RUN python -m build --wheel --outdir /dist

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home regulars \
    && install --directory --owner=regulars --group=regulars /data
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /dist/*.whl /tmp/
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt /tmp/*.whl && rm /tmp/*.whl /tmp/constraints.txt
USER regulars
WORKDIR /data
VOLUME /data
ENV REGULARS_HOST=0.0.0.0 \
    REGULARS_PORT=8000 \
    REGULARS_DATABASE_URL=sqlite:////data/regulars.db \
    PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
ENTRYPOINT ["regulars"]
CMD ["serve"]
