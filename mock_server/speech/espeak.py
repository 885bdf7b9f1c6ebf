"""espeak-ng, bound by ctypes: a program that `rendering` starts for each text.

Not in the twin's own process, as the library keeps its state in globals, writes beyond its buffers
for some texts (espeak-ng issues 1302, 1761, 1825) and calls ``exit`` where it finds no data. A new
process also renders the same text to the same bytes, whatever was rendered before.

It imports the standard library alone, so that Python starts it in some 20 ms without looking for
packages (``python -I -S espeak.py``). The constants and signatures are those of ``speak_lib.h``.
"""

from __future__ import annotations

import ctypes
import sys

# The name that type checkers know; to import typing would take a third of the start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, Final

RATE: Final = 22_050
"""Samples a second, by espeak-ng's ``phontab``: of each of its own voices."""
SAMPLE_BYTES: Final = 2
"""Bytes of a sample: signed 16 bits, little-endian on each platform that has a wheel."""
_SYNCHRONOUS: Final = 2
_DO_NOT_EXIT: Final = 0x8000
# Neither espeakSSML (0x10) nor espeakPHONEMES (0x100): the text is data.
_UTF_8: Final = 1
_BY_CHARACTER: Final = 1
# How much is rendered before it is handed on, in milliseconds of speech.
_PART: Final = 200
_STOP: Final = 1
_SEED: Final = 1

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class EspeakError(Exception):
    """The library does not do what is asked of it: what, and what it answered."""


def render(library: str, voice: str, text: bytes, take: Callable[[bytes], bool]) -> None:
    """Render a text in UTF-8; the data of espeak-ng stand in the current folder.

    Args:
        library: the path of the shared library.
        voice: its identifier, such as ``fr+f2``.
        text: without control characters, as some of them are commands.
        take: gets each part, in samples; false ends the rendering.

    Raises:
        EspeakError: the library has no such voice, or finds no data that it can use.
        OSError: the library cannot be loaded.
    """
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(_SYNCHRONOUS, _PART, b".", _DO_NOT_EXIT)
    if rate != RATE:
        raise EspeakError(f"espeak_Initialize answered {rate}; expected {RATE}")

    def received(samples: int | None, count: int, _: object) -> int:
        if not samples or not count:
            return 0
        return 0 if take(ctypes.string_at(samples, count * SAMPLE_BYTES)) else _STOP

    # By default the time of day: breath is noise, and would be another each second.
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
    callback = _Callback(received)
    espeak.espeak_SetSynthCallback(callback)
    if error := espeak.espeak_SetVoiceByName(voice.encode()):
        raise EspeakError(f"espeak_SetVoiceByName({voice!r}) answered {error}; expected 0")
    size = ctypes.c_size_t(len(text) + 1)
    if error := espeak.espeak_Synth(text, size, 0, _BY_CHARACTER, 0, _UTF_8, None, None):
        raise EspeakError(f"espeak_Synth answered {error}; expected 0")


def main(arguments: list[str], text: BinaryIO, samples: BinaryIO) -> str | None:
    """Render what stands in ``text`` to ``samples``; returns what went wrong, if anything did.

    Args:
        arguments: the library, the voice, and how many bytes of samples are enough.
        text: see `render`.
        samples: gets each part at once; one that cannot be written ends the rendering.
    """
    library, voice, enough = arguments
    left = int(enough)

    def take(part: bytes) -> bool:
        nonlocal left
        try:
            samples.write(part[:left])
            samples.flush()
        except OSError:
            # Nobody listens any more.
            left = 0
        left = max(0, left - len(part))
        return left > 0

    try:
        render(library, voice, text.read(), take)
    except (EspeakError, OSError) as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer))
