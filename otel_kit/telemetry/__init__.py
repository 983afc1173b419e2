"""
From finished spans, log records and metrics to bytes at a collector, with true accounts.

The modules import the OpenTelemetry SDK, so set-up imports them only after the environment
has been judged; nothing is imported here.
"""
