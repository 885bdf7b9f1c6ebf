"""Texts that somebody might send to break whatever shows them, and the requests that carry them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle, islice
from typing import NamedTuple
from urllib.parse import quote

from common import BODY, SEND

COUNT = 500
# Sets a canary that nothing may ever set.
RUNS = "window.canary=1"
MARKUP = (
    f"<script>{RUNS}</script>",
    f"</script><script>{RUNS}</script>",
    f"<scr<script>ipt>{RUNS}</scr</script>ipt>",
    f"<img src=x onerror={RUNS}>",
    f'"><img src=x onerror="{RUNS}">',
    f"'><img src=x onerror='{RUNS}'>",
    f"<svg onload={RUNS}>",
    f"<svg><script>{RUNS}</script></svg>",
    f"<math><mtext><style><img src=x onerror={RUNS}>",
    f"<body onload={RUNS}>",
    f"<input autofocus onfocus={RUNS}>",
    f"<details open ontoggle={RUNS}>",
    f"<video><source onerror={RUNS}></video>",
    f"<marquee onstart={RUNS}>",
    f'<iframe srcdoc="<script>parent.{RUNS}</script>"></iframe>',
    f"<iframe src=javascript:parent.{RUNS}></iframe>",
    f"<object data=javascript:{RUNS}></object>",
    f"<embed src=javascript:{RUNS}>",
    f"<a href=javascript:{RUNS}>click</a>",
    f"javascript:{RUNS}",
    f"data:text/html,<script>{RUNS}</script>",
    "<base href=https://example.com/>",
    "<meta http-equiv=refresh content='0;url=https://example.com/'>",
    "<link rel=stylesheet href=https://example.com/a.css>",
    "<img src=https://example.com/pixel.gif>",
    "<style>*{display:none!important}</style>",
    "<style>@import 'https://example.com/a.css'</style>",
    "<form action=https://example.com/><button>Send</button></form>",
    "</textarea></title></style></pre></code></template></select></svg><h1>out</h1>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?php echo 1 ?>",
    "<plaintext>",
    "<template><script>",
    "<dialog open>Signed out</dialog>",
    '<div hx-get="/_twin/page/rules" hx-trigger="load">x</div>',
    '<div hx-post="/_twin/reset" hx-trigger="load">x</div>',
    f'<div hx-on:load="{RUNS}" hx-on::load="{RUNS}">x</div>',
    f"<div data-hx-vals='js:{{a: {RUNS}}}'>x</div>",
    '<div hx-swap-oob="true" id="main">x</div>',
    '<button data-method="POST" data-url="/_twin/reset">x</button>',
    "{{ 7 * 7 }}",
    "{{ config }}",
    "{% for one in ().__class__.__mro__ %}{% endfor %}",
    "{# comment #}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "&NotAnEntity; &amp;amp; &",
    f'" onmouseover={RUNS} x="',
    f"' onfocus={RUNS} autofocus x='",
    f"` onload={RUNS} `",
    f'\\";{RUNS};//',
    f"'-{RUNS}-'",
    f"</li></ul></main><script>{RUNS}</script>",
)
BIDI = (
    *(
        f"pay {one}001 euros{one} now"
        for one in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    ),
    "\u202egpj.exe",
    "\u05e9\u05dc\u05d5\u05dd <b>\u05e2\u05d5\u05dc\u05dd</b> abc",
    "\u0645\u0631\u062d\u0628\u0627 +33612345678 \u0645\u0631\u062d\u0628\u0627",
)
UNSEEN = (
    *(f"a{one}b" for one in "\u200b\u200c\u200d\u2060\u2061\u2064\ufeff\u00ad\u180e\u2028\u2029"),
    *(
        f"a{one}b"
        for one in "\ufff9\ufffb\U000e0041\U000e007f\ufe0f\u034f\u3164\u115f\u00a0\ufffe\uffff"
    ),
    "Z" + "\u0301\u0489\u0336" * 40,
    # A family joined of four, and the flag of England, joined of tags.
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 5,
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f" * 5,
    "\u200b" * 300,
)
CONTROLS = (
    *(f"a{chr(code)}b" for code in (*range(0x20), *range(0x7F, 0xA0))),
    "\x1b[31mred\x1b[0m",
    "a\r\nSet-Cookie: b=c\r\n\r\n<script>",
    "\b\b\b\b",
    "\n" * 200,
)
# Halves of pairs: json.dumps writes them as escapes.
HALVES = ("\ud800", "a\udfffb", "\udc00\ud800", "\ud83d <script>")
ODD = (
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "null",
    "undefined",
    "NaN",
    "-0",
    "1e999",
    "true",
    "[]",
    "{}",
    "../../../../etc/passwd",
    "..%2f..%2f%00",
    "%s%s%s%n",
    "$(reboot) `reboot` ;reboot|reboot",
    "' OR 1=1; --",
    "\\u003cscript\\u003e",
    "//example.com",
    "#main",
    "?login=ada",
    "/_twin/reset",
    "~1~0/~",
    ",".join("x" * 9),
    "\ufdfd" * 50,
    "W" * 3_000,
    "\u0627" * 3_000,
    "i " * 3_000,
)
TEXTS = (*MARKUP, *BIDI, *UNSEEN, *CONTROLS, *HALVES, *ODD)
# With what else is in a body, so many bytes that it is still read.
LONGEST = 2**20 - 400


# Without #, which begins a fragment.
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "#")


class Sent(NamedTuple):
    """A request that carries a text, and where: its path and query, headers, and body."""

    place: str
    target: bytes
    headers: dict[str, bytes]
    body: bytes


def requests() -> Iterator[Sent]:
    """Every text at one place after another, and some words of a mebibyte; `COUNT` of them."""
    longest = (
        Sent("text", SEND.encode(), {}, written(text=one * (LONGEST // len(one.encode()))))
        for one in ("W", "<b>", "\u05d0")
    )
    yield from longest
    placed = (_placed(place, text) for text, place in zip(cycle(TEXTS), _places(), strict=False))
    yield from islice(placed, COUNT - 3)


def written(**changed: object) -> bytes:
    """The common body with changes, in which half of a pair is an escape."""
    return json.dumps(BODY | changed).encode()


PLACES = (
    "text",
    "name",
    "sender",
    "login",
    "path",
    "number",
    "query",
    "name_inside",
    "header",
    "list_name",
    "raw",
    "send_at",
    "request_id",
)


def _places() -> Iterator[str]:
    """The texts are no multiple of the places, so that each stands at several."""
    return cycle(PLACES)


def _placed(place: str, text: str) -> Sent:
    path, headers, body = SEND.encode(), dict[str, bytes](), written()
    if place in {"text", "sender", "list_name", "send_at", "request_id"}:
        body = written(**{place: text})
    elif place == "name":
        body = written(**{text: text})
    elif place == "number":
        body = written(recipients=[{"phone_number": text, "first_name": text}])
    elif place == "name_inside":
        body = written(recipients=[{"phone_number": "+33612345678", text: {text: [text]}}])
    elif place == "raw":
        body = text.encode("utf-8", "surrogatepass")
    elif place == "path":
        path = b"/v1/" + _of_target(text)
    elif place == "query":
        path += b"?" + _of_target(text)
    elif place == "login":
        headers["api-login"] = _of_header(text)
    elif place == "header":
        headers["content-type"] = _of_header(text)
    return Sent(place, path, headers, body)


def _of_header(text: str) -> bytes:
    """What of a text can stand in a header."""
    line = "".join(one for one in text[:3_000] if one >= " " and one != "\x7f").strip(" ")
    return line.encode("utf-8", "surrogatepass") or b"-"


def _of_target(text: str) -> bytes:
    """A text as it can stand in the first line of a request: markup as it is, the rest escaped."""
    return quote(text[:1_000].encode("utf-8", "surrogatepass"), safe=_PRINTABLE).encode()
