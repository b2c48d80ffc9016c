"""The worker: it takes up the jobs that commands and pages asked for."""
