"""The parts that figures rest on: percentiles, servers that are stopped, time that is bounded."""

from __future__ import annotations

import time

import psutil
import pytest

from bench.__main__ import arguments, time_limit
from bench.client import parsed_info
from bench.errors import BenchError
from bench.helpers.latency import percentiles
from bench.programs import raw_sockets, redis_server
from bench.servers import running
from bench.subjects import SUBJECTS, Options
from bench.traces import traces


def test_percentiles_are_samples_in_milliseconds() -> None:
    """The last one is the longest; one sample is all of them."""
    found = percentiles([number * 1_000_000 for number in range(1, 1001)])
    assert (found["p50"], found["p99"], found["p999"], found["max"]) == (501, 991, 1000, 1000)
    assert percentiles([5_000_000])["p50"] == 5.0
    assert percentiles([])["count"] == 0


def fail_beside(started: list[psutil.Process]) -> None:
    """Start a server and fail while it runs."""
    with running(redis_server()) as server:
        started.append(psutil.Process(server.pid))
        raise BenchError("something else failed")


def test_a_server_is_stopped_when_the_measurement_fails() -> None:
    """Nothing that was started may go on eating the machine."""
    started: list[psutil.Process] = []
    with pytest.raises(BenchError, match="something else failed"):
        fail_beside(started)
    assert not started[0].is_running()


def test_a_server_that_does_not_start_is_told_of_with_its_words() -> None:
    """The reason stands in its log."""
    with pytest.raises(BenchError, match="Bad directive"), running(redis_server(), "--nosuch", "1"):
        pass


def test_a_subject_that_takes_too_long_is_stopped() -> None:
    """The run as a whole is bounded; the limit interrupts whatever it waits for."""
    with pytest.raises(BenchError, match="stopped after 1 s"), time_limit(1):
        time.sleep(60)


def test_a_value_comes_back_from_raw_sockets_as_it_went() -> None:
    """The judge of large values must not be quick because it is wrong."""
    value = bytes(range(256)) * 5000
    into = memoryview(bytearray(len(value)))
    with running(raw_sockets()) as server, server.client() as client:
        for _ in range(2):
            client.set_large(b"key", memoryview(value))
            client.get_large(b"key", into)
    assert into == value


def test_a_reply_of_another_size_is_an_error() -> None:
    """A client that accepts anything measures anything."""
    with running(redis_server()) as server, server.client() as client:
        client.ask("SET", "key", "12345")
        with pytest.raises(BenchError, match="GET was answered with"):
            client.get_large(b"key", memoryview(bytearray(1000)))


def test_info_is_read_with_values_that_hold_colons() -> None:
    """Addresses do."""
    assert parsed_info(b"# Server\r\nport:1\r\nlisten:name=tcp:x\r\n") == {
        "port": "1",
        "listen": "name=tcp:x",
    }


def test_only_known_subjects_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name must not measure nothing."""
    assert arguments(["--only", "small, limits"]).only == ["small", "limits"]
    with pytest.raises(SystemExit):
        arguments(["--only", "smal"])
    assert "no such subject: smal" in capsys.readouterr().err


def test_each_subject_has_a_name_of_its_own_and_a_bound() -> None:
    """Results are kept by name."""
    assert len({subject.name for subject in SUBJECTS}) == len(SUBJECTS)
    assert all(subject.seconds_max(Options()) > 0 for subject in SUBJECTS)


def test_traces_are_the_same_each_time() -> None:
    """Else two runs could not be compared."""
    assert traces(10) == traces(10)
