"""A request to send again: for curl, httpx and PHP, and as a test for the fixture.

The key is not kept, so each takes it from the variable API_KEY of the environment; in a test it is
the fixture's.
"""

from __future__ import annotations

import base64
import json
import pprint
import shlex
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from mock_server.contract.model import Contract
from mock_server.json_values import strict_json
from mock_server.page.visible import UNSEEN
from mock_server.store.entries import Entry

MOST_BYTES: Final = 20_000
"""Nobody pastes a body with more into a terminal."""
_WIDTH: Final = 88


@dataclass(frozen=True, slots=True)
class Resend:
    """One request in the words of several programs."""

    curl: str
    httpx: str
    php: str
    test: str


def resend(entry: Entry, contract: Contract, base_url: str, answered: int | None) -> Resend | None:
    """The request as it was sent, to the same twin; None where its body is too large to paste."""
    if len(entry.request.body) > MOST_BYTES:
        return None
    request = entry.request
    url = f"{base_url}{_target(entry)}"
    sent = {contract.login_header: entry.login}
    if request.content_type:
        sent["Content-Type"] = request.content_type
    if encoding := request.headers.get("content-encoding"):
        sent["Content-Encoding"] = encoding
    return Resend(
        _curl(entry, contract, url, sent),
        _httpx(entry, contract, url, sent),
        _php(entry, contract, url, sent),
        _test(entry, contract, sent, answered),
    )


def _target(entry: Entry) -> str:
    path = quote(entry.request.path, safe="/:@!$&'()*+,;=~")
    return f"{path}?{entry.request.query}" if entry.request.query else path


def _curl(entry: Entry, contract: Contract, url: str, sent: dict[str, str]) -> str:
    body = entry.request.body
    first, data = "", "--data-binary @-"
    text = _seen(body)
    if text is None or text.startswith("@"):
        first = f"{_decoded_by_shell(body)} |\n"
    else:
        data = f"--data-binary {shlex.quote(text)}"
    lines = [f"curl -ig -X {shlex.quote(entry.request.method)} {_shell_text(url.encode())}"]
    lines += [f"-H {_shell_text(line)}" for line in _lines(sent)]
    lines += [f'-H "{contract.key_header}: $API_KEY"', data]
    return first + " \\\n  ".join(lines)


def _shell_text(value: bytes) -> str:
    text = _seen(value)
    return f'"$({_decoded_by_shell(value)})"' if text is None else shlex.quote(text)


def _decoded_by_shell(value: bytes) -> str:
    return f"echo {base64.b64encode(value).decode()} | base64 -d"


def _seen(value: bytes) -> str | None:
    """What can be copied from the page: None if there is what cannot be seen in it."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return None if UNSEEN.search(text) else text


def _lines(sent: dict[str, str]) -> list[bytes]:
    # Without a Content-Type curl would add its own.
    absent = [] if "Content-Type" in sent else [b"Content-Type:"]
    lines = [f"{name}: ".encode() + _on_the_wire(value) for name, value in sent.items()]
    return [line.strip() for line in lines] + absent


def _on_the_wire(header: str) -> bytes:
    """The bytes of a header: the server decodes each to a character."""
    return header.encode("latin-1", "replace")


def _httpx(entry: Entry, contract: Contract, url: str, sent: dict[str, str]) -> str:
    name, body, headers = _python_body(entry, sent)
    lines = [f"    {key!r}: {_python_text(value)}," for key, value in headers.items()]
    lines.append(f'    {contract.key_header!r}: os.environ["API_KEY"],')
    shown = "\n".join(lines)
    return (
        f"import os\n\nimport httpx\n\nheaders = {{\n{shown}\n}}\n{name} = {body}\n"
        f"response = httpx.request({entry.request.method!r}, {url!r}, headers=headers, "
        f"{name}={name})\nprint(response.status_code, response.text)\n"
    )


def _python_text(header: str) -> str:
    return repr(header if header.isascii() else _on_the_wire(header))


def _python_body(entry: Entry, sent: dict[str, str]) -> tuple[str, str, dict[str, str]]:
    """The argument of httpx, its value, and the headers that are still needed."""
    body = entry.request.body
    try:
        value = strict_json(body.decode())
        # As httpx writes it.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        text = pprint.pformat(value, width=_WIDTH, sort_dicts=False)
        is_json = sent.get("Content-Type") == "application/json"
    except (ValueError, RecursionError):
        is_json = False
    if not is_json:
        return "content", pprint.pformat(body, width=_WIDTH), sent
    return "json", text, {name: sent[name] for name in sent if name != "Content-Type"}


def _php(entry: Entry, contract: Contract, url: str, sent: dict[str, str]) -> str:
    headers = [_php_text(line) for line in _lines(sent)]
    headers.append(f"'{contract.key_header}: ' . getenv('API_KEY')")
    shown = "".join(f"        {header},\n" for header in headers)
    return (
        f"<?php\n$curl = curl_init({_php_text(url.encode())});\ncurl_setopt_array($curl, [\n"
        f"    CURLOPT_CUSTOMREQUEST => {_php_text(entry.request.method.encode())},\n"
        f"    CURLOPT_HTTPHEADER => [\n{shown}    ],\n"
        f"    CURLOPT_POSTFIELDS => {_php_text(entry.request.body)},\n"
        "    CURLOPT_RETURNTRANSFER => true,\n]);\n"
        "echo curl_exec($curl), curl_getinfo($curl, CURLINFO_RESPONSE_CODE), PHP_EOL;\n"
    )


def _php_text(value: bytes) -> str:
    text = _seen(value)
    if text is None:
        return f"base64_decode('{base64.b64encode(value).decode()}')"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _test(entry: Entry, contract: Contract, sent: dict[str, str], answered: int | None) -> str:
    name, body, headers = _python_body(entry, sent)
    headers.pop(contract.login_header)
    lines = [
        f"    {contract.login_header!r}: voice_twin.login,",
        f"    {contract.key_header!r}: voice_twin.key,",
        *(f"    {key!r}: {_python_text(value)}," for key, value in headers.items()),
    ]
    shown = "\n".join(f"    {line}" for line in lines)
    value = body.replace("\n", "\n    ")
    asserts = [f'    assert response.headers["Twin-Notes"] == "{entry.tally.repairs}"']
    if answered is not None:
        asserts.insert(0, f"    assert response.status_code == {answered}")
    return (
        f"import httpx\n\n\ndef test_request_{entry.id}(voice_twin):\n"
        f"    {name} = {value}\n    headers = {{\n{shown}\n    }}\n"
        "    with httpx.Client(\n        base_url=voice_twin.base_url, "
        "transport=voice_twin.transport\n    ) as client:\n"
        f"        response = client.request(\n            {entry.request.method!r}, "
        f"{_target(entry)!r}, headers=headers, {name}={name}\n        )\n\n"
        + "\n".join(asserts)
        + "\n"
    )
