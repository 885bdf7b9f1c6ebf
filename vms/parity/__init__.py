"""Holds another server, the real API too, against the twin: the same cases, the same verdicts."""
