"""Where signals go: each module translates them for one kind of backend. Pure: none opens a socket."""
