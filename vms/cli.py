"""The group of commands; what a command does stands in its own module."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from mock_server import __version__
from vms import endings

_CONTRACT = click.option(
    "--contract",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another contract file than the one that ships with the twin.",
)


@click.group(cls=endings.Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="vms-kit")
def vms() -> None:
    """An offline twin of Octopush's voice campaign API, and what belongs to it. Unofficial.

    A command exits with 2 if its output cannot be written, and with 130 if it is interrupted. A
    stream that is closed is as good as /dev/null.
    """


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
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option("--mask", is_flag=True, help="Hide most digits of every number in the inbox, too.")
@click.option(
    "--workers",
    default=32,
    show_default=True,
    type=click.IntRange(2, 256),
    help="Threads for the inbox and its settings, and for large bodies. Short requests, delays "
    "and waiting take none.",
)
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Serve HTTPS, with this certificate and its chain, in PEM; needs --tls-key.",
)
@click.option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificate's key, in PEM, without a password.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    help="Another name under which the control plane may be asked.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    help="A web page's origin (https://example.com) that may ask the control plane.",
)
@click.option(
    "--allow-callback",
    "callback_hosts",
    multiple=True,
    help="A host besides those of this machine that a callback URL may have.",
)
@click.option("--quiet", is_flag=True, help="Log notes with high stakes only.")
@_CONTRACT
def serve(*, opens: bool, **options: Any) -> None:  # noqa: ANN401  (as in ServeOptions)
    """Answer as the real API would, offline, until Ctrl-C.

    Exits with 0 after Ctrl-C or SIGTERM, with 2 if it cannot listen there, or if accounts, contract
    or certificate cannot be used.
    """
    from vms import serve as command

    command.run(command.ServeOptions(**options), opens=opens)


@vms.command()
@click.option(
    "--url",
    default="http://127.0.0.1:8010",
    show_default=True,
    help="The twin to listen to, as `vms serve` prints it.",
)
@click.option("--login", help="Only the receipts of this account. [default: of all]")
@click.option(
    "--token",
    envvar="VOICE_TWIN_TOKEN",
    help="What a twin that others can reach printed at its start. [default: VOICE_TWIN_TOKEN]",
)
@click.option(
    "--forward-to",
    metavar="URL",
    help="POST each receipt to this URL, as the API would: redirects are not followed, and an "
    "answer may take a second.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    help="A host besides those of this machine that --forward-to may have.",
)
@click.option("--once", is_flag=True, help="End after the first receipt.")
@click.option("--json", "as_json", is_flag=True, help="Print each receipt as JSON, on one line.")
def listen(**options: Any) -> None:  # noqa: ANN401  (as in ListenOptions)
    """Print the receipts of a running twin as they happen, and forward them, until Ctrl-C.

    Each is printed once, from now on, whether or not its account has a callback_url.

    Exits with 130 after Ctrl-C, with 2 if no twin answers, or it stops or refuses; with --once,
    with 0 after the first receipt, or 1 if the receiver did not answer 2XX.
    """
    from vms import listen as command

    sys.exit(command.run(command.ListenOptions(**options)))


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
    """Report what the API would do with the payload in FILE (- reads standard input).

    Exits with 0, whatever the verdict; with --strict see there; with 2 if FILE cannot be read.
    """
    from vms import explain as command

    command.run(file, region=region, contract=contract, as_json=as_json, strict=strict)


@vms.command()
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the page docs/rules.md.")
@_CONTRACT
def rules(form: str | None, contract: Path | None) -> None:
    """List every rule of the contract with its evidence."""
    from vms import rules as command

    command.run(form or "table", contract=contract)


def _numbers(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [number for number in given if re.fullmatch(r"\+[0-9]{7,16}", number) is None]:
        raise click.BadParameter(f"{wrong[0]!r} is no number like +33612345678")
    return given


@vms.command()
@click.option("--base-url", help="The server to ask. [default: none, compare what is kept]")
@click.option(
    "--snapshots",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where answers of another machine are kept, redacted.",
)
@click.option(
    "--acknowledged",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Known differences: a TOML file of "case" = "reason".',
)
@click.option("--i-have-permission", "permission", is_flag=True, help="Ask another machine.")
@click.option(
    "--number",
    "numbers",
    multiple=True,
    callback=_numbers,
    help="A number that may stand in a simulation; two make more cases askable.",
)
@click.option(
    "--calls",
    default=20,
    show_default=True,
    type=click.IntRange(3, 200),
    help="How many requests may leave this machine.",
)
@click.option("--pause", default=1.0, show_default=True, type=click.FloatRange(0), help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print every case as JSON.")
@_CONTRACT
def check(  # noqa: PLR0913, PLR0917  (one argument an option)
    base_url: str | None,
    snapshots: Path | None,
    acknowledged: Path | None,
    numbers: tuple[str, ...],
    calls: int,
    pause: float,
    contract: Path | None,
    *,
    permission: bool,
    as_json: bool,
) -> None:
    """Ask another server the contract's cases, and compare its verdicts with the twin's.

    A server on this machine is asked as the cases are written. Any other gets simulations only, and
    needs --i-have-permission, --number, and VMS_LOGIN and VMS_KEY in the environment.

    Exits with 0 if every answer is the same, 1 if one differs, 2 if it could not be asked, 130 if
    it was stopped by Ctrl-C; what was answered until then counts, and is kept.
    """
    from vms import check as command
    from vms.contracts.shipped import loaded
    from vms.parity import snapshots as kept
    from vms.parity.asking import Parity

    access = command.from_environment(numbers, calls, pause, permission=permission)
    try:
        known = kept.acknowledged(acknowledged)
    except kept.SnapshotError as error:
        raise click.UsageError(str(error)) from error
    parity = Parity(loaded(contract), snapshots, acknowledged=known)
    sys.exit(command.run(parity, base_url, access, as_json=as_json))


class _WithTheContracts(click.Command):
    """A command with an option for each parameter of the contract, too."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options of the contract stand behind its own, before --help."""
        from vms import send_options

        *own, helps = super().get_params(ctx)
        return [*own, *send_options.of_the_contract(), helps]


@vms.command(cls=_WithTheContracts)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--to", multiple=True, metavar="NUMBER", help="A number, in place of FILE.")
@click.option("--text", help="What the voice reads.")
@click.option(
    "--text-file",
    type=click.Path(path_type=Path),
    help="A UTF-8 file with what the voice reads.",
)
@click.option("--dry-run", is_flag=True, help="Simulate it: nobody is called; tell the price.")
@click.option("--yes", is_flag=True, help="Pay without being asked.")
@click.option("--login", help="The account's login. [default: VMS_LOGIN]")
@click.option("--base-url", help="Where to send. [default: VMS_BASE_URL, or the real API]")
@click.option("--real-calls", is_flag=True, help="Send to another machine, which calls people.")
@click.option("--region", help="Where national numbers are dialled: a country's two letters.")
@click.option("--format", type=click.Choice(("csv", "jsonl")), help="[default: FILE's suffix]")
@click.option(
    "--frame-size",
    type=click.IntRange(1),
    help="Recipients in a request at most. [default: the most that is advised]",
)
@click.option(
    "--concurrency",
    default=4,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Requests on their way at once.",
)
@click.option(
    "--request-ids",
    is_flag=True,
    help="Mark each request, so that a doubtful one can be asked for again within 24 hours. "
    "Not documented for this endpoint: try it before you rely on it.",
)
@click.option(
    "--key-of-campaign",
    default="",
    metavar="TEXT",
    help="Makes those marks others, to send the same once more within 24 hours.",
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="Where to write what became of each request. [default: FILE.journal.jsonl]",
)
@click.option("--resume", is_flag=True, help="Go on with the campaign of that journal.")
@click.option(
    "--resend",
    multiple=True,
    type=click.IntRange(0),
    metavar="FRAME",
    help="With --resume: send a frame again although it may have been sent.",
)
@click.option(
    "--was-sent",
    multiple=True,
    type=click.IntRange(0),
    metavar="FRAME",
    help="With --resume: you have found out that this frame was sent. The journal keeps that.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the summary as JSON, and all else on stderr."
)
def send(**given: Any) -> None:  # noqa: ANN401  (one type an option)
    """Send one voice campaign: to the recipients in FILE (CSV or JSON Lines), or --to numbers.

    All recipients are checked, then all of it is simulated and priced, then you are asked; nothing
    is sent of a list with a mistake in it. The key is read from VMS_KEY alone, never from an
    option, which other users of this machine could see.

    \b
    Exits with
      0    everything was sent, or the dry run passes
      1    something was not sent: refused, or stopped
      2    nothing was sent: usage, recipients, journal, configuration
      3    something may have been sent, and nobody knows
      130  interrupted, by Ctrl-C, SIGTERM or SIGHUP; the summary tells what was sent
    """  # noqa: D301  (click's mark of lines that stay as they are)
    from vms import send as command
    from vms import send_options

    names = [option.name for option in send_options.of_the_contract()]
    options: Any = {name: value for name in names if (value := given.pop(name)) is not None}
    sys.exit(command.run(command.Wanted(**given, options=options)))


@vms.command()
@click.argument(
    "contract",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--every", is_flag=True, help="Exit with 2 if one of the linters is not installed.")
def lint(contract: Path | None, *, every: bool) -> None:
    """Report what is wrong with CONTRACT, by default the shipped one.

    By openapi-spec-validator and redocly where they are installed; and where it has x-lenient, as
    the twin reads it and by our own rules. The quotes in a copy without its sources are not
    compared with them.

    Exits with 0 if nothing is found, with 1 if anything is, with 2 if no linter is there to look.
    """
    from mock_server.contract.document import shipped
    from vms.contracts import lint as command

    sys.exit(command.run(contract or shipped("voice-campaign.yaml"), every=every))


@vms.command()
@click.argument("old")
@click.argument("new", required=False)
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a pull request's comment.")
@click.option("--github", "form", flag_value="github", help="Print GitHub annotations.")
@click.option("--sarif", "form", flag_value="sarif", help="Print SARIF 2.1.0.")
@click.option(
    "--fail-on",
    type=click.Choice(("silent", "breaking", "warning", "any")),
    help="Exit with 1 if there is such a change, or a worse one.",
)
@click.option(
    "--python",
    is_flag=True,
    help="Generate both clients: what breaks for Python that imports them, and let them send.",
)
@click.option("--remote-refs", is_flag=True, help="Fetch what references to other hosts lead to.")
def diff(  # noqa: PLR0913  (an option each)
    old: str,
    new: str | None,
    form: str | None,
    fail_on: str | None,
    *,
    python: bool,
    remote_refs: bool,
) -> None:
    """Report what a change of an OpenAPI file breaks, and first what nothing else reports.

    OLD and NEW are files, git revisions (HEAD~1, main:path/contract.yaml) or https:// URLs, of
    OpenAPI 3.0 or 3.1; NEW is the shipped contract, if it is not given. Where both have x-lenient
    the requests of old callers are sent to the new twin, and those of new callers to the old one.

    Exits with 0, with 1 as --fail-on says, or with 2 if a file cannot be used.
    """
    from mock_server.contract.document import shipped
    from vms.contracts.diff import render

    names = old, str(shipped("voice-campaign.yaml")) if new is None else new
    documents = render.documents(*names, remote=remote_refs)
    sys.exit(render.run(*documents, form=form or "text", fail_on=fail_on, python=python))


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@vms.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
def contract(file: Path) -> None:
    """Write the shipped contract to FILE (- prints it), to begin one of your own.

    Exits with 2 if FILE is there already or cannot be written.
    """
    from mock_server.contract.document import shipped

    text = shipped("voice-campaign.yaml").read_text("utf-8")
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except OSError as error:
        raise endings.CannotError(f"{file}: cannot be written: {error.strerror}") from error
    click.echo(f"{file}: written")


@vms.command()
@click.argument("contract", type=_FILE)
@click.argument("package", type=click.Path(file_okay=False, path_type=Path))
def generate(contract: Path, package: Path) -> None:
    """Write the typed client that CONTRACT generates into the folder PACKAGE, in place of it.

    Exits with 2 if it cannot be generated; then PACKAGE is as it was.
    """
    from vms.contracts import generate as generated

    generated.write(contract, package)


@vms.command()
@click.argument("contract", type=_FILE)
@click.argument("package", type=click.Path(file_okay=False, path_type=Path))
def drift(contract: Path, package: Path) -> None:
    """Report how the folder PACKAGE differs from the client that CONTRACT generates.

    Exits with 0 if it does not, with 1 if it does, with 2 if there is nothing to compare with, such
    as a folder that is not a generated client.
    """
    from vms.contracts import generate as generated

    sys.exit(generated.check(contract, package))


@vms.command()
@click.argument("text")
@click.option("--language", help="Such as fr-FR. [default: the contract's]")
@click.option("--gender", help="male or female. [default: the contract's]")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="The WAV file to write; - writes it to standard output.",
)
@_CONTRACT
def say(
    text: str, language: str | None, gender: str | None, output: Path, contract: Path | None
) -> None:
    """Read TEXT aloud into a WAV file, by a voice of espeak-ng near to the vendor's.

    TEXT is data: markup in it is read, not obeyed. A TEXT that begins with - stands behind --.
    Needs the extra: pip install 'vms-kit[twin,voice]'.

    Exits with 2 if the file cannot be made.
    """
    from vms import say as command

    command.run(text, output, language=language, gender=gender, contract=contract)


@vms.command()
def demo() -> None:
    """Show the main job: a twin, the vendor's example, sloppy requests and their outcome."""
    from vms import demo as command

    command.run()
