"""``vms serve``: the twin on a real server."""

from __future__ import annotations

import secrets
from dataclasses import replace

import click

from mock_server.http.served import ServeOptions
from mock_server.http.server import CannotListenError, is_loopback, serve

__all__ = ["ServeOptions", "run"]


def run(options: ServeOptions) -> None:
    """Serve until Ctrl-C; what cannot be served ends with one line."""
    try:
        if not is_loopback(options.host):
            options = replace(options, token=secrets.token_urlsafe())
        serve(options, lambda url: _greet(url, options))
    except CannotListenError as error:
        raise click.ClickException(str(error)) from error


def _greet(url: str, options: ServeOptions) -> None:
    lines = [
        f"Listening on {url} ({'strict' if options.strict else 'lenient'})",
        f"Inbox:       {url}/_twin/requests",
    ]
    if options.token:
        lines += [
            "Others can reach this address, so /_twin requires a header:",
            f"             Authorization: Bearer {options.token}",
        ]
    # At once, as whoever starts it may read the first line and then close the pipe.
    click.echo("\n".join((*lines, "Stop with Ctrl-C.")))
