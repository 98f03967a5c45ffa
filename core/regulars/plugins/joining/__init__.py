"""How a plugin comes in: found, checked, admitted, loaded, its tables brought up to date."""
