import time

from sepkit.clock import Clock


def test_inner_time_is_not_counted_twice(monkeypatch):
    ticks = iter([0.0, 1.0, 4.0, 10.0])  # outer begins, inner begins, inner ends, outer ends
    monkeypatch.setattr(time, "process_time", lambda: next(ticks))
    clock = Clock()
    with clock("outer"), clock("inner"):
        pass
    assert dict(clock.seconds) == {"inner": 3.0, "outer": 7.0}
