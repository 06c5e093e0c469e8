"""Images that are turned, shifted, scaled and standardised on their way to the network, channels last."""
