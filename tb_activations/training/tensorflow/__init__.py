"""The summary op, and the record written inside a graph."""
