"""The demo: a small ConvNet learns real images while its activations are logged."""
