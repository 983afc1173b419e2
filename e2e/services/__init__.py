"""
Two services of the goblin kind: an assistant, and the models that it asks over HTTP.
"""
