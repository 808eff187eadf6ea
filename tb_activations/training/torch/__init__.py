"""PyTorch: module calls and functions of one pass → entries and values; tensors → records."""
