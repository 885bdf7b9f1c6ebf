"""``audio.wav``: what is heard of a request, and how it is sent while it is rendered."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
from flask.testing import FlaskClient

from common import BODY, SEND, SIGNED_IN, Send
from mock_server import running
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.http.admin import LONGEST_AT_ONCE
from mock_server.http.app import create_app
from mock_server.http.served import Served, ServeOptions
from mock_server.http.server import Serving
from mock_server.speech import rendering
from mock_server.speech.recordings import Recordings
from mock_server.speech.rendering import SpeechError
from test_connections import connections, until
from test_say import another_contract
from test_server import HEALTH, LAST, connect, heard

AUDIO = "/_twin/requests/1/audio.wav"
GET = f"GET {AUDIO} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
LONG = "Your parcel arrives tomorrow. " * 20


# ── what is heard ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "text", "voice"),
    [
        ({}, "Hello.", "en-us+f2"),
        ({"voice_language": "fr-FR", "voice_gender": "male"}, "Hello.", "fr"),
        ({"voice_language": "de_DE", "voice_gender": " MALE"}, "Hello.", "de"),
        ({"voice_gender": "robot"}, "Hello.", "en-us+f2"),
        ({"text": 1234}, "1234", "en-us+f2"),
        ({"text": "<break time='60s'/>"}, "<break time='60s'/>", "en-us+f2"),
    ],
)
@pytest.mark.unmeasured
def test_it_is_what_the_api_read(
    client: FlaskClient, send: Send, given: dict[str, Any], text: str, voice: str
) -> None:
    send(BODY | given)

    response = client.get(AUDIO)

    assert (response.status_code, response.content_type) == (200, "audio/wav")
    assert response.data == rendering.wav(text, voice)
    assert response.content_length == len(response.data)


def test_a_refused_request_is_heard_where_its_text_and_voice_were_read(
    client: FlaskClient, send: Send
) -> None:
    assert send(BODY | {"recipients": []}).status_code == 400

    assert client.get(AUDIO).data == rendering.wav("Hello.", "en-us+f2")


@pytest.mark.parametrize(
    "given",
    [
        {"body": BODY | {"text": ""}},
        {"body": {"recipients": ["+33612345678"]}},
        {"body": BODY | {"voice_language": "tlh"}},
        {"data": b"{"},
        {"body": BODY, "headers": {}},
    ],
)
def test_what_could_not_be_read_is_not_heard(
    client: FlaskClient, send: Send, given: dict[str, Any]
) -> None:
    send(**given)

    response = client.get(AUDIO)

    assert response.status_code == 404
    assert response.json["expected"] == "a request whose text and voice could be read"


@pytest.mark.parametrize("number", ["2", "0", "x", "9" * 30])
def test_what_is_not_in_the_inbox_is_not_heard(client: FlaskClient, number: str) -> None:
    response = client.get(f"/_twin/requests/{number}/audio.wav")

    assert response.status_code == 404
    assert response.json["expected"].startswith("the id of a kept request")


def test_a_language_without_a_voice_is_named(tmp_path: Path) -> None:
    client = create_app(Twin(load(another_contract(tmp_path)))).test_client()
    client.post(SEND, json=BODY | {"voice_language": "tlh-QO"}, headers=SIGNED_IN)

    response = client.get(AUDIO)

    assert response.status_code == 501
    assert (response.json["where"], response.json["got"]) == ("voice_language", "tlh-QO")
    assert "en-US, en-GB" in response.json["expected"]


def test_without_the_extra_it_is_shown_how_to_install_it(
    client: FlaskClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rendering.sys.modules, "espeakng_loader", None)
    send(BODY)

    response = client.get(AUDIO)

    assert response.status_code == 501
    assert "pip install 'vms-kit[twin,voice]'" in response.json["expected"]


def test_masked_numbers_are_not_heard(contract: Contract) -> None:
    client = create_app(Twin(contract), ServeOptions(mask=True)).test_client()
    client.post(SEND, json=BODY | {"text": "Call 0612345678."}, headers=SIGNED_IN)

    assert client.get(AUDIO).data == rendering.wav("Call 0612••••78.", "en-us+f2")


def test_whoever_has_listened_gives_the_place_back(contract: Contract) -> None:
    client = create_app(Twin(contract), ServeOptions(workers=2)).test_client()
    client.post(SEND, json=BODY, headers=SIGNED_IN)

    assert [client.get(AUDIO).status_code for _ in range(3)] == [200] * 3


def test_who_asks_for_the_head_gets_no_sound(client: FlaskClient, send: Send) -> None:
    send(BODY)

    response = client.head(AUDIO)

    assert (response.status_code, response.content_type, response.data) == (200, "audio/wav", b"")


def test_the_estimated_duration_stays_as_it_is(client: FlaskClient, send: Send) -> None:
    before = send(BODY).json["estimated_duration"]
    client.get(AUDIO)

    assert send(BODY).json["estimated_duration"] == before


def test_a_long_text_that_is_asked_for_as_a_whole_has_its_length() -> None:
    with running() as twin:
        body = BODY | {"text": LONG}
        with httpx.Client(base_url=twin.base_url, transport=twin.transport) as client:
            client.post(SEND, headers=twin.headers, json=body)
            content = client.get(f"{AUDIO}?whole=true").content

    with wave.open(io.BytesIO(content)) as file:
        assert file.getnframes() * 2 == len(content) - 44


# ── while it is rendered ────────────────────────────────────────────────────


class Studio:
    """A twin on a port, whose recordings come part by part as they are released."""

    def __init__(self, contract: Contract) -> None:
        self.app: flask.Flask = create_app(Twin(contract))
        served = Served.of(self.app)
        assert served is not None
        served.recordings = self.recordings = Recordings(self._render)
        self.parts: Sequence[bytes | Exception] = []
        self._released = threading.Semaphore(0)
        self.running = Serving(self.app)

    def _render(self, *_: str) -> Iterator[bytes]:
        for part in self.parts:
            assert self._released.acquire(timeout=10)
            if isinstance(part, Exception):
                raise part
            yield part

    def release(self, count: int = 1) -> None:
        self._released.release(count)

    @property
    def url(self) -> str:
        return self.running.url


@pytest.fixture
def studio(contract: Contract) -> Iterator[Studio]:
    studio = Studio(contract)
    with studio.running:
        body = BODY | {"text": LONG}
        assert httpx.post(studio.url + SEND, json=body, headers=SIGNED_IN).status_code == 201
        yield studio
        studio.release(1000)


def received(connection: socket.socket, end: bytes) -> bytes:
    """All bytes up to these."""
    data = b""
    while not data.endswith(end):
        more = connection.recv(2**16)
        assert more, data
        data += more
    return data


def unchunked(content: bytes) -> bytes:
    parts = list[bytes]()
    while content:
        size, _, content = content.partition(b"\r\n")
        length = int(size, 16)
        parts.append(content[:length])
        content = content[length + 2 :]
    return b"".join(parts)


def test_the_first_samples_are_sent_before_the_last_are_rendered(studio: Studio) -> None:
    studio.parts = [b"first!", b"second"]

    with connect(studio.url) as connection:
        connection.sendall(GET)
        studio.release()
        head, _, body = received(connection, b"first!\r\n").partition(b"\r\n\r\n")
        studio.release()
        rest = received(connection, b"0\r\n\r\n")

    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Type: audio/wav" in head
    assert b"Content-Length" not in head
    assert body == b"2c\r\n" + rendering.header(None) + b"\r\n6\r\nfirst!\r\n"
    assert rest == b"6\r\nsecond\r\n0\r\n\r\n"


def test_what_is_rendered_has_its_length(studio: Studio) -> None:
    studio.parts = [b"ab", b"cd"]
    studio.release(2)
    streamed = httpx.get(studio.url + AUDIO)
    recording = studio.recordings.get(LONG, "en-us+f2")
    recording.whole()

    again = httpx.get(studio.url + AUDIO)

    assert streamed.content[44:] == again.content[44:] == b"abcd"
    assert again.content == recording.whole()
    assert again.headers["Content-Length"] == "48"


def test_without_a_socket_a_long_text_has_its_length(client: FlaskClient, send: Send) -> None:
    send(BODY | {"text": LONG})

    assert client.get(AUDIO).data == rendering.wav(LONG, "en-us+f2")


def test_two_who_listen_at_once_hear_the_same_rendering(studio: Studio) -> None:
    studio.parts = [b"first!", b"second"]

    with connect(studio.url) as one, connect(studio.url) as other:
        for connection in (one, other):
            connection.sendall(GET)
        studio.release()
        for connection in (one, other):
            received(connection, b"first!\r\n")
        studio.release()
        ends = [received(connection, b"0\r\n\r\n") for connection in (one, other)]

    assert ends[0] == ends[1]
    until(lambda: not studio.recordings.get(LONG, "en-us+f2")._listeners)  # noqa: SLF001  (nobody else can know)


def test_the_next_request_is_answered_after_the_recording(studio: Studio) -> None:
    studio.parts = [b"first!", b"second"]

    with connect(studio.url) as connection:
        connection.sendall(GET + HEALTH + b"\r\n" + LAST)
        studio.release()
        received(connection, b"first!\r\n")
        studio.release()
        rest = heard(connection)

    assert rest.startswith(b"6\r\nsecond\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert rest.count(b"HTTP/1.1 200 OK") == 2


def test_who_sends_no_more_gets_all_of_it_and_the_end(studio: Studio) -> None:
    studio.parts = [b"first!", b"second"]

    with connect(studio.url) as connection:
        connection.sendall(GET)
        studio.release()
        received(connection, b"first!\r\n")
        connection.shutdown(socket.SHUT_WR)
        studio.release()

        assert heard(connection) == b"6\r\nsecond\r\n0\r\n\r\n"


def test_a_rendering_that_fails_midway_is_not_taken_for_whole(studio: Studio) -> None:
    studio.parts = [b"first!", SpeechError("no")]
    studio.release(1)

    with connect(studio.url) as connection:
        connection.sendall(GET)
        received(connection, b"first!\r\n")
        studio.release()

        assert heard(connection) == b""


def test_a_rendering_that_fails_at_once_is_an_error(studio: Studio) -> None:
    studio.parts = [SpeechError("espeak-ng failed")]
    studio.release()

    answer = httpx.get(studio.url + AUDIO)

    assert (answer.status_code, answer.json()["expected"]) == (500, "espeak-ng failed")


def test_who_cannot_take_chunks_gets_the_whole(studio: Studio) -> None:
    studio.parts = [b"ab", b"cd"]
    studio.release(2)

    with connect(studio.url) as connection:
        connection.sendall(f"GET {AUDIO} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())

        assert heard(connection).endswith(b"\r\n\r\n" + rendering.header(4) + b"abcd")


def test_a_client_that_leaves_is_forgotten(studio: Studio) -> None:
    studio.parts = [b"first!"] * 1000
    with connect(studio.url) as connection:
        connection.sendall(GET)
        studio.release()
        received(connection, b"first!\r\n")
        (ours,) = connections(studio.running)
        send_on = ours._sends_on  # noqa: SLF001  (what the recording calls)

    def has_left() -> bool:
        studio.release()
        return not connections(studio.running)

    until(has_left)
    # As a change does that was reported before it left.
    send_on()
    recording = studio.recordings.get(LONG, "en-us+f2")
    studio.release(1000)

    assert recording.whole() == rendering.header(6000) + b"first!" * 1000
    assert recording._listeners == []  # noqa: SLF001  (nobody else can know)


def test_a_client_that_reads_slowly_gets_all_of_it(studio: Studio) -> None:
    studio.parts = [bytes([number]) * 2**20 for number in range(16)]

    with connect(studio.url) as connection:
        connection.sendall(GET)
        studio.release()
        # Else all of it may be there before it is sent, and be sent as a whole.
        until(lambda: any(one._sends_on for one in connections(studio.running)))  # noqa: SLF001  (nobody else can know)
        studio.release(15)
        studio.recordings.get(LONG, "en-us+f2").whole()
        until(lambda: any(one.flow.write_paused for one in connections(studio.running)))
        (ours,) = connections(studio.running)
        buffered = ours.transport.get_write_buffer_size()
        data = received(connection, b"\r\n0\r\n\r\n")

    assert buffered < 2**20
    content = data.partition(b"\r\n\r\n")[2]
    assert unchunked(content) == rendering.header(None) + b"".join(map(bytes, studio.parts))


def test_the_server_ends_while_somebody_listens(studio: Studio) -> None:
    studio.parts = [b"first!", b"second"]
    with contextlib.closing(connect(studio.url)) as connection:
        connection.sendall(GET)
        studio.release()
        received(connection, b"first!\r\n")

        studio.running.longest_stop = 0.0
        studio.running.stop()

        assert heard(connection) == b""


def test_what_is_shorter_is_sent_at_once(studio: Studio) -> None:
    body = BODY | {"text": "a" * LONGEST_AT_ONCE}
    httpx.post(studio.url + SEND, json=body, headers=SIGNED_IN)
    studio.parts = [b"ab", b"cd"]
    recording = studio.recordings.get("a" * LONGEST_AT_ONCE, "en-us+f2")

    with connect(studio.url) as connection:
        connection.sendall(GET.replace(b"requests/1/", b"requests/2/"))
        studio.release()
        until(lambda: recording.size == 2)
        studio.release()
        data = received(connection, b"abcd")

    assert b"\r\nContent-Length: 48\r\n" in data
    assert data.endswith(b"\r\n\r\n" + rendering.header(4) + b"abcd")
