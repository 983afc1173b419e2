"""
Tests with the real programs: Collector, Loki, Tempo, Jaeger, Prometheus. Run by `make e2e`.
"""
