"""The host's side of the data, where NumPy is allowed: checks, splits, orders, scaling."""
