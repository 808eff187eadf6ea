"""What is Keras' about capturing."""
