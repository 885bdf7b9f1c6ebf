"""What the loader refuses, and how it says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common import ROOT
from mock_server.contract.document import ContractFile
from mock_server.contract.loader import Contract, ContractError, load
from mock_server.contract.rule_table import rules

TEXT = (ROOT / "openapi/voice-campaign.yaml").read_text("utf-8")


def planted(folder: Path, old: str, new: str) -> Path:
    """A copy of the contract with one thing changed."""
    assert old in TEXT
    path = folder / "contract.yaml"
    path.write_text(TEXT.replace(old, new, 1), "utf-8")
    return path


LENIENT = (
    "{casts: [], fallback: ignore, evidence: *ignore, "
    "errors: {any: {code: 400, message: A., evidence: *our-code}}}"
)
SENDER = "      properties:\n        text:\n"
DEFECTS = {
    "a misspelt cast": (
        "casts: [text, trim, squeeze]",
        "casts: [text, trm, squeeze]",
        "/x-lenient/casts/1: no such cast 'trm'; expected 'trim'?",
    ),
    "a cast of no known name": (
        "casts: [text, trim, squeeze]",
        "casts: [qqqqqq]",
        "/x-lenient/casts/0: no such cast 'qqqqqq'; expected one of alphanumeric",
    ),
    "an unknown x-lenient key": (
        "            fallback: ignore\n            stakes: high\n",
        "            fallback: ignore\n            stake: high\n",
        "'stake' was unexpected",
    ),
    "an unknown last resort": (
        "            fallback: ignore\n            stakes: high\n",
        "            fallback: drop\n            stakes: high\n",
        '/x-lenient/fallback: "drop" is not one of',
    ),
    "a rule without evidence": (
        (
            "    summary: A parameter that nobody knows is ignored, and the request is sent.\n"
            "    evidence: *ignore\n"
        ),
        "    summary: A parameter that nobody knows is ignored, and the request is sent.\n",
        '/x-rules/unknown: "evidence" is a required property',
    ),
    "a field without evidence": (
        (
            "            fallback: ignore\n            errors:\n"
            "              any: {code: 400, message: List name not valid., evidence: *our-code}\n"
            "            evidence: *ignore\n"
        ),
        (
            "            fallback: ignore\n            errors:\n"
            "              any: {code: 400, message: List name not valid., evidence: *our-code}\n"
        ),
        '/x-lenient: "evidence" is a required property',
    ),
    "an assumption without a reason": (
        "    grade: assumed\n    reason: That wrong values",
        "    grade: assumed\n    source: vendor-page\n    quote: That wrong values",
        '"reason" is a required property',
    ),
    "a documented rule without the sentence": (
        "    quote: If the parameter has the wrong type, we will try",
        "    # If the parameter has the wrong type, we will try",
        '"quote" is a required property',
    ),
    "a documented rule from elsewhere than the vendor's page": (
        "    grade: documented\n    source: vendor-page\n    quote: If the",
        "    grade: documented\n    source: php-sdk\n    quote: If the",
        'source: "vendor-page" was expected',
    ),
    "an unknown source": (
        "            source: voice-page\n",
        "            source: hearsay\n",
        "/request_id_hours/evidence/source: an unknown source 'hearsay'; expected one of callbacks",
    ),
    "an unknown x- key": ("x-lenient:", "x-leniant:", "/x-leniant: an unknown x- key"),
    "a parameter without x-lenient": (
        SENDER,
        "      properties:\n        colour: {type: string}\n        text:\n",
        "/properties/colour: no x-lenient; expected one on every request parameter",
    ),
    "a misspelt keyword": (
        "maxLength: 1224",
        "maxLenght: 1224",
        "no such keyword 'maxLenght'; expected 'maxLength'?",
    ),
    "an unknown format": ("format: date-time", "format: datetime", "no such format 'datetime'"),
    "an object open to any name": (
        "additionalProperties: false",
        "additionalProperties: true",
        "an object open to any name",
    ),
    "a required parameter that does not exist": (
        "required: [text, recipients]",
        "required: [text, recipient]",
        "no such property 'recipient'; expected 'recipients'?",
    ),
    "a default without evidence": (
        "            fallback: ignore\n            errors:\n              any: {code: 106",
        "            fallback: default\n            errors:\n              any: {code: 106",
        "/x-lenient: a default without evidence",
    ),
    "two defaults": (
        "            default:\n              value: wholesale\n",
        "            default:\n",
        "/x-lenient/default: two defaults, or none",
    ),
    "a default that is not valid": (
        "              value: wholesale\n",
        "              value: retail\n",
        "the default 'retail', which is not valid",
    ),
    "a reference to nowhere": (
        '$ref: "#/components/schemas/Contact"',
        '$ref: "#/components/schemas/Contacts"',
        "nothing at /components/schemas/Contacts",
    ),
    "a reference out of the file": (
        '$ref: "#/components/schemas/Contact"',
        '$ref: "contact.yaml"',
        "a reference to 'contact.yaml'",
    ),
    "a reference in a circle": (
        "    Contact:\n      type: object\n",
        '    Contact:\n      $ref: "#/components/schemas/Contact"\n      type: object\n',
        "that leads back here",
    ),
    "a second operation": (
        "webhooks:\n",
        "  /other:\n    get:\n      responses: {}\nwebhooks:\n",
        "/paths: 2 operations; expected exactly one",
    ),
    "no api-key": (
        "          api-key: []\n",
        "",
        '/security/0: "api-key" is a required property',
    ),
    "one header for both": (
        "      in: header\n      name: api-key\n",
        "      in: header\n      name: API-Login\n",
        "/securitySchemes/api-key/name: the header of api-login; expected another one",
    ),
    "a header with a blank": (
        "      in: header\n      name: api-key\n",
        "      in: header\n      name: api key\n",
        '/securitySchemes/api-key/name: "api key" does not match',
    ),
    "a login in a header of HTTP": (
        "      in: header\n      name: api-login\n",
        "      in: header\n      name: Content-Type\n",
        "/securitySchemes/api-login/name: ",
    ),
    "a server that is only a path": (
        "  - url: https://api.octopush.com\n",
        "  - url: /v9\n",
        '/servers/0/url: "/v9" does not match',
    ),
    "a body that is a form": (
        "        content:\n          application/json:\n            schema:\n",
        "        content:\n          application/xml:\n            schema:\n",
        "/requestBody/content: ",
    ),
    "an answer in HTML": (
        '        "401":\n',
        '        "404":\n          content: {text/html: {schema: {}}}\n        "401":\n',
        "/responses/404/content: ",
    ),
    "casts of the operation": (
        "      operationId: sendVoiceCampaign\n",
        "      operationId: sendVoiceCampaign\n      x-casts: {}\n",
        "/post/x-casts: x-casts where nothing reads it; expected one of the places in openapi/READ",
    ),
    "a status of an example of a request": (
        "                summary: A simulated campaign\n",
        "                summary: A simulated campaign\n                x-status: 201\n",
        "/examples/simulation/x-status: x-status where nothing reads it",
    ),
    "leniency of an answer": (
        "    ApiError:\n      type: object\n",
        f"    ApiError:\n      type: object\n      x-lenient: {LENIENT}\n",
        "/components/schemas/ApiError/x-lenient: x-lenient of what is not a parameter of the requ",
    ),
    "leniency of other members of a parameter": (
        SENDER,
        (
            f"{SENDER[:-14]}        more:\n          type: object\n          x-lenient: {LENIENT}\n"
            "          x-evidence: *ignore\n"
            f"          additionalProperties: {{x-lenient: {LENIENT}}}\n        text:\n"
        ),
        "/more/additionalProperties/x-lenient: x-lenient of what is not a parameter",
    ),
    "a part of advice that nothing knows": (
        "schema: {maxItems: 500}",
        "schema: {items: {foo: 1}}",
        "/schema/items/foo: no such keyword 'foo'",
    ),
    "a name with a dot": (
        SENDER,
        f"{SENDER[:-14]}        a.b: {{}}\n        text:\n",
        "/properties/a.b: the name 'a.b'; expected one without . and [",
    ),
    "an empty name": (
        SENDER,
        f"{SENDER[:-14]}        '': {{}}\n        text:\n",
        "/properties/: the name ''; expected one without . and [",
    ),
    "a name that Python reads as another": (
        SENDER,
        f"{SENDER[:-14]}        \uff53ender: {{}}\n        text:\n",
        "'sender', which is '\uff53ender' but for case and separators",
    ),
    "an enum of nothing": (
        "enum: [male, female]",
        "enum: []",
        "/properties/voice_gender/enum: an empty list; expected a value or more",
    ),
    "a bound that is not an integer": (
        "maxLength: 1224",
        "maxLength: 1224.0",
        "/properties/text/maxLength: 1224.0; expected an integer",
    ),
    "a pattern that Python cannot read": (
        "pattern: ^\\+[0-9]{7,16}$",
        "pattern: ^\\+\\p{L}{7,16}$",
        "/phone_number/pattern: a pattern that Python cannot read (bad escape \\p at position 3)",
    ),
    "an example without a status": (
        "                  x-status: 403\n",
        "",
        "/examples/forbidden: no x-status",
    ),
    "an example without evidence": (
        "                  x-evidence: *our-code\n",
        "",
        "/examples/unreadable: no x-evidence",
    ),
    "a cast without an entry": (
        (
            "  squeeze:\n    summary: Each run of white space becomes one blank.\n"
            "    evidence: *policy-detail\n"
        ),
        "",
        "the cast 'squeeze' without evidence; expected an entry under x-casts",
    ),
    "an entry without a cast": (
        "  squeeze:\n    summary: Each",
        "  press:\n    summary: Each",
        "/x-casts/press: no such cast 'press'",
    ),
    "money as a number": (
        'value: "0.05"',
        "value: 0.05",
        "/x-campaign/price/value: 0.05 is not of type",
    ),
    "a name that stands twice": (
        "  squeeze:\n",
        "  trim:\n",
        "not valid YAML: the name 'trim' stands twice",
    ),
    "no YAML": ("openapi: 3.1.0", "openapi: [3.1.0", "not valid YAML"),
    "a tab": ("info:\n", "info:\n\t- a\n", "not valid YAML"),
    "an unprintable character": ("info:\n", "info: \x01\n", "not valid YAML"),
    "another version of OpenAPI": (
        "openapi: 3.1.0",
        "openapi: 3.0.3",
        "contract.yaml:1: OpenAPI 3.0.3; expected OpenAPI 3.1: ",
    ),
    "no paths": ("paths:\n", "path:\n", '/: "paths" is a required property'),
    "a type that does not exist": ("type: boolean", "type: bool", "expected a JSON Schema"),
    "a pattern that is none": (
        "pattern: ^\\+[0-9]{7,16}$",
        "pattern: ^\\+[0-9{7,16}$",
        "expected a JSON Schema",
    ),
    "advice that is no schema": ("schema: {maxItems: 500}", 'schema: {maxItems: "500"}', "/schema"),
    "advice with a misspelt keyword": (
        "schema: {maxItems: 500}",
        "schema: {maxItmes: 500}",
        "no such keyword 'maxItmes'; expected 'maxItems'?",
    ),
    "advice with a keyword of answers": (
        "schema: {maxItems: 500}",
        "schema: {uniqueItems: true}",
        "/schema/uniqueItems: no such keyword 'uniqueItems'",
    ),
    "an error for no reason": (
        "              maxLength: {code: 400",
        "              maxLenght: {code: 400",
        "no such reason 'maxLenght'; expected 'maxLength'?",
    ),
    "an answer that the twin needs": (
        "                unauthorized:\n",
        "                unauthorised:\n",
        "no example 'unauthorized'",
    ),
    "a simulation without a ticket": (
        "                    ticket_number: voice_0000000000000\n",
        "",
        "no such member of 'simulated' 'ticket_number'",
    ),
    "a ticket that is no text": (
        "ticket_number: voice_0000000000000\n",
        "ticket_number: 5\n",
        "the ticket 5 in 'simulated'",
    ),
    "an opt-out flag that is no parameter": (
        "opt_out_flag: auto_delete_optout_contacts",
        "opt_out_flag: auto_delete_optout_contact",
        "expected 'auto_delete_optout_contacts'?",
    ),
    "recipients that nobody needs": (
        "required: [text, recipients]",
        "required: [text]",
        "no required 'recipients'",
    ),
    "contacts without a number": (
        "required: [phone_number]",
        "required: []",
        "no required 'phone_number'",
    ),
    "no simulation": (
        "        simulation_mode:\n          type: boolean\n",
        "        simulation_mod:\n          type: boolean\n",
        "no boolean 'simulation_mode'",
    ),
    "a date without an offset": ("          format: date-time\n", "", "a 'send_at' without offset"),
    "a name that is a list": ("info:\n", "? [a]\n: 1\ninfo:\n", "a name that is not text"),
    "a merge": (
        "info:\n",
        "x-a: &a {b: 1}\ninfo:\n  <<: *a\n",
        "a merge (<<), which YAML 1.2 does not have; write its members out",
    ),
    "a version that is a number": (
        "openapi: 3.1.0",
        "openapi: 3.1",
        "contract.yaml:1: OpenAPI 3.1; expected it written out, such as 3.1.0",
    ),
    "a version in a list": (
        "openapi: 3.1.0",
        "openapi: [3.1.0]",
        "contract.yaml:1: no OpenAPI document; expected OpenAPI 3.1: ",
    ),
    "a name that is no text": ("  squeeze:\n", "  5:\n", "the name '5' is not text"),
    "a schema that is no object": (
        "        recipients:\n          type: array\n",
        "        extra: 5\n        recipients:\n          type: array\n",
        "expected the shape",
    ),
    "a magic number that may ring": (
        '    "+33639980120":',
        '    "+33639970120":',
        "/x-magic/numbers/+33639970120: a number that may ring; expected one of x-magic.ranges",
    ),
    "a status that no receipt of the generation has": (
        "      statuses: {voice: BUSY, unified",
        "      statuses: {voice: BUZY, unified",
        "/x-calls/outcomes/busy/statuses/voice: no such status 'BUZY'; expected 'BUSY'?",
    ),
    "a phone that may ring": (
        '      "+33639981486":',
        '      "+33639971486":',
        "/x-calls/phones/numbers/+33639971486: a number that may ring; expected one of x-magic",
    ),
    "a phone at a number that forces an answer": (
        '      "+33639981486":',
        '      "+33639980120":',
        "/x-calls/phones/numbers/+33639980120: a number of x-magic.numbers; expected one that",
    ),
    "a phone of no known behaviour": (
        "        phone: {outcome: busy}\n",
        "        phone: {outcome: buzy}\n",
        "/x-calls/phones/numbers/+33639981486/phone/outcome: ",
    ),
    "a call without its outcomes": (
        "    no_answer:\n      summary",
        "    nobody:\n      summary",
        '/x-calls/outcomes: "no_answer" is a required property',
    ),
    "a magic number for no answer": (
        "fault: {fault: answer, answer: repeated-request}",
        "fault: {fault: answer, answer: repeated-requests}",
        "no such answer 'repeated-requests'; expected 'repeated-request'?",
    ),
    "a magic key for no answer": (
        "      answer: unauthorized\n",
        "      answer: unauthorised\n",
        "/x-magic/keys/magic-unauthorized: no such answer 'unauthorised'; expected 'unauthorized'?",
    ),
    "a magic number without a fault": (
        "      fault: {fault: reset}\n",
        "      fault: {}\n",
        '"fault" is a required property',
    ),
    "a magic login without settings": (
        "      settings: {voice_addon: false}\n",
        "",
        '"settings" is a required property',
    ),
    "a range that nobody keeps": (
        "      reserved_by: ARCEP, France\n",
        "",
        '"reserved_by" is a required property',
    ),
    "an answer for a fault that is gone": (
        "  too-many-requests:\n",
        "  too-many:\n",
        '"too-many-requests" is a required property',
    ),
    "a misspelt member of a fault": (
        "fault: {fault: delay, seconds: 2}",
        "fault: {fault: delay, secnds: 2}",
        "/x-magic/numbers/+33639980906/fault: ",
    ),
    "a contact within a contact": (
        "      properties:\n        phone_number:\n",
        (
            '      properties:\n        next: {$ref: "#/components/schemas/Contact"}\n'
            "        phone_number:\n"
        ),
        "/schemas/Contact/properties/next: a schema within itself; expected one that ends",
    ),
    "an answer within itself": (
        "    ApiError:\n      type: object\n",
        (
            "    ApiError:\n      type: object\n"
            '      additionalProperties: {$ref: "#/components/schemas/ApiError"}\n'
        ),
        "/components/schemas/ApiError/additionalProperties: a schema within itself",
    ),
    "a depth that nobody needs": (
        "info:\n",
        f"x: {'[' * 900}{']' * 900}\ninfo:\n",
        "deeper than 64",
    ),
    "a number that JSON cannot hold": (
        "info:\n",
        f"x: {'9' * 5000}\ninfo:\n",
        "99… is not a",
    ),
    "an infinite number": (
        "info:\n",
        "x: .inf\ninfo:\n",
        ".inf is not a number that JSON",
    ),
    "a nest of aliases": (
        "info:\n",
        "x: &a0 [1, 1]\n"
        + "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
        + "info:\n",
        "more than 100000 values",
    ),
    "bytes in an example": (
        "                  ticket_number: voice_5f44ebf9e47b7\n",
        "                  ticket_number: !!binary aGVsbG8=\n",
        "the tag tag:yaml.org,2002:binary, which JSON does not have",
    ),
    "binary digits without any": (
        "info:\n",
        "x: 0b_\ninfo:\n",
        "0b_ is not a number that JSON can hold",
    ),
    "members of an answer that are no map": (
        "    ApiError:\n      type: object\n",
        "    ApiError:\n      type: object\n      patternProperties: 5\n",
        "/components/schemas/ApiError/patternProperties: 5; expected a map",
    ),
    "a part of an answer that is no schema": (
        "    ApiError:\n      type: object\n",
        "    ApiError:\n      type: object\n      anyOf: [5]\n",
        "5, which is not an object; expected a JSON Schema",
    ),
    "a reference to what is no schema": (
        "    ApiError:\n      type: object\n",
        '    ApiError:\n      type: object\n      anyOf: [{$ref: "#/info/version"}]\n',
        "something that is not an object; expected a JSON Schema",
    ),
    "a type of an answer that is none": (
        "    ApiError:\n      type: object\n",
        "    ApiError:\n      type: objct\n",
        '/components/schemas/ApiError/type: "objct" is not valid',
    ),
    "a pattern of a contact that is none": (
        "          pattern: ^\\+[0-9]{7,16}$",
        "          pattern: ^\\+[0-9{7,16}$",
        "/components/schemas/Contact/properties/phone_number/pattern: ",
    ),
    "an unknown x- key of a parameter called value": (
        SENDER,
        "      properties:\n        value: {type: string, x-leniant: {}}\n        text:\n",
        "/properties/value/x-leniant: an unknown x- key",
    ),
    "a webhook with put": (
        "  deliveryReceipt:\n    post:\n",
        "  deliveryReceipt:\n    put:\n",
        "/webhooks/deliveryReceipt/put: 'put' was unexpected: nothing reads it",
    ),
    "an answer without a schema": (
        '              schema:\n                $ref: "#/components/schemas/CampaignAccepted"\n',
        "",
        '/responses/2XX/content/application~1json: "schema" is a required property',
    ),
    "an example without a value": (
        "                summary: A simulated campaign\n                value:\n",
        "                summary: A simulated campaign\n                val:\n",
        '/examples/simulation: "value" is a required property',
    ),
    "an error without a code": (
        "                        code: 442\n",
        "",
        '/errors/voice_language: "code" is a required property',
    ),
    "an error that is a text": (
        (
            "                      voice_language:\n                        code: 442\n"
            "                        message: Voice language not supported.\n"
        ),
        "                      voice_language: Voice language not supported.\n",
        "/value/errors/voice_language: ",
    ),
    "parameters of the operation": (
        "      tags: [voice-campaign]\n      security:\n        - ",
        "      tags: [voice-campaign]\n      parameters: []\n      security:\n        - ",
        "/post/parameters: 'parameters' was unexpected: nothing reads it",
    ),
    "servers of the operation": (
        "      tags: [voice-campaign]\n      security:\n        - ",
        "      tags: [voice-campaign]\n      servers: []\n      security:\n        - ",
        "/post/servers: 'servers' was unexpected: nothing reads it",
    ),
    "callbacks of the operation": (
        "      tags: [voice-campaign]\n      security:\n        - ",
        "      tags: [voice-campaign]\n      callbacks: {}\n      security:\n        - ",
        "/post/callbacks: 'callbacks' was unexpected: nothing reads it",
    ),
    "parameters of the path": (
        "voice-campaign/send:\n    post:\n",
        "voice-campaign/send:\n    parameters: []\n    post:\n",
        "/paths/~1v1~1public~1voice-campaign~1send/parameters: 'parameters' was unexpected",
    ),
    "an operation that is not counted": (
        "voice-campaign/send:\n    post:\n",
        "voice-campaign/send:\n    trace: {responses: {}}\n    post:\n",
        "/trace: 'trace' was unexpected",
    ),
    "a path with a variable": (
        "  /v1/public/voice-campaign/send:\n",
        "  /v1/{audience}/voice-campaign/send:\n",
        '/paths: "/v1/{audience}/voice-campaign/send" does not match',
    ),
    "security of the whole": ("tags:\n", "security: []\ntags:\n", "/security: 'security' was"),
    "another dialect of JSON Schema": (
        "tags:\n",
        "jsonSchemaDialect: https://example.com\ntags:\n",
        "/jsonSchemaDialect: 'jsonSchemaDialect' was unexpected",
    ),
    "a second server": (
        "servers:\n",
        "servers:\n  - url: https://example.com\n",
        "/servers: [",
    ),
    "a server with variables": (
        "  - url: https://api.octopush.com\n",
        "  - url: https://api.octopush.com\n    variables: {}\n",
        "/servers/0/variables: 'variables' was unexpected",
    ),
    "a server that is many": (
        "https://api.octopush.com\n",
        "https://{region}.octopush.com\n",
        '/servers/0/url: "https://{region}.octopush.com" does not match',
    ),
    "a second kind of body": (
        "        content:\n          application/json:\n            schema:\n              $ref:",
        (
            "        content:\n          text/plain: {schema: {}}\n"
            "          application/json:\n            schema:\n              $ref:"
        ),
        "/requestBody/content: {",
    ),
    "an encoding of the body": (
        "            examples:\n              one-contact:\n",
        "            encoding: {}\n            examples:\n              one-contact:\n",
        "/requestBody/content/application~1json/encoding: 'encoding' was unexpected",
    ),
    "an example without a name": (
        "            examples:\n              one-contact:\n",
        "            example: {}\n            examples:\n              one-contact:\n",
        "/requestBody/content/application~1json/example: 'example' was unexpected",
    ),
    "links of an answer": (
        '        "403":\n',
        '        "403":\n          links: {}\n',
        "/responses/403/links: 'links' was unexpected",
    ),
    "an answer elsewhere": (
        '        "403":\n',
        '        "404": {$ref: "#/components/responses/NotFound"}\n        "403":\n',
        "/responses/404/$ref: '$ref' was unexpected",
    ),
    "parameters of a webhook": (
        "      tags: [voice-campaign]\n      security: []\n",
        "      tags: [voice-campaign]\n      parameters: []\n      security: []\n",
        "/webhooks/deliveryReceipt/post/parameters: 'parameters' was unexpected",
    ),
    "security of a webhook": (
        "      tags: [voice-campaign]\n      security: []\n",
        "      tags: [voice-campaign]\n      security: [{api-key: []}]\n",
        "/webhooks/deliveryReceipt/post/security: [",
    ),
    "components that nothing reads": (
        "components:\n",
        "components:\n  parameters: {}\n",
        "/components/parameters: 'parameters' was unexpected",
    ),
    "a receipt within itself": (
        "        channel:\n          type: string\n",
        '        parent: {$ref: "#/components/schemas/DeliveryReceipt"}\n',
        "/components/schemas/DeliveryReceipt/properties/parent: a schema within itself",
    ),
    "a type of a receipt that is none": (
        "        channel:\n          type: string\n",
        "        channel:\n          type: texts\n",
        '/components/schemas/DeliveryReceipt/properties/channel/type: "texts" is not valid',
    ),
    "a keyword that only older versions have": (
        "        unit_price:\n          type: number\n",
        "        unit_price:\n          type: number\n          nullable: true\n",
        "/properties/unit_price/nullable: no such keyword 'nullable'",
    ),
    "two names that are one but for case and separators": (
        SENDER,
        "      properties:\n        list-name: {type: string}\n        text:\n",
        "/properties/list_name: 'list_name', which is 'list-name' but for case and separators",
    ),
    "members beside a reference": (
        '                $ref: "#/components/schemas/CampaignAccepted"\n',
        (
            '                $ref: "#/components/schemas/CampaignAccepted"\n'
            "                properties: {}\n"
        ),
        "/schema/properties: properties beside a $ref; expected it in the schema that the $ref",
    ),
    "a bound beside a reference that is none": (
        '            $ref: "#/components/schemas/Contact"\n',
        '            $ref: "#/components/schemas/Contact"\n            type: 5\n',
        "/items/type: type 5 beside a $ref to 'object'; expected one that both can have",
    ),
    "a misspelt keyword beside a reference": (
        '            $ref: "#/components/schemas/Contact"\n',
        '            $ref: "#/components/schemas/Contact"\n            maxLenght: 5\n',
        "no such keyword 'maxLenght'; expected 'maxLength'?",
    ),
    "a wrong status": ("x-status: 403", "x-status: 4030", "/x-status: 4030 is greater than"),
}


@pytest.mark.parametrize(("old", "new", "message"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_stops_the_start_with_one_line_that_says_where(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = planted(tmp_path, old, new)

    with pytest.raises(ContractError) as caught:
        load(path)

    (line,) = str(caught.value).splitlines()
    assert message in line
    assert re.match(rf"{re.escape(str(path))}:\d+: ", line)


NUMERIC = "      responses:\n        200: {description: Sent.}\n"
KINDS = {
    "OpenAPI 3.0": (f"openapi: 3.0.3\npaths:\n  /a:\n    get:\n{NUMERIC}", "OpenAPI 3.0.3"),
    "OpenAPI 3.2": ("openapi: 3.2.0\n", "OpenAPI 3.2.0"),
    "Swagger": (f"swagger: '2.0'\npaths:\n  /a:\n    get:\n{NUMERIC}", "Swagger 2.0"),
    "another YAML": ("200: a\n", "no OpenAPI document"),
    "OpenAPI 3.1 of somebody": (
        "openapi: 3.1.0\nx-logo: a.png\npaths: {}\n",
        "an OpenAPI document without the keys of a contract here",
    ),
}


@pytest.mark.parametrize(("text", "found"), KINDS.values(), ids=KINDS)
def test_another_kind_of_document_is_named_before_anything_inside_it(
    tmp_path: Path, text: str, found: str
) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(ContractError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}:1: {found}; expected ")
    assert str(caught.value).endswith("a contract as `vms contract FILE` writes it")


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-16", ":1: the file is UTF-16; expected it saved as UTF-8"),
        ("utf-16-be", ":1: the file is UTF-16; expected it saved as UTF-8"),
        ("utf-32-le", ":1: the file is UTF-32; expected it saved as UTF-8"),
        ("utf-32-be", ":1: the file is UTF-32; expected it saved as UTF-8"),
        ("utf-32", ":1: the file is UTF-32; expected it saved as UTF-8"),
        ("latin-1", ":1: byte 0xe9 is not valid UTF-8; expected a text file in UTF-8"),
    ],
)
def test_another_encoding_is_named(tmp_path: Path, encoding: str, found: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes("# résumé\nopenapi: 3.1.0\n".encode(encoding))

    with pytest.raises(ContractError, match=re.escape(f"{path}{found}")):
        load(path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(b"\x7fELF\x02\x01\x01\x00")

    with pytest.raises(ContractError, match=":1: the file is binary; expected it saved as UTF-8"):
        load(path)


def test_a_byte_order_mark_and_other_line_ends_make_no_other_contract(
    tmp_path: Path, contract: Contract
) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode("utf-8-sig"))

    assert load(path).sha256 == contract.sha256


LIST_NAME = re.search(r"        list_name:\n((?: {10}.*\n)+)", TEXT)
assert LIST_NAME is not None


def beside(behind: str, *keywords: str) -> str:
    """The contract with a list_name that is a reference, and keywords beside it."""
    assert LIST_NAME is not None
    body = re.sub("(?m)^ {4}", "", LIST_NAME[1])
    lines = "".join(f"          {keyword}\n" for keyword in keywords)
    text = TEXT.replace(
        LIST_NAME[0], f'        list_name:\n          $ref: "#/components/schemas/Name"\n{lines}'
    )
    named = f"    Name:\n{body}".replace("type: string\n", f"type: string\n      {behind}\n")
    return text.replace("    Contact:\n", f"{named}    Contact:\n", 1)


@pytest.mark.parametrize(
    ("behind", "keyword", "good", "bad"),
    [
        ("title: A name", "maxLength: 3", "abc", "abcd"),
        ("maxLength: 3", "maxLength: 9", "abc", "abcd"),
        ("minLength: 3", "minLength: 2", "abc", "ab"),
        ("enum: [a, b]", "enum: [b, c]", "b", "a"),
        ("pattern: ^a", "maxLength: 2", "ab", "abc"),
        ("title: A name", 'type: [string, "null", integer]', "abc", None),
    ],
)
def test_what_stands_beside_a_reference_holds_together_with_what_is_behind_it(
    tmp_path: Path, behind: str, keyword: str, good: str, bad: str | None
) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(beside(behind, keyword), "utf-8")

    name = load(path).body.members["list_name"]

    assert (name.accepts(good), name.accepts(bad)) == (True, False)


def test_every_integer_beside_a_reference_to_a_number_is_one(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(
        beside("", "type: integer").replace("      type: string\n      \n", "      type: number\n"),
        "utf-8",
    )

    name = load(path).body.members["list_name"]

    assert (name.accepts(5), name.accepts(5.5)) == (True, False)


def test_a_leniency_beside_a_reference_is_read_in_place_of_that_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    lenient = (
        "{casts: [text, trim], fallback: ignore, evidence: *ignore, "
        "errors: {any: {code: 400, message: A., evidence: *our-code}}}"
    )
    path.write_text(beside("title: A name", f"x-lenient: {lenient}"), "utf-8")

    casts = load(path).body.members["list_name"].casts

    assert [cast.name for cast in casts] == ["text", "trim"]


def test_what_stands_beside_a_reference_is_written_out_for_tools_that_would_pass_over_it() -> None:
    text = beside("title: A name", "maxLength: 3")
    contact = '            $ref: "#/components/schemas/Contact"\n'
    text = text.replace(contact, f"{contact}            description: One of them.\n")

    plain = ContractFile.parsed(Path("contract.yaml"), text).without_besides()

    fields = plain["components"]["schemas"]["VoiceCampaign"]["properties"]
    assert fields["list_name"]["maxLength"] == 3
    assert fields["list_name"]["type"] == "string"
    assert fields["recipients"]["items"] == {"$ref": "#/components/schemas/Contact"}


def test_what_is_behind_a_reference_to_a_part_is_written_out() -> None:
    text = TEXT.replace("        channel:\n", '        via: {$ref: "#/info"}\n        channel:\n')

    plain = ContractFile.parsed(Path("contract.yaml"), text).without_besides()

    receipt = plain["components"]["schemas"]["DeliveryReceipt"]
    assert receipt["properties"]["via"]["version"] == "1.0.0"


def test_a_part_that_leads_back_into_itself_is_refused() -> None:
    loop = '{x: {a: {$ref: "#/components/schemas/Loop/x"}}}'
    text = TEXT.replace("    Contact:\n", f"    Loop: {loop}\n    Contact:\n", 1)

    with pytest.raises(ContractError, match="Loop/x' that leads back here; expected one that ends"):
        ContractFile.parsed(Path("contract.yaml"), text).without_besides()


def test_a_value_that_holds_itself_is_refused(tmp_path: Path) -> None:
    path = planted(tmp_path, "info:\n", "x-shared-evidence: &a\n  a: *a\ninfo:\n")

    with pytest.raises(ContractError, match=re.escape(f"{path}:")):
        load(path)


def test_of_two_lists_of_types_beside_and_behind_a_reference_both_hold(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    text = beside("title: A name", "type: [string, number]")
    path.write_text(
        text.replace(
            "      type: string\n      title", "      type: [string, number, 'null']\n      title"
        ),
        "utf-8",
    )

    name = load(path).body.members["list_name"]

    assert name.valid == "type number or string"


@pytest.mark.parametrize(
    ("behind", "keyword"),
    [
        ("enum: [a, b]", "enum: abc"),
        ("pattern: ^a", "pattern: ^b"),
        ("enum: [a, b]", "enum: [c]"),
        ("maxLength: 3", "maxLength: three"),
        ("title: A name", "type: [boolean]"),
    ],
)
def test_what_cannot_hold_together_is_refused_where_the_reference_stands(
    tmp_path: Path, behind: str, keyword: str
) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(beside(behind, keyword), "utf-8")
    line = 1 + path.read_text("utf-8").splitlines().index(f"          {keyword}")

    with pytest.raises(ContractError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "beside a $ref" in str(caught.value)


@pytest.mark.parametrize("hooks", ["null", "{a: {post: {responses: {}}}}", "{a: {post: []}}"])
def test_webhooks_of_another_shape_stop_the_start(tmp_path: Path, hooks: str) -> None:
    text = re.sub(r"(?ms)^webhooks:\n.*?(?=^components)", f"webhooks: {hooks}\n", TEXT)
    path = tmp_path / "contract.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(ContractError, match=r"/webhooks.*; expected the shape"):
        load(path)


def test_headers_are_looked_up_in_lower_case(tmp_path: Path) -> None:
    path = planted(tmp_path, "name: api-key\n", "name: Api-Key\n")

    assert load(path).key_header == "api-key"


def test_a_parameter_may_have_a_name_that_begins_as_keys_of_the_contract_do(
    tmp_path: Path,
) -> None:
    text = TEXT.replace("        list_name:\n", "        x-list:\n")
    path = tmp_path / "contract.yaml"
    path.write_text(text.replace("list_name: Oct", "x-list: Oct"), "utf-8")

    assert "x-list" in load(path).body.members


def test_a_reference_in_an_advice_is_followed(tmp_path: Path) -> None:
    few = '{$ref: "#/components/schemas/Few"}'
    path = planted(tmp_path, "schema: {maxItems: 500}", f"schema: {few}")
    text = path.read_text("utf-8").replace(
        "    Contact:\n", "    Few: {maxItems: 1}\n    Contact:\n"
    )
    path.write_text(text, "utf-8")

    (advice,) = load(path).body.members["recipients"].advice

    assert (advice.fits([1]), advice.fits([1, 2])) == (True, False)


def test_a_reference_of_other_members_of_a_parameter_is_followed(tmp_path: Path) -> None:
    others = '{$ref: "#/components/schemas/Few"}'
    new = f"""        more:
          type: object
          additionalProperties: {others}
          x-lenient: {LENIENT}
          x-evidence: *ignore
        text:
"""
    path = planted(tmp_path, SENDER, f"{SENDER[:-14]}{new}")
    text = path.read_text("utf-8").replace(
        "    Contact:\n", "    Few: {maxItems: 1}\n    Contact:\n"
    )
    path.write_text(text, "utf-8")

    more = load(path).body.members["more"]

    assert (more.accepts({"a": [1]}), more.accepts({"a": [1, 2]})) == (True, False)


def test_a_header_of_an_answer_may_have_a_name_that_begins_so_too(tmp_path: Path) -> None:
    taken = '      responses:\n        "200":\n'
    header = "          headers: {x-left: {schema: {type: integer}}}\n"

    load(planted(tmp_path, taken, taken + header))


def test_a_parameter_of_an_answer_may_be_called_grade(tmp_path: Path) -> None:
    path = planted(
        tmp_path,
        "ticket_number: voice_5f44ebf9e47b7\n",
        "ticket_number: voice_5f44ebf9e47b7\n                    grade: {grade: A, source: x}\n",
    )

    assert load(path).answers["accepted"].value["grade"] == {"grade": "A", "source": "x"}


def test_the_line_is_that_of_the_defect(tmp_path: Path) -> None:
    path = planted(tmp_path, "casts: [text, trim, squeeze]", "casts: [text, trm, squeeze]")
    expected = 1 + path.read_text("utf-8").splitlines().index(
        "            casts: [text, trm, squeeze]"
    )

    with pytest.raises(ContractError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}:{expected}: ")


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"- a list\n", b"a text", b""])
def test_what_is_no_contract_at_all_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "contract.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ContractError, match=re.escape(str(path))):
        load(path)


def test_a_shape_that_no_check_foresaw_is_still_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = planted(tmp_path, "squeeze", "squeeze")
    monkeypatch.setattr(
        "mock_server.contract.loader._summary", lambda plain: plain["no such keyword"]
    )

    with pytest.raises(ContractError, match="something of another shape") as caught:
        load(path)

    assert len(str(caught.value).splitlines()) == 1


def test_yaml_words_for_yes_and_no_are_texts_and_dates_are_too(tmp_path: Path) -> None:
    path = planted(
        tmp_path,
        "names: [gender]",
        "names: [yes, 'no', 2026-11-23]",
    )

    assert set(load(path).body.members["voice_gender"].mistaken) == {"yes", "no", "2026-11-23"}


def test_the_shipped_contract_has_all_fourteen_rows_of_the_seed(contract: Contract) -> None:
    assert len(contract.body.members) == 14


def test_a_field_without_a_near_name_is_nobodys(contract: Contract) -> None:
    assert contract.body.meant("qwertyuiop") is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mode", "simulation_mode"),
        ("simulationMode", "simulation_mode"),
        ("Simulation-Mode", "simulation_mode"),
        ("simulaton_mode", "simulation_mode"),
        ("request_mode", "simulation_mode"),
        ("auto_remove_blacklisted_numbers", "auto_delete_optout_contacts"),
        ("recipient", "recipients"),
        ("voice_lang", "voice_language"),
    ],
)
def test_a_near_name_is_recognised(contract: Contract, name: str, meant: str) -> None:
    field = contract.body.meant(name)

    assert field is not None
    assert field.name == meant


def test_a_near_name_is_not_looked_for_where_that_would_cost_too_much(contract: Contract) -> None:
    assert contract.body.meant("simulaton_mode", guess=False) is None
    assert contract.body.meant("simulation_mode" * 10) is None


def test_nothing_assumed_looks_documented(contract: Contract) -> None:
    seed = " ".join(
        (ROOT / "openapi/sources/seed-send-a-vms-campaign.txt").read_text("utf-8").split()
    )
    quotes = {row["evidence"]["quote"] for row in rules(contract) if "quote" in row["evidence"]}
    assert [quote for quote in quotes if " ".join(quote.split()) not in seed] == []


def test_an_answer_of_endless_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_server.contract.loader._MOST_PARTS", 3)

    with pytest.raises(ContractError, match="more than 3 parts; expected a smaller schema"):
        load(ROOT / "openapi/voice-campaign.yaml")


def test_a_contract_without_calls_has_the_shipped_ones(contract: Contract) -> None:
    older = load(ROOT / "openapi/versions/0.2.0.yaml")

    assert older.calls == contract.calls
