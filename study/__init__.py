"""Known-truth study: made-up worlds whose effects are known, estimated by the project's own code. No part of the pipeline."""

# One numerical thread per process, as in the stages: more of them only wait for each other where worlds run side by side.
import stages  # noqa: F401
