"""The command line: one module a command, each importing its side only when it runs."""
