"""What tb_activations costs and gives, beside what people would use instead."""
