"""The rules, and the reference of the imitated endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import flask

from mock_server.contract import rule_table
from mock_server.contract.document import ContractFile
from mock_server.http.served import served_twin
from mock_server.page import visible
from mock_server.page.blueprint import blueprint
from mock_server.page.reference import reference


@blueprint.get("/page/rules")
def rules() -> str:
    """Every rule of the contract, by field, grade, stakes or any word."""
    contract, asked = served_twin().contract, flask.request.args
    every = rule_table.rules(contract)
    words = asked.get("words", "").lower().split()

    def fits(row: Mapping[str, Any]) -> bool:
        text = visible.written(dict(row)).lower()
        return (
            asked.get("field") in {None, "", row["field"]}
            and asked.get("stakes") in {None, "", row["stakes"]}
            and asked.get("grade") in {None, "", row["evidence"]["grade"]}
            and all(word in text for word in words)
        )

    found = [row for row in every if fits(row)]
    return flask.render_template(
        "page/rules.html",
        rules=found,
        count=len(every),
        asked=asked,
        names=list(dict.fromkeys(row["field"] for row in every)),
        grades=sorted({row["evidence"]["grade"] for row in every}),
    )


@blueprint.get("/page/reference")
def reference_page() -> str:
    """The imitated endpoint, from the contract."""
    return flask.render_template(
        "page/reference.html", about=endpoint(), behaviour=rules_by_field()
    )


def rules_by_field() -> dict[str, list[dict[str, Any]]]:
    """What the API does, by the path of each parameter."""
    found = dict[str, list[dict[str, Any]]]()
    for row in rule_table.rules(served_twin().contract):
        found.setdefault(row["field"], []).append(row)
    return found


def endpoint() -> dict[str, Any]:
    """The endpoint of the served contract, for the templates."""
    contract = served_twin().contract
    return _reference_of(str(contract.path), contract.sha256)


@lru_cache(maxsize=4)
def _reference_of(path: str, _: str) -> dict[str, Any]:
    return reference(ContractFile.read(Path(path)))
