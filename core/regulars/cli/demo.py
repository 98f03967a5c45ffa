"""`regulars demo`."""

from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: REGULARS_HOST, 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any. Default: REGULARS_PORT, 8000.")
    ] = None,
) -> None:
    """Serve real purchases of invented customers, with GraphiQL, an example query and a key, until Ctrl-C.

    The data lie in demo-data, or where REGULARS_DATABASE_URL says; the next start finds them there.
    """
    from regulars.cli.settings import read_settings
    from regulars.demo.settings import demo_settings
    from regulars.web.listening import listen

    settings = demo_settings(read_settings(host=host, port=port))
    taken = listen(settings.host, settings.port)
    from regulars.demo.start import serve_demo  # it takes seconds to import, and the port may be busy

    serve_demo(settings, taken)
