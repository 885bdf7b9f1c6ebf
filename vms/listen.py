"""``vms listen``: the receipts of a running twin as they happen, forwarded where asked."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import click
import httpx

from mock_server.contract.loader import load
from mock_server.http.callback import TAKEN, NoAnswerError, Receiver
from mock_server.http.served import CONTROL
from mock_server.settings.loopback import host_of, is_loopback_name
from mock_server.testing.deliveries import TwinReceipt, answered
from vms.endings import CannotError, remark

_WAIT: Final = 30
_PATIENCE: Final = _WAIT + 10
_PAGE: Final = 1000
# More than the log of a twin keeps, so that nothing in it is ever taken for new twice.
_MOST_SEEN: Final = 20_000


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """What to listen to, and where to forward it."""

    url: str
    login: str | None = None
    """None listens to all accounts."""
    token: str | None = None
    forward_to: str | None = None
    hosts: tuple[str, ...] = ()
    """Hosts besides those of this machine that receipts may be forwarded to."""
    once: bool = False
    as_json: bool = False


def run(options: ListenOptions) -> int:
    """Listen until the first receipt, or until the twin stops; the exit code.

    Raises:
        CannotError: no twin answers there, or it stopped, or it refuses.
        click.UsageError: receipts may not be forwarded there.
    """
    with _receiver(options) as receiver, _client(options) as client:
        feed = Feed(client, options.login)
        feed.begin()
        remark(f"Listening to {options.url}. Ctrl-C ends it.")
        while True:
            for document in feed.more():
                is_taken = _handle(document, receiver, options)
                if options.once:
                    return 0 if is_taken else 1


def _handle(document: dict[str, Any], receiver: Receiver | None, options: ListenOptions) -> bool:
    """Forward one receipt and print it; whether it did not have to be forwarded or was taken."""
    receipt, answer = TwinReceipt(document), None
    if receiver is not None and receipt.state != "lost":
        answer = _forwarded(receipt, receiver)
    if options.as_json:
        click.echo(json.dumps({**document, "forwarded": answer}, ensure_ascii=False))
    else:
        whose = "" if options.login else f" ({document['login']})"
        lost = ", lost on demand" if receipt.state == "lost" else ""
        click.echo(f"{receipt.summary()}{lost}{whose}")
        if answer is not None:
            click.echo(answered(answer["status"], answer["answer"]))
    return answer is None or answer["status"] in TAKEN


def _forwarded(receipt: TwinReceipt, receiver: Receiver) -> dict[str, Any]:
    """What the receiver answered, of the shape of an attempt in ``openapi/twin.yaml``."""
    try:
        status, text = receiver.post(receipt.content_type, receipt.body)
    except NoAnswerError as error:
        return {"status": None, "answer": str(error)}
    return {"status": status, "answer": text}


class Feed:
    """The receipts in the log of a twin, each once, from `begin` on."""

    def __init__(self, client: httpx.Client, login: str | None) -> None:
        self._client = client
        self._query = {} if login is None else {"login": login}
        self._since = dict[str, str]()
        # By age, to forget the oldest first.
        self._seen = dict[str, None]()
        self._has_answered = False

    def begin(self) -> None:
        """Leave out what is in the log by now."""
        while len(self._page(0)) == _PAGE:
            pass

    def more(self) -> list[dict[str, Any]]:
        """What is new, oldest first; waits for it, and is empty where nothing came meanwhile."""
        before = {*self._seen}
        return [one for one in self._page(_WAIT) if one["id"] not in before]

    def _page(self, wait: float) -> list[dict[str, Any]]:
        query = {**self._query, **self._since, "wait": wait, "limit": _PAGE}
        page: list[dict[str, Any]] = self._asked(query)["receipts"]
        # Where the log has forgotten the one before, the page begins at its start, and those that
        # were seen are in it once more.
        self._seen.update(dict.fromkeys(one["id"] for one in page))
        for old in [*self._seen][:-_MOST_SEEN]:
            del self._seen[old]
        if page:
            self._since = {"since": page[-1]["id"]}
        return page

    def _asked(self, query: Mapping[str, Any]) -> dict[str, Any]:
        url = str(self._client.base_url).rstrip("/")
        try:
            response = self._client.get(f"{CONTROL}/receipts", params=query)
        except httpx.RequestError as error:
            if self._has_answered:
                raise CannotError(f"the twin at {url} has stopped ({_reason(error)})") from error
            raise CannotError(
                f"no twin answers at {url} ({_reason(error)}); start one with `vms serve`, "
                "or name another with --url"
            ) from error
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise CannotError(
                f"the twin at {url} refuses the token; give the one that it printed at its start "
                "with --token, or in VOICE_TWIN_TOKEN"
            )
        with contextlib.suppress(ValueError):
            answer = response.json()
            if response.is_success and isinstance(answer, dict) and "receipts" in answer:
                self._has_answered = True
                return answer
            if isinstance(answer, dict) and {"where", "got", "expected"} <= answer.keys():
                raise CannotError("{where}: got {got}; expected {expected}".format_map(answer))
        raise CannotError(
            f"{response.url.copy_with(query=None)} answers {response.status_code} "
            f"{response.reason_phrase}; is that a twin of this version?"
        )


def _reason(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__


@contextmanager
def _client(options: ListenOptions) -> Iterator[httpx.Client]:
    if options.token and not options.token.isascii():
        raise click.BadParameter("got one that is not ASCII", param_hint="--token")
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    try:
        url = httpx.URL(options.url)
    except httpx.InvalidURL as error:
        raise click.BadParameter(f"{options.url!r}: {error}", param_hint="--url") from error
    # A proxy of the environment does not reach this machine's own ports.
    trust_env = not is_loopback_name(url.host)
    with httpx.Client(
        base_url=url, headers=headers, timeout=_PATIENCE, trust_env=trust_env
    ) as client:
        yield client


@contextmanager
def _receiver(options: ListenOptions) -> Iterator[Receiver | None]:
    if options.forward_to is None:
        yield None
        return
    _check(options.forward_to, options.hosts)
    seconds = load().calls.receiver_seconds
    hosts = frozenset(options.hosts)
    with Receiver(options.forward_to, hosts, seconds, allowed_by="--allow-host") as receiver:
        yield receiver


def _check(url: str, hosts: tuple[str, ...]) -> None:
    """Refuse a URL that receipts may not be forwarded to.

    Raises:
        click.BadParameter: it is none, or on another machine that nobody has allowed.
    """
    expected = "an http or https URL on this machine"
    host = host_of(url) if url.isascii() else None
    if host is not None:
        if is_loopback_name(host) or host in hosts:
            return
        expected += f"; for this one add --allow-host {host}"
    raise click.BadParameter(f"got {url!r}; expected {expected}", param_hint="--forward-to")
