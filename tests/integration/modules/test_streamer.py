# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the video."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import DIALECTS
from tests.support.expect import Refusal, Start, check_refusals, fault

MODULE = "pikvm_streamer"
SET, RESET = "streamer/set_params", "streamer/reset"
FACTORY = {"quality": 80, "desired_fps": 40, "h264_bitrate": 5000, "h264_gop": 30}
THIN = {"quality": 60, "desired_fps": 0, "h264_bitrate": 1000}


def streamer(**options: Any) -> dict[str, Any]:
    return task(MODULE, **options)


def test_video_is_set_once_and_read_back(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    after = {**FACTORY, **THIN}
    rows = [
        (check(MODULE, **THIN), FACTORY, after, []),
        (streamer(**THIN), FACTORY, after, [SET]),
        (streamer(**THIN), after, after, []),
        (streamer(h264_gop=0, quality=60), after, {**after, "h264_gop": 0}, [SET]),
    ]
    hosts = {
        f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd, streamer=runs), [row[0] for row in rows])
        for kvmd, runs in zip(DIALECTS, ("forever", "viewers", "viewers"), strict=True)
    }
    for name, outcomes in ansible.play(hosts, ("--diff",)).hosts.items():
        for index, (outcome, (_task, before, expected, writes)) in enumerate(zip(outcomes, rows, strict=True)):
            with subtests.test(msg=f"{name} task {index}"):
                assert outcome.ok, outcome.msg
                assert (outcome.changed, outcome.writes) == (before != expected, writes)
                assert outcome["diff"] == {"before": {"params": before}, "after": {"params": expected}}
                assert outcome["streamer"]["params"] == expected
                assert outcome["streamer"]["running"] is (name == "kvmd_4.197")
        changed = [record.query for record in outcomes[3].requests if record.method == "POST"]
        assert changed == [{"h264_gop": "0"}]
        assert hosts[name].sim.device.streamer.params == {**after, "h264_gop": 0}


def test_video_begins_anew(ansible: Ansible, simulator: Start) -> None:
    for runs in ("forever", "viewers"):
        foretold, real, again = ansible.run(
            simulator(streamer=runs), check(MODULE, state="reset"), streamer(state="reset"), streamer(state="reset")
        )
        assert [outcome.msg for outcome in (foretold, real, again) if not outcome.ok] == []
        assert [outcome.changed for outcome in (foretold, real, again)] == [True, True, True]
        assert (foretold.writes, real.writes, again.writes) == ([], [RESET], [RESET])
        assert real["streamer"]["running"] is foretold["streamer"]["running"] is (runs == "forever")


def test_lost_answer_is_looked_for(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("drop_request", path=SET, when="after", times=1)
    (outcome,) = ansible.run(sim, streamer(quality=50))
    assert (outcome.changed, outcome.writes, outcome["streamer"]["params"]["quality"]) == (True, [SET], 50)


REFUSALS = {
    "more than the hardware can": Refusal(
        streamer(desired_fps=71), "^desired_fps: must be between 0 and 70 on this PiKVM, not 71$"
    ),
    "more than anything can": Refusal(
        check(MODULE, quality=101), "^quality: must be between 1 and 100 on this PiKVM, not 101$"
    ),
    "nothing at all": Refusal(streamer(quality=0), "^quality: must be between 1 and 100 on this PiKVM, not 0$"),
    "thinner than possible": Refusal(
        streamer(quality=50, h264_bitrate=24), "^h264_bitrate: must be between 25 and 20000 on this PiKVM, not 24$"
    ),
    "setting that the hardware lacks": Refusal(
        streamer(resolution="1280x720"),
        "^resolution: the video of this PiKVM has no such setting; it can be set: quality, desired_fps, h264_bitrate, ",
    ),
    "reset and more": Refusal(streamer(state="reset", quality=5), "parameters are mutually exclusive: state|quality"),
    "nothing to set": Refusal(streamer(), "one of the following is required: quality, desired_fps, resolution"),
    "dropped in silence": Refusal(
        streamer(quality=5),
        r"^Setting quality was answered 200, but after 10 s the PiKVM shows \{'quality': 80\}$",
        fault("ignore_write"),
        changes=True,
    ),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)
