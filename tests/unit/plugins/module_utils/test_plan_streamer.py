# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the video as it is to the one wished for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.console import Streamer
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._streamer import plan_forget, plan_reset, plan_streamer

NOBODY: Any = None


def streamer(running: bool = True, saved: Any = None, **params: Any) -> Streamer:
    """A webcam that can scale and knows no H.264."""
    return Streamer.parse(
        {
            "features": {"quality": True, "resolution": True, "h264": False},
            "limits": {"desired_fps": {"min": 1, "max": 30}, "available_resolutions": ["640x480", "1280x720"]},
            "params": {"quality": 80, "desired_fps": 10, "resolution": "640x480", **params},
            "streamer": {"source": {"online": True}} if running else None,
            "snapshot": {"saved": saved},
        }
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"h264_gop": 1},
            "h264_gop: the video of this PiKVM has no such setting; it can be set: quality, ",
        ),
        ({"resolution": "1x1"}, "resolution: this PiKVM does not offer 1x1; it offers: 640x480, 1280x720"),
        ({"desired_fps": 0}, "desired_fps: must be between 1 and 30 on this PiKVM, not 0"),
        ({"quality": 101}, "quality: must be between 1 and 100 on this PiKVM, not 101"),
    ],
)
def test_what_the_device_would_drop_is_refused(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        plan_streamer(NOBODY, streamer(), wish)
    assert str(caught.value).startswith(message)


def test_only_what_differs_is_set_and_all_of_it_has_to_show() -> None:
    plan = plan_streamer(NOBODY, streamer(), {"quality": 80, "resolution": "1280x720", "desired_fps": 30})
    (step,) = plan.steps
    assert step.words == "Setting resolution, desired_fps"
    assert step.done is not None
    assert not step.done(streamer(resolution="1280x720"))
    assert step.done(streamer(resolution="1280x720", desired_fps=30))
    assert plan.after["params"] == {"quality": 80, "resolution": "1280x720", "desired_fps": 30}
    assert plan_streamer(NOBODY, streamer(), {"quality": 80, "resolution": None}).steps == ()


@pytest.mark.parametrize(("before", "after", "over"), [(True, False, False), (True, True, True), (False, False, True)])
def test_reset_video_runs_again_if_it_ran(before: bool, after: bool, over: bool) -> None:
    client: Any = type("Asked", (), {"console": type("Console", (), {"streamer_reset": None})})
    (step,) = plan_reset(client, streamer(before)).steps
    assert step.done is not None
    assert step.done(streamer(after)) is over


def test_picture_is_forgotten_where_there_is_one() -> None:
    client: Any = type("Asked", (), {"console": type("Console", (), {"forget_snapshot": None})})
    kept = streamer(saved={"online": True, "width": 640, "height": 480, "mtime": 1.0})
    plan = plan_forget(client, kept)
    (step,) = plan.steps
    assert plan.before == {"saved": {"online": True, "width": 640, "height": 480}}
    assert step.done is not None
    assert [step.done(state) for state in (kept, streamer())] == [False, True]
    assert plan_forget(client, streamer()).steps == ()
