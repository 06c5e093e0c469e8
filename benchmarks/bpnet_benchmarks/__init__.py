"""How long bpnet takes, side by side with other libraries on the same work; `bpnet bench` runs it."""
