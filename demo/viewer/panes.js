// ---- Panes -------------------------------------------------------------------------------------

// All panes from the value Python sent. It comes many times a second while tiles are computed, so
// only what differs is touched. Names and captions are text, never markup.
function update() {
  const { id = '', panes: list = [] } = props.value || {};
  const largest = list.reduce((a, b) => (b.width > a.width ? b : a), { width: 1, height: 1 });
  const smallest = list.reduce((a, b) => (b.width < a.width ? b : a), largest);
  const isNew = id !== root.dataset.id;
  const isOther = isNew || list.length !== panes.size
    || largest.width !== scene.width || largest.height !== scene.height;
  const { width, height } = largest;
  Object.assign(scene, { width, height, step: Math.round(width / smallest.width) });
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
  if (isNew && view.region) clearRegion();
  offer(list);
  if (isNew) restore();
  if (isOther) layout();
  if (isNew) recall();
  forget(list);
  rescore(list, isNew);
}

// A region is scored anew once another picture has joined the comparison, or has got its scores.
let scored = '';

function rescore(list, isNew) {
  if (list.some(data => !data.file)) return;
  const all = list.map(data => data.file.url + data.caption).join(' ');
  if (view.region && !isNew && all !== scored) sendRegion();
  scored = all;
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
  pane.name.title = data.name; // where it is cut
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
