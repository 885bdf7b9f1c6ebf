"""The control plane over HTTP, by its own contract ``openapi/twin.yaml``."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

import flask

from mock_server import __version__
from mock_server.edge import CONTROL, problem, served, served_twin
from mock_server.rules import rules

_METHODS: Final = (
    "CONNECT",
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "TRACE",
)
_MOST_ROWS: Final = 1_000
# 18 digits fit a database's integer; the inbox never gets there.
_LONGEST_COUNT: Final = 18

blueprint = flask.Blueprint("control", __name__, url_prefix=CONTROL)


@blueprint.before_request
def admit() -> flask.Response | None:
    """Turn away what a web page could have sent, or what lacks the token."""
    token = served().token
    host = urlsplit(f"//{flask.request.host}").hostname or ""
    # Where a token is wanted, no web page has it, and a machine is known by many names.
    if token is None and not (_is_loopback(host) or host in served().hosts):
        return problem(403, "Host", host, "a loopback name, or a host the twin was started with")
    origin = flask.request.headers.get("Origin")
    if origin is not None and origin not in _own_origins():
        return problem(403, "Origin", origin, "no Origin, or the twin's own")
    sent = flask.request.headers.get("Authorization", "")
    if token is not None and not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        wanted = "Bearer and the token printed at the start"
        return problem(401, "Authorization", "no token, or another", wanted)
    return None


@blueprint.get("/health")
def health() -> dict[str, Any]:
    """Whether the twin is ready, and what it is."""
    contract = served_twin().contract
    about = {"version": contract.version, "sha256": contract.sha256}
    return {"status": "ready", "version": __version__, "contract": about}


@blueprint.get("/requests")
def list_requests() -> flask.Response | dict[str, Any]:
    """The inbox, oldest first."""
    query = flask.request.args
    for name in query:
        if name not in {"login", "since", "limit"}:
            return problem(400, name, query[name], "one of login, since, limit")
    since, limit = query.get("since", "0"), query.get("limit", "100")
    if (after := _count(since)) is None:
        return problem(400, "since", since, "the id of a request, or 0")
    if not (most := _count(limit)) or most > _MOST_ROWS:
        return problem(400, "limit", limit, f"a number from 1 to {_MOST_ROWS}")
    page = served_twin().store.page(query.get("login"), after, most)
    return {"requests": page.requests, "kept": page.kept, "evicted": page.evicted}


@blueprint.get("/requests/<number>")
def get_request(number: str) -> flask.Response | dict[str, Any]:
    """One request with everything that became of it."""
    wanted = _count(number)
    found = None if wanted is None else served_twin().store.find(wanted)
    if found is None:
        hint = f"the id of a kept request; {CONTROL}/requests lists them"
        return problem(404, "id", number, hint)
    return found


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


@blueprint.route("", defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
@blueprint.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
def nothing(path: str) -> flask.Response:  # noqa: ARG001  (the request has it too)
    """Whatever else is asked under the prefix."""
    came = f"{flask.request.method} {flask.request.path}"
    return problem(404, "path", came, "a route of openapi/twin.yaml, with its method")


def _own_origins() -> set[str]:
    return {f"{scheme}://{flask.request.host}" for scheme in ("http", "https")}


def _count(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT
    return int(text) if plain else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
