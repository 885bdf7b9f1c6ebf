"""Compares two OpenAPI documents: addresses, parameters, bodies, answers, webhooks."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final

from vms.contracts.diff.access_differ import AccessDiffer
from vms.contracts.diff.changes import READ, About, Change, Role
from vms.contracts.diff.meanings import canonical
from vms.contracts.diff.schema_differ import SchemaDiffer
from vms.contracts.diff.shapes import SCALARS, Shape
from vms.contracts.openapi import At, OpenApi

# OpenAPI has these set by other means.
_NO_PARAMETERS: Final = frozenset({"accept", "content-type", "authorization"})
_STYLES: Final = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
_TEMPLATE: Final = re.compile(r"\{[^/{}]*\}")


class DocumentDiffer:
    """Compares all that two documents describe."""

    def __init__(self, old: OpenApi, new: OpenApi, today: dt.date) -> None:
        self._old, self._new, self._today = old, new, today
        self._schemas = SchemaDiffer()
        self._access = AccessDiffer(old, new)

    def changes(self) -> Iterator[Change]:
        """Every change."""
        yield from self._access.schemes()
        before, after = _paths(self._old), _paths(self._new)
        for template, one in before.items():
            if template not in after:
                yield from self._path_gone(one)
        for template, other in after.items():
            if template not in before:
                yield Change("path-added", Role.OPERATION, About(_address(other)), None, other)
        for template, one in before.items():
            if template not in after:
                continue
            other = after[template]
            if one.pointer[-1] != other.pointer[-1]:
                about = About(_address(other))
                yield Change("path-parameter-renamed", Role.OPERATION, about, one, other)
            yield from self._item(one, other)
        # After the operations, which know whether any of them uses these.
        yield from self._access.servers_of_all()
        yield from self._webhooks(self._old.root, self._new.root, "webhooks", About())

    # ── addresses ───────────────────────────────────────────────────────

    def _path_gone(self, one: At) -> Iterator[Change]:
        operations = list(self._old.operations(one).values())
        kinds = {self._gone(operation) for operation in operations}
        kind = "removed" if "removed" in kinds or not kinds else kinds.pop()
        yield Change(f"path-{kind}", Role.OPERATION, About(_address(one)), one, None)

    def _gone(self, operation: At) -> str:
        """Whether an operation that is gone had been announced to go."""
        if not _is_set(operation, "deprecated"):
            return "removed"
        sunset = _sunset(operation)
        if not sunset:
            return "removed-as-announced"
        try:
            date = dt.date.fromisoformat(sunset)
        except ValueError:
            return "removed"
        return "removed-as-announced" if date <= self._today else "removed"

    def _item(self, one: At, other: At) -> Iterator[Change]:
        before, after = self._old.operations(one), self._new.operations(other)
        for method, operation in before.items():
            if method not in after:
                kind = f"operation-{self._gone(operation)}"
                about = About(f"{method.upper()} {_address(one)}")
                yield Change(kind, Role.OPERATION, about, operation, None)
        for method, operation in after.items():
            about = About(f"{method.upper()} {_address(other)}")
            if method not in before:
                yield Change("operation-added", Role.OPERATION, about, None, operation)
            else:
                yield from self._operation(before[method], operation, (one, other), about)

    def _operation(self, old: At, new: At, items: tuple[At, At], about: About) -> Iterator[Change]:
        if _is_set(new, "deprecated") and not _is_set(old, "deprecated"):
            deprecated = new.get("deprecated")
            yield Change("operation-deprecated", Role.OPERATION, about, old, deprecated)
        dates = [_sunset(one) for one in (old, new)]
        if _is_set(old, "deprecated") and dates[0] and dates[0] > (dates[1] or ""):
            places = old.near("x-sunset"), new.near("x-sunset")
            words = dates[0], dates[1] or "now"
            yield Change("sunset-sooner", Role.OPERATION, about, *places, *words)
        ids = old.member("operationId"), new.member("operationId")
        if ids[0] != ids[1]:
            kind = "operation-id-set" if ids[0] is None else "operation-id-changed"
            places = old.near("operationId"), new.near("operationId")
            shown = (str(one or "nothing") for one in ids)
            yield Change(kind, Role.OPERATION, about, *places, *shown)
        holders = (old, self._old.behind(items[0])), (new, self._new.behind(items[1]))
        yield from self._access.servers(*holders, about)
        yield from self._parameters(old, new, items, about)
        yield from self._body(old, new, about, Role.REQUEST)
        yield from self._answers(old, new, about, Role.RESPONSE)
        yield from self._access.security(old, new, about)
        yield from self._webhooks(old, new, "callbacks", about)

    # ── parameters ──────────────────────────────────────────────────────

    def _parameters(self, old: At, new: At, items: tuple[At, At], about: About) -> Iterator[Change]:
        before = _parameters(self._old, items[0], old)
        after = _parameters(self._new, items[1], new)
        gone = {key: one for key, one in before.items() if key not in after}
        come = {key: one for key, one in after.items() if key not in before}
        for (place, name), one in gone.items():
            where = about.of(f"{place} {self._old.behind(one).member('name')}")
            moved = next((key for key in come if key[1] == name), None)
            if place == "path":
                continue
            if moved is not None:
                other = come.pop(moved)
                yield Change("parameter-moved", Role.PARAMETER, where, one, other, place, moved[0])
            else:
                yield Change("parameter-removed", Role.PARAMETER, where, one, None)
        for (place, _), other in come.items():
            if place == "path":
                continue
            required = _is_set(self._new.behind(other), "required")
            kind = "required-parameter-added" if required else "parameter-added"
            where = about.of(f"{place} {self._new.behind(other).member('name')}")
            yield Change(kind, Role.PARAMETER, where, None, other)
        for key, one in before.items():
            if key in after:
                name = str(self._new.behind(after[key]).member("name"))
                yield from self._parameter(one, after[key], about.of(f"{key[0]} {name}"))

    def _parameter(self, old: At, new: At, about: About) -> Iterator[Change]:
        old, new = self._old.behind(old), self._new.behind(new)
        needed = [_is_set(one, "required") for one in (old, new)]
        if needed[0] != needed[1]:
            kind = "parameter-became-required" if needed[1] else "parameter-became-optional"
            places = old.near("required"), new.near("required")
            yield Change(kind, Role.PARAMETER, about, *places)
        if _is_set(new, "deprecated") and not _is_set(old, "deprecated"):
            deprecated = new.get("deprecated")
            yield Change("parameter-deprecated", Role.PARAMETER, about, old, deprecated)
        one, other = old.get("schema"), new.get("schema")
        shapes = None
        if one is not None and other is not None:
            shapes = Shape(self._old, one), Shape(self._new, other)
        yield from self._serialisation(old, new, shapes, about)
        if shapes is not None:
            for change in self._schemas.compare(*shapes, about, Role.PARAMETER):
                # What must be sent needs no default.
                if not (needed[1] and change.kind.startswith("default")):
                    yield change
        elif one is None and other is None:
            yield from self._media(old, new, about, Role.PARAMETER)
        else:
            places = one or old.near("content"), other or new.near("content")
            kind = "parameter-serialisation-changed"
            yield Change(kind, Role.PARAMETER, about, *places)

    @staticmethod
    def _serialisation(
        old: At, new: At, shapes: tuple[Shape, Shape] | None, about: About
    ) -> Iterator[Change]:
        default = _STYLES.get(str(new.member("in")), "simple")
        styles = [str(one.member("style") or default) for one in (old, new)]
        explodes = [
            style == "form" if one.member("explode") is None else one.member("explode")
            for one, style in zip((old, new), styles, strict=True)
        ]
        types = frozenset[str]().union(*(shape.types for shape in shapes or ()))
        is_plain = shapes is not None and types <= SCALARS
        # RFC 6570: a list looks the same either way.
        is_listed = styles == ["simple", "simple"] and types <= SCALARS | {"array"}
        for keyword, values, is_same in (
            ("style", styles, is_plain and new.member("in") != "path"),
            ("explode", explodes, is_plain or (is_listed and shapes is not None)),
        ):
            if values[0] != values[1] and not is_same:
                places = old.near(keyword), new.near(keyword)
                kind = "parameter-serialisation-changed"
                words = map(str, values)
                yield Change(kind, Role.PARAMETER, about, *places, *words)
                return
        if _is_set(old, "allowEmptyValue") and not new.member("allowEmptyValue"):
            places = old.near("allowEmptyValue"), new.near("allowEmptyValue")
            yield Change("empty-value-refused", Role.PARAMETER, about, *places)
        if _is_set(old, "allowReserved") and not new.member("allowReserved"):
            places = old.near("allowReserved"), new.near("allowReserved")
            yield Change("reserved-refused", Role.PARAMETER, about, *places)

    # ── bodies and answers ────────────────────────────────────────────

    def _body(self, old: At, new: At, about: About, role: Role) -> Iterator[Change]:
        one, other = old.get("requestBody"), new.get("requestBody")
        if one is None and other is None:
            return
        before = one and self._old.behind(one)
        after = other and self._new.behind(other)
        if before is None or after is None:
            required = after is not None and _is_set(after, "required")
            kind = "body-removed" if after is None else "body-added"
            kind = "required-body-added" if required else kind
            yield Change(kind, role, about, one, other)
            return
        needed = [_is_set(body, "required") for body in (before, after)]
        if needed[0] != needed[1] and role is Role.REQUEST:
            kind = "body-became-required" if needed[1] else "body-became-optional"
            places = before.near("required"), after.near("required")
            yield Change(kind, role, about, *places)
        yield from self._media(before, after, about.of("body"), role)

    def _media(self, old: At, new: At, about: About, role: Role) -> Iterator[Change]:
        before, after = _media(old), _media(new)
        for name, one in before.items():
            # A range such as text/* stands for what is not listed by itself.
            near = [name, *(other for other in after if _fits(name, other, role))]
            other = next((after[key] for key in near if key in after), None)
            if other is None:
                yield Change("media-type-removed", role, about.of(name), one, None)
            else:
                yield from self._medium(one, other, about, role)
        for name, other in after.items():
            if name not in before and not any(_fits(key, name, role) for key in before):
                yield Change("media-type-added", role, about.of(name), None, other)

    def _medium(self, old: At, new: At, about: About, role: Role) -> Iterator[Change]:
        one, other = old.get("schema"), new.get("schema")
        if one is not None and other is not None:
            pair = Shape(self._old, one), Shape(self._new, other)
            yield from self._schemas.compare(*pair, about, role)
        elif other is not None:
            yield Change("schema-set", role, about, old, other)
        elif one is not None:
            yield Change("schema-dropped", role, about, one, new)
        before, after = old.get("encoding"), new.get("encoding")
        if canonical(before and before.value) != canonical(after and after.value):
            yield Change("encoding-changed", role, about, before or old, after or new)

    def _answers(self, old: At, new: At, about: About, role: Role) -> Iterator[Change]:
        before, after = (
            {status.replace("xx", "XX"): at for status, at in one.below("responses")}
            for one in (old, new)
        )
        for status, one in before.items():
            where = about.of(status)
            # A class such as 2XX stands for what is not listed by itself.
            names = [name for name in after if name not in before and _class(name) == status]
            others = [after[name] for name in ([status] if status in after else names)]
            if others and status not in after:
                words = "", " or ".join(names)
                yield Change("status-narrowed", role, where, one, others[0], *words)
            success = status[:1] == "2" or [*before] == ["default"]
            if not others and success and _class(status) in after:
                others = [after[_class(status)]]
                words = "", _class(status)
                yield Change("status-widened", role, where, one, others[0], *words)
            for other in others:
                yield from self._answer(one, other, where, role)
            if not others and _class(status) not in after:
                kind = "success-removed" if success else "error-removed"
                yield Change(kind, role, where, one, None)
        for status, other in after.items():
            widened = [name for name in before if _class(name) == status and name[:1] == "2"]
            if status not in before and _class(status) not in before and not widened:
                yield Change("status-added", role, about.of(status), None, other)

    def _answer(self, one: At, other: At, about: About, role: Role) -> Iterator[Change]:
        old, new = self._old.behind(one), self._new.behind(other)
        yield from self._headers(old, new, about, role)
        yield from self._media(old, new, about, role)

    def _headers(self, old: At, new: At, about: About, role: Role) -> Iterator[Change]:
        before = {name.lower(): one for name, one in old.below("headers")}
        after = {name.lower(): one for name, one in new.below("headers")}
        for name, one in before.items():
            where, header = about.of(f"header {one.pointer[-1]}"), self._old.behind(one)
            required = _is_set(header, "required")
            if name == "content-type":
                continue
            if name not in after:
                kind = "required-header-removed" if required else "header-removed"
                yield Change(kind, role, where, one, None)
                continue
            other = self._new.behind(after[name])
            if required != _is_set(other, "required"):
                kind = "header-became-optional" if required else "header-became-required"
                places = header.near("required"), other.near("required")
                yield Change(kind, role, where, *places)
            yield from self._medium(header, other, where, role)
            yield from self._media(header, other, where, role)
        for name, one in after.items():
            if name not in before and name != "content-type":
                yield Change("header-added", role, about.of(f"header {one.pointer[-1]}"), None, one)

    def _webhooks(self, old: At, new: At, keyword: str, about: About) -> Iterator[Change]:
        """What is sent to the caller: bodies are answers there, and answers requests."""
        before, after = dict(old.below(keyword)), dict(new.below(keyword))
        for name in dict.fromkeys((*before, *after)):
            where = about.of(f"{keyword[:-1]} {name}")
            if name not in after:
                yield Change("webhook-removed", Role.RECEIPT, where, before[name], None)
            elif name not in before:
                yield Change("webhook-added", Role.RECEIPT, where, None, after[name])
            else:
                pairs = [(before[name], after[name])]
                if keyword == "callbacks":
                    one, other = self._old.behind(before[name]), self._new.behind(after[name])
                    names = one.value if isinstance(one.value, dict) else ()
                    found = [(one.get(key), other.get(key)) for key in names]
                    pairs = [(a, b) for a, b in found if a is not None and b is not None]
                for pair in pairs:
                    yield from self._webhook(*pair, where)

    def _webhook(self, one: At, other: At, about: About) -> Iterator[Change]:
        before, after = self._old.operations(one), self._new.operations(other)
        for method, operation in before.items():
            if method not in after:
                yield Change("webhook-removed", Role.RECEIPT, about, operation, None)
                continue
            yield from self._body(operation, after[method], about, Role.RECEIPT)
            yield from self._answers(operation, after[method], about, Role.REPLY)


def _address(item: At) -> str:
    return str(item.pointer[-1])


def _sunset(operation: At) -> str:
    """The day from which it may be gone; empty where none is announced."""
    names = ("x-sunset", "sunset", "x-sunset-date")
    return next((str(found)[:10] for name in names if (found := operation.member(name))), "")


def _is_set(at: At, name: str) -> bool:
    """Whether a flag such as ``required`` is there, and true."""
    return at.member(name) is True


def _paths(file: OpenApi) -> dict[str, At]:
    """The paths by their templates without the names of parameters."""
    return {_TEMPLATE.sub("{}", path): item for path, item in file.root.below("paths")}


def _parameters(file: OpenApi, item: At, operation: At) -> dict[tuple[str, str], At]:
    """Those of the path and of the operation, by where they are sent and by name."""
    found = dict[tuple[str, str], At]()
    for holder in (file.behind(item), operation):
        for at in holder.items("parameters"):
            one = file.behind(at)
            place, name = str(one.member("in")), str(one.member("name"))
            if place == "header":
                name = name.lower()
                if name in _NO_PARAMETERS:
                    continue
            if place == "path":
                # By its place in the address, whatever its name is.
                names = [found_[1:-1] for found_ in _TEMPLATE.findall(_address(item))]
                name = str(names.index(name)) if name in names else name
            found[place, name] = at
    return found


def _media(at: At) -> dict[str, At]:
    """The media types, without the blanks, capitals, order and charset that mean nothing."""
    found = dict[str, At]()
    for name, one in at.below("content"):
        kind, *more = re.sub(r"\s", "", name).lower().split(";")
        found[";".join((kind, *sorted(set(more) - {"", "charset=utf-8"})))] = one
    return found


def _fits(name: str, other: str, role: Role) -> bool:
    """Whether who sends one media type has it taken, or who asks for it gets what fits."""
    ranges, one = (name, other) if role in READ else (other, name)
    return (
        ranges.endswith("/*") and one != ranges and (ranges == "*/*" or one.startswith(ranges[:-1]))
    )


def _class(status: str) -> str:
    """``2XX`` of ``204``."""
    return f"{status[:1]}XX"
