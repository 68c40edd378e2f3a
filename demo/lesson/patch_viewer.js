'use strict';
// The body of gr.HTML's js_on_load: Gradio supplies `element`, `props`, `trigger` and `watch`.
// Lengths are small pixels, unless their name says otherwise.

const SIDE = 10, TILE = 40, MOST_ZOOM = 16, MOST_HEIGHT = 420;
const root = element.querySelector('.lesson');
const find = selector => root.querySelector(selector);
const map = find('.map'), spot = find('.spot'), photo = map.querySelector('img'), slider = find('input');

const corner = { left: 0, top: 0 };       // of the square
const home = { left: 0, top: 0 };         // where the patches shown are from
let data = {};                            // what Python sent last
let sheet = null;                         // its picture, once it is loaded
let wanted = 16;                          // patches in the average, if there are so many
let asked = 0;                            // number of the last question

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// ---- The square ----------------------------------------------------------------------------------

const inside = (left, top) => ({
  left: clamp(left, 0, Math.max(0, data.width - SIDE)),
  top: clamp(top, 0, Math.max(0, data.height - SIDE)),
});

function moveTo(left, top) {
  Object.assign(corner, inside(left, top));
  const isMoved = corner.left !== home.left || corner.top !== home.top;
  root.toggleAttribute('data-moved', isMoved);
  map.style.setProperty('--left', corner.left);
  map.style.setProperty('--top', corner.top);
  const place = 'at ' + corner.left + ', ' + corner.top + ' of ' + data.width + ' by ' + data.height;
  spot.setAttribute('aria-valuemax', Math.max(0, data.width - SIDE));
  spot.setAttribute('aria-valuenow', corner.left);
  spot.setAttribute('aria-valuetext', place + (isMoved ? ', Enter to look here' : ''));
}

// About a spot that a person chose, or about whatever may be new by now.
function ask(is_chosen) {
  asked += 1;
  const { id = '', is_whole = false } = data;
  if (is_chosen || !id) {
    root.toggleAttribute('data-busy', true);
    say('Looking for sharp patches …');
  }
  const middle = { x: corner.left + SIDE / 2, y: corner.top + SIDE / 2 };
  trigger('ask', { number: asked, id, is_whole, is_chosen, ...middle });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

spot.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
  const arrow = ARROWS[event.key], stride = event.shiftKey ? SIDE : 1;
  if (arrow) {
    moveTo(corner.left + arrow[0] * stride, corner.top + arrow[1] * stride);
    spot.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  } else if (event.key === 'Enter' || event.key === ' ') ask(true);
  else return;
  event.preventDefault();
});

map.addEventListener('click', event => {
  if (root.hasAttribute('data-empty')) return;
  const box = map.getBoundingClientRect(), zoom = box.width / data.width;
  const at = (client, start) => Math.floor((client - start) / zoom) - SIDE / 2;
  moveTo(at(event.clientX, box.left), at(event.clientY, box.top));
  spot.focus({ preventScroll: true });
  ask(true);
});

// ---- Drawing -------------------------------------------------------------------------------------

// From the value Python sent; all of it is shown at once, as soon as its picture is loaded.
async function update() {
  const next = props.value;
  if (!next?.id) return;
  root.toggleAttribute('data-busy', true);
  const picture = next.sheet && new Image();
  let message = next.message;
  if (picture) {
    picture.src = next.sheet.url;
    await picture.decode().catch(() => { message = 'The patches could not be loaded. Choose the spot again.'; });
    if (next.number !== props.value.number) return;
  }
  data = next;
  sheet = picture;
  if (photo.getAttribute('src') !== data.photo.url) photo.src = data.photo.url;
  root.toggleAttribute('data-empty', Math.min(data.width, data.height) < SIDE);
  map.style.setProperty('--width', data.width);
  map.style.setProperty('--height', data.height);
  fit();
  Object.assign(home, inside(data.left, data.top));
  for (const part of [find('.result'), find('.all')]) part.hidden = Boolean(message);
  if (!message) fill();
  if (data.number < asked) return; // a newer spot has been chosen
  moveTo(home.left, home.top);
  say(message);
  root.toggleAttribute('data-busy', false);
}

function say(text) { find('.message').textContent = text; }

// All figures of one answer; the number of patches is left to `average`.
function fill() {
  const count = data.patches.length;
  slider.max = count;
  find('.pictures').replaceChildren(
    figure('Small patch', SIDE + ' × ' + SIDE + ' pixels', 0),
    figure('Average', '', 1),
    ...data.pictures.map(({ name, psnr }, i) => figure(name, psnr, 1 + 2 * count + i)),
  );
  find('.pictures').children[1].classList.add('average');
  find('.patches').replaceChildren(...data.patches.map((psnr, i) => {
    const item = document.createElement('li');
    item.append(figure('Patch ' + (i + 1), psnr, 1 + count + i));
    return item;
  }));
  find('.notes').replaceChildren(...data.notes.map(text => {
    const item = document.createElement('li');
    item.textContent = text;
    return item;
  }));
  average();
}

function figure(name, caption, tile) {
  const made = find('template').content.firstElementChild.cloneNode(true);
  draw(made, tile);
  describe(made, name, caption);
  return made;
}

function draw(figure, tile) {
  const canvas = figure.querySelector('canvas').getContext('2d');
  canvas.drawImage(sheet, 0, TILE * tile, TILE, TILE, 0, 0, TILE, TILE);
}

function describe(figure, name, caption) {
  figure.querySelector('b').textContent = name;
  figure.querySelector('span').textContent = caption;
  figure.querySelector('canvas').setAttribute('aria-label', caption ? name + ', ' + caption : name);
}

// What depends on the number of patches that are averaged.
function average() {
  const count = Math.min(wanted, data.patches.length), { psnr, patches, fits } = data.averages[count - 1];
  const many = count === 1 ? '1 patch' : count + ' patches';
  slider.value = count;
  slider.setAttribute('aria-valuetext', many + (psnr && ', average ' + psnr));
  find('.count').textContent = count;
  const picture = find('.average');
  draw(picture, count);
  describe(picture, 'Average of ' + count, psnr);
  find('.title').textContent = count === 1
    ? 'This sharp patch shrinks to exactly the small patch'
    : 'All ' + count + ' sharp patches shrink to exactly the small patch';
  [...find('.patches').children].forEach((item, i) => { item.hidden = i >= count; });
  find('.claim').textContent = claim(count, psnr, patches) + (fits
    ? ' The average shrinks to the small patch, too.'
    : ' But for rounding, the average shrinks to the small patch, too.');
}

function claim(count, psnr, patches) {
  if (count === 1) return 'One patch is its own average.';
  if (!psnr) return 'The average is softer than the patches are.';
  return 'The average scores ' + psnr + ', the ' + count + ' patches ' + patches
    + ' (from their mean squared error). No average can score less than its patches do.';
}

slider.addEventListener('input', () => { wanted = Number(slider.value); average(); });

// ---- Size ----------------------------------------------------------------------------------------

// Whole device pixels for every pixel of a picture.
function fit() {
  const ratio = devicePixelRatio, whole = size => Math.max(1, Math.floor(size * ratio)) / ratio + 'px';
  const room = find('.choose').clientWidth;
  const zoom = Math.min(room / (data.width || room), MOST_HEIGHT / (data.height || 1), MOST_ZOOM);
  map.style.setProperty('--zoom', whole(Math.max(1, zoom)));
  // At least two pictures or four patches side by side, gaps included.
  root.style.setProperty('--large', whole(Math.min(4, (root.clientWidth - 12) / (2 * TILE))));
  root.style.setProperty('--little', whole(Math.min(2, (root.clientWidth - 12) / (4 * TILE))));
}

// Seen for the first time, or again: another photo may be on display by now.
let width = 0;
new ResizeObserver(() => {
  const before = width;
  width = root.clientWidth;
  if (width && width !== before) fit();
  if (width && !before && !(data.id && root.hasAttribute('data-busy'))) ask(false);
}).observe(root);

watch('value', update);
update();
