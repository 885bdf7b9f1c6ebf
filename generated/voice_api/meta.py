"""The contract this client was generated from, and by what."""

CONTRACT_SHA256 = "4b999934d742724ec706db776ce8d5a4950201461e23d6224d428c4749a1e5de"
CONTRACT_VERSION = "1.0.0"
FORMATTER = "ruff 0.17.6"
GENERATOR = "openapi-python-client 0.29.1"
KEY_HEADER = "api-key"
LARGEST_FRAME = 500
LOGIN_HEADER = "api-login"
OUT_OF_CREDIT = 104
PHONE_NUMBER = "^\\+[0-9]{7,16}$"
REPEATED_REQUEST_ID = 120
REQUEST_ID_HOURS = 24
SERVER_URL = "https://api.octopush.com"
SMALLEST_FRAME = 200
