"""The command bpnet."""
