"""`python -m tb_activations.doctor [LOGDIR]`: what is installed, and what will be seen."""
