"""The time that a test may take; conftest.py of each folder has it."""
import signal

import pytest

TEST_SECONDS = 180  # far more than any takes


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs: the alarm raises in whatever it waits for."""
    own = request.node.get_closest_marker("seconds")
    seconds = own.args[0] if own else TEST_SECONDS

    def expire(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
