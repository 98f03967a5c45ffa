"""Watch: what a process tells of its own work, in figures and in traces."""
