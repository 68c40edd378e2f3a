// ---- Region ------------------------------------------------------------------------------------
// A rectangle of whole input pixels, so that every pane shows the same and the small input too.

const drawing = { isOn: false, from: null };
let regionTimer = 0;

// Without a region yet, one in the middle of what is seen: from there the keyboard takes it on.
function startRegion() {
  if (drawing.isOn) { stopDrawing(); return; }
  drawing.isOn = true;
  reflectRegion();
  if (view.region) return;
  const from = sceneAt({ x: stage.width * 0.3, y: stage.height * 0.3 });
  drawRegion(from, sceneAt({ x: stage.width * 0.7, y: stage.height * 0.7 }));
  sendRegion();
}

function stopDrawing() {
  Object.assign(drawing, { isOn: false, from: null });
  reflectRegion();
}

function drawRegion(from, to) {
  const { step } = scene;
  const down = value => Math.floor(value / step) * step, up = value => Math.ceil(value / step) * step;
  const side = (a, b, size) => {
    const start = clamp(down(Math.min(a, b)), 0, size - step);
    return [start, clamp(up(Math.max(a, b)), start + step, size) - start];
  };
  const [x, width] = side(from.x, to.x, scene.width), [y, height] = side(from.y, to.y, scene.height);
  setRegion({ x, y, width, height });
}

// A click without a drag draws nothing.
function endDrawing(isDrawn) {
  stopDrawing();
  if (isDrawn) sendRegion();
}

function nudgeRegion(dx, dy, isSize) {
  const by = scene.step * Math.max(1, Math.round(8 / (currentScale() * scene.step)));
  let { x, y, width, height } = view.region;
  if (isSize) {
    width = clamp(width + dx * by, scene.step, scene.width - x);
    height = clamp(height + dy * by, scene.step, scene.height - y);
  } else {
    x = clamp(x + dx * by, 0, scene.width - width);
    y = clamp(y + dy * by, 0, scene.height - height);
  }
  setRegion({ x, y, width, height });
  announce('Region ' + regionText());
  sendRegion();
}

function clearRegion() {
  stopDrawing();
  setRegion(null);
  sendRegion();
}

const regionText = () => {
  const { x, y, width, height } = view.region;
  return width + ' × ' + height + ' at ' + x + ', ' + y;
};

function setRegion(region) {
  view.region = region;
  reflectRegion();
  redraw();
}

function reflectRegion() {
  find('[data-do=region]').setAttribute('aria-pressed', drawing.isOn);
  root.toggleAttribute('data-drawing', drawing.isOn);
  root.toggleAttribute('data-region', Boolean(view.region));
  setText(find('.region-text'), view.region ? regionText() : '');
}

// Scored by the server, once the hand rests.
function sendRegion() {
  clearTimeout(regionTimer);
  regionTimer = setTimeout(() => trigger('region', { id: root.dataset.id, region: view.region }), 300);
}

function placeRegion(scale, left, top) {
  if (!view.region) return;
  const { x, y, width, height } = view.region;
  const box = { x: left + x * scale, y: top + y * scale, width: width * scale, height: height * scale };
  for (const [name, value] of Object.entries(box)) {
    root.style.setProperty('--region-' + name, value / stage.ratio + 'px');
  }
}

// ---- Link --------------------------------------------------------------------------------------
// What a link restores: an example photo by name, and everything about the view.

let wanted = new URLSearchParams(location.search);

function copyLink() {
  const photo = props.value?.photo, canvas = isAlone() ? single.canvas : find('canvas');
  if (!photo) { say('A link can bring back the example photos only: yours is not kept.', canvas, 4000); return; }
  const link = new URL(location.origin + location.pathname), set = (k, v) => link.searchParams.set(k, v);
  set('photo', photo);
  set('view', view.mode);
  if (view.pair[view.mode]) set('pair', view.pair[view.mode].join(' '));
  if (view.mode === 'flicker') set('shown', view.shown);
  if (view.mode === 'slider') set('split', view.split.toFixed(3));
  if (view.mode === 'difference') set('gain', view.gain);
  if (view.zoom !== FIT) set('zoom', +view.zoom.toFixed(4));
  set('at', [view.x, view.y].map(v => +v.toFixed(2)).join(' '));
  if (view.smooth) set('smooth', 1);
  if (view.region) set('region', Object.values(view.region).join(' '));
  const text = link.href, done = () => say('Link copied', canvas, 1500);
  const failed = () => prompt('Copy this link:', text);
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, failed);
  else failed();
}

// Once, on the photo that the address names; nonsense in it is passed over.
function restore() {
  if (!wanted || wanted.get('photo') !== props.value?.photo) return;
  const get = name => wanted.get(name) ?? '', numbers = name => get(name).split(' ').map(parseFloat);
  const isKey = key => panes.has(key);
  if (['slider', 'flicker', 'difference'].includes(get('view'))) view.mode = get('view');
  const pair = get('pair').split(' ');
  if (view.pair[view.mode] && pair.length === 2 && pair.every(isKey)) view.pair[view.mode] = pair;
  if (isKey(get('shown'))) view.shown = get('shown');
  const [split] = numbers('split'), [gain] = numbers('gain'), [zoom] = numbers('zoom');
  if (split >= 0 && split <= 1) view.split = split;
  if ([1, 2, 4, 8, 16].includes(gain)) view.gain = gain;
  if (zoom > 0) view.zoom = Math.min(zoom, MOST);
  const [x, y] = numbers('at'), [left, top, width, height] = numbers('region');
  if (x >= 0 && y >= 0) Object.assign(view, { x, y });
  if (get('smooth')) toggle('smooth');
  wanted = null;
  reflectView();
  layout();
  if (width > 0 && height > 0 && left >= 0 && top >= 0) {
    drawRegion({ x: left, y: top }, { x: left + width, y: top + height });
    sendRegion();
  }
}
