"""Every record of a run, found by hopping through its event files."""
