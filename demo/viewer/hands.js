// ---- Hands -------------------------------------------------------------------------------------

const ACTIONS = {
  fit: () => zoomTo(FIT), actual: () => zoomTo(1), in: () => step(1), out: () => step(-1),
  smooth: () => toggle('smooth'), lens: () => toggle('lens'),
  region: startRegion, clear: clearRegion, full: toggleFull, link: copyLink,
};
const KEYS = {
  '+': ACTIONS.in, '=': ACTIONS.in, '-': ACTIONS.out, 0: ACTIONS.fit, z: ACTIONS.actual,
  x: () => zoomTo(4), s: ACTIONS.smooth, m: ACTIONS.lens, r: ACTIONS.region, f: ACTIONS.full,
  c: ACTIONS.link, p: () => show('panes'), l: () => show('slider'), k: () => show('flicker'),
  d: () => show('difference'), escape: leave,
};
const ARROWS = { arrowleft: [1, 0], arrowright: [-1, 0], arrowup: [0, 1], arrowdown: [0, -1] };

function toggle(name) {
  view[name] = !view[name];
  find('[data-do=' + name + ']').setAttribute('aria-pressed', view[name]);
  root.toggleAttribute('data-' + name, view[name]);
  redraw();
}

// Escape leaves one thing at a time.
function leave() {
  const keys = find('details');
  if (keys.open) keys.open = false;
  else if (drawing.isOn) stopDrawing();
  else if (view.region) clearRegion();
  else show('panes');
}

root.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.dataset.do) ACTIONS[button.dataset.do]();
  if (button?.dataset.view) show(button.dataset.view);
  if (button?.dataset.pick) pick(button.dataset.pick);
});

root.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own zoom and history
  if (event.target.matches('select, input')) return;
  const key = event.key.toLowerCase(), arrow = ARROWS[key];
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  const picked = digit && [...panes.keys()][Number(digit) - 1];
  const stride = Math.round(STRIDE * stage.ratio) * (event.shiftKey ? 5 : 1);
  if (arrow && drawing.isOn) nudgeRegion(-arrow[0], -arrow[1], event.shiftKey);
  else if (arrow && 'movable' in root.dataset) pan(arrow[0] * stride, arrow[1] * stride);
  else if (key === 'enter' && drawing.isOn && event.target === root) stopDrawing();
  else if (picked) pick(picked, event.shiftKey ? 1 : 0);
  else if (key === ' ' && view.mode === 'flicker' && event.target === root) next();
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
let touched = null;                       // where a tap began, until it turns out to be none

const middle = (a, b = a) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const spread = (a, b) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));

root.addEventListener('pointerdown', event => {
  const canvas = canvasAt(event);
  if (!canvas || event.button) return;
  if (!fingers.size) held = canvas;
  const at = place(event, held);
  fingers.set(event.pointerId, at);
  touched = fingers.size === 1 ? at : null;
  if (fingers.size > 1) drawing.from = null;
  else if (drawing.isOn || event.shiftKey) drawing.from = sceneAt(at);
  canvas.setPointerCapture(event.pointerId);
  root.toggleAttribute('data-held', true);
});

root.addEventListener('pointermove', event => {
  const canvas = held ?? canvasAt(event);
  if (canvas && view.lens) {
    Object.assign(lensAt, place(event, canvas));
    redraw();
  }
  if (!fingers.has(event.pointerId)) return;
  const [first, second] = fingers.values();
  fingers.set(event.pointerId, place(event, held));
  const [a, b] = fingers.values(), from = middle(first, second), to = middle(a, b);
  if (touched && spread(touched, to) > 6 * stage.ratio) touched = null;
  if (drawing.from) { drawRegion(drawing.from, sceneAt(to)); return; }
  if (view.lens && event.pointerType === 'touch' && !b) return; // it moves the lens
  pan(to.x - from.x, to.y - from.y);
  if (b) zoomBy(spread(a, b) / spread(first, second), to);
});

function release(event) {
  if (!fingers.delete(event.pointerId)) return;
  root.toggleAttribute('data-held', fingers.size > 0);
  if (fingers.size) return;
  held = null;
  if (drawing.from) endDrawing(!touched);
  else if (touched && view.mode === 'flicker' && event.type === 'pointerup') next();
}
root.addEventListener('pointerup', release);
root.addEventListener('pointercancel', release);
// The page may scroll under one finger; a pinch must not turn into scrolling half-way.
root.addEventListener('touchmove', event => {
  if (fingers.size > 1) event.preventDefault();
}, { passive: false });

root.addEventListener('dblclick', event => {
  const canvas = canvasAt(event);         // in flicker two quick taps are two pictures
  if (canvas && view.mode !== 'flicker') toggleClose(place(event, canvas));
});

// The wheel belongs to the page until the viewer is asked for: by a click or by Ctrl / Cmd.
root.addEventListener('wheel', event => {
  const canvas = canvasAt(event);
  if (!canvas || !event.deltaY) return;
  const isPinch = event.ctrlKey || event.metaKey; // a trackpad's pinch arrives as Ctrl + wheel
  if (!isPinch && !root.contains(document.activeElement)) { showHint(canvas); return; }
  event.preventDefault();
  const turn = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1);
  zoomBy(Math.exp(clamp(-turn / (isPinch ? 100 : 200), -0.5, 0.5)), place(event, canvas));
}, { passive: false });

let hintTimer = 0;

function showHint(canvas) {
  const key = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';
  say('Click a picture first, or hold ' + key + ', to zoom with the wheel', canvas, 1500);
}

function say(text, canvas, milliseconds) {
  setText(hint, text);
  canvas.after(hint);
  hint.hidden = false;
  clearTimeout(hintTimer);
  hintTimer = setTimeout(() => { hint.hidden = true; }, milliseconds);
}

// ---- Life --------------------------------------------------------------------------------------

// `room` is as wide as the panes may be, and layout() leaves it alone. In device pixels its size also
// tells of the browser's zoom and of another screen; Safari, which has no such box, zooms by CSS
// pixels.
const sizes = new ResizeObserver(() => element.isConnected ? layout() : sizes.disconnect());
const isFine = 'devicePixelContentBoxSize' in ResizeObserverEntry.prototype;
addEventListener('resize', () => { if (element.isConnected) layout(); }); // its height, too
sizes.observe(find('.room'), { box: isFine ? 'device-pixel-content-box' : 'content-box' });
watch('value', update);
update();
