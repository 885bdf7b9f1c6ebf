"""The contract this client was generated from, and by what."""

CONTRACT_SHA256 = "fac3bd6efbbb8840fe993d8d56ada304fca1a044eab4de9e3f8297ea22e80355"
CONTRACT_VERSION = "1.0.0"
FORMATTER = "ruff 0.17.6"
GENERATOR = "openapi-python-client 0.29.1"
KEY_HEADER = "api-key"
LOGIN_HEADER = "api-login"
SERVER_URL = "https://api.octopush.com"
