import pytest

from regulars.web.listening import AddressUnknown, PortBusy, address_of, listen


def test_port_zero_is_any_free_port() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(PortBusy, match=rf"Port {port} on 127.0.0.1 is taken.*REGULARS_PORT=\d+\."):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AddressUnknown, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)
