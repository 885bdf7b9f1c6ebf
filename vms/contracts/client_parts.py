"""What the generator leaves out of a client: its stamp, the schema of a request, typed options."""

from __future__ import annotations

import ast
import hashlib
import json
import keyword
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from mock_server.contract.document import Pointer
from vms.contracts.loaded import Document, LoadedContract
from vms.contracts.parameters import Parameter, parameters

# Both write the generated files, so both belong to the stamp.
GENERATOR: Final = "openapi-python-client"
FORMATTER: Final = "ruff"
STAMP: Final = "meta.py"
STAMP_SIGN: Final = "CONTRACT_SHA256"
_SCHEMA: Final = "request.schema.json"
_OPTIONS: Final = "options.py"
# What a validator does not look at.
_DESCRIPTIONS: Final = frozenset({"default", "deprecated", "description", "examples", "title"})
_PARSING: Final = threading.Lock()


class MissingToolError(Exception):
    """A package that only maintainers of a contract need; the message has its command."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed; pip install 'vms-kit[maintain]'")


def parts(document: Document, package: Path) -> dict[str, str]:
    """The further files of the client that was generated into ``package``, by name.

    Raises:
        MissingToolError: the generator or the formatter is not installed.
        ContractError: the contract lacks what a client of an API with leniency needs.
    """
    stamp: dict[str, str | int] = {
        STAMP_SIGN: hashlib.sha256(document.openapi.text.encode()).hexdigest(),
        "CONTRACT_VERSION": document.version,
        "FORMATTER": installed(FORMATTER),
        "GENERATOR": installed(GENERATOR),
    }
    if document.lenient is None:
        return {STAMP: _stamp(stamp)}
    loaded = document.lenient
    return {
        STAMP: _stamp(stamp | _terms(loaded)),
        _SCHEMA: json.dumps(_request_schema(loaded), indent=2, ensure_ascii=False) + "\n",
        _OPTIONS: _options(loaded, package),
    }


def _stamp(values: Mapping[str, str | int]) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in sorted(values.items())]
    doc = '"""The contract this client was generated from, and by what."""'
    return "\n".join([doc, "", *lines, ""])


def _terms(loaded: LoadedContract) -> dict[str, str | int]:
    """What a layer over the client needs of the contract."""
    contract = loaded.contract
    terms = loaded.operation["x-campaign"]
    return {
        "KEY_HEADER": contract.key_header,
        "LARGEST_FRAME": terms["largest_frame"]["value"],
        "LOGIN_HEADER": contract.login_header,
        "OUT_OF_CREDIT": _out_of_credit(loaded),
        "PHONE_NUMBER": _phone_number(loaded),
        "REPEATED_REQUEST_ID": _repeated(loaded).code("repeated"),
        "REQUEST_ID_HOURS": terms["request_id_hours"]["value"],
        "SERVER_URL": loaded.file.at(("servers", 0, "url")),
        "SMALLEST_FRAME": terms["smallest_frame"]["value"],
    }


def installed(package: str) -> str:
    """The name and version of a tool.

    Raises:
        MissingToolError: it is not there.
    """
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as error:
        raise MissingToolError(package) from error


def _body(loaded: LoadedContract) -> tuple[Mapping[str, Any], Pointer]:
    media = loaded.contract.media_type
    at = (*loaded.at, "requestBody", "content", media, "schema")
    return loaded.file.follow(loaded.file.at(at), at)


def _request_schema(loaded: LoadedContract) -> dict[str, Any]:
    """The JSON Schema of a request's body, whole in itself and without descriptions."""

    def plain(schema: Mapping[str, Any], pointer: Pointer) -> dict[str, Any]:
        schema, pointer = loaded.file.follow(schema, pointer)
        made = {
            name: value
            for name, value in schema.items()
            if name not in _DESCRIPTIONS and not name.startswith("x-")
        }
        if "items" in made:
            made["items"] = plain(made["items"], (*pointer, "items"))
        if "properties" in made:
            below = (*pointer, "properties")
            made["properties"] = {
                name: plain(member, (*below, name)) for name, member in made["properties"].items()
            }
        return made

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **plain(*_body(loaded))}


def _phone_number(loaded: LoadedContract) -> str:
    number = parameters(loaded)["recipients[].phone_number"]
    if "pattern" not in number.schema:
        raise loaded.file.refuse(
            number.pointer, "no pattern", "one; the client checks numbers by it"
        )
    return str(number.schema["pattern"])


def _out_of_credit(loaded: LoadedContract) -> int:
    """The code by which the client knows that the credit is gone."""
    answer = loaded.contract.answers["out-of-credit"].value
    if not isinstance(answer, dict) or "code" not in answer:
        at = (*loaded.at, "responses")
        raise loaded.file.refuse(at, "no code in the example 'out-of-credit'", "one to know it by")
    return int(answer["code"])


def _repeated(loaded: LoadedContract) -> Parameter:
    """The parameter whose repetition is refused."""
    known = parameters(loaded)
    found = [one for one in known.values() if "repeated" in one.lenient["errors"]]
    if not found:
        expected = "one, such as a request_id, by which a repeated request is known"
        found_ = "no parameter with an error 'repeated'"
        raise loaded.file.refuse(known[""].pointer, found_, expected)
    return found[0]


def _options(loaded: LoadedContract, package: Path) -> str:
    """Every parameter that may be left out, as a TypedDict of the model's own types."""
    tree, campaign = _model(package)
    key = _repeated(loaded).name
    lines = list[str]()
    names = set[str]()
    for field, description in _optional(campaign):
        name = _option(ast.unparse(field.target))
        if name == key:
            continue
        kind = ast.unparse(field.annotation).removesuffix(" | Unset")
        names |= {node.id for node in ast.walk(field.annotation) if isinstance(node, ast.Name)}
        lines += [f"    {name}: {kind}", f"    {json.dumps(description, ensure_ascii=False)}"]
    names -= {"Unset"}
    imports = sorted(line for node in tree.body for line in _imported(node, names))
    ours = [line for line in imports if line.startswith("from .")]
    others = sorted({*imports, "from typing import TypedDict"}.difference(ours), key=_import_order)
    doc = f'"""The options of a {campaign.name} by name, for type checkers."""'
    head = [doc, "", "from __future__ import annotations", "", *others, "", *ours]
    made = ["", "", f"class {campaign.name}Options(TypedDict, total=False):"]
    about = f"The parameters of a {campaign.name} that may be left out, but for {key}."
    return "\n".join([*head, *made, f'    """{about}"""', "", *lines, ""])


def _model(package: Path) -> tuple[ast.Module, ast.ClassDef]:
    """The class of a request's body, by the function that sends it, and the module it stands in."""
    functions = (
        node
        for path in package.glob("api/*/*.py")
        for node in parsed(path).body
        if isinstance(node, ast.FunctionDef) and node.name == "_get_kwargs"
    )
    (body,) = (
        one for function in functions for one in function.args.kwonlyargs if one.arg == "body"
    )
    assert body.annotation is not None  # noqa: S101  (the generator writes one always)
    # A body that need not be there is of one type more, which is not a model.
    known = {node.id for node in ast.walk(body.annotation) if isinstance(node, ast.Name)}
    modules = map(parsed, package.glob("models/*.py"))
    (found,) = (
        (module, node)
        for module in modules
        for node in module.body
        if isinstance(node, ast.ClassDef) and node.name in known
    )
    return found


def _option(attribute: str) -> str:
    """What an attribute of the model is called as an argument.

    >>> _option("type_"), _option("from_"), _option("self_")
    ('type', 'from_', 'self_')
    """
    name = attribute.removesuffix("_")
    return attribute if keyword.iskeyword(name) or name == "self" else name


def parsed(path: Path) -> ast.Module:
    """The tree of a Python file.

    Raises:
        SyntaxError: Python cannot import it.
    """
    text = path.read_text("utf-8")
    # Two clients may be read at once, and CPython 3.11 miscounts its depth where two threads build
    # trees (SystemError).
    with _PARSING:
        tree = ast.parse(text)
        # An argument that stands twice is found here alone.
        compile(tree, path.name, "exec", dont_inherit=True)
        return tree


def _optional(campaign: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
    for field, after in zip(campaign.body, campaign.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and field.value is not None:
            described = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            text = str(after.value.value) if described else ""  # type: ignore[attr-defined]
            yield field, " ".join(text.split())


def _imported(node: ast.stmt, names: set[str]) -> Iterator[str]:
    """The imports of these names, as seen from the package itself."""
    if isinstance(node, ast.Import):
        yield from (f"import {part.name}" for part in node.names if part.name in names)
    elif isinstance(node, ast.ImportFrom):
        found = [part.name for part in node.names if part.name in names]
        for name in found:
            yield f"from {'.' * (node.level - 1)}{node.module} import {name}"


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line
