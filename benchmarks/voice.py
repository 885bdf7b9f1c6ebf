"""How fast is a message rendered, and how soon does it begin?

``rendered``: from a text to all of its samples, a process of its own included. ``audio.wav``: from
a request to a ``vms serve`` on this machine to the first sample, and to the last; each text is
another, so that none is kept from before. Nothing here fails: what is missed is printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean, median
from typing import Final
from urllib.parse import urlsplit

import httpx

from mock_server.speech import rendering

_SENTENCE: Final = "Votre colis numéro {number} arrive demain entre huit heures et midi. "
_LONGEST_TEXT: Final = 1_224
_SECONDS: Final = 10
_MOST_RENDERED: Final = 50
_MOST_BEGINNING: Final = 100
_PATH: Final = "/v1/public/voice-campaign/send"


def _text(number: int, length: int) -> str:
    sentence = _SENTENCE.format(number=number)
    return (sentence * (length // len(sentence) + 1))[:length]


def _ten_seconds() -> str:
    """A text that takes about ten seconds, and not less."""
    length = 100
    while True:
        text = _text(0, length)
        if rendering.seconds(rendering.wav(text, "fr")) >= _SECONDS:
            return text
        length += 5


def _rendered(text: str) -> tuple[float, float]:
    """Milliseconds, by the clock and of the processor."""
    begin, used = time.perf_counter(), _processor()
    for _ in rendering.rendered(text, "fr"):
        pass
    return 1000 * (time.perf_counter() - begin), 1000 * (_processor() - used)


def _processor() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def _serving() -> Iterator[str]:
    command = [sys.executable, "-m", "vms", "serve", "--quiet", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  (tells mypy)
        yield process.stdout.readline().split()[2]
        process.terminate()


def _heard(url: str, number: int) -> tuple[float, float]:
    """Milliseconds to the first sample of a text of the greatest length, and to the last."""
    body = {
        "text": _text(number, _LONGEST_TEXT),
        "recipients": [{"phone_number": "+33639981234"}],
        "voice_language": "fr-FR",
        "voice_gender": "male",
    }
    headers = {"api-login": f"ada{number}", "api-key": "k"}
    answer = httpx.post(url + _PATH, json=body, headers=headers, trust_env=False)
    path = answer.raise_for_status().headers["Twin-Request"]
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port)) as connection:
        begin = time.perf_counter()
        connection.sendall(f"GET {path}/audio.wav HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received, first = b"", 0.0
        while not received.endswith(b"\r\n0\r\n\r\n"):
            data = connection.recv(2**16)
            if not data:
                sys.exit(f"the connection ended: {received[:2_000]!r}")
            received += data
            # The head, the header of the file, and more.
            _, _, content = received.partition(b"data\xff\xff\xff\xff\r\n")
            if content and not first:
                first = time.perf_counter() - begin
        return 1000 * first, 1000 * (time.perf_counter() - begin)


def _row(name: str, samples: list[float], most: float | None = None) -> None:
    middle = median(samples)
    met = "" if most is None else f"  {most:g} ms: {'met' if middle <= most else 'MISSED'}"
    print(f"{name:<44} {min(samples):>8.1f} {middle:>8.1f} {max(samples):>8.1f}{met}")


def main() -> None:
    """Measure, and print a line for each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="of each (default: 15)")
    rounds: int = parser.parse_args().rounds
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs; wall time in ms")
    print(f"{'':<44} {'best':>8} {'median':>8} {'worst':>8}  target (median)")
    text = _ten_seconds()
    rows = ((f"{_SECONDS} s of speech", text, _MOST_RENDERED), ("one word", "Bonjour.", None))
    for name, one, most in rows:
        wall, used = zip(*(_rendered(one) for _ in range(rounds)), strict=True)
        _row(f"rendered, {name}", list(wall), most)
        # The clock of the processor goes by ten milliseconds, so its mean.
        print(f"{'  of the processor, in the mean':<44} {'':>8} {mean(used):>8.1f}")
    with _serving() as url:
        first, last = zip(*(_heard(url, number) for number in range(rounds)), strict=True)
    name = f"audio.wav of {_LONGEST_TEXT:,} characters"
    _row(f"{name}, first sample", list(first), _MOST_BEGINNING)
    _row(f"{name}, last sample", list(last))


if __name__ == "__main__":
    main()
