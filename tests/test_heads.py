"""A head that came before is known again, and taken for nothing else than the parser would."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from common import SEND
from mock_server.http.heads import Head, KnownHead
from mock_server.reading.decoding import LARGEST_BODY

LINES = [
    (b"Host", b"localhost"),
    (b"api-key", b"k"),
    (b"Content-Length", b"%d"),
    (b"Accept", b"*/*"),
]


def request(
    body: bytes = b"{}", lines: list[tuple[bytes, bytes]] = LINES, target: bytes = SEND.encode()
) -> bytes:
    """A request as it stands on the wire; ``%d`` is the length of its body."""
    head = b"POST %s HTTP/1.1\r\n" % target + b"".join(b"%s: %s\r\n" % line for line in lines)
    return head.replace(b"%d", b"%d" % len(body)) + b"\r\n" + body


class Parsed:
    """What httptools makes of bytes: every request in them that is whole."""

    def __init__(self, data: bytes) -> None:
        self.found = list[tuple[Head, bytes]]()
        self.is_whole = True
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.is_whole = False

    def on_message_begin(self) -> None:
        self.is_whole = False
        self._url, self._body, self._lines = b"", b"", list[tuple[bytes, bytes]]()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.is_whole = True
        method = self._parser.get_method().decode()
        self.found.append((Head.of(method, self._url, self._lines), self._body))


def known(data: bytes) -> KnownHead | None:
    """The head of the first request in these bytes, as a connection remembers it."""
    return KnownHead.of(data, Parsed(data).found[0][0])


@pytest.fixture(scope="module")
def head() -> KnownHead:
    found = known(request())
    assert found is not None
    return found


PIECES = st.sampled_from(
    [b"2", b"0", b"\r\n", b": ", b"Content-Length: 2\r\n", b"api-key: k\r\n", request(), b"{}"]
)


@given(
    body=st.one_of(st.binary(max_size=20), PIECES),
    at=st.integers(0, 200),
    cut=st.integers(0, 3),
    piece=st.one_of(st.just(b""), st.binary(max_size=3), PIECES),
)
@example(body=b"ab", at=200, cut=0, piece=b"")
def test_what_is_known_again_is_what_the_parser_reads(
    head: KnownHead, body: bytes, at: int, cut: int, piece: bytes
) -> None:
    sent = request(body)
    data = sent[:at] + piece + sent[at + cut :]

    again = head.body_of(data)

    event("known" if again is not None else "not known")
    if again is not None:
        parsed = Parsed(data)
        ((read, whole),) = parsed.found
        assert (parsed.is_whole, whole) == (True, again)
        assert read == Head(*[getattr(head.head, name) for name in FIELDS], length=len(again))


FIELDS = ["method", "target", "path", "query", "is_control", "headers"]


@pytest.mark.parametrize("body", [b"", b"{}", b"a" * 1_000, b"\r\n\r\n", request(), b"1" * 999_999])
def test_a_head_is_known_again_whatever_its_body(head: KnownHead, body: bytes) -> None:
    assert head.body_of(request(body)) == body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        request()[:-1],
        request() + b"\r\n",
        request() * 2,
        request().replace(b"Length: 2", b"Length: 02"),
        request().replace(b"Length: 2", b"Length: +2"),
        request().replace(b"Length: 2", b"Length: "),
        request().replace(b"api-key: k", b"api-key: q"),
        request().replace(b"Accept", b"accept"),
        request().replace(b"POST", b"PUT"),
        request(b"a" * (LARGEST_BODY + 1)),
    ],
    ids=range(11),
)
def test_what_is_not_this_head_and_a_whole_body_is_parsed(head: KnownHead, data: bytes) -> None:
    assert head.body_of(data) is None


def test_a_length_that_nothing_follows_is_parsed(head: KnownHead) -> None:
    """The number is what would be right if the rest of the head were there."""
    rests = [head.before + b"%d" % number + b"\r" for number in range(1_000)]

    assert [rest for rest in rests if head.body_of(rest) is not None] == []


NOT_KNOWN: dict[str, Any] = {
    "part of it has yet to come": request()[:-1],
    "another follows": request() * 2,
    "its body is in chunks": request(
        b"0\r\n\r\n", [(b"Host", b"a"), (b"Transfer-Encoding", b"chunked")]
    ),
    "it has no body": request(b"", [(b"Host", b"a")]),
    "it waits to continue": request(lines=[*LINES, (b"Expect", b"100-continue")]),
    "it is the control plane's": request(target=b"/_twin/reset"),
    "it is large": request(lines=[*LINES, (b"X-Padding", b"a" * 2_000)]),
}


@pytest.mark.parametrize("data", NOT_KNOWN.values(), ids=NOT_KNOWN)
def test_a_head_is_not_remembered_if(data: bytes) -> None:
    whole = data if Parsed(data).found else data + b"}"

    assert KnownHead.of(data, Parsed(whole).found[0][0]) is None


@pytest.mark.parametrize(
    "line", [b"content-length:2", b"CONTENT-LENGTH:  2", b"Content-Length: 2 \t"]
)
def test_a_head_is_known_however_its_length_is_written(line: bytes) -> None:
    data = request().replace(b"Content-Length: 2", line)
    found = known(data)

    assert found is not None
    assert found.body_of(data.replace(b"2 ", b"3 ").replace(b"2\r", b"3\r") + b"}") == b"{}}"
