"""From a text and a voice to samples and WAV files, each by a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import os
import struct
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mock_server.speech.espeak import RATE, SAMPLE_BYTES

LONGEST: Final = 600
"""Seconds of speech at most; what is longer is cut. 1,224 characters of prose take about 90, and
26 MB are kept of 600."""
BYTES_A_SECOND: Final = RATE * SAMPLE_BYTES
# Seconds until a process is ended that still renders: it takes about three for the longest.
_PATIENCE: Final = 30.0
_PART: Final = 2**14
_MODULE: Final = "espeakng_loader"
_PROGRAM: Final = str(Path(__file__).with_name("espeak.py"))
INSTALL: Final = "pip install 'vms-kit[twin,voice]'"

# By RIFF, the length of a chunk has four bytes. Where nobody knows it yet, programs that write to a
# pipe (ffmpeg, sox) write the largest, and those that read go on to the end of the file.
_UNKNOWN: Final = 0xFFFFFFFF
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM: Final = 1
_CHANNELS: Final = 1


class SpeechError(Exception):
    """The text cannot be rendered, and why."""


class MissingVoiceError(SpeechError):
    """The extra ``voice`` is not installed."""

    def __init__(self) -> None:
        super().__init__(f"espeak-ng is not installed; {INSTALL}")


def header(samples: int | None) -> bytes:
    """The head of a WAV file with so many bytes of samples; None where that is not known yet."""
    size = _UNKNOWN if samples is None else samples
    whole = _UNKNOWN if samples is None else samples + _HEADER.size - 8
    frame = _CHANNELS * SAMPLE_BYTES
    form = (16, _PCM, _CHANNELS, RATE, RATE * frame, frame, SAMPLE_BYTES * 8)
    return _HEADER.pack(b"RIFF", whole, b"WAVE", b"fmt ", *form, b"data", size)


def seconds(file: bytes) -> float:
    """How long a whole WAV file of `wav` is heard."""
    return (len(file) - _HEADER.size) / BYTES_A_SECOND


def wav(text: str, voice: str) -> bytes:
    """A whole WAV file: 22,050 samples a second of 16 bits, one channel.

    Raises:
        SpeechError: see `rendered`.
    """
    samples = b"".join(rendered(text, voice))
    return header(len(samples)) + samples


def speakable(text: str) -> str:
    r"""The text without what the library takes for commands, each such character a blank.

    Control characters begin commands and phonemes, and some of private use and not assigned are
    its own. Half of a surrogate pair cannot be encoded. Line breaks stay: two part paragraphs.

    >>> speakable("\x01200S a\tb\n\nc\ud800 <break/> [[h@'l@U]]")
    " 200S a b\n\nc  <break/> [[h@'l@U]]"
    """
    return "".join(
        character if character == "\n" or unicodedata.category(character) not in _LEFT_OUT else " "
        for character in text
    )


_LEFT_OUT: Final = frozenset({"Cc", "Cn", "Co", "Cs"})


def require() -> tuple[str, str]:
    """The path of the library, and that of the folder with its data.

    Raises:
        MissingVoiceError: they are not installed.
    """
    try:
        loader = importlib.import_module(_MODULE)
    except ImportError as error:
        raise MissingVoiceError from error
    return loader.get_library_path(), loader.get_data_path()


def rendered(text: str, voice: str, *, patience: float = _PATIENCE) -> Iterator[bytes]:
    """The samples of a text, part by part as they are rendered.

    The text is data: neither SSML nor phonemes nor commands in it are obeyed.

    Args:
        text: any; `speakable` is what is read of it.
        voice: one of `voices.voice`.
        patience: after so many seconds the process is ended.

    Raises:
        MissingVoiceError: espeak-ng is not installed.
        SpeechError: it cannot be started, fails, crashes, or takes too long.
    """
    library, data = require()
    enough = str(LONGEST * BYTES_A_SECOND)
    command = [sys.executable, "-I", "-S", _PROGRAM, library, voice, enough]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603  (this Python, with a program of this package)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # The library keeps 160 bytes of the path of its data, and cuts a longer one.
                cwd=data,
            )
        except OSError as error:
            raise SpeechError(f"{sys.executable} cannot be started: {error.strerror}") from error
        alarm = threading.Timer(patience, process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            yield from _samples(process, speakable(text).encode())
            code = process.wait()
        finally:
            alarm.cancel()
            process.kill()
            process.wait()
        if code:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").split("\n")
            reason = next((line for line in reversed(lines) if line), f"it ended with {code}")
            raise SpeechError(f"espeak-ng failed: {reason}")


def _samples(process: subprocess.Popen[bytes], text: bytes) -> Iterator[bytes]:
    source, samples = process.stdin, process.stdout
    assert source is not None  # noqa: S101  (for mypy)
    assert samples is not None  # noqa: S101  (the same)
    with samples:
        # It may have ended before it read anything; its code shows why.
        with contextlib.suppress(OSError), source:
            source.write(text)
        while part := os.read(samples.fileno(), _PART):
            yield part
