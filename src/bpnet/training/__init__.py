"""The loop around a step: what one step does, how epochs go, and who is told."""
