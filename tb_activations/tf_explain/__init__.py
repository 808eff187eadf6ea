"""tf-explain's names over ours: a script runs with `tf_explain` replaced by this module's name.

`callbacks` and `core` are laid out as in tf-explain 0.3.1. What is logged and drawn is ours: true
values in the Activations tab, pictures of `tba.grid`. docs/attribution.md has how values differ.
"""
