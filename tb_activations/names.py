"""The names and numbers that the whole package shares; imports nothing."""

PLUGIN_NAME = "activations"  # TensorBoard's name for us, in URLs and in every record's metadata
VERSION = "0.1.0"  # of the package; that of the records on disk is `record.metadata.VERSION`
SCRIPTS = ("index.js", "more.js")  # in static/: the dashboard, and what it fetches later
