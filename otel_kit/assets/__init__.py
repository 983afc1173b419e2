"""
What is generated from catalogue, settings and policy. Never imported while a service runs.
"""
