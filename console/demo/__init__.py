"""The demo: the example's hybrid system on this machine, driven, observed and told."""
