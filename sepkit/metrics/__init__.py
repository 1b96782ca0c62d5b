"""What is measured on a pair, one file a metric. `base.py` states the contract."""
