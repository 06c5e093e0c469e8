"""Callbacks that many runs need; each is a file. What a callback is stands in `training/callbacks.py`."""
