"""The contract this client was generated from, and by what."""

CONTRACT_SHA256 = "1d1b4203e303afc0f0d871feca2b4d1bba4b85c39dfdb0553708b5e1c5c014d9"
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
