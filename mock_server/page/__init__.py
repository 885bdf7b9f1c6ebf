"""The page for people under ``/_twin/``: the inbox, calls, accounts, a form to try, the rules."""
