"""The imitated endpoint as the contract describes it: for the reference, and the form to try it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mock_server.contract.document import ContractFile
from mock_server.page import forms
from mock_server.page.forms import FormField

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})


def reference(file: ContractFile) -> dict[str, Any]:
    """What the contract has about its one operation, for the templates.

    Raises:
        ContractError: a reference in the file leads nowhere.
    """
    path, method, operation = next(
        (path, method, operation)
        for path, item in file.document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    )
    content = operation["requestBody"]["content"]
    media_type, media = next(iter(content.items()))

    def follow(schema: forms.Schema) -> forms.Schema:
        return file.follow(schema, ())[0]

    form = forms.fields_of(media["schema"], follow)
    return {
        "title": file.document["info"]["title"],
        "version": file.document["info"]["version"],
        "description": file.document["info"].get("description", ""),
        "servers": file.document.get("servers", []),
        "path": path,
        "method": method.upper(),
        "summary": operation.get("summary", ""),
        "about": operation.get("description", ""),
        "media_type": media_type,
        "headers": file.document.get("components", {}).get("securitySchemes", {}),
        "form": form,
        "parameters": list(_flat(form)),
        "examples": {
            one.get("summary", name): one.get("value")
            for name, one in media.get("examples", {}).items()
        },
        "answers": [
            {
                "status": status,
                "description": answer.get("description", ""),
                "examples": list(_examples(answer)),
            }
            for status, answer in operation["responses"].items()
        ],
    }


def _examples(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for media in answer.get("content", {}).values():
        yield from media.get("examples", {}).values()


def _flat(fields: tuple[FormField, ...], at: str = "") -> Iterator[tuple[str, FormField]]:
    """Every parameter with its path as the rules have it (``recipients[].phone_number``)."""
    for one in fields:
        path = f"{at}{one.name}"
        yield path, one
        yield from _flat(one.fields, f"{path}[]." if one.kind == "groups" else f"{path}.")
