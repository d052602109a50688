"""What nearly every stage stands on: parameters, errors, outputs, progress, and the names of shared columns."""
