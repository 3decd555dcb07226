"""How the process is told to stop: `signals` asks for it, `stop` holds the request and its grace."""
