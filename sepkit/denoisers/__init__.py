"""The denoisers of the second stage, one file each. `base.py` states the contract."""
