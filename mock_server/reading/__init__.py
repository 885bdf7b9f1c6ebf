"""From the bytes of a body to what the API reads in it, with notes."""
