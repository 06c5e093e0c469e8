"""Training in several processes: what it costs, and what happens when one of them dies."""
