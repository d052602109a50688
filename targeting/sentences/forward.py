"""Why nobody can say how earlier trials would have ranked the last one's households."""

from targeting.validation.forward import Obstacle

OBSTACLES = {
    Obstacle.ONE_TRIAL: "There is one trial: none comes before it.",
    Obstacle.NO_LEARNER: "No learner of learners.forward is among learners.names and has effects.",
    Obstacle.NO_OVERLAP: "The last trial has no two households inside the overlap.",
}
