"""
What the kit costs beside its peers: one application, several variants, fresh interleaved processes.
"""
