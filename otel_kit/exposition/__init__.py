"""
The `/metrics` page: what is counted, as Prometheus reads it.

`otel.py` imports the OpenTelemetry SDK and is left to set-up to import, so nothing is imported here.
"""
