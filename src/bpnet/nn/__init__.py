"""The network, in plain `xp`: layers, losses, optimizers and the passes through a graph of them.

Nothing here imports an array library. Arrays come from the backend that a model was built with.
"""
