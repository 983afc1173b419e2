"""
What the fault tests have in common: stores that die and come back, and senders that keep books.
"""
