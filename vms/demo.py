"""``vms demo``: the main job, from the start of a twin to the look into its inbox."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import click
import httpx
from rich.console import Console

from vms import show
from voice_client import ValidationFailed, VoiceClient

_NUMBER: Final = "+33612345678"
_TEXT: Final = "Your parcel waits at the counter until Friday."
_PATH: Final = "/v1/public/voice-campaign/send"
_SLOPPY: Final = {
    "text": 20261224,
    "recipients": "06 12 34 56 78; 0033 6 98 76 54 32; call me",
    "sender": "Nanterre-dom",
    "send_at": "tomorrow at noon",
    "voice_gender": "FEMALE",
    "voice_language": "fr",
    "get_back_pressed_keys": "yes",
}


def run() -> None:
    """Print the demo; every request goes to a twin of its own on this machine."""
    console = show.console()
    with _twin() as url:
        console.print(f"A twin listens on {url}\n")
        _one_contact(console, url)
        _raw(console, url, "2. A sloppy request, as the API would read it", _SLOPPY)
        _raw(
            console,
            url,
            "3. Meant as a simulation: the API ignores the unknown word, and phones ring",
            {"text": _TEXT, "recipients": [{"phone_number": _NUMBER}], "mode": "simu"},
        )
        _refused(console, url)
        kept = httpx.get(f"{url}/_twin/requests").json()["kept"]
        console.print(f"The inbox has all {kept} requests: {url}/_twin/requests")
        console.print("It ends with this demo. To keep one: vms serve")


def _one_contact(console: Console, url: str) -> None:
    _title(console, "1. The vendor's example, through the generated client")
    with VoiceClient("ada@example.com", "a-key", base_url=url) as client:
        client.send(_TEXT, [_NUMBER])
    _exchange(console, _newest(url))


def _refused(console: Console, url: str) -> None:
    _title(console, "4. A language that is not supported, the one documented refusal")
    with VoiceClient("grace@example.com", "a-key", base_url=url, validate="off") as client:
        try:
            # Wrong on purpose: with validation it would not have left.
            client.send(_TEXT, [_NUMBER], voice_language="tlh-KX")  # type: ignore[call-overload]
        except ValidationFailed as refusal:
            _exchange(console, _newest(url))
            console.print(f"  The client raised ValidationFailed: {refusal}\n")


def _raw(console: Console, url: str, title: str, body: dict[str, Any]) -> None:
    _title(console, title)
    answer = httpx.post(
        url + _PATH, json=body, headers={"api-login": "alan@example.com", "api-key": "a-key"}
    )
    _exchange(console, httpx.get(url + answer.headers["Twin-Request"]).json())


def _newest(url: str) -> dict[str, Any]:
    rows = httpx.get(f"{url}/_twin/requests").json()["requests"]
    entry: dict[str, Any] = httpx.get(f"{url}/_twin/requests/{rows[-1]['id']}").json()
    return entry


def _title(console: Console, text: str) -> None:
    console.print(text, style="bold")


def _exchange(console: Console, entry: dict[str, Any]) -> None:
    console.print(f"  {entry['method']} {entry['path']}")
    console.print(show.payload(json.loads(entry["raw"])))
    console.print(show.indented(show.verdict(entry)))
    console.print(show.payload(entry["answer"]["body"]))
    console.print(show.indented(show.notes(entry)))
    console.print()


@contextlib.contextmanager
def _twin() -> Iterator[str]:
    """A twin in a process of its own, on a free port; its URL."""
    command = [sys.executable, "-m", "vms", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            first = process.stdout.readline() if process.stdout else ""
            if not first.startswith("Listening on "):
                raise click.ClickException("the twin did not start; `vms serve` shows why")
            yield first.split()[2]
        finally:
            process.terminate()
