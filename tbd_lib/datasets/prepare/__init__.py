"""Data sets and published weights: fetched, checked, unpacked and verified, each once (``tbd prepare``).

``sources.py`` is the table of all addresses and facts, ``steps.py`` the order of things.
"""
