"""A text as speech: which voice reads it, and how it is rendered by espeak-ng and kept."""
