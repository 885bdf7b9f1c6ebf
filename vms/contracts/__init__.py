"""Contracts: what a team keeps of an API, as a file, a git revision or a URL."""
