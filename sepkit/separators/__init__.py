"""The members an ensemble can have, one file each. `base.py` states the contract; dropping a file in adds one."""
