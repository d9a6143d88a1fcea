"""One module per family of lines; each turns one line into signals and never raises."""
