# The demo on a processor, as a user without rights, on a file system that is read only:
#
#   docker build -t srgan .
#   docker run --read-only --tmpfs /tmp -v srgan-data:/data -p 7860:7860 srgan
#
# /data keeps the votes of the blind test and, for an hour, results.
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/srgan \
    && /opt/srgan/bin/pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu \
        -c /source/constraints.txt \
    && /opt/srgan/bin/pip install --no-cache-dir /source -c /source/constraints.txt \
    && /opt/srgan/bin/python -m compileall -q /opt/srgan/lib

FROM python:3.12-slim
RUN useradd --no-create-home --home-dir /tmp --uid 1000 srgan \
    && install -d -o srgan -g srgan -m 700 /data
COPY --from=build /opt/srgan /opt/srgan
ENV PATH=/opt/srgan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/tmp SRGAN_DATA=/data GRADIO_ANALYTICS_ENABLED=False
USER srgan
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD \
    python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:7860', timeout=5)"
CMD ["srgan", "demo", "--host", "0.0.0.0", "--port", "7860"]
