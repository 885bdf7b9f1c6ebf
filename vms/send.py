"""``vms send``: one campaign from a terminal, checked, priced and asked about before it is sent."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import httpx

from mock_server.json_values import printable
from vms import send_report, send_warnings, sending_progress
from vms.interrupts import Interrupts
from vms.send_report import Exit, Report, why
from vms.sending import Sender
from voice_client import (
    CampaignSummary,
    Prepared,
    SourceError,
    VoiceCampaignOptions,
    files,
    prepare,
)
from voice_client.campaigns import Plan
from voice_client.frames import LARGEST
from voice_client.guard import is_this_machine
from voice_client.settings import KEY, Access, access


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says; ``options`` are the contract's parameters."""

    file: Path | None
    to: tuple[str, ...]
    text: str | None
    text_file: Path | None
    login: str | None
    base_url: str | None
    real_calls: bool
    region: str | None
    format: Literal["csv", "jsonl"] | None
    frame_size: int | None
    concurrency: int
    request_ids: bool
    key_of_campaign: str
    journal: Path | None
    resume: bool
    resend: tuple[int, ...]
    was_sent: tuple[int, ...]
    yes: bool
    dry_run: bool
    as_json: bool
    options: VoiceCampaignOptions


class DeclinedError(click.ClickException):
    """The price was not confirmed."""

    exit_code = Exit.NOTHING


def run(wanted: Wanted) -> Exit:
    """Send it, and tell what became of it.

    Raises:
        click.ClickException: nothing was sent, by what the command line says or somebody typed.
    """
    with Interrupts() as interrupts:
        try:
            report = _run(wanted, interrupts)
            _tell(report, wanted)
        except click.ClickException:
            raise
        except KeyboardInterrupt:
            _complain("\nInterrupted; nothing was sent.")
            return Exit.INTERRUPTED
        except Exception as error:  # noqa: BLE001  (of a traceback nobody learns what to do)
            # A problem of a source begins with its place, which tools look for.
            _complain(why(error) if isinstance(error, SourceError) else f"Error: {why(error)}")
            if interrupts.held:
                known = f" {again} … tells what is known." if (again := _again(wanted)) else ""
                _complain(f"It may have been sent.{known}")
                return Exit.UNKNOWN
            _complain("Nothing was sent.")
            return Exit.NOTHING
        return report.exit_code


def _run(wanted: Wanted, interrupts: Interrupts) -> Report:
    _check(wanted)
    with ExitStack() as stack:
        sender = _sender(wanted, stack)
        with sending_progress.shown("Reading", None) as show:
            prepared = stack.enter_context(
                prepare(
                    wanted.to if wanted.file is None else wanted.file,
                    region=wanted.region,
                    format=wanted.format,
                    progress=lambda kept: show(kept, ""),
                )
            )
        _say(wanted, *_about(prepared), *send_warnings.lines(prepared, wanted.options))
        left = None
        if wanted.resume:
            standing = sender.standing(prepared)
            sent = standing.summary.sent
            _say(wanted, f"Sent before, and not again: {sent:,} of {prepared.total:,}")
            left = sender.left(standing)
            if not left:
                return standing
            if sender.late:
                _say(wanted, "The moment of --send-at has passed: what is left is sent at once")
        dry = sender.dry_run(prepared, left)
        if wanted.dry_run or dry.exit_code is not Exit.SENT:
            return dry
        _say(wanted, *send_report.lines(dry))
        if not wanted.yes:
            _ask(dry.summary)
        return sender.send(prepared, interrupts)


# ── the command line ─────────────────────────────────────────────────────


def _check(wanted: Wanted) -> None:
    """Refuse what makes no sense together.

    Raises:
        click.UsageError: with what to write.
    """
    journal = wanted.journal or wanted.file
    refusals = (
        ((wanted.file is None) != bool(wanted.to), "wanted FILE, or --to, and not both"),
        (
            (wanted.text is None) == (wanted.text_file is None),
            "wanted --text or --text-file, and not both",
        ),
        (wanted.format and wanted.file is None, "--format is for FILE"),
        (
            wanted.journal is None and not wanted.dry_run and _is_stream(wanted.file),
            f"{wanted.file} is a stream, beside which no journal can stand: name one by --journal",
        ),
        (wanted.resume and journal is None, "--resume needs the --journal of that campaign"),
        (wanted.resend and not wanted.resume, "--resend says what to --resume with: add that"),
        (
            wanted.was_sent and not wanted.resume,
            "--was-sent is for what you --resume: add that",
        ),
        (wanted.was_sent and wanted.dry_run, "--was-sent is written down, and a --dry-run is not"),
        (
            KEY not in os.environ,
            f"{KEY} is not set; the key is read from there alone, as others see a command line",
        ),
    )
    for refused, told in refusals:
        if refused:
            raise click.UsageError(told)


def _is_stream(file: Path | None) -> bool:
    return file is not None and (file.is_relative_to("/dev") or file.is_fifo())


def _check_machine(wanted: Wanted, asked: Access) -> None:
    host = httpx.URL(asked.base_url).host
    if not (wanted.dry_run or wanted.real_calls or is_this_machine(host)):
        raise click.UsageError(
            f"{asked.base_url} is not this machine, so people would be called for money: "
            "add --real-calls if that is what you want, --dry-run to learn the price, "
            "or --base-url of a twin. Nothing was sent."
        )


def _sender(wanted: Wanted, stack: ExitStack) -> Sender:
    asked = access(wanted.login, None, wanted.base_url)
    _check_machine(wanted, asked)
    plan = Plan(
        journal=_journal(wanted, stack),
        resume=wanted.resume,
        request_ids=wanted.request_ids,
        key=wanted.key_of_campaign,
        concurrency=wanted.concurrency,
        largest_frame=wanted.frame_size or LARGEST,
        resend=wanted.resend,
        was_sent=wanted.was_sent,
    )
    return Sender(
        access=asked,
        text=_text(wanted),
        options=wanted.options,
        plan=plan,
        real_calls=wanted.real_calls,
        again=_again(wanted),
    )


def _text(wanted: Wanted) -> str:
    """What is to be read; without the line break that an editor leaves at the end of a file."""
    path = wanted.text_file
    if path is None:
        text = wanted.text or ""
        # As Python reads a byte of the command line that is not UTF-8.
        if odd := files.NOT_UTF8.search(text):
            got = odd[0].encode(errors="surrogateescape").hex(" ")
            raise click.UsageError(f"--text: got {got}; expected UTF-8, as in a --text-file")
        return text
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        other = files.other_encoding(content)
        got = f"got {other[1]}" if other else f"no UTF-8 at byte {error.start}"
        raise click.UsageError(f"{path}: {got}; save it as UTF-8") from error
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if "\0" in text:
        raise click.UsageError(
            f"{path}: got NUL, as UTF-16 has; expected text to read aloud; save it as UTF-8"
        )
    return text.removesuffix("\n").removesuffix("\r")


def _journal(wanted: Wanted, stack: ExitStack) -> Path:
    """Where it is written down; for --to, if no other is wanted, until the end of the command."""
    if (path := _lasting(wanted)) is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory()), "journal.jsonl")
    if path.exists() and not (wanted.resume or wanted.dry_run):
        raise click.UsageError(
            f"{path} is there: this campaign was begun. Add --resume to go on with it, or for "
            "another campaign name another --journal"
        )
    return path


def _lasting(wanted: Wanted) -> Path | None:
    if wanted.journal is not None or wanted.file is None:
        return wanted.journal
    return wanted.file.with_name(f"{wanted.file.name}.journal.jsonl")


def _again(wanted: Wanted) -> str | None:
    """The beginning of the command that goes on with it."""
    if _lasting(wanted) is None:
        return None
    source = "--to …" if wanted.file is None else shlex.quote(str(wanted.file))
    journal = "" if wanted.journal is None else f" --journal {shlex.quote(str(wanted.journal))}"
    return f"vms send {source} --resume{journal}"


# ── the terminal ─────────────────────────────────────────────────────────


def _about(prepared: Prepared) -> Iterator[str]:
    duplicates = f"; {prepared.duplicates:,} left out whose number had come before"
    yield f"Recipients: {prepared.total:,}{duplicates if prepared.duplicates else ''}"
    yield from prepared.remarks


def _ask(dry: CampaignSummary) -> None:
    """Ask for the number of recipients, as nobody types that by mistake.

    Raises:
        DeclinedError: it is not what was typed, or there is nobody to type it.
    """
    price = sending_progress.euros(dry.cost)
    if not _somebody_is_there():
        raise DeclinedError(
            f"nobody is there to be asked whether it may cost {price}; --yes says so beforehand. "
            "Nothing was sent."
        )
    question = f"To call them for {price}, type the number of recipients ({dry.total}): "
    click.echo(question, nl=False, err=True)
    if sys.stdin.readline().strip().replace(",", "") != str(dry.total):
        raise DeclinedError(f"That was not {dry.total}. Nothing was sent.")


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _tell(report: Report, wanted: Wanted) -> None:
    """Print the report; what was sent stays sent if that fails."""
    try:
        if wanted.as_json:
            click.echo(json.dumps(send_report.document(report), indent=2, ensure_ascii=False))
        _say(wanted, *send_report.lines(report))
    except OSError as error:
        _complain(f"Error: the summary cannot be printed: {error.strerror}")


def _say(wanted: Wanted, *lines: str) -> None:
    for line in lines:
        click.echo(printable(line), err=wanted.as_json)


def _complain(text: str) -> None:
    with suppress(OSError):
        click.echo("\n".join(map(printable, text.split("\n"))), err=True)
