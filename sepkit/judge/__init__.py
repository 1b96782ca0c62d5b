"""What a result is worth: metrics on a pair, the gate, the bypass, known words; verdict and quarantine."""
