"""The look of a preview's pages: no network, no fonts."""

from __future__ import annotations

STYLE = """
:root{--ink:#1c2430;--soft:#5b6675;--rule:#e1e5ea;--back:#f5f6f8;--card:#fff;--legacy:#b26a00;
--serverless:#1f77b4;--good:#1d7a1d;--bad:#c01f20;--link:#1658a0}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif}
a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}
code{font:12px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:#eef0f3;border-radius:3px;
padding:1px 4px;overflow-wrap:anywhere}
.page{display:grid;grid-template-columns:208px minmax(0,1fr);min-height:100vh}
nav{background:var(--card);border-right:1px solid var(--rule);padding:18px 14px;position:sticky;top:0;
align-self:start;height:100vh;overflow-y:auto}
nav h2{font-size:11px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:16px 0 4px}
nav ul{list-style:none;margin:0;padding:0}
nav a{display:block;padding:3px 8px;border-radius:4px;color:var(--ink);overflow-wrap:anywhere}
nav a[aria-current]{background:#e6eef7;color:var(--link);font-weight:600}
main{padding:18px 24px 48px;min-width:0;max-width:1500px}
header h1{font-size:22px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
header .time{color:var(--soft);margin:0 0 6px}
header .about,section .note{max-width:110ch}
header .about p,section .note p{margin:4px 0}
section>h2{font-size:16px;margin:26px 0 6px;padding-bottom:4px;border-bottom:1px solid var(--rule)}
.note{color:var(--soft)}
.grid{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));gap:12px}
.panel{grid-column:span var(--w);background:var(--card);border:1px solid var(--rule);border-radius:6px;
margin:0;padding:10px 12px;min-width:0;display:flex;flex-direction:column}
.panel h3{font-size:13px;font-weight:600;margin:0}
.panel .help{color:var(--soft);font-size:12px;margin:0 0 2px}
.panel .links{margin:auto 0 0;padding-top:6px;font-size:12px;display:flex;flex-wrap:wrap;gap:2px 14px}
.panel .empty{margin:8px 0;padding:8px 10px;background:#f3f5f7;border-radius:4px;color:var(--soft);
font-size:13px}
.panel .words{color:var(--soft);font-size:12px;margin:4px 0 0}
.chart{display:grid;grid-template-columns:auto minmax(0,1fr) auto;position:relative;margin-top:8px}
.ticks{position:relative;width:var(--t);height:var(--h);font-size:11px;color:var(--soft)}
.ticks span{position:absolute;right:6px;transform:translateY(50%);white-space:nowrap}
.ticks.right{width:auto}.ticks.right:not(:empty){width:46px}
.ticks.right span{right:auto;left:6px}
.plot{position:relative;height:var(--h)}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.plot path,.spark path{vector-effect:non-scaling-stroke}path.grid,path.curve,path.level{fill:none}
path.grid{stroke:var(--rule);stroke-width:1}
path.curve{stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
path.body{opacity:.72}
path.level{stroke-width:1.2;stroke-dasharray:5 4}
.level-label{position:absolute;right:2px;font-size:11px;white-space:nowrap;background:#ffffffd0;
padding:0 3px;line-height:1.2}
.level-label.half{max-width:49%;overflow:hidden;text-overflow:ellipsis}
.level-label.left{right:auto;left:2px}
.mark{position:absolute;top:0;bottom:0;border-left:1.5px dashed #6b4fa0}
.mark em{position:absolute;top:0;left:3px;font-size:11px;font-style:normal;color:#6b4fa0;white-space:nowrap;
background:#ffffffd0}
.mark.before em{left:auto;right:3px}
.guide{position:absolute;top:0;bottom:0;width:1px;background:#8894a3;display:none;pointer-events:none}
.times{grid-column:2;position:relative;height:17px;font-size:11px;color:var(--soft)}
.times span{position:absolute;top:3px;transform:translateX(-50%);white-space:nowrap}
.tip{position:absolute;z-index:5;background:#1c2430;color:#fff;font-size:12px;padding:6px 8px;
border-radius:4px;pointer-events:none;white-space:nowrap;top:4px}
.tip i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:5px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 14px;margin:6px 0 0;padding:0;font-size:12px}
.legend b{font-weight:600}.legend span{color:var(--soft);overflow-wrap:anywhere}
.sample{width:18px;height:6px;margin-right:5px;vertical-align:middle}
.numbers{display:flex;flex-wrap:wrap;gap:4px 24px}
.number b{font-size:26px;font-weight:600;line-height:1.2;display:block}
.number span{color:var(--soft);font-size:12px}
.spark{width:100%;height:34px;display:block;margin-top:6px}.spark path.fill{opacity:.15}
.spark path.curve{stroke-width:1.4}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-size:11px;color:var(--soft);font-weight:600}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.text p,.text ul{margin:4px 0}.text ul{padding-left:18px}.text h4{margin:8px 0 2px;font-size:13px}
.state{display:inline-block;min-width:64px;text-align:center;font-size:11px;font-weight:600;border-radius:3px;
padding:1px 6px;white-space:nowrap}
.state.ok{background:#e2f2e2;color:#1a661a}.state.fires{background:#c01f20;color:#fff}
.state.no-data,.state.unknown{background:#eceff2;color:#4b5563}
.alarms td:first-child{width:86px}.alarms small{display:block;color:var(--soft)}
.lines{list-style:none;margin:6px 0 0;padding:0}
.lines li{border-left:3px solid var(--rule);padding:4px 0 5px 10px;margin-bottom:6px}
.lines li.legacy{border-color:var(--legacy)}.lines li.serverless{border-color:var(--serverless)}
.lines .head{font-size:12px;color:var(--soft);display:flex;flex-wrap:wrap;gap:2px 12px}
.lines .head b{color:var(--ink)}
.legacy .head b{color:var(--legacy)}.serverless .head b{color:var(--serverless)}
.lines .level{color:var(--bad);font-weight:600}
.lines pre{margin:2px 0 0;font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.lines code,.box code{user-select:all}
.box{background:#f3f5f7;border-radius:4px;padding:8px 10px;font-size:13px;margin-top:6px}.box p{margin:3px 0}
bdi{unicode-bidi:isolate}
nav strong{overflow-wrap:anywhere;display:block}
nav input{width:100%;margin-top:10px;padding:4px 8px;border:1px solid var(--rule);border-radius:4px;
font:inherit;font-size:13px}
nav li[hidden]{display:none}
.first-of-row{grid-column:1 / span var(--w)}
.panel h3{overflow-wrap:anywhere}
.summary{border:1px solid var(--rule);border-left:5px solid var(--good);background:var(--card);
border-radius:6px;padding:8px 14px;margin-top:10px;overflow-wrap:anywhere}
.summary p{margin:3px 0}.summary ul{margin:4px 0;padding-left:18px}
.summary .first{font-size:16px;font-weight:600}
.summary.bad{border-left-color:var(--bad)}.summary.warn{border-left-color:#c9a227}
.summary.unknown{border-left-color:#9aa3ae}
.fires{color:var(--bad)}.state.fires{color:#fff}
.calm{margin:4px 0;color:var(--soft)}
details.chips{margin-top:6px}details.chips summary{cursor:pointer;color:var(--soft);font-size:13px}
details.chips ul{list-style:none;margin:6px 0 8px;padding:0;columns:4 220px;column-gap:20px;font-size:12.5px}
details.chips li{break-inside:avoid;padding:2px 0;overflow-wrap:anywhere}
details.absent{margin:10px 0 0;color:var(--soft);font-size:13px}
details.absent summary{cursor:pointer;overflow-wrap:anywhere}
details.absent ul{margin:4px 0 0;padding-left:18px;columns:3 260px;column-gap:20px}
details.absent li{break-inside:avoid;padding:1px 0}details.absent small{display:block}
.number.bad b{color:var(--bad)}
path.dot{stroke-width:6;stroke-linecap:round;fill:none}
footer{color:var(--soft);font-size:12px;margin-top:28px}
@media(max-width:1020px){.grid{grid-template-columns:repeat(2,minmax(0,1fr))}.panel{grid-column:span 1}
.panel.broad{grid-column:span 2}.first-of-row.panel:not(.broad){grid-column:auto / span 1}}
@media(max-width:760px){.page{display:block}nav{position:static;height:auto;border-right:0;
border-bottom:1px solid var(--rule);padding:8px 12px}nav h2{margin:6px 0 0}nav ul{display:flex;flex-wrap:wrap}
nav{max-height:34vh;overflow-y:auto}main{padding:12px}
.grid{grid-template-columns:minmax(0,1fr)}.panel,.panel.broad{grid-column:span 1}}
@media print{body{background:#fff}.page{display:block}nav{display:none}main{padding:0}
.panel{break-inside:avoid;border-color:#ccc}a{color:inherit}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
