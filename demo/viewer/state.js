'use strict';
// The files of this folder, joined in the order that viewer.py names, are the body of gr.HTML's
// js_on_load: Gradio supplies `element`, `props`, `watch` and `trigger`.
//
// Units. *Scene* pixels are those of the largest pane, the x4 outputs. *Device* pixels are those of
// the screen; every canvas has the same number of them. `scale` is device pixels per scene pixel.
//
// Each picture is kept at scene size, the small input with every pixel repeated 4 x 4, and all are
// drawn by one call with one whole-pixel offset. Panes therefore agree to the device pixel because
// they run the same arithmetic on the same grid, at every zoom, in every view, with either filter.

const FIT = null;                         // view.zoom while the whole picture is to be seen
const MOST = 64;                          // largest scale
const STOPS = [1 / 16, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const STRIDE = 40;                        // CSS pixels an arrow key moves
const GAP = 12;                           // CSS pixels between panes
const NARROW = 260, CROWDED = 220;        // least width of a pane; of more than six
const CAPTION = 66, WRAPPED = 88;         // the text below; of crowded panes, where its lines break

const find = selector => root.querySelector(selector);
const root = element.querySelector('.viewer');
const grid = find('.panes'), hint = find('.hint');

const view = {
  x: 0, y: 0, zoom: FIT, smooth: false,   // centre in scene pixels, wanted scale
  mode: 'panes',                          // or 'slider', 'flicker', 'difference': one large stage
  shown: 'srgan',                         // the picture that flicker shows, by its pane's key
  pair: { slider: ['srresnet', 'srgan'], difference: ['srgan', 'original'] },
  split: 0.5,                             // the slider's divider, as a share of the stage's width
  gain: 4,                                // of the difference
  lens: false,                            // the magnifier
  region: null,                           // { x, y, width, height } in scene pixels
};
const scene = { width: 1, height: 1, step: 1 };  // step: scene pixels to a pixel of the smallest pane
const stage = { width: 1, height: 1, ratio: 1 }; // device pixels of a canvas, and per CSS pixel
const panes = new Map();                  // key -> pane, in the order shown
const single = { canvas: find('.single canvas') };
const pictures = new Map();               // source -> promise of [at scene size, half, quarter, ...]

const isAlone = () => view.mode !== 'panes';
const isFull = () => document.fullscreenElement === root;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const percent = scale => (scale < 0.1 ? (scale * 100).toFixed(1) : Math.round(scale * 100)) + '%';

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- Arithmetic --------------------------------------------------------------------------------

// The scale that shows everything. From 1:1 up it is a multiple of 1/4, so that an input pixel is a
// whole number of device pixels; finer screens hide a pixel more or less and can use all their room.
function fitScale() {
  const scale = Math.min(stage.width / scene.width, stage.height / scene.height, MOST);
  return scale < 1 || stage.ratio >= 2 ? scale : Math.floor(scale * 4) / 4;
}

// From 1:1 up only whole scales are shown (and the fit): all pixels of a picture are then the same
// size on the screen. view.zoom keeps the wanted value, so that small wheel steps add up.
function currentScale() {
  const fit = fitScale();
  if (view.zoom === FIT) return fit;
  if (view.zoom < 1) return Math.max(view.zoom, fit);
  const whole = Math.round(view.zoom);
  return Math.abs(fit - view.zoom) < Math.abs(whole - view.zoom) ? fit : whole;
}

// Where the scene's corner lies, in whole device pixels from the corner of every canvas.
const corner = scale => ({
  left: Math.round(stage.width / 2 - view.x * scale),
  top: Math.round(stage.height / 2 - view.y * scale),
});

// The scene point under a place in device pixels of a canvas.
function sceneAt({ x, y }) {
  const scale = currentScale(), { left, top } = corner(scale);
  return { x: (x - left) / scale, y: (y - top) / scale };
}

// The view's centre along one side: a picture larger than the pane fills it, a smaller one is centred.
const settle = (centre, size, room) =>
  size <= room ? size / 2 : clamp(centre, room / 2, size - room / 2);

// Inside the frame of a Hugging Face Space the window is as tall as the page; of the screen a part
// is the browser's.
const windowHeight = () =>
  self === top || isFull() ? innerHeight : Math.min(innerHeight, 0.8 * screen.height);

// Columns and pane size in CSS pixels: the arrangement with the largest fitted pictures of which all
// rows can be seen at once, below the tools and what of the page stays above them.
function arrange(count, width) {
  const shape = clamp(scene.height / scene.width, 9 / 16, 4 / 3);
  const above = isFull() ? 24 : parseFloat(getComputedStyle(root).getPropertyValue('--above')) || 0;
  const isPhone = width < 2 * NARROW + GAP;
  const room = windowHeight() - above - (isPhone ? 0 : find('.tools').offsetHeight);
  if (isAlone()) {
    const tallest = Math.max(120, room - CAPTION);
    return { columns: 1, width, height: isFull() ? tallest : Math.min(width * shape, tallest) };
  }
  if (count === 1 || isPhone) {
    return { columns: 1, width, height: Math.min(width * shape, 0.6 * room) };
  }
  const isCrowded = count > 6, caption = isCrowded ? WRAPPED : CAPTION;
  let best = { size: 0 };
  for (let columns = 2; columns <= count; columns++) {
    const rows = Math.ceil(count / columns), across = (width - GAP * (columns - 1)) / columns;
    if (columns > 2 && across < (isCrowded ? CROWDED : NARROW)) break;
    if (Math.ceil(count / rows) !== columns) continue; // as many rows do with fewer columns
    const height = Math.min(across * shape, Math.max(100, (room - GAP * (rows - 1)) / rows - caption));
    const isSeen = rows * (height + caption) + GAP * (rows - 1) <= room;
    const size = Math.min(across / scene.width, height / scene.height) / (isSeen ? 1 : 2);
    if (size >= best.size) best = { columns, width: across, height, size };
  }
  return best;
}

// ---- Zoom and position -------------------------------------------------------------------------

function moveTo(x, y) {
  const scale = currentScale();
  view.x = settle(x, scene.width, stage.width / scale);
  view.y = settle(y, scene.height, stage.height / scale);
  redraw();
}

// dx, dy: device pixels the picture moves.
function pan(dx, dy) {
  const scale = currentScale();
  moveTo(view.x - dx / scale, view.y - dy / scale);
}

// Zoom and keep the scene point under `at`, a place in device pixels of a canvas, where it is.
function zoomTo(zoom, at = { x: stage.width / 2, y: stage.height / 2 }) {
  const dx = at.x - stage.width / 2, dy = at.y - stage.height / 2;
  const before = currentScale();
  view.zoom = zoom === FIT ? FIT : clamp(zoom, Math.min(1, fitScale()), MOST);
  const after = currentScale();
  moveTo(view.x + dx / before - dx / after, view.y + dy / before - dy / after);
  announce('Zoom ' + percent(after));
}

const zoomBy = (factor, at) => zoomTo((view.zoom ?? fitScale()) * factor, at);

function step(direction) {
  const now = currentScale(), stops = [...STOPS, fitScale()].sort((a, b) => a - b);
  const next = direction > 0
    ? stops.find(stop => stop > now * 1.001)
    : stops.findLast(stop => stop < now * 0.999);
  zoomTo(next ?? now);
}

// Double click: whole picture or close up, which is 1:1 unless the whole is already shown larger.
function toggleClose(at) {
  const fit = fitScale();
  if (currentScale() !== fit) zoomTo(FIT);
  else zoomTo(fit < 1 ? 1 : 2 * Math.ceil(fit), at);
}

let speechTimer = 0;

function announce(text) {                 // one sentence a gesture, not one a wheel notch
  clearTimeout(speechTimer);
  speechTimer = setTimeout(() => setText(find('.live'), text), 400);
}
