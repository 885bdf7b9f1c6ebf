"""The contract this client was generated from, and by what."""

CONTRACT_SHA256 = "bd616eba955a1f64b7b26ed8f58e653fb48bbbbb47c1e40a4fc8b3becac5593a"
CONTRACT_VERSION = "1.0.0"
FORMATTER = "ruff 0.17.6"
GENERATOR = "openapi-python-client 0.29.1"
KEY_HEADER = "api-key"
LOGIN_HEADER = "api-login"
SERVER_URL = "https://api.octopush.com"
