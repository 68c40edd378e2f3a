'use strict';
// The body of gr.HTML's js_on_load: Gradio supplies `element`, `props`, `trigger` and `watch`.
// All lengths are whole pixels of the photo, unless their name says otherwise.

const root = element.querySelector('.placer');
const find = selector => root.querySelector(selector);
const map = find('.map'), piece = find('.piece'), image = find('img');

const photo = { width: 1, height: 1 };
const size = { width: 1, height: 1 };     // of the piece
const corner = { left: 0, top: 0 };

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const room = () => ({ left: photo.width - size.width, top: photo.height - size.height });

function moveTo(left, top) {
  corner.left = clamp(Math.round(left), 0, room().left);
  corner.top = clamp(Math.round(top), 0, room().top);
  draw();
}

// Half a pixel goes to the left and up, as in `demo.engine.fit`.
const centreOn = (x, y) => moveTo(Math.floor(x - size.width / 2), Math.floor(y - size.height / 2));

function draw() {
  const { left, top } = corner, percent = (part, whole) => 100 * part / whole + '%';
  const style = {
    ratio: photo.width / photo.height,
    left: percent(left, photo.width), top: percent(top, photo.height),
    width: percent(size.width, photo.width), height: percent(size.height, photo.height),
  };
  for (const [name, value] of Object.entries(style)) map.style.setProperty('--' + name, value);
  piece.setAttribute('aria-valuemax', room().left);
  piece.setAttribute('aria-valuenow', left);
  piece.setAttribute('aria-valuetext', sentence());
  find('.corner').textContent = 'at ' + left + ', ' + top;
}

const sentence = () =>
  'Piece at ' + corner.left + ', ' + corner.top + ' of ' + photo.width + ' by ' + photo.height + ' pixels';

// From the value Python sent: another photo, another size of the piece, or the seconds alone.
function update() {
  const data = props.value;
  if (!data) { image.removeAttribute('src'); return; }
  const isOther = image.getAttribute('src') !== data.file.url;
  const x = isOther ? data.width / 2 : corner.left + size.width / 2;
  const y = isOther ? data.height / 2 : corner.top + size.height / 2;
  Object.assign(photo, { width: data.width, height: data.height });
  Object.assign(size, { width: data.piece_width, height: data.piece_height });
  if (isOther) image.src = data.file.url;
  const text = size.width + '\u00a0×\u00a0' + size.height;
  find('.size').textContent = text + ' of ' + photo.width + '\u00a0×\u00a0' + photo.height;
  find('.shrink').textContent = 'Shrink the whole photo to ' + text;
  find('.time').textContent = data.seconds == null ? '' : duration(data.seconds);
  centreOn(x, y);
  if (isOther) announce('The photo is too large. ' + sentence());
}

const duration = seconds =>
  seconds < 1 ? 'takes under a second' : 'takes about ' + Math.round(seconds) + ' s';

// ---- Hands -------------------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

piece.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
  const arrow = ARROWS[event.key];
  const stride = Math.ceil(Math.max(photo.width, photo.height) / 100) * (event.shiftKey ? 10 : 1);
  if (arrow) moveTo(corner.left + arrow[0] * stride, corner.top + arrow[1] * stride);
  else if (event.key === 'Home') centreOn(photo.width / 2, photo.height / 2);
  else return;
  event.preventDefault();
});

// Where an event is, in pixels of the photo, not rounded.
function place(event) {
  const box = map.getBoundingClientRect();
  return {
    x: (event.clientX - box.left) * photo.width / box.width,
    y: (event.clientY - box.top) * photo.height / box.height,
  };
}

let grip = null;                          // where the piece is held, from its corner

piece.addEventListener('pointerdown', event => {
  if (event.button || !event.isPrimary) return;
  const { x, y } = place(event);
  grip = { x: x - corner.left, y: y - corner.top };
  piece.setPointerCapture(event.pointerId);
  root.toggleAttribute('data-held', true);
});

piece.addEventListener('pointermove', event => {
  if (!grip || !event.isPrimary) return;
  const { x, y } = place(event);
  moveTo(x - grip.x, y - grip.y);
});

piece.addEventListener('lostpointercapture', () => {
  grip = null;
  root.toggleAttribute('data-held', false);
  announce(sentence());
});

// A click, not a press: a finger that lands beside the piece may be about to scroll.
map.addEventListener('click', event => {
  if (event.target === piece) return;
  const { x, y } = place(event);
  centreOn(x, y);
  announce(sentence());
});

// What keys do is spoken already: they change the value of the control that has the focus.
function announce(text) { find('.live').textContent = text; }

find('.place').addEventListener('click', () => trigger('place', { x: corner.left, y: corner.top }));
find('.shrink').addEventListener('click', () => trigger('shrink'));
watch('value', update);
update();
