"""PyTorch: the activations of an `nn.Module`, and a tensor for a `SummaryWriter`."""
