"""What a model's answer rests on: attribution methods, one a file, free of any framework."""
