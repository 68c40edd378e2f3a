'use strict';
// The body of gr.HTML's js_on_load: Gradio supplies `element`, `props`, `trigger` and `watch`.

const root = element.querySelector('.strip');
const find = selector => root.querySelector(selector);
const film = find('.film');
const viewer = () => document.querySelector('#comparer .viewer');

let data = {};                            // the last value that counts
let chosen = '', choice = 0;              // the photo to look at, and how often one was chosen
let looked = '';                          // what the panes were last asked to show
let tabulated = '';                       // what the table was last asked to show
let asked = null;                         // the turn for which work was asked
let queue = Promise.resolve();            // uploads wait for each other

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- The browser's token -----------------------------------------------------------------------
// Whoever knows it sees the photos: it never leaves this browser but for our own server.

const TOKEN = 'srgan-visitor';

function token() {
  const fresh = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
  };
  try {
    const kept = localStorage.getItem(TOKEN) ?? fresh();
    localStorage.setItem(TOKEN, kept);
    return kept;
  } catch {                               // storage is blocked: this page alone knows it
    return fresh();
  }
}

const visitor = token();
const open = () => trigger('opened', {
  token: visitor, linked: new URLSearchParams(location.search).has('photo'),
});

// ---- What it shows -----------------------------------------------------------------------------

const STATES = { waiting: 'waiting', working: 'at work', done: 'done', refused: 'refused' };

// The viewer may show another photo than one of the set: then none is marked.
const watcher = new MutationObserver(() => element.isConnected ? draw() : watcher.disconnect());

function update() {
  if (viewer()) watcher.observe(viewer(), { attributeFilter: ['data-id'] }); // once is enough
  const next = props.value || {};
  if (next.id === data.id && next.version < data.version) return; // an older one was overtaken
  if (next.id !== data.id) { looked = ''; asked = null; }
  data = next;
  if (data.choice > choice || !data.photos?.some(photo => photo.id === chosen)) {
    ({ chosen = '', choice = 0 } = data);
  }
  draw();
  const photo = data.photos?.find(({ id }) => id === chosen);
  const wanted = photo && choice + ' ' + photo.id + ' ' + photo.stage;
  const isNew = photo && !looked.startsWith(choice + ' ' + photo.id + ' ');
  // Once it is on display it is renewed for as long as it stays there.
  if (photo && wanted !== looked && (isNew || viewer()?.dataset.id === photo.id)) {
    looked = wanted;
    trigger('look');
  }
  const done = data.id + ' ' + (data.photos ?? []).filter(({ state }) => state === 'done').map(({ id }) => id);
  if (done !== tabulated) {
    tabulated = done;
    trigger('tabulate');
  }
  if (data.wants_work && data.turn !== asked) {
    asked = data.turn;
    trigger('work');
  }
}

function draw() {
  const { photos = [], refused = [], line = '', is_working, is_stopped } = data;
  root.toggleAttribute('data-empty', !photos.length && !refused.length && !sending);
  setText(find('.line'), sending || line);
  find('progress').hidden = !is_working;
  find('progress').value = data.share ?? 0;
  const { activeElement } = document, [halt, resume] = [find('.halt'), find('.resume')];
  halt.hidden = !is_working;
  resume.hidden = !is_stopped;
  if (activeElement === halt && halt.hidden) (is_stopped ? resume : current())?.focus();
  if (activeElement === resume && resume.hidden) (is_working ? halt : current())?.focus();
  while (film.children.length > photos.length) film.lastElementChild.remove();
  while (film.children.length < photos.length) {
    film.append(find('template').content.firstElementChild.cloneNode(true));
  }
  photos.forEach((photo, i) => { fill(film.children[i], photo, i, photos.length); });
  drawRefused(refused);
}

function fill(item, photo, i, count) {
  const [button, image] = [item.querySelector('button'), item.querySelector('img')];
  item.dataset.id = photo.id;
  item.dataset.state = photo.state;
  const share = photo.state === 'working' ? ' ' + Math.round(100 * photo.share) + '%' : '';
  setText(item.querySelector('.name'), photo.name);
  setText(item.querySelector('.state'), STATES[photo.state] + share);
  const isCurrent = photo.id === chosen && [photo.id, undefined].includes(viewer()?.dataset.id);
  button.setAttribute('aria-current', isCurrent);
  button.tabIndex = (photo.id === chosen || (!chosen && !i)) ? 0 : -1;
  button.title = [photo.name, photo.note].filter(Boolean).join(': ');
  const about = [photo.name, i + 1 + ' of ' + count, STATES[photo.state], photo.note];
  button.setAttribute('aria-label', about.filter(Boolean).join(', '));
  const url = photo.file?.url;
  if (url && image.getAttribute('src') !== url) image.src = url;
}

function drawRefused(refused) {
  const box = find('.refused'), list = box.querySelector('ul');
  box.hidden = !refused.length;
  const count = refused.length === 1 ? '1 file was' : refused.length + ' files were';
  setText(box.querySelector('summary'), count + ' not taken');
  const text = ({ name, reason }) => name + ': ' + reason;
  if (refused.map(text).join('\n') === list.dataset.said) return;
  list.dataset.said = refused.map(text).join('\n');
  list.replaceChildren(...refused.map(({ name, reason }) => {
    const item = document.createElement('li'), strong = document.createElement('b');
    strong.textContent = name;
    item.append(strong, ': ' + reason);
    return item;
  }));
  if (refused.length) say(box.querySelector('summary').textContent + '. ' + refused.map(text).join('. '));
}

function say(text) { setText(find('.live'), text); }

// ---- Choosing ----------------------------------------------------------------------------------

const current = () => film.querySelector('button[tabindex="0"]');

function choose(id) {
  const photo = data.photos.find(each => each.id === id);
  if (!photo || photo.state === 'refused') return;
  chosen = id;
  choice += 1;
  trigger('chose', { id, choice });
  draw();
}

film.addEventListener('click', event => {
  const item = event.target.closest('li');
  if (item) choose(item.dataset.id);
});

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

film.addEventListener('keydown', event => {
  const step = STEPS[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const items = [...film.children], usable = items.filter(item => item.dataset.state !== 'refused');
  const at = usable.indexOf(event.target.closest('li'));
  const next = usable[Math.min(usable.length - 1, Math.max(0, at + step))];
  if (!next || next === usable[at]) return;
  choose(next.dataset.id);
  next.querySelector('button').focus();
  next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
});

find('.halt').addEventListener('click', () => trigger('halt'));
find('.resume').addEventListener('click', () => trigger('resume'));

// ---- Uploading ---------------------------------------------------------------------------------

const MOST_AT_ONCE = 3;
let sending = '';

root.addEventListener('give', ({ detail }) => {
  queue = queue.then(() => send(detail.files, detail.refused));
});

async function send(given, refusedBefore) {
  const most = data.most ?? 300, refused = [...refusedBefore];
  for (const { name } of given.slice(most)) {
    refused.push({ name, reason: 'beyond the ' + most + ' files that are looked at' });
  }
  const files = given.slice(0, most), taken = [];
  let next = 0, sent = 0;
  const worker = async () => {
    while (next < files.length) {
      const at = next++;
      try {
        taken[at] = { name: files[at].name, path: await sendOne(files[at]) };
      } catch (error) {
        refused.push({ name: files[at].name, reason: error.message });
      }
      sent += 1;
      sending = sent < files.length ? 'Uploading, ' + sent + ' of ' + files.length : '';
      draw();
    }
  };
  sending = files.length ? 'Uploading' : '';
  draw();
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, worker));
  sending = '';
  trigger('added', { files: taken.filter(Boolean), refused });
}

async function sendOne({ file, name }) {
  const body = new FormData(), { pathname, origin } = location;
  body.append('files', file, name.split('/').pop());
  const address = new URL('gradio_api/upload', origin + pathname);
  let answer;
  try {
    answer = await fetch(address, { method: 'POST', body });
  } catch {
    throw new Error('it could not be read or sent; please give it again');
  }
  if (answer.status === 413) throw new Error('over the limit for a file, ' + limit());
  if (!answer.ok) throw new Error('the server did not take it');
  const [path] = await answer.json();
  if (!path) throw new Error('no room is left on the server');
  return path;
}

const limit = () => Math.round((window.gradio_config?.max_file_size ?? 0) / 2 ** 20) + ' MB';

// ---- Life --------------------------------------------------------------------------------------

// Strip, tools and panes are to be seen together.
const sizes = new ResizeObserver(() => {
  if (!element.isConnected) { sizes.disconnect(); return; }
  if (!viewer()) return;
  const height = element.offsetHeight && viewer().getBoundingClientRect().top - element.getBoundingClientRect().top;
  const above = Math.round(height) + 'px';
  if (viewer().style.getPropertyValue('--above') === above) return;
  viewer().style.setProperty('--above', above);
  dispatchEvent(new Event('resize'));
});

watch('value', update);
update();
sizes.observe(root);
addEventListener('pageshow', event => { if (event.persisted) open(); });
addEventListener('online', open);
setTimeout(open);                         // Gradio listens to events once all components stand
