/** The report's style sheet: no fonts or files from elsewhere; light and dark as the reader's system has it. */
export const style = `
:root {
  color-scheme: light dark;
  --wall: light-dark(#e9ecf1, #0a0c10); --panel: light-dark(#ffffff, #14171e); --sunk: light-dark(#eef1f5, #1d212a);
  --ink: light-dark(#14171d, #eceef3); --ink-2: light-dark(#414956, #b9c0cc); --ink-3: light-dark(#5b6472, #949cab);
  --line: light-dark(#d9dee6, #282d38); --accent: light-dark(#c23c20, #ff9277);
  --mid: light-dark(#f0ae9d, #a34a35); --copy: light-dark(#838c9b, #6d7686);
  --good: light-dark(#12705f, #63cbb5); --good-soft: light-dark(#e0f2ee, #14372f);
  --half: light-dark(#805300, #e0b25c); --half-soft: light-dark(#fbf1dc, #38290f);
  --bad: light-dark(#a32218, #ff9a8c); --bad-soft: light-dark(#fdeeeb, #2f1917);
}
* { box-sizing: border-box; }
html { font: 400 100%/1.5 ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  background: var(--wall); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: clamp(1rem, 3vw, 2.5rem) clamp(.75rem, 3vw, 2rem) 4rem; max-width: 76rem; font-size: .9375rem; }
h1, h2, h3, p, dl, dd, figure, ul { margin: 0; padding: 0; }
h1 { font: 500 clamp(1.6rem, 1.1rem + 2vw, 2.4rem)/1.15 ui-serif, "Iowan Old Style", Palatino, "Noto Serif", Georgia, serif;
  letter-spacing: -.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.0625rem; font-weight: 600; }
h3 { font-size: .9375rem; font-weight: 600; }
.note { color: var(--ink-2); max-width: 46rem; text-wrap: pretty; }
header .note { margin-top: .5rem; }
section { margin-top: 1.25rem; padding: clamp(1rem, 2.2vw, 1.6rem); background: var(--panel); border: 1px solid var(--line); border-radius: 14px; }
section > .note { margin: .25rem 0 1.1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9.5rem, 100%), 1fr)); gap: .75rem; margin-top: 1.25rem; }
.figures div { padding: .9rem 1.1rem; background: var(--panel); border: 1px solid var(--line); border-radius: 14px; }
.figures dt { color: var(--ink-2); font-size: .8125rem; }
.figures dd b { display: block; font: 500 2rem/1.2 ui-serif, Palatino, Georgia, serif; font-variant-numeric: tabular-nums lining-nums; }
.figures dd { color: var(--ink-3); font-size: .8125rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; color: var(--ink-2); font-size: .8125rem; margin: 0 0 .9rem; }
.legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: 3px; margin-right: .45rem; vertical-align: -1px; }
.model { background: var(--accent); } .copy { background: var(--copy); }
.random { background: repeating-linear-gradient(45deg, var(--copy) 0 2px, transparent 2px 5px); border: 1px solid var(--copy); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1.6rem 2.5rem; }
.charts h3 + .note { font-size: .8125rem; margin-bottom: .6rem; }
.bars { width: 100%; border-collapse: collapse; font-size: .8125rem; }
.bars th { width: 7.5rem; padding: .35rem .75rem .35rem 0; text-align: left; font-weight: 400; color: var(--ink-2); vertical-align: top; overflow-wrap: anywhere; }
.bars tr.all th { color: var(--ink); font-weight: 600; }
.bars td { padding: .35rem 0; }
.bars tr + tr > * { border-top: 1px solid var(--line); }
.bar { display: grid; grid-template-columns: 1fr 8.4rem; align-items: center; gap: .6rem; height: 1.2rem; }
.bar > span:last-child { white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--ink-2); }
.bar.is-model > span:last-child { color: var(--ink); }
.track { position: relative; height: .625rem; background: var(--sunk); border-radius: 3px; }
.is-model .track { height: .8rem; }
.track i { position: absolute; inset: 0 auto 0 0; border-radius: 3px; min-width: 1px; }
.track u { position: absolute; top: 50%; height: 2px; margin-top: -1px; background: var(--ink); opacity: .75; }
.track u::before, .track u::after { content: ""; position: absolute; top: -3px; width: 2px; height: 8px; background: var(--ink); }
.track u::after { right: 0; }
.scroll { overflow-x: auto; }
.numbers { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; min-width: 100%; }
.numbers th, .numbers td { padding: .4rem .8rem .4rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
.numbers th:first-child, .numbers td:first-child, .numbers .text { text-align: left; }
.numbers thead th { color: var(--ink-2); font-weight: 500; }
.numbers caption { text-align: left; color: var(--ink-2); padding-bottom: .5rem; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 1rem; margin-top: .9rem; list-style: none; }
.examples li { padding: .75rem; background: var(--sunk); border-radius: 10px; min-width: 0; }
.examples p { font-weight: 500; overflow-wrap: anywhere; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; margin-top: .5rem; }
.pictures img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 5px; background: var(--wall); image-rendering: pixelated; }
.pictures figcaption { font-size: .75rem; color: var(--ink-2); margin-top: .2rem; }
.examples .note { font-size: .75rem; }
.grade { display: inline-block; margin-top: .55rem; padding: .05rem .5rem; border-radius: 99px; font-size: .75rem; font-weight: 500; font-variant-numeric: tabular-nums; }
.g100 { background: var(--good-soft); color: var(--good); } .g50 { background: var(--half-soft); color: var(--half); } .g0 { background: var(--bad-soft); color: var(--bad); }
details { border-top: 1px solid var(--line); }
details:last-child { border-bottom: 1px solid var(--line); }
summary { padding: .7rem .2rem; cursor: pointer; font-weight: 500; }
summary small { color: var(--ink-3); font-weight: 400; margin-left: .5rem; }
details > div { padding-bottom: 1rem; }
summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem 1.2rem; font-size: .8125rem; }
.settings dt { color: var(--ink-3); } .settings dd { overflow-wrap: anywhere; }
.over { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
@media (max-width: 34rem) {
  .bars th { width: 5.4rem; } .bar { grid-template-columns: 1fr 7.6rem; }
}
@media print { section { break-inside: avoid; } details > div { display: block; } }
`;
