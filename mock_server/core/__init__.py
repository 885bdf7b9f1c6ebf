"""What the provider does with a request: sign in, read, decide, answer, remember."""
