"""New plugins: a folder that installs, works and passes its tests from the first minute."""
