"""The control plane over HTTP, by its own contract ``openapi/twin.yaml``."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPMethod
from typing import Any, Final, cast
from urllib.parse import urlsplit

import flask

from mock_server import __version__
from mock_server.contract.admin_schemas import (
    SettingError,
    check,
    integer,
    methods,
    operation_at,
    query,
    shown,
)
from mock_server.contract.rule_table import magic_values, rules
from mock_server.core.accounts import opened
from mock_server.core.campaign_policy import instant
from mock_server.core.inbox import Query
from mock_server.http import waiting, wsgi
from mock_server.http.masking import masked
from mock_server.http.served import CONTROL, problem, served, served_twin
from mock_server.json_values import Json, strict_json
from mock_server.reading.decoding import LARGEST_BODY
from mock_server.settings.account_settings import Settings, clock
from mock_server.settings.loopback import is_loopback_name
from mock_server.speech import rendering, voices
from mock_server.speech.rendering import MissingVoiceError, SpeechError
from mock_server.store.injection_plan import Count, InjectionPlan
from mock_server.store.protocol import Account, Balance

LONGEST_AT_ONCE: Final = 500
"""Of a text with more characters, a recording is sent while it is rendered. Any other is rendered
sooner than somebody notices, and its header has its length."""
_WAV: Final = "audio/wav"
# What is shown of a body that nothing reads.
_START: Final = 100

_SAFE: Final = frozenset({"GET", "HEAD"})

blueprint = flask.Blueprint("control", __name__, url_prefix=CONTROL)


@blueprint.before_request
def admit() -> flask.Response | None:
    """Turn away what a web page could have sent, or what lacks the token."""
    options = served().options
    token = options.token
    host = urlsplit(f"//{flask.request.host}").hostname or ""
    # Where a token is required, no web page has it, and a machine is known by many names.
    if token is None and not (is_loopback_name(host) or host in {options.host, *options.hosts}):
        got = flask.request.headers.get("Host", "")
        return problem(403, "Host", got, "a loopback name, or a host the twin was started with")
    origin = flask.request.headers.get("Origin")
    if origin is not None and origin not in _own_origins().union(options.origins):
        return problem(403, "Origin", origin, "no Origin, the twin's own, or one allowed at start")
    if flask.request.method == "OPTIONS" and origin in options.origins:
        # A preflight carries no token.
        return flask.Response(status=204)
    if token is None or has_token(
        flask.request.headers.get("Authorization", ""), f"Bearer {token}"
    ):
        return None
    # The page signs in once. No other origin sends its cookie, nor makes it change anything.
    is_safe = flask.request.method in _SAFE or origin is not None
    if is_safe and has_token(flask.request.cookies.get(cookie_name(), ""), token):
        return None
    expected = "Bearer and the token printed at the start"
    return problem(401, "Authorization", "no token, or another", expected)


@blueprint.before_request
def refuse_unread() -> None:
    """Refuse what no route reads: it may be meant to make a reset one of a single account."""
    asked = flask.request
    operation = operation_at(asked.method, asked.url_rule.rule) if asked.url_rule else None
    if operation is None:
        return
    query(operation["operationId"], asked.args)
    for name, values in asked.args.lists():
        if len(values) > 1:
            raise SettingError(name, ", ".join(values), "one value")
    if "requestBody" not in operation:
        refuse_body()


def refuse_body() -> None:
    """Refuse a body, where nothing reads one.

    Raises:
        SettingError: there is one.
    """
    if start := flask.request.stream.read(_START):
        raise SettingError("body", shown(start.decode(errors="replace")), "no body")


def has_token(sent: str, expected: str) -> bool:
    """Whether a token is the expected one; takes the same time whatever the answer."""
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), expected.encode())


def cookie_name() -> str:
    """What the page's cookie is called: browsers have one jar for all ports of a host."""
    return f"voice-twin-{flask.request.environ.get('SERVER_PORT', '')}"


@blueprint.after_request
def share(response: flask.Response) -> flask.Response:
    """Let web pages of the allowed origins, and of no other, read the answer."""
    origin = flask.request.headers.get("Origin")
    if origin is not None and origin in served().options.origins:
        response.headers.update(
            {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": ", ".join(methods()),
                "Access-Control-Allow-Headers": "Authorization, Content-Type",
                "Vary": "Origin",
            }
        )
    return response


@blueprint.get("/health")
def health() -> dict[str, Any]:
    """Whether the twin is ready, and what it is."""
    contract = served_twin().contract
    about = {
        "version": contract.version,
        "sha256": contract.sha256,
        "url_path": contract.url_path,
        "login_header": contract.login_header,
        "key_header": contract.key_header,
    }
    return {"status": "ready", "version": __version__, "contract": about}


@blueprint.get("/requests")
def list_requests() -> flask.Response | dict[str, Any]:
    """The inbox, oldest first; with ``wait``, as soon as something fits."""
    asked, seconds = inbox_query(flask.request.args)
    inbox = served_twin().inbox
    # A clock that runs changes states, and no store reports it.
    waits = waited(
        seconds,
        lambda: bool(inbox.page(replace(asked, limit=1)).requests),
        changes_by_itself=asked.state is not None,
    )
    if waits is not None:
        return waits
    page = inbox.page(asked)
    return {
        "requests": shown_masked(page.requests),
        "kept": page.kept,
        "evicted": page.evicted,
    }


def waited(
    seconds: float, is_over: Callable[[], bool], *, changes_by_itself: bool
) -> flask.Response | None:
    """Wait until ``is_over``, so many seconds at most; None once there is something to answer.

    Else the answer to give: where the server waits in place of this thread, or nobody may.
    """
    environ = flask.request.environ
    until = environ.setdefault(waiting.UNTIL, time.monotonic() + seconds)
    if time.monotonic() >= until or is_over():
        return None
    wait = waiting.Wait(until, is_over, changes_by_itself=changes_by_itself)
    if later := environ.get(waiting.LATER):
        later(wait)
        return flask.Response()
    if not served().waiting.acquire(blocking=False):
        return _one_too_many("wait")
    try:
        waiting.block(wait, served_twin().store)
    finally:
        served().waiting.release()
    return None


def inbox_query(args: Mapping[str, str]) -> tuple[Query, float]:
    """What is asked for, and how many seconds to wait for it."""
    asked = query("listRequests", args)
    seconds: float = asked.pop("wait")
    rule = asked.get("rule")
    # Most do not ask for one, and the table of all takes longer to make than a page of the inbox.
    if rule is not None and all(row["rule"] != rule for row in rules(served_twin().contract)):
        raise SettingError("rule", rule, f"the name of a rule; {CONTROL}/rules lists them")
    for name in asked.keys() & {"after", "before"}:
        moment = instant(asked[name])
        if moment is None:
            raise SettingError(name, asked[name], "a moment of the years 1 to 9999")
        asked[name] = moment
    return Query(**asked), seconds


@blueprint.get("/requests/<number>")
def get_request(number: str) -> flask.Response | dict[str, Any]:
    """One request with its reading, outcome and answer."""
    twin, request_id = served_twin(), integer(number)
    found = None if request_id is None else twin.inbox.find(request_id)
    if found is None:
        return _no_request(number)
    shown: dict[str, Any] = shown_masked(found)
    return shown


@blueprint.get("/requests/<number>/audio.wav")
def get_audio(number: str) -> flask.Response:
    """What the voice reads; a long text is sent while it is rendered, where the server can."""
    whole: str = query("getAudio", flask.request.args)["whole"]
    inbox, request_id = served_twin().inbox, integer(number)
    if request_id is None or inbox.find(request_id) is None:
        return _no_request(number)
    message = inbox.message(request_id)
    if message is None:
        return problem(404, "id", number, "a request whose text and voice could be read")
    try:
        voice = voices.voice(message.language, message.gender)
        rendering.require()
    except voices.NoVoiceError as error:
        return problem(501, error.where, error.got, error.expected)
    except MissingVoiceError as error:
        return problem(501, "extra", "a twin without its voice", str(error))
    text: str = shown_masked(message.text)
    streams = flask.request.environ.get(wsgi.STREAMED, False) and whole == "false"
    return _recorded(text, voice, as_it_grows=streams and len(text) > LONGEST_AT_ONCE)


def _recorded(text: str, voice: str, *, as_it_grows: bool) -> flask.Response:
    """The recording of a text; it holds a thread until its first or last samples are there."""
    if not served().waiting.acquire(blocking=False):
        return _one_too_many("audio")
    try:
        recording = served().recordings.get(text, voice)
        if as_it_grows:
            recording.begun()
            if not recording.has_ended:
                # `wsgi.call` gets it as it is.
                body = cast("Any", recording)
                return flask.Response(body, mimetype=_WAV, direct_passthrough=True)
        return flask.Response(recording.whole(), mimetype=_WAV)
    except SpeechError as error:
        return problem(500, "audio", "no speech", str(error))
    finally:
        served().waiting.release()


@blueprint.get("/accounts")
def list_accounts() -> dict[str, Any]:
    """Every account, the longest unused first."""
    accounts, evicted = served_twin().store.accounts()
    return {
        "accounts": [account_document(account, balance) for account, balance in accounts],
        "evicted": evicted,
    }


@blueprint.get("/accounts/<login>")
def get_account(login: str) -> flask.Response | dict[str, Any]:
    """One account."""
    store = served_twin().store
    account = store.known(login)
    return account_document(account, store.balance(account)) if account else no_account(login)


@blueprint.put("/accounts/<login>")
def set_account(login: str) -> dict[str, Any]:
    """Set what is named of an account, keep the rest."""
    settings = sent_object()
    twin = served_twin()
    known = settings_of()
    new = opened(twin.contract, login)
    # What is over by now went by what was set before.
    twin.calls.catch_up(login)
    # Before the account is opened: what is refused changes nothing.
    credit = known.account(new, settings).credit if "credit" in settings else None
    account, balance = twin.store.change(
        new, lambda account, _: known.account(account, settings), credit
    )
    if account.callback_url is not None:
        served().sender.begin()
    return account_document(account, balance)


@blueprint.delete("/accounts/<login>")
def reset_account(login: str) -> tuple[str, int]:
    """Forget one account."""
    served_twin().store.forget(login)
    return "", 204


@blueprint.get("/accounts/<login>/clock")
def get_clock(login: str) -> flask.Response | dict[str, Any]:
    """What time it is for an account."""
    account = served_twin().store.known(login)
    return _clock(account) if account else no_account(login)


@blueprint.put("/accounts/<login>/clock")
def set_clock(login: str) -> dict[str, Any]:
    """Set, advance, freeze or release an account's clock."""
    settings = sent_object()
    twin = served_twin()
    twin.calls.catch_up(login)

    def how(account: Account, balance: Balance) -> Account:
        moved = clock(account.clock, settings, twin.wall(), balance.latest)
        return replace(account, clock=moved)

    account, _ = twin.store.change(opened(twin.contract, login), how)
    return _clock(account)


@blueprint.get("/accounts/<login>/faults")
def list_faults(login: str) -> flask.Response | dict[str, Any]:
    """The injected faults of an account."""
    store = served_twin().store
    account = store.known(login)
    return faults_document(account, store.balance(account)) if account else no_account(login)


@blueprint.put("/accounts/<login>/faults")
def set_faults(login: str) -> dict[str, Any]:
    """Inject these faults and no others."""
    settings = sent_object()
    rules = _checked(settings.get("faults"))
    check("FaultSettings", {**settings, "faults": rules})
    return faults_document(
        *_plan(login, lambda plan: plan.only(int(settings.get("seed", 0)), rules))
    )


@blueprint.post("/accounts/<login>/faults")
def add_fault(login: str) -> tuple[dict[str, Any], int]:
    """Inject one more fault."""
    rule = settings_of().fault(sent_object())
    return faults_document(*_plan(login, lambda plan: plan.and_also(rule))), 201


@blueprint.delete("/accounts/<login>/faults")
def clear_faults(login: str) -> tuple[str, int]:
    """Inject nothing any more."""
    if served_twin().store.known(login):
        _plan(login, lambda plan: plan.only(plan.seed, ()))
    return "", 204


@blueprint.get("/magic")
def list_magic_values() -> dict[str, Any]:
    """What forces an outcome without any call here."""
    magic = served_twin().contract.magic
    return {"values": magic_values(served_twin().contract), "ranges": list(magic.ranges)}


@blueprint.get("/rules")
def list_rules() -> dict[str, Any]:
    """Every rule of the contract with its evidence."""
    contract = served_twin().contract
    return {"rules": rules(contract), "sources": dict(contract.sources)}


@blueprint.post("/reset")
def reset() -> tuple[str, int]:
    """Forget every account and every request."""
    served_twin().store.reset()
    return "", 204


@blueprint.route("", defaults={"path": ""}, methods=[*HTTPMethod], provide_automatic_options=False)
@blueprint.route("/<path:path>", methods=[*HTTPMethod], provide_automatic_options=False)
def nothing(path: str) -> flask.Response:  # noqa: ARG001  (the request has it too)
    """Whatever else is asked under the prefix."""
    got = f"{flask.request.method} {flask.request.path}"
    return problem(404, "path", got, "a route of openapi/twin.yaml, with its method")


def sent_object() -> dict[str, Any]:
    """The JSON object that was sent, whatever its Content-Type."""
    sent = flask.request.stream.read(LARGEST_BODY + 1)
    if max(len(sent), flask.request.content_length or 0) > LARGEST_BODY:
        raise SettingError("body", f"more than {LARGEST_BODY} bytes", "no more than that")
    try:
        body = strict_json(sent)
        # Half a surrogate pair fits no answer.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        got = shown(sent.decode(errors="replace"))
        raise SettingError("body", got, f"a JSON object ({error})") from error
    if not isinstance(body, dict):
        raise SettingError("body", shown(body), "a JSON object")
    return body


def settings_of() -> Settings:
    """What settings are compared with."""
    return Settings(served_twin().contract, frozenset(served().options.callback_hosts))


def _checked(rules: Json) -> Json:
    """A list of faults, each checked by itself, so that the place of what is wrong is named."""
    if not isinstance(rules, list):
        return rules
    return [settings_of().fault(rule, f"faults.{index}") for index, rule in enumerate(rules)]


def _plan(login: str, how: Callable[[InjectionPlan], InjectionPlan]) -> tuple[Account, Balance]:
    twin = served_twin()
    return twin.store.change(
        opened(twin.contract, login),
        lambda account, _: replace(account, faults=how(account.faults)),
    )


def account_document(account: Account, balance: Balance) -> dict[str, Any]:
    """An account as it is shown."""
    tariff = account.tariff or served_twin().policy.tariff
    return {
        "login": account.login,
        "key_set": account.key_digest is not None,
        "credit": str(balance.credit),
        "spent": str(balance.spent),
        "campaigns": balance.campaigns,
        "mode": "strict" if account.strict else "lenient",
        "voice_addon": account.voice_addon,
        "region": account.region,
        "tariff": {
            "price": str(tariff.price),
            "billing_step": tariff.billing_step,
            "characters_a_second": tariff.characters_a_second,
        },
        "opt_outs": shown_masked(sorted(account.opt_outs)),
        "callback_url": account.callback_url,
        "pace": account.pace,
        "callback_generation": account.callback_generation,
        "callback_format": account.callback_format,
        "seed": account.seed,
        "phones": len(account.phones),
        "clock": _clock(account),
        "faults": len(account.faults.rules),
        "evicted": balance.evicted,
        "request_ids_forgotten": balance.request_ids_forgotten,
    }


def _clock(account: Account) -> dict[str, Any]:
    now = account.clock.now(served_twin().wall())
    return {"now": now.isoformat(), "frozen": account.clock.frozen_at is not None}


def faults_document(account: Account, balance: Balance) -> dict[str, Any]:
    """The injected faults of an account, and how often each was met."""
    plan = account.faults
    return {
        "seed": plan.seed,
        "faults": [
            {
                "id": rule.id,
                "tried": balance.counts.get(rule.id, Count()).tried,
                "met": balance.counts.get(rule.id, Count()).met,
                "rule": shown_masked(rule.rule),
            }
            for rule in plan.rules
        ],
    }


def _one_too_many(where: str) -> flask.Response:
    expected = "fewer requests that wait at once; ask again, or start with more --workers"
    return problem(503, where, "one too many", expected)


def _no_request(number: str) -> flask.Response:
    hint = f"the id of a kept request; {CONTROL}/requests lists them"
    if evicted := served_twin().store.kept(None)[1]:
        hint += f" ({evicted} were dropped to make space)"
    return problem(404, "id", number, hint)


def no_account(login: str) -> flask.Response:
    """The answer where a login has no account."""
    expected = "an account; a request opens one, or PUT"
    return problem(404, "login", login, expected)


def shown_masked(value: Json) -> Json:
    """A value as it may be shown: numbers hidden where the twin was started so."""
    return masked(value) if served().options.mask else value


def _own_origins() -> set[str]:
    return {f"{scheme}://{flask.request.host}" for scheme in ("http", "https")}
