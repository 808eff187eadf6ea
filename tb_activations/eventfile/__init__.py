"""Event files: frames, checksums and events, for writers and readers."""
