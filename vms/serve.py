"""``vms serve``: the twin on a real server."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import click

from mock_server.server import CannotListenError, Options, is_loopback, serve


def run(  # noqa: PLR0913  (one argument an option)
    *,
    host: str,
    port: int,
    strict: bool,
    workers: int,
    quiet: bool,
    contract: Path | None,
    hosts: tuple[str, ...],
) -> None:
    """Serve until Ctrl-C; what cannot be served ends with one line."""
    options = Options(host, port, strict, workers, quiet, contract, (host, *hosts))
    try:
        if not is_loopback(host):
            options = replace(options, token=secrets.token_urlsafe())
        serve(options, lambda url: _greet(url, options))
    except CannotListenError as error:
        raise click.ClickException(str(error)) from error


def _greet(url: str, options: Options) -> None:
    click.echo(f"Listening on {url} ({'strict' if options.strict else 'lenient'})")
    click.echo(f"Inbox:       {url}/_twin/requests")
    if options.token:
        click.echo("Others can reach this address, so /_twin wants a header:")
        click.echo(f"             Authorization: Bearer {options.token}")
    click.echo("Stop with Ctrl-C.")
