"""
The place where this service has always kept its middleware. What was here is inside otel_kit now.
"""
