"""The head of a request: whose it is, its headers, and how one is known again.

httptools parses it, at a connection and in process.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes

import httptools
import msgspec

from mock_server.http.served import is_control
from mock_server.reading.decoding import LARGEST_BODY
from mock_server.store.entries import Request

LARGEST_HEAD: Final = 2**16
"""In bytes; a connection refuses a larger one."""
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
# A head that is longer, which few are, is parsed each time: an idle connection keeps its last.
_LARGEST_KNOWN: Final = 2**11
# No body of so many is too large.
_MOST_DIGITS: Final = len(str(LARGEST_BODY)) - 1


class Head(msgspec.Struct, frozen=True, gc=False):
    """All of a request but its body."""

    method: str
    target: bytes
    """As it was sent, without scheme and host."""
    path: str
    query: str
    is_control: bool
    """Whether it is the control plane's."""
    headers: dict[str, str]
    """By their names in lower case, without Content-Length; the values of one that was sent again
    are joined by a comma (RFC 9110, 5.3)."""
    length: int | None
    """Of the body, where it is stated."""

    @classmethod
    def of(cls, method: str, target: bytes, lines: Iterable[tuple[bytes, bytes]]) -> Head:
        r"""The head with these header lines.

        >>> head = Head.of("GET", b"/a?b", [(b"A", b"1"), (b"b", b"\xe9"), (b"a", b"2")])
        >>> head.path, head.query, head.headers
        ('/a', 'b', {'a': '1, 2', 'b': 'é'})

        Raises:
            ValueError: the target is neither a path nor a URL, more than one host is named (RFC
                9112, 3.2), or the body is not sent as it is.
        """
        whose = _decoded(target)
        headers = dict[str, str]()
        for name, value in lines:
            # httptools leaves the blanks behind a value.
            key, text = _name(name), value.decode("latin-1").strip(" \t")
            if key in headers:
                if key == "host":
                    raise ValueError("more than one Host")
                headers[key] += f", {text}"
            else:
                headers[key] = text
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            raise ValueError(f"Transfer-Encoding {headers['transfer-encoding']}")
        length = headers.pop("content-length", None)
        return cls(method, *whose, headers, None if length is None else int(length))

    def request(self, body: bytes, *, complete: bool = True) -> Request:
        """The request with this body, as the twin handles it."""
        return Request(self.method, self.path, self.headers, body, complete, self.query)


@functools.lru_cache(maxsize=256)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


@functools.lru_cache(maxsize=256)
def _decoded(target: bytes) -> tuple[bytes, str, str, bool]:
    """The four parts of a `Head` that its target gives."""
    if b"#" in target:
        raise ValueError("a fragment")
    if not target.startswith((b"/", b"*")):
        url = httptools.parse_url(target)
        target = (url.path or b"/") + (b"?" + url.query if url.query else b"")
    raw_path, _, query = target.partition(b"?")
    path = unquote_to_bytes(raw_path).decode(errors="replace")
    return target, path, query.decode(errors="replace"), is_control(path)


class _Parsed:
    """What httptools found in a head."""

    def __init__(self) -> None:
        self.url = b""
        self.lines = list[tuple[bytes, bytes]]()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))


def parsed(data: bytes) -> Head:
    """The head with these bytes, as a connection reads it.

    Raises:
        httptools.HttpParserError: it is not one of HTTP.
        ValueError: as `Head.of`.
    """
    found = _Parsed()
    parser = httptools.HttpRequestParser(found)
    # Another protocol that is asked for is not spoken here.
    with contextlib.suppress(httptools.HttpParserUpgrade):
        parser.feed_data(data)
    return Head.of(parser.get_method().decode(), found.url, found.lines)


def reason(error: Exception) -> str:
    """Why a head is not one of HTTP, as the parser or `Head.of` has it."""
    return str(error.__context__ or error)


class KnownHead(msgspec.Struct, frozen=True, gc=False):
    """The bytes of a head that the parser took, to know it again whatever the body's length.

    A client sends the same head again and again. What the parser makes of one between two requests
    depends on its bytes alone, so nothing but the number in Content-Length has to be read anew.
    """

    head: Head
    before: bytes
    """What stands before that number,"""
    after: bytes
    """and behind it, to the end of the head."""

    @classmethod
    def of(cls, data: bytes, head: Head) -> KnownHead | None:
        """The head, if the data are one request to the imitated API, whole and nothing else."""
        end = data.find(_END) + len(_END)
        if len(data) - end != head.length or end > _LARGEST_KNOWN:
            return None
        line = _LENGTH.search(data, 0, end)
        if line is None or head.is_control or "expect" in head.headers:
            return None
        return cls(head, data[: line.start(1)], data[line.end(1) : end])

    def body_of(self, data: bytes) -> bytes | None:
        """The body, if the data are one request with this head, whole and nothing else."""
        before, after = self.before, self.after
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(after, start, start + _MOST_DIGITS + len(after))
        body = data[end + len(after) :]
        return body if end > 0 and data[start:end] == b"%d" % len(body) else None
