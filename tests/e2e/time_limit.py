"""The time that a test may take; conftest.py of each folder has it."""
import signal

import pytest

TEST_SECONDS = 180  # far more than any takes


@pytest.fixture(autouse=True)
def time_limit():
    """No test hangs: the alarm raises in whatever it waits for."""

    def expire(*_):
        raise TimeoutError(f"the test took longer than {TEST_SECONDS} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
