"""Known-truth study: made-up worlds whose effects are known, estimated by the project's own code. No part of the pipeline."""
