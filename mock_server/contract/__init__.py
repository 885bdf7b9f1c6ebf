"""The contract file as frozen values: what is valid, how the rest is repaired, on what evidence."""
