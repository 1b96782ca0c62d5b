"""Sets of mixes whose speech is known, and the pilot's own mix."""
