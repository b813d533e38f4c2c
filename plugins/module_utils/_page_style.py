# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the page of a play looks: light and dark, wide and narrow, on paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1b222c; --soft: #566070; --line: #d9dde3;
  --good: #17713a; --good-back: #dff3e6; --bad: #b3202c; --bad-back: #fde8e8; --busy: #8a5a00; --busy-back: #fdf0d2;
  --none-back: #e9ecf0; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1b212a; --text: #e6eaf0; --soft: #a0abba;
  --line: #343d4a; --good: #6fd596; --good-back: #163524; --bad: #ff9a9a; --bad-back: #43191d; --busy: #f3c566;
  --busy-back: #3b2d0d; --none-back: #29313c; --link: #7db8f5; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.45 system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; overflow-wrap: anywhere; }
main, body > header, body > footer { max-width: 1220px; margin: 0 auto; padding: 0 16px; }
body > header { padding-top: 28px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 0; }
h3 { font-size: .95rem; margin: 18px 0 6px; }
p { margin: 6px 0; }
a { color: var(--link); }
.soft, footer { color: var(--soft); font-size: .875rem; }
footer { padding: 8px 16px 32px; }
.sums { display: flex; flex-wrap: wrap; gap: 8px; list-style: none; margin: 14px 0 18px; padding: 0; }
.badge { display: inline-block; border-radius: 99px; padding: 2px 12px; font-weight: 600; font-size: .9rem;
  background: var(--none-back); color: var(--soft); }
.succeeded .badge, .badge.succeeded { background: var(--good-back); color: var(--good); }
.failed .badge, .badge.failed { background: var(--bad-back); color: var(--bad); }
.running .badge, .badge.running { background: var(--busy-back); color: var(--busy); }
.host { background: var(--card); border: 1px solid var(--line); border-left: 6px solid var(--line); border-radius: 8px;
  margin: 0 0 14px; padding: 14px 18px; }
.host.succeeded { border-left-color: var(--good); }
.host.failed { border-left-color: var(--bad); border-left-style: double; }
.host.running { border-left-color: var(--busy); border-left-style: dashed; }
.host > header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; }
.host > header .took { margin-left: auto; font-variant-numeric: tabular-nums; font-weight: 600; }
.track { display: grid; grid-template-columns: repeat(auto-fit, minmax(0, 1fr)); grid-auto-flow: column; gap: 4px;
  list-style: none; margin: 12px 0 4px; padding: 0; font-size: .78rem; }
.track li { border-top: 4px solid var(--line); padding-top: 3px; min-width: 0; color: var(--soft); }
.track .done { border-top-color: var(--good); color: var(--text); }
.track .failed { border-top-color: var(--bad); color: var(--bad); font-weight: 700; }
.track .now { border-top: 4px dashed var(--busy); color: var(--busy); font-weight: 700; }
.track li { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.track .time { display: block; }
.track .time { color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
.why { background: var(--bad-back); border-radius: 6px; padding: 8px 14px; margin: 12px 0 4px; white-space: pre-line; }
.why strong { color: var(--bad); }
.frames { display: flex; flex-wrap: wrap; gap: 10px; margin: 12px 0 4px; }
figure { margin: 0; width: 136px; }
figure img, .dark { display: block; width: 136px; height: 77px; object-fit: cover; object-position: top left;
  border: 1px solid var(--line); border-radius: 4px; background: #000; }
.dark { display: grid; place-items: center; text-align: center; color: #c3c9d2; font-size: .78rem; }
figcaption { font-size: .78rem; color: var(--soft); }
figure .read { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
  font-size: .72rem; line-height: 1.3; }
figure .big { display: none; }
figure:target { position: fixed; inset: 0; z-index: 2; width: auto; overflow: auto; padding: 20px;
  background: #0b0f14; color: #e6eaf0; }
figure:target img { width: auto; height: auto; max-width: 100%; max-height: 78vh; margin: 0 auto; }
figure:target figcaption { max-width: 900px; margin: 10px auto 0; color: #c3c9d2; font-size: .9rem; }
figure:target .big { display: block; }
figure:target .read { display: none; }
figure:target a { color: #9ccaff; }
figure:target .close { position: fixed; top: 10px; right: 10px; padding: 6px 14px; border-radius: 6px;
  background: #2b3541; text-decoration: none; font-weight: 600; }
pre { white-space: pre-wrap; margin: 6px 0;
  font: .8rem/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; padding: 4px 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; }
td.num { white-space: nowrap; font-variant-numeric: tabular-nums; }
tbody th { font-weight: 600; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 6px 0; font-size: .875rem; }
dt { color: var(--soft); }
dd { margin: 0; }
.led { display: inline-block; margin-right: 14px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 720px) {
  main, body > header, body > footer { padding-left: 10px; padding-right: 10px; }
  .host { padding: 12px; }
  .track .name, .track .time { position: absolute; width: 1px; height: 1px; clip-path: inset(50%); }
  .track li { text-align: center; position: relative; }
  figure, figure img, .dark { width: 100%; }
  .frames { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; }
  figure img, .dark { height: auto; aspect-ratio: 16 / 9; }
  figure:target img { width: 100%; aspect-ratio: auto; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 6px; }
  thead { display: none; }
  tr { display: block; border-top: 1px solid var(--line); padding: 6px 0; }
  th, td { display: inline-block; border: 0; padding: 0 12px 0 0; }
  td.wide { display: block; padding: 0; }
}
@media print { body { background: #fff; } .host { break-inside: avoid; } }
"""
