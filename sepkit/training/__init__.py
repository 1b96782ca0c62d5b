"""How sepkit's own networks are made: corpus → mixes → losses → loop. Imported by the command line alone."""
