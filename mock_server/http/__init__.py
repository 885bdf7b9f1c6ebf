"""HTTP around the twin: the imitated API, the control plane, the server."""
