"""``vms say``: a text as a WAV file."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from common import ROOT
from mock_server.speech import rendering
from vms.cli import vms


def run(*arguments: str) -> Result:
    return CliRunner().invoke(vms, ["say", *arguments], catch_exceptions=False)


def test_a_file_is_written_and_its_seconds_are_named(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"

    result = run("Votre colis.", "--language", "fr-FR", "--gender", "male", "-o", str(path))

    assert path.read_bytes() == rendering.wav("Votre colis.", "fr")
    with wave.open(str(path)) as file:
        seconds = file.getnframes() / file.getframerate()
    assert result.output == f"{path}: {seconds:.1f} s, fr-FR, male, by espeak-ng\n"


def test_the_defaults_are_the_contracts(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"

    assert "en-US, female" in run("Hello.", "-o", str(path)).output
    assert path.read_bytes() == rendering.wav("Hello.", "en-us+f2")


def test_a_dash_writes_the_file_alone_to_standard_output() -> None:
    with wave.open(io.BytesIO(run("Hello.", "-o", "-").stdout_bytes)) as file:
        assert file.getnframes() > 0


def test_no_terminal_gets_a_wav_file() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "vms", "say", "Hello.", "-o", "-"]

    done = subprocess.run(
        command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False, timeout=30
    )

    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "a WAV file is not for a terminal; name a file: -o out.wav" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["Hello.", "--language", "tlh"], '--language: got "tlh"; expected'),
        (["Hello.", "--gender", "robot"], '--gender: got "robot"; expected'),
        (["Hello.", "--language", ""], '--language: got ""; expected'),
        ([""], 'TEXT: got ""; expected'),
        (["a" * 1_225], "TEXT: got"),
    ],
)
def test_what_the_contract_does_not_allow_is_named(
    tmp_path: Path, arguments: list[str], named: str
) -> None:
    path = tmp_path / "out.wav"

    result = run(*arguments, "-o", str(path))

    assert result.exit_code == 2
    assert named in result.output
    assert not path.exists()


def test_bytes_that_are_not_utf_8_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"

    assert run("Hello \udce9.", "-o", str(path)).exit_code == 0


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    result = run("Hello.", "-o", str(tmp_path / "nowhere" / "out.wav"))

    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)
    assert "No such file or directory" in result.output


def test_without_the_extra_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)

    result = run("Hello.", "-o", str(tmp_path / "out.wav"))

    assert result.exit_code == 2
    assert result.output == (
        "Error: espeak-ng is not installed; pip install 'vms-kit[twin,voice]'\n"
    )


def test_a_language_of_another_contract_has_no_voice(tmp_path: Path) -> None:
    contract = another_contract(tmp_path)

    result = run("Hello.", "--language", "tlh-QO", "--contract", str(contract), "-o", "out.wav")

    assert result.exit_code == 2
    assert "voice_language: got tlh-QO; expected one of en-US, en-GB" in result.output


def another_contract(folder: Path) -> Path:
    """The contract with one more language."""
    text = (ROOT / "openapi/voice-campaign.yaml").read_text("utf-8")
    path = folder / "contract.yaml"
    path.write_text(text.replace("pt-BR, ru-RU]\n", "pt-BR, ru-RU, tlh-QO]\n"), "utf-8")
    return path
