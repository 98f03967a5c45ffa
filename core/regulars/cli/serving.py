"""`regulars serve` and `regulars worker`."""

from typing import Annotated

import typer

__all__ = ["serve", "worker"]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: REGULARS_HOST, 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any. Default: REGULARS_PORT, 8000.")
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew whenever a file of a plugin changes.")] = False,
    safe_mode: Annotated[bool, typer.Option("--safe-mode", help="Start without any plugin.")] = False,
    listener: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve the GraphQL API until SIGTERM or Ctrl-C."""
    import socket

    from regulars.cli.settings import read_settings
    from regulars.garbage import start_without_searching

    start_without_searching()
    settings = read_settings(host=host, port=port, safe_mode=safe_mode or None)
    if reload:
        from regulars.web.reloading import serve_with_reload

        serve_with_reload(settings, command=["serve", "--safe-mode"] if safe_mode else ["serve"])
        return
    from regulars.web.listening import listen

    taken = listen(settings.host, settings.port) if listener is None else socket.socket(fileno=listener)
    from regulars.web.serve import serve as serve_until_ended  # it takes seconds to import, and the port may be busy

    serve_until_ended(settings, taken)


def worker() -> None:
    """Do the work in the background until SIGTERM or Ctrl-C; the servers then run with REGULARS_WORKER=0."""
    from regulars.cli.settings import read_settings
    from regulars.garbage import start_without_searching

    start_without_searching()
    from regulars.web.serve import work  # it takes seconds to import

    work(read_settings())
