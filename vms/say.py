"""``vms say``: a text as a WAV file, read by the voice of a language and a gender."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mock_server.contract.admin_schemas import shown
from mock_server.contract.model import Contract
from mock_server.json_values import Json
from mock_server.speech import rendering, voices
from mock_server.speech.rendering import SpeechError
from vms.contracts.shipped import loaded
from vms.endings import CannotError

_STANDARD_OUTPUT = "-"


def run(
    text: str, output: Path, *, language: str | None, gender: str | None, contract: Path | None
) -> None:
    """Write the file, once all of it is rendered.

    Raises:
        click.ClickException: the contract allows no such text or voice, there is no such voice, or
            it cannot be rendered or written.
    """
    if str(output) == _STANDARD_OUTPUT and sys.stdout.isatty():
        raise click.UsageError("a WAV file is not for a terminal; name a file: -o out.wav")
    given = loaded(contract)
    _check(given, "text", rendering.speakable(text), "TEXT")
    language = _chosen(given, "voice_language", language, "--language")
    gender = _chosen(given, "voice_gender", gender, "--gender")
    try:
        file = rendering.wav(text, voices.voice(language, gender))
    except (voices.NoVoiceError, SpeechError) as error:
        raise CannotError(str(error)) from error
    if str(output) == _STANDARD_OUTPUT:
        click.echo(file, nl=False)
        return
    output.write_bytes(file)
    seconds = rendering.seconds(file)
    click.echo(f"{output}: {seconds:.1f} s, {language}, {gender}, by espeak-ng")


def _chosen(contract: Contract, name: str, value: str | None, option: str) -> str:
    """The value of an option, or the default that the contract has for its parameter."""
    if value is None:
        return str(contract.filled({}).get(name))
    _check(contract, name, value, option)
    return value


def _check(contract: Contract, name: str, value: Json, where: str) -> None:
    field = contract.body.members.get(name)
    if field is None or field.accepts(value):
        return
    raise click.BadParameter(f"got {shown(value)}; expected {field.valid}", param_hint=where)
