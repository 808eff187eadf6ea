"""From a training loop to an event file; what knows a framework stands in a room of its own."""
