"""Compares how two OpenAPI documents are reached and signed in to: servers and security."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from vms.contracts.diff.changes import About, Change, Role
from vms.contracts.diff.meanings import canonical
from vms.contracts.openapi import At, OpenApi

_PORTS: Final = {"http": 80, "https": 443}
_BY_NAME: Final = ("oauth2", "openIdConnect")
_URLS: Final = ("authorizationUrl", "tokenUrl")

Way: TypeAlias = tuple[dict[Any, Any], At]
"""One way to sign in: each scheme, by what it is, with its scopes; and where it stands."""


class AccessDiffer:
    """Compares servers and security of two documents."""

    def __init__(self, old: OpenApi, new: OpenApi) -> None:
        self._old, self._new = old, new
        # Those of the document count unless every operation has its own.
        self._is_shared = False
        self._has_operations = False
        self._renamed = dict(self._other_names())

    # ── servers ───────────────────────────────────────────────────────

    def servers(self, old: tuple[At, ...], new: tuple[At, ...], about: About) -> Iterator[Change]:
        """Of an operation, its own or those of its path, where either document has any."""
        self._has_operations = True
        holders = [next((one for one in some if one.get("servers")), None) for some in (old, new)]
        if holders == [None, None]:
            self._is_shared = True
            return
        one, other = holders[0] or self._old.root, holders[1] or self._new.root
        yield from self._servers(one, other, about)

    def servers_of_all(self) -> Iterator[Change]:
        """Of the document, unless every operation has its own."""
        if self._is_shared or not self._has_operations:
            yield from self._servers(self._old.root, self._new.root, About())

    @staticmethod
    def _servers(old: At, new: At, about: About) -> Iterator[Change]:
        before, after = _servers(old), _servers(new)
        for url, one in before.items():
            if url in after:
                yield from _lost_values(one, after[url], about)
        gone = [one for url, one in before.items() if url not in after]
        come = [one for url, one in after.items() if url not in before]
        if len(gone) == len(come) == 1 and len(before) == len(after):
            yield _moved(gone[0], come[0], about)
            return
        for one in gone:
            there = new.get("servers")
            yield Change("server-removed", Role.OPERATION, about, one, there, _url(one))
        for one in come:
            there = old.get("servers")
            yield Change("server-added", Role.OPERATION, about, there, one, "", _url(one))

    # ── security ──────────────────────────────────────────────────────

    def schemes(self) -> Iterator[Change]:
        """What changes of the flows of OAuth, where they are used."""
        for name in sorted(_used(self._old)):
            before = _scheme(self._old, name)
            after = _scheme(self._new, self._renamed.get(name, name))
            if before is None or after is None or after.member("type") != "oauth2":
                continue
            flows = dict(before.below("flows")), dict(after.below("flows"))
            for flow, one in flows[0].items():
                other = flows[1].get(flow)
                about = About("", f"{name} {flow}")
                if other is None:
                    yield Change("flow-removed", Role.OPERATION, about, one, after.get("flows"))
                    continue
                scopes = dict(other.below("scopes"))
                for scope, at in one.below("scopes"):
                    if scope not in scopes:
                        yield Change("scope-removed", Role.OPERATION, about, at, other, scope)
                for key in _URLS:
                    urls = one.member(key), other.member(key)
                    if urls[0] != urls[1]:
                        places = one.near(key), other.near(key)
                        words = (str(url or "nothing") for url in urls)
                        yield Change("flow-changed", Role.OPERATION, about, *places, *words)

    def security(self, old: At, new: At, about: About) -> Iterator[Change]:
        """What an operation, or the document, asks for to sign in."""
        before, after = _ways(self._old, old, self._renamed), _ways(self._new, new, {})
        kept = set[int]()
        for names, one in before:
            fitting = [
                number for number, (others, _) in enumerate(after) if _is_enough(names, others)
            ]
            kept.update(fitting)
            if fitting:
                continue
            near = next((other for others, other in after if others.keys() == names.keys()), None)
            if near is not None and names:
                yield Change("scope-added", Role.OPERATION, about, one, near, "", _named(near))
            elif not names:
                other = after[0][1]
                words = "", _named(other)
                yield Change("sign-in-required", Role.OPERATION, about, one, other, *words)
            else:
                yield from self._way_gone(names, one, after, about)
        anybody = any(not names for names, _ in before), any(not names for names, _ in after)
        if anybody[1] and not anybody[0]:
            yield Change("sign-in-dropped", Role.OPERATION, about, before[0][1], after[0][1])
            return
        known = [one.keys() for one, _ in before], [_names(at) for _, at in before]
        for number, (names, other) in enumerate(after):
            if number in kept:
                if names not in [one for one, _ in before]:
                    yield Change("sign-in-eased", Role.OPERATION, about, before[0][1], other)
            elif names.keys() not in known[0] and _names(other) not in known[1]:
                words = "", _named(other)
                yield Change("sign-in-added", Role.OPERATION, about, before[0][1], other, *words)

    def _way_gone(
        self,
        names: Mapping[Any, Any],
        one: At,
        after: list[Way],
        about: About,
    ) -> Iterator[Change]:
        """A way to sign in that is no longer enough: the scheme has changed, or it is gone."""
        for name in sorted(_names(one)):
            before = _scheme(self._old, name)
            then = _scheme(self._new, name)
            if before is None or then is None or _defined(before) == _defined(then):
                continue
            keywords = ("type", "in", "name", "scheme", "openIdConnectUrl")
            keyword = next(key for key in keywords if before.member(key) != then.member(key))
            places = before.near(keyword), then.near(keyword)
            found = (str(one.member(keyword) or "") for one in (before, then))
            yield Change("scheme-changed", Role.OPERATION, about, *places, *found)
            return
        more = next((other for others, other in after if names.keys() < others.keys()), None)
        kind = "sign-in-required-too" if more is not None else "sign-in-removed"
        words = _named(one), _named(more or after[0][1])
        yield Change(kind, Role.OPERATION, about, one, more or after[0][1], *words)

    def _other_names(self) -> Iterator[tuple[str, str]]:
        """The schemes of OAuth that are only called something else, by their old names."""
        before, after = (
            dict(file.root.near("components").below("securitySchemes"))
            for file in (self._old, self._new)
        )
        for name, one in before.items():
            for other, at in after.items():
                is_new = name not in after and other not in before
                if is_new and canonical(one.value) == canonical(at.value):
                    yield name, other


def _url(server: At) -> str:
    return str(server.member("url") or "/")


def _moved(one: At, other: At, about: About) -> Change:
    """One server that is now another: its URL, or what a variable of it is."""
    words = [_url(one), _url(other)]
    places = one.get("url"), other.get("url")
    if words[0] == words[1]:
        for name, variable in one.below("variables"):
            then = other.get("variables", name, "default")
            default = variable.get("default")
            if then and default and then.value != default.value:
                places, words = (default, then), [str(default.value), str(then.value)]
    return Change("server-changed", Role.OPERATION, about, *places, *words)


def _lost_values(one: At, other: At, about: About) -> Iterator[Change]:
    """What may no longer stand in the place of a variable of a server."""
    for name, variable in one.below("variables"):
        then = other.get("variables", name, "enum")
        listed = [] if then is None or not isinstance(then.value, list) else then.value
        for value in variable.items("enum"):
            if listed and value.value not in listed:
                before = f"{_url(one)} with {name} {value.value}"
                yield Change("server-removed", Role.OPERATION, about, value, then, before)


def _servers(at: At) -> dict[str, At]:
    """The servers by URL, each variable by its default."""
    found = dict[str, At]()
    for one in at.items("servers"):
        url = _url(one)
        for name, variable in one.below("variables"):
            url = url.replace(f"{{{name}}}", str(variable.member("default")))
        found[_plain(url)] = one
    return found


def _plain(url: str) -> str:
    """The URL without capitals of the host and the port of the scheme (RFC 3986, 6.2.2)."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    except ValueError:
        return url
    host = f"//{parts.hostname or ''}{port}" if parts.netloc else ""
    return f"{parts.scheme}:{host}{parts.path.rstrip('/')}"


def _named(way: At) -> str:
    """One way to sign in, in words."""
    return " with ".join(
        f"{name} ({', '.join(map(str, scopes))})" if isinstance(scopes, list) and scopes else name
        for name in sorted(_names(way))
        for scopes in [way.member(name)]
    )


def _used(file: OpenApi) -> frozenset[str]:
    """The schemes that any operation, or all of them, are signed in to by."""
    items = (item for _, item in file.root.below("paths"))
    holders = [file.root, *(one for item in items for one in file.operations(item).values())]
    return frozenset().union(*(_names(way) for one in holders for way in one.items("security")))


def _scheme(file: OpenApi, name: str) -> At | None:
    found = file.root.get("components", "securitySchemes", name)
    return found and file.behind(found)


def _defined(scheme: At) -> Any:  # noqa: ANN401  (a JSON value)
    """What a scheme is, whatever it is called and described as."""
    found = {name: scheme.member(name) for name in ("type", "in", "openIdConnectUrl")}
    found["scheme"] = str(scheme.member("scheme")).lower()
    name = str(scheme.member("name"))
    # HTTP does not distinguish capitals in names of headers.
    found["name"] = name.lower() if found["in"] == "header" else name
    return canonical(found)


def _names(way: At) -> frozenset[str]:
    """The schemes of one way to sign in."""
    return frozenset(way.value if isinstance(way.value, dict) else ())


def _ways(file: OpenApi, operation: At, renamed: Mapping[str, str]) -> list[Way]:
    """Each way to sign in: the schemes that it takes together, each with its scopes."""
    holder = operation if operation.get("security") is not None else file.root
    ways = list[Way]()
    for one in holder.items("security"):
        names = dict[Any, Any]()
        for name in _names(one):
            scopes = one.value[name]
            scheme = _scheme(file, name)
            key = name if scheme is None else _defined(scheme)
            if scheme is not None and scheme.member("type") in _BY_NAME:
                key = (key, renamed.get(name, name))
            names[key] = frozenset(map(canonical, scopes if isinstance(scopes, list) else ()))
        ways.append((names, one))
    return ways or [({}, holder.get("security") or operation)]


def _is_enough(given: Mapping[Any, Any], asked: Mapping[Any, Any]) -> bool:
    """Whether whoever signs in with what is ``given`` has what is asked for."""
    return all(key in given and asked[key] <= given[key] for key in asked)
