"""`python -m scripts.make_mixes`: a set of mixes whose speech is known; `scripts.mixes.make` says what it takes."""

from scripts.mixes.make import main

if __name__ == "__main__":
    main()
