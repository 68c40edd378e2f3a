'use strict';
// The body of gr.HTML's js_on_load: Gradio supplies `element`, `props`, `trigger` and `watch`.

const root = element.querySelector('.blind');
const find = (selector, within = root) => within.querySelector(selector);
const all = (selector, within = root) => [...within.querySelectorAll(selector)];

// ---- Pictures ----------------------------------------------------------------------------------
// What Python's `encode` made of a PNG, back to the PNG.

function unmask(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  let state = new DataView(bytes.buffer).getUint32(0, true);
  for (let i = 4; i < bytes.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[i] ^= state >>> 24;
  }
  return new Blob([bytes.subarray(4)], { type: 'image/png' });
}

async function load(image, text) {
  const url = URL.createObjectURL(unmask(text));
  image.src = url;
  try { await image.decode(); } finally { URL.revokeObjectURL(url); }
}

const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));
const painting = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));

const BLANK = 300;                        // ms between pictures: longer than it takes to decode any

// Resolves once the pictures are on the screen: all at once, and at a time that tells nothing.
async function paint(stage, texts) {
  const images = all('figure:not([hidden]) img', stage);
  stage.toggleAttribute('data-blank', true);
  await Promise.all([wait(BLANK), ...texts.map((text, i) => load(images[i], text))]);
  stage.toggleAttribute('data-blank', false);
  layout();
  await painting();
}

const SIZE = { width: 320, height: 188, gap: 12 };

// One pixel of a picture on a whole number of the screen's: as many as make up a CSS pixel, fewer
// where it would not fit.
function layout() {
  const stage = find('section:not([hidden]) .stage');
  if (!stage?.clientWidth) return;
  const ratio = devicePixelRatio, room = stage.clientWidth;
  let zoom = Math.max(1, Math.round(ratio));
  while (zoom > 1 && SIZE.width * zoom / ratio > room) zoom--;
  const width = SIZE.width * zoom / ratio, count = all('figure:not([hidden])', stage).length;
  const fitting = Math.floor((room + SIZE.gap) / (width + SIZE.gap));
  const columns = Math.max(1, Math.min(fitting, count === 4 ? 2 : count));
  stage.dataset.columns = columns;
  stage.dataset.count = count;
  stage.dataset.zoom = zoom;
  stage.style.setProperty('--width', width + 'px');
  stage.style.setProperty('--height', SIZE.height * zoom / ratio + 'px');
}

new ResizeObserver(layout).observe(root);
addEventListener('resize', layout);       // the zoom of the browser changes devicePixelRatio
