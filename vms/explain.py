"""``vms explain``: what the API would do with a payload."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import BinaryIO

import click

from mock_server.casts import phone_numbers
from mock_server.core.handler import Twin
from mock_server.store.entries import Request
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest
from vms import show
from vms.contracts.shipped import loaded
from vms.endings import CannotError

_LOGIN = _KEY = "explain"


def run(
    file: BinaryIO, *, region: str | None, contract: Path | None, as_json: bool, strict: bool
) -> None:
    """Print the entry that the payload in the file makes on a new account.

    Raises:
        click.ClickException: the file, the region or the contract cannot be used.
    """
    try:
        body = file.read()
    except OSError as error:
        raise CannotError(f"the payload cannot be read: {error.strerror}") from error
    given = loaded(contract)
    terms = given.terms
    region = (region or terms.default_region).upper()
    if not phone_numbers.is_region(region):
        raise click.BadParameter(f"{region!r} is not a country; expected two letters, such as FR")
    account = Account(
        _LOGIN,
        digest(_LOGIN, _KEY),
        terms.opening_credit,
        region=region,
    )
    twin = Twin(given, MemoryStore([account]))
    headers = {
        given.login_header: _LOGIN,
        given.key_header: _KEY,
        "content-type": given.media_type,
    }
    entry = twin.handle(Request(given.method, given.url_path, headers, body)).entry
    document = twin.inbox.document(entry)
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        console = show.console()
        console.print(show.verdict(document))
        console.print(show.notes(document))
        console.print(show.payload(document["answer"]["body"]))
    if strict and (entry.tally.repairs or entry.verdict == "refused"):
        sys.exit(1)
