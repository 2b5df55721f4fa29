"""Why a point was proposed, and why a trial was stopped or ended: from the journal alone."""
