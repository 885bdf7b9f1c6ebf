"""The contract this client was generated from, and by what."""

CONTRACT_SHA256 = "561756f190c9f0ef59f95fba5bd0517e69e2ae276b748c54a17552a6faeedbb8"
CONTRACT_VERSION = "1.0.0"
FORMATTER = "ruff 0.17.6"
GENERATOR = "openapi-python-client 0.29.1"
KEY_HEADER = "api-key"
LOGIN_HEADER = "api-login"
SERVER_URL = "https://api.octopush.com"
