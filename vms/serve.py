"""``vms serve``: the twin on a real server."""

from __future__ import annotations

import secrets
import webbrowser
from dataclasses import replace

import click

from mock_server.http.served import ServeOptions
from mock_server.http.server import CannotListenError, is_loopback, serve
from mock_server.page.routes import blueprint as page
from vms.endings import CannotError

__all__ = ["ServeOptions", "run"]


def run(options: ServeOptions, *, opens: bool = False) -> None:
    """Serve until Ctrl-C, with the page in a browser if it ``opens``.

    Raises:
        CannotError: host, port, certificate, accounts or contract cannot be used.
    """
    try:
        if not is_loopback(options.host):
            options = replace(options, token=secrets.token_urlsafe())
        serve(options, lambda url: _greet(url, options, opens=opens), (page,))
    except CannotListenError as error:
        raise CannotError(str(error)) from error
    except SystemExit as error:
        # Accounts or a contract that cannot be used end the server with a text.
        raise CannotError(str(error).removeprefix("Error: ")) from error


def _greet(url: str, options: ServeOptions, *, opens: bool) -> None:
    page = f"{url}/_twin/"
    lines = [
        f"Listening on {url} ({'strict' if options.strict else 'lenient'})",
        f"Inbox:       {page}",
    ]
    if options.token:
        lines += [
            "Others can reach this address, so /_twin requires a header:",
            f"             Authorization: Bearer {options.token}",
        ]
    # At once, as whoever starts it may read the first line and then close the pipe.
    click.echo("\n".join((*lines, "Stop with Ctrl-C.")))
    # Where it listens to all addresses, not every browser can open that as one.
    opened = page.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    # What stands behind the # stays in the browser.
    if opens and not webbrowser.open(
        f"{opened}#token={options.token}" if options.token else opened
    ):
        click.echo("There is no browser to open it with.", err=True)
