"""Files: checkpoints, and what describes a model in them."""
