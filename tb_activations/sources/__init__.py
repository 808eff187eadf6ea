"""Where records come from: event files read here, or TensorBoard's data provider."""
