"""The group of commands; what a command does stands in its own module."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from mock_server import __version__

_CONTRACT = click.option(
    "--contract",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another contract file than the one that ships with the twin.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="vms-kit")
def vms() -> None:
    """An offline twin of Octopush's voice campaign API, and what belongs to it. Unofficial."""


@vms.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8010,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 takes a free one.",
)
@click.option(
    "--strict", is_flag=True, help="Refuse whatever the API would repair, default or ignore."
)
@click.option(
    "--accounts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of accounts that are there from the start.",
)
@click.option(
    "--closed", is_flag=True, help="Sign in nobody but those accounts, and those set by PUT."
)
@click.option("--mask", is_flag=True, help="Hide most digits of every number in the inbox, too.")
@click.option(
    "--workers",
    default=32,
    show_default=True,
    type=click.IntRange(2, 256),
    help="Requests answered at once: threads of one process, which owns the inbox. "
    "Half of them may wait for the inbox.",
)
@click.option(
    "--allow-host", multiple=True, help="Another name under which the control plane may be asked."
)
@click.option(
    "--allow-origin",
    multiple=True,
    help="A web page's origin (https://example.com) that may ask the control plane.",
)
@click.option(
    "--allow-callback",
    multiple=True,
    help="A host besides those of this machine that a callback URL may have.",
)
@click.option("--quiet", is_flag=True, help="Log notes with high stakes only.")
@_CONTRACT
def serve(  # noqa: PLR0913, PLR0917  (one argument an option)
    host: str,
    port: int,
    workers: int,
    accounts: Path | None,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    allow_callback: tuple[str, ...],
    contract: Path | None,
    *,
    strict: bool,
    closed: bool,
    mask: bool,
    quiet: bool,
) -> None:
    """Answer as the real API would, offline, until Ctrl-C."""
    from vms import serve as command

    command.run(
        command.Options(
            host=host,
            port=port,
            strict=strict,
            workers=workers,
            quiet=quiet,
            contract=contract,
            accounts=accounts,
            closed=closed,
            mask=mask,
            hosts=(host, *allow_host),
            origins=allow_origin,
            callback_hosts=allow_callback,
        )
    )


@vms.command()
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print the whole entry as JSON.")
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if anything had to be repaired, or if it is refused.",
)
@click.option(
    "--region",
    help="Where national numbers belong: a country's two letters. [default: the contract's]",
)
@_CONTRACT
def explain(
    file: BinaryIO,
    region: str | None,
    contract: Path | None,
    *,
    as_json: bool,
    strict: bool,
) -> None:
    """Tell what the API would do with the payload in FILE (- reads standard input).

    Exits with 0, whatever the verdict; with --strict see there; with 2 if FILE cannot be read.
    """
    from vms import explain as command

    command.run(file.read(), region=region, contract=contract, as_json=as_json, strict=strict)


@vms.command()
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the page docs/rules.md.")
@_CONTRACT
def rules(form: str | None, contract: Path | None) -> None:
    """List every rule of the contract with its evidence."""
    from vms import rules as command

    command.run(form or "table", contract=contract)


@vms.command()
def demo() -> None:
    """Show the main job: a twin, the seed's example, sloppy requests and what became of them."""
    from vms import demo as command

    command.run()
