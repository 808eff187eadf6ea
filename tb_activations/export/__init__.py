"""Still pictures and files, from arrays and logs."""
