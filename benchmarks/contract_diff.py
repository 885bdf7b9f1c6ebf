"""How long does `vms diff` take for two files of 5 MB? 4,500 operations, 1,500 schemas, 45 changes.

Seconds are this machine's, the start of Python among them; 10 are allowed. The ratio is to reading
both files with PyYAML's fastest loader, in the same run, which comparing them hardly goes without.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import yaml

SIZE: Final = 1_500
ALLOWED_SECONDS: Final = 10.0


class _Plain(yaml.CSafeDumper):
    """Without aliases, as people write."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  (PyYAML's signature)
        return True


def _schema(number: int) -> dict[str, Any]:
    following = f"#/components/schemas/S{(number * 7 + 1) % SIZE}"
    return {
        "type": "object",
        "description": "What there is to know of it, in some words. " * 3,
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "name": {"type": "string", "minLength": 1, "maxLength": 100, "description": "A name."},
            "kind": {"type": "string", "enum": ["small", "large", "other"]},
            "next": {"$ref": following},
            "tags": {"type": "array", "items": {"type": "string"}},
            "count": {"type": "integer", "minimum": 0, "maximum": 1000},
        },
    }


def _operation(method: str, number: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/S{number}"}}}
    limit = {"type": "integer", "minimum": 1, "maximum": 100}
    return {
        "operationId": f"{method}{number}",
        "description": "What it does, in a few words more than anybody reads. " * 4,
        "parameters": [{"name": "limit", "in": "query", "required": False, "schema": limit}],
        **({} if method == "get" else {"requestBody": {"content": content}}),
        "responses": {"200": {"description": "It.", "content": content}},
    }


def _documents() -> tuple[dict[str, Any], dict[str, Any]]:
    one = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    old: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Large", "version": "1.0.0"},
        "paths": {
            f"/things{number}/{{id}}": {
                "parameters": [one],
                **{method: _operation(method, number) for method in ("get", "put", "post")},
            }
            for number in range(SIZE)
        },
        "components": {"schemas": {f"S{number}": _schema(number) for number in range(SIZE)}},
    }
    new = deepcopy(json.loads(json.dumps(old)))
    for number in range(0, SIZE, 100):
        new["components"]["schemas"][f"S{number}"]["properties"]["name"]["maxLength"] = 50
        new["paths"][f"/things{number}/{{id}}"]["get"]["parameters"][0]["required"] = True
    return old, new


def main() -> None:
    """Write the files, time both formats, print."""
    with tempfile.TemporaryDirectory() as folder:
        for form in ("yaml", "json"):
            paths = [Path(folder) / f"{name}.{form}" for name in ("old", "new")]
            for path, document in zip(paths, _documents(), strict=True):
                text = (
                    json.dumps(document, indent=1)
                    if form == "json"
                    else yaml.dump(document, Dumper=_Plain, sort_keys=False)
                )
                path.write_text(text, "utf-8")
            began = time.perf_counter()
            for path in paths:
                yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
            reading = time.perf_counter() - began
            began = time.perf_counter()
            command = [sys.executable, "-m", "vms", "diff", *map(str, paths), "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - began
            size = paths[0].stat().st_size / 1e6
            found = len(json.loads(done.stdout)["findings"])
            print(
                f"{form}: two files of {size:.1f} MB, {found} findings: {seconds:.1f} s "
                f"({ALLOWED_SECONDS:.0f} allowed), {seconds / reading:.2f} times reading them"
            )


if __name__ == "__main__":
    main()
