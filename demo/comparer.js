'use strict';
// The body of gr.HTML's js_on_load: Gradio supplies `element`, `props` and `watch`.
//
// Units. *Scene* pixels are those of the largest pane, the x4 outputs. *Device* pixels are those of
// the screen; every canvas has the same number of them. `scale` is device pixels per scene pixel.
//
// Each picture is kept at scene size, the small input with every pixel repeated 4 x 4, and all are
// drawn by one call with one whole-pixel offset. Panes therefore agree to the device pixel because
// they run the same arithmetic on the same grid, at every zoom and with either filter.

const FIT = null;                         // view.zoom while the whole picture is to be seen
const MOST = 64;                          // largest scale
const STOPS = [1 / 16, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const STRIDE = 40;                        // CSS pixels an arrow key moves
const GAP = 12, NARROW = 260, CAPTION = 60; // CSS pixels: between panes, least pane width, text below

const find = selector => root.querySelector(selector);
const root = element.querySelector('.viewer');
const grid = find('.panes'), hint = find('.hint');

const view = { x: 0, y: 0, zoom: FIT, smooth: false }; // centre in scene pixels, wanted scale
const scene = { width: 1, height: 1 };
const stage = { width: 1, height: 1, ratio: 1 };       // device pixels of a canvas, and per CSS pixel
const panes = new Map();                  // key -> pane, in the order shown
const pictures = new Map();               // source -> promise of [at scene size, half, quarter, ...]

// ---- Arithmetic --------------------------------------------------------------------------------

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const percent = scale => (scale < 0.1 ? (scale * 100).toFixed(1) : Math.round(scale * 100)) + '%';

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

// The view's centre along one side: a picture larger than the pane fills it, a smaller one is centred.
const settle = (centre, size, room) =>
  size <= room ? size / 2 : clamp(centre, room / 2, size - room / 2);

// Columns and pane size in CSS pixels: the arrangement with the largest fitted pictures of which all
// rows can be seen at once. screen.height, because the window is as tall as the page inside the
// frame of a Hugging Face Space.
function arrange(count, width) {
  const shape = clamp(scene.height / scene.width, 9 / 16, 4 / 3);
  const room = 0.8 * screen.height;
  if (count === 1 || width < 2 * NARROW + GAP) {
    return { columns: 1, width, height: Math.min(width * shape, 0.6 * room) };
  }
  let best = { size: 0 };
  for (let columns = 2; columns <= count; columns++) {
    const rows = Math.ceil(count / columns), across = (width - GAP * (columns - 1)) / columns;
    if (columns > 2 && across < NARROW) break;
    if (Math.ceil(count / rows) !== columns) continue; // as many rows do with fewer columns
    const height = Math.min(across * shape, Math.max(200, room / rows - CAPTION));
    const size = Math.min(across / scene.width, height / scene.height);
    if (size >= best.size) best = { columns, width: across, height, size };
  }
  return best;
}

// ---- The view ----------------------------------------------------------------------------------

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
  announce();
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

function toggleSmooth() {
  view.smooth = !view.smooth;
  find('[data-do=smooth]').setAttribute('aria-pressed', view.smooth);
  redraw();
}

// ---- Drawing -----------------------------------------------------------------------------------

let frame = 0;
const redraw = () => { frame ||= requestAnimationFrame(draw); };

function draw() {
  frame = 0;
  const scale = currentScale(), { left, top } = corner(scale);
  for (const pane of panes.values()) paint(pane, scale, left, top);
  setText(find('.zoom'), percent(scale));
  const { width, height } = scene;
  root.toggleAttribute('data-movable', width * scale > stage.width || height * scale > stage.height);
  Object.assign(root.dataset, { scale, left, top });
}

function paint({ canvas, picture }, scale, left, top) {
  if (canvas.width !== stage.width) canvas.width = stage.width;
  if (canvas.height !== stage.height) canvas.height = stage.height;
  const pen = canvas.getContext('2d');
  pen.clearRect(0, 0, stage.width, stage.height);
  if (!picture) return;
  pen.imageSmoothingEnabled = view.smooth || scale < 1;
  pen.drawImage(halved(picture, scale), left, top, scene.width * scale, scene.height * scale);
}

// Below 1:1 there are fewer device pixels than image pixels. Picking some of them would show patterns
// that are in no picture, so they are averaged: the picture is halved, each pixel the mean of four,
// until it has about the wanted size. By ourselves, for browsers differ and are slow at it.
function halved(picture, scale) {
  const times = Math.max(0, Math.round(-Math.log2(scale)));
  while (picture.length <= times) {
    const last = picture.at(-1);
    picture.push(resized(last, Math.ceil(last.width / 2), Math.ceil(last.height / 2), true));
  }
  return picture[times];
}

function resized(image, width, height, isSmooth) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingEnabled = isSmooth;
  pen.drawImage(image, 0, 0, width, height);
  return canvas;
}

// Gives panes their size, in whole device pixels: two columns that a browser rounds differently
// could not show the same. The excess of 0.01 outlives the browser's own rounding down to 1/64.
function layout() {
  if (!panes.size || !grid.clientWidth) return;
  const isWhole = currentScale() === fitScale();
  const { columns, width, height } = arrange(panes.size, grid.clientWidth);
  stage.ratio = devicePixelRatio;
  stage.width = Math.floor(Math.floor(width) * stage.ratio);
  stage.height = Math.floor(Math.floor(height) * stage.ratio);
  const css = pixels => (pixels + 0.01) / stage.ratio + 'px';
  const style = { columns, gap: GAP + 'px', width: css(stage.width), height: css(stage.height) };
  for (const [name, value] of Object.entries(style)) grid.style.setProperty('--' + name, value);
  if (isWhole) view.zoom = FIT;           // who saw the whole picture still does
  moveTo(view.x, view.y);
  draw();                                 // now: a canvas must not be seen stretched, even for a frame
}

// ---- Panes -------------------------------------------------------------------------------------

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// All panes from the value Python sent. It comes many times a second while tiles are computed, so
// only what differs is touched. Names and captions are text, never markup.
function update() {
  const { id = '', panes: list = [] } = props.value || {};
  const largest = list.reduce((a, b) => (b.width > a.width ? b : a), { width: 1, height: 1 });
  const isNew = id !== root.dataset.id;
  const isOther = isNew || list.length !== panes.size
    || largest.width !== scene.width || largest.height !== scene.height;
  Object.assign(scene, { width: largest.width, height: largest.height });
  Object.assign(root.dataset, { id, panes: list.length });
  for (const [key, { figure }] of panes) {
    if (!list.some(data => data.key === key)) { figure.remove(); panes.delete(key); }
  }
  list.forEach((data, index) => {
    if (!panes.has(data.key)) panes.set(data.key, newPane(data.key));
    const pane = panes.get(data.key), place = grid.children[index];
    if (place !== pane.figure) grid.insertBefore(pane.figure, place || null);
    if (isNew) pane.source = pane.picture = null;
    fill(pane, data);
  });
  if (isNew) view.zoom = FIT;
  if (isOther) layout();
  forget(list);
}

function newPane(key) {
  const figure = find('template').content.firstElementChild.cloneNode(true);
  const part = name => figure.querySelector(name);
  figure.dataset.key = key;
  return {
    figure, canvas: part('canvas'), note: part('.note span'), bar: part('progress'),
    name: part('.name'), size: part('.size'), scores: part('.scores'), save: part('.save'),
    source: null, picture: null, broken: false,
  };
}

function fill(pane, data) {
  pane.data = data;
  setText(pane.name, data.name);
  setText(pane.size, data.width + ' × ' + data.height);
  setText(pane.scores, data.caption);
  if (data.file) {
    pane.save.href = data.file.url;
    pane.save.download = data.file.orig_name || data.key + '.png';
    pane.save.setAttribute('aria-label', 'Download ' + data.name + ' as PNG');
  }
  if (source(data) !== pane.source) load(pane, source(data));
  describe(pane);
}

// A picture is known by its file and the size it is kept at.
const source = ({ file }) => file && [scene.width, scene.height, file.url].join(' ');

// Within one comparison a pane keeps its picture until the next one is decoded.
async function load(pane, wanted) {
  pane.source = wanted;
  pane.broken = false;
  const picture = wanted && await decoded(wanted, pane.data.file.url).catch(() => null);
  if (pane.source !== wanted) return;     // another file has taken its place meanwhile
  pane.picture = picture;
  pane.broken = Boolean(wanted && !picture);
  describe(pane);
  redraw();
}

function decoded(wanted, url) {
  if (!pictures.has(wanted)) {
    const image = new Image();
    image.src = url;
    pictures.set(wanted, image.decode().then(() => [resized(image, scene.width, scene.height, false)]));
    pictures.get(wanted).catch(() => pictures.delete(wanted));
  }
  return pictures.get(wanted);
}

// Pictures outlive a run, for the same photo may come again, until the next run is complete.
function forget(list) {
  const used = new Set(list.map(source));
  if (used.has(null)) return;
  for (const key of pictures.keys()) if (!used.has(key)) pictures.delete(key);
}

// What a pane says about itself, to the eye and to a screen reader.
function describe({ figure, canvas, note, bar, save, data, source, picture, broken }) {
  const state = broken ? 'error' : picture ? 'ready' : source ? 'loading' : data.state;
  const text = {
    waiting: 'Waiting', working: 'Working, ' + percent(data.done), loading: 'Loading',
    stopped: 'Stopped', error: 'This picture could not be loaded.',
  }[state] || '';
  const size = data.width + ' by ' + data.height + ' pixels';
  figure.dataset.state = state;
  save.hidden = !source || broken;
  setText(note, text);
  bar.value = state === 'loading' ? 1 : data.done;
  bar.setAttribute('aria-label', data.name + ' progress');
  canvas.setAttribute('aria-label', [data.name, size, text || data.caption].filter(Boolean).join(', '));
}

// ---- Hands -------------------------------------------------------------------------------------

const ACTIONS = {
  fit: () => zoomTo(FIT), actual: () => zoomTo(1), in: () => step(1), out: () => step(-1),
  smooth: toggleSmooth,
};
const KEYS = {
  '+': ACTIONS.in, '=': ACTIONS.in, '-': ACTIONS.out, 0: ACTIONS.fit, 1: ACTIONS.actual,
  2: () => zoomTo(2), 4: () => zoomTo(4), s: ACTIONS.smooth,
  escape: () => { find('details').open = false; },
};
const ARROWS = { arrowleft: [1, 0], arrowright: [-1, 0], arrowup: [0, 1], arrowdown: [0, -1] };

root.addEventListener('click', event => {
  const button = event.target.closest('[data-do]');
  if (button) ACTIONS[button.dataset.do]();
});

root.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own zoom and history
  const key = event.key.toLowerCase(), arrow = 'movable' in root.dataset && ARROWS[key];
  const stride = Math.round(STRIDE * stage.ratio) * (event.shiftKey ? 5 : 1);
  if (arrow) pan(arrow[0] * stride, arrow[1] * stride);
  else if (key in KEYS) KEYS[key]();
  else return;
  event.preventDefault();
});

const canvasAt = event => event.target.closest('canvas');

// Where an event is, in device pixels of a canvas.
function place(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) * stage.ratio, y: (event.clientY - box.top) * stage.ratio };
}

// One pointer drags; two pinch about their middle and drag it along.
const fingers = new Map();
let held = null;                          // the canvas in which all fingers are measured

const middle = ([a, b = a]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const spread = ([a, b]) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));

grid.addEventListener('pointerdown', event => {
  const canvas = canvasAt(event);
  if (!canvas || event.button) return;
  if (!fingers.size) held = canvas;
  fingers.set(event.pointerId, place(event, held));
  canvas.setPointerCapture(event.pointerId);
  root.toggleAttribute('data-held', true);
});

grid.addEventListener('pointermove', event => {
  if (!fingers.has(event.pointerId)) return;
  const before = [...fingers.values()];
  fingers.set(event.pointerId, place(event, held));
  const after = [...fingers.values()], from = middle(before), to = middle(after);
  pan(to.x - from.x, to.y - from.y);
  if (after.length > 1) zoomBy(spread(after) / spread(before), to);
});

function release(event) {
  fingers.delete(event.pointerId);
  root.toggleAttribute('data-held', fingers.size > 0);
}
grid.addEventListener('pointerup', release);
grid.addEventListener('pointercancel', release);
// The page may scroll under one finger; a pinch must not turn into scrolling half-way.
grid.addEventListener('touchmove', event => {
  if (fingers.size > 1) event.preventDefault();
}, { passive: false });

grid.addEventListener('dblclick', event => {
  const canvas = canvasAt(event);
  if (canvas) toggleClose(place(event, canvas));
});

// The wheel belongs to the page until the viewer is asked for: by a click or by Ctrl / Cmd.
grid.addEventListener('wheel', event => {
  const canvas = canvasAt(event);
  if (!canvas || !event.deltaY) return;
  const isPinch = event.ctrlKey || event.metaKey; // a trackpad's pinch arrives as Ctrl + wheel
  if (!isPinch && !root.contains(document.activeElement)) { showHint(canvas); return; }
  event.preventDefault();
  const turn = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1);
  zoomBy(Math.exp(clamp(-turn / (isPinch ? 100 : 200), -0.5, 0.5)), place(event, canvas));
}, { passive: false });

let hintTimer = 0, speechTimer = 0;

function showHint(canvas) {
  const key = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';
  setText(hint, 'Click a picture first, or hold ' + key + ', to zoom with the wheel');
  canvas.after(hint);
  hint.hidden = false;
  clearTimeout(hintTimer);
  hintTimer = setTimeout(() => { hint.hidden = true; }, 1500);
}

function announce() {                     // one sentence a gesture, not one a wheel notch
  clearTimeout(speechTimer);
  speechTimer = setTimeout(() => setText(find('.live'), 'Zoom ' + percent(currentScale())), 400);
}

// ---- Life --------------------------------------------------------------------------------------

// The bar is as wide as the grid, and layout() leaves it alone. In device pixels its size also tells
// of the browser's zoom and of another screen; Safari, which has no such box, zooms by CSS pixels.
const sizes = new ResizeObserver(() => element.isConnected ? layout() : sizes.disconnect());
const isFine = 'devicePixelContentBoxSize' in ResizeObserverEntry.prototype;
sizes.observe(find('.bar'), { box: isFine ? 'device-pixel-content-box' : 'content-box' });
watch('value', update);
update();
