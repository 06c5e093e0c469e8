"""K networks of one architecture at once: `Ensemble`."""
