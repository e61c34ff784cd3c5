"""The profiler."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path

import pytest

import dovetail as dt
from dovetail.profiler import EventAverage, EventAverages, profile, record_function


def test_ops_are_counted_and_timed() -> None:
    with profile() as prof:
        x = dt.ones(300, 300)
        for _ in range(3):
            x = x.matmul(x)
        x.add_(1)
    averages = prof.key_averages()
    assert [(each.key, each.count) for each in averages] == [("ones", 1), ("matmul", 3), ("add", 1)]
    product = averages[1]
    assert product.cpu_time_total == pytest.approx(3 * product.cpu_time)
    assert product.self_cpu_time_total == product.cpu_time_total > 0
    assert averages.self_cpu_time_total == pytest.approx(sum(each.cpu_time_total for each in averages))
    dt.ones(3)
    assert len(prof.events()) == 5  # nothing is seen outside


def test_ranges_contain_what_is_called_in_them() -> None:
    with profile() as prof, record_function("outer"):
        time.sleep(0.01)
        with record_function("inner"):
            dt.ones(3)
            time.sleep(0.02)
        dt.zeros(3)
    outer, inner, ones, zeros = prof.events()
    assert [each.name for each in (outer, inner, ones, zeros)] == ["outer", "inner", "ones", "zeros"]
    assert (outer.kind, ones.kind) == ("range", "op")
    assert outer.cpu_time_inside == pytest.approx(inner.cpu_time_total + zeros.cpu_time_total)
    assert outer.self_cpu_time_total >= 9_000
    assert inner.self_cpu_time_total >= 19_000
    assert inner.start >= outer.start
    assert inner.start + inner.cpu_time_total <= outer.start + outer.cpu_time_total
    total = prof.total_average()
    assert total.count == 4
    assert total.self_cpu_time_total == pytest.approx(outer.cpu_time_total)


def test_a_range_is_a_decorator_and_may_recurse() -> None:
    @record_function("down")
    def down(n: int) -> None:
        """Count down."""
        if n:
            down(n - 1)

    assert down.__doc__ == "Count down."
    down(2)  # no profile runs
    with profile() as prof:
        down(2)
    first, second, third = prof.events()
    assert first.cpu_time_inside == second.cpu_time_total
    assert second.cpu_time_inside == third.cpu_time_total
    again = record_function("again")
    with profile() as prof, again, again:
        pass
    assert [each.cpu_time_inside > 0 for each in prof.events()] == [True, False]


def test_errors_are_recorded_too_and_come_through() -> None:
    with profile() as prof:
        with pytest.raises(ValueError), record_function("range"):
            dt.ones(2, 3).matmul(dt.ones(2, 3))
        dt.ones(1)
    assert [each.name for each in prof.events()][-2:] == ["matmul", "ones"]
    assert all(each.cpu_time_total > 0 for each in prof.events())
    assert prof._open == []


def test_profiles_nest_and_can_be_off() -> None:
    with profile() as outer:
        dt.ones(1)
        with profile() as inner, profile(enabled=False) as off, record_function("r"):
            dt.zeros(1)
    assert [each.name for each in outer.events()] == ["ones", "r", "zeros"]
    assert [each.name for each in inner.events()] == ["r", "zeros"]
    assert off.events() == []
    with pytest.raises(RuntimeError, match="profile: this profile is already running"), outer, outer:
        pass
    with outer:  # again adds to it
        dt.ones(1)
    assert len(outer.events()) == 4


def test_a_profile_belongs_to_its_thread() -> None:
    with profile() as prof:
        thread = threading.Thread(target=lambda: dt.ones(3).sum())
        thread.start()
        thread.join()
    assert prof.events() == []


def test_shapes() -> None:
    with profile(record_shapes=True) as prof:
        a, b = dt.ones(2, 3), dt.ones(3, 4)
        a.matmul(b)
        b.t().matmul(a.t())
        dt.cat([a, a])
    shapes = {each.name: each.input_shapes for each in prof.events()}
    assert shapes["cat"] == ((2, 3), (2, 3))
    grouped = prof.key_averages(group_by_input_shape=True)
    assert [each.input_shapes for each in grouped if each.key == "matmul"] == [((2, 3), (3, 4)), ((4, 3), (3, 2))]
    assert [each.count for each in prof.key_averages() if each.key == "matmul"] == [2]
    assert "[[2, 3], [3, 4]]" in grouped.table()
    assert "Input Shapes" not in prof.table()
    with pytest.raises(RuntimeError, match="key_averages: group_by_input_shape needs"):
        profile().key_averages(group_by_input_shape=True)


def test_the_table() -> None:
    averages = EventAverages(
        [
            EventAverage("slow", count=1, cpu_time_total=3_000_000.0, self_cpu_time_total=1_000_000.0),
            EventAverage("often", count=1000, cpu_time_total=2_000_000.0, self_cpu_time_total=2_000_000.0),
            EventAverage("a_very_long_name", count=2, cpu_time_total=1_500.0, self_cpu_time_total=1_500.0),
        ]
    )
    lines = averages.table(sort_by="self_cpu_time_total", header="title").splitlines()
    assert lines[0] == "title"
    assert set(lines[1]) == {"-"}
    columns = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls"]
    assert re.split(r" {2,}", lines[2]) == columns
    assert [line.split()[0] for line in lines[4:7]] == ["often", "slow", "a_very_long_name"]
    assert lines[4].split() == ["often", "66.63%", "2.000s", "66.63%", "2.000s", "2.000ms", "1000"]
    assert lines[6].split() == ["a_very_long_name", "0.05%", "1.500ms", "0.05%", "1.500ms", "750.000us", "2"]
    assert lines[-1] == "Self CPU time total: 3.002s"
    assert len({len(line) for line in lines[1:-1]}) == 1
    for sort, first in (("cpu_time_total", "slow"), ("count", "often"), ("cpu_time", "slow"), ("key", "a_very")):
        assert averages.table(sort_by=sort).splitlines()[3].startswith(first)
    assert str(averages) == averages.table()
    short = averages.table(row_limit=1, max_name_column_width=8)
    assert "(2 more)" in short
    assert "often" not in short
    assert "a_ver..." in averages.table(max_name_column_width=8)
    assert averages.table(row_limit=-1).count("\n") == averages.table().count("\n")
    assert "Self CPU time total: 0.000us" in EventAverages([]).table()
    with pytest.raises(ValueError, match="table: sort_by must be one of cpu_time, .*got str 'time'"):
        averages.table(sort_by="time")


def test_a_trace(tmp_path: Path) -> None:
    with profile(record_shapes=True) as prof, record_function('a "range"'):
        dt.ones(2).exp()
    prof.export_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    assert [(each["name"], each["cat"], each["ph"]) for each in trace] == [
        ('a "range"', "range", "X"),
        ("ones", "op", "X"),
        ("exp", "op", "X"),
    ]
    assert trace[2]["args"] == {"Input Dims": [[2]]}
    assert trace[0]["ts"] <= trace[1]["ts"] < trace[2]["ts"]
    assert trace[2]["ts"] + trace[2]["dur"] <= trace[0]["ts"] + trace[0]["dur"]


def test_a_name_is_text() -> None:
    with pytest.raises(TypeError, match="record_function: name must be a str, got int 3"):
        record_function(3)  # type: ignore[arg-type]
