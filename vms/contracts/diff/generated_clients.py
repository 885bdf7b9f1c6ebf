"""The clients that two contracts generate: what breaks in Python, and how they send and read."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args, get_type_hints

import attrs
import httpx

from mock_server.contract.document import shortened
from vms.contracts import generate as generated
from vms.contracts.loaded import Document

# griffe compares packages by name, so both have the same one, in folders of their own.
_PACKAGE: Final = "voice_api"


class CannotSendError(generated.CannotGenerateError):
    """The client cannot make this request: the reason is in the message."""


class Client:
    """A generated client, imported under a name of its own: its bytes, and what it can read."""

    def __init__(self, package: Path, name: str) -> None:
        self._root = _imported(package, name)
        (module,) = (
            path for path in package.glob("api/*/*.py") if "_get_kwargs" in path.read_text("utf-8")
        )
        parts = module.relative_to(package).with_suffix("").parts
        self._operation: Any = importlib.import_module(".".join((name, *parts)))
        self._unset = importlib.import_module(f"{name}.types").UNSET
        hint = get_type_hints(self._operation._get_kwargs).get("body")  # noqa: SLF001
        # An optional body is one of several types, of which one is the model.
        kinds = get_args(hint) or (hint,)
        self._body: Any = next((kind for kind in kinds if hasattr(kind, "from_dict")), None)

    def encoded(self, body: Mapping[str, Any]) -> bytes:
        """What it sends for a campaign: the contract's defaults stand in it, too.

        Raises:
            CannotSendError: it cannot send this, or not as JSON.
        """
        if self._body is None:
            raise CannotSendError("it takes no body")
        try:
            kwargs = self._kwargs(body)
        except KeyError as error:
            raise CannotSendError(f"it requires {error}") from error
        except Exception as error:
            raise CannotSendError(f"it raised {error!r}") from error
        if "json" not in kwargs:
            raise CannotSendError("it does not send JSON")
        return json.dumps(kwargs["json"]).encode()

    def _kwargs(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        read = self._body.from_dict(body)
        given = {field.alias: getattr(read, field.name) for field in attrs.fields(self._body)}
        # Reading leaves out what is absent; whoever makes a campaign gets the defaults.
        made = self._body(
            **{name: value for name, value in given.items() if value is not self._unset}
        )
        kwargs: Mapping[str, Any] = self._operation._get_kwargs(body=made)  # noqa: SLF001
        return kwargs

    def cannot_read(self, status: int, answer: object) -> str:
        """Why it cannot read the answer; empty if it can."""
        response = httpx.Response(status, json=answer)
        client = self._root.Client(base_url="http://127.0.0.1")
        try:
            parsed = self._operation._parse_response(client=client, response=response)  # noqa: SLF001
        except Exception as error:  # noqa: BLE001  (whatever generated code raises is the finding)
            return f"the client raised {error!r}"
        return f"the client knows no answer with {status}" if parsed is None else ""


@dataclass(frozen=True, slots=True)
class Clients:
    """Both clients, and what breaks for Python that imports the old one and gets the new."""

    old: Client
    new: Client
    breakages: tuple[str, ...]


@contextmanager
def clients(old: Document, new: Document) -> Iterator[Clients]:
    """Generate the clients of both; they are gone afterwards.

    Raises:
        CannotGenerateError: the generator is missing, or refused a contract.
    """
    try:
        from vms.contracts.diff.python_surface import breakages  # noqa: PLC0415  (griffe is not always there)
    except ImportError as error:
        raise generated.missing("griffe") from error
    with tempfile.TemporaryDirectory() as folder:
        packages = [Path(folder) / name / _PACKAGE for name in ("old", "new")]
        with ThreadPoolExecutor() as both:
            list(both.map(generated.generate, (old, new), packages))
        # Several pairs may be open at once.
        names = [f"_{Path(folder).name}_{package.parent.name}" for package in packages]
        try:
            yield _compared(packages, names, breakages)
        finally:
            for name in [name for name in sys.modules if name.split(".")[0] in names]:
                del sys.modules[name]


def _compared(
    packages: Sequence[Path], names: Sequence[str], breakages: Callable[[Path, Path], list[str]]
) -> Clients:
    try:
        one, other = map(Client, packages, names)
        return Clients(one, other, tuple(breakages(*packages)))
    except Exception as error:
        # Code that nobody has seen before: whatever it raises, it is of no use.
        reason = shortened(repr(error))
        raise generated.CannotGenerateError(
            f"the generated client is of no use: {reason}"
        ) from error


def _imported(package: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None  # noqa: S101  (an __init__.py always has a loader)
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
